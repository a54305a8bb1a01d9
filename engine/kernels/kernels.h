// The kernels of each backend, declared from list.inc: portable::name, m33::name, host::name.
#pragma once

namespace pico_llama {

#define PICO_LLAMA_KERNEL(name, arguments, ...) struct arguments;
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL

/// The reference implementations.
namespace portable {
#define PICO_LLAMA_KERNEL(name, arguments, ...) void name(const arguments& a);
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
}  // namespace portable

#define PICO_LLAMA_FROM_own(name, arguments) void name(const arguments& a);
#define PICO_LLAMA_FROM_portable(name, arguments) using portable::name;

/// Cortex-M33: SMLAD and assembly. Also built on a PC for tests, with the instructions modelled in C++.
namespace m33 {
#define PICO_LLAMA_KERNEL(name, arguments, m33_from, host_from) PICO_LLAMA_FROM_##m33_from(name, arguments)
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
}  // namespace m33

/// PC: SIMD through Highway. On x86 the best instruction set is chosen at run time; 64-bit Arm has NEON only.
namespace host {
#define PICO_LLAMA_KERNEL(name, arguments, m33_from, host_from) PICO_LLAMA_FROM_##host_from(name, arguments)
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
}  // namespace host

#undef PICO_LLAMA_FROM_portable
#undef PICO_LLAMA_FROM_own

}  // namespace pico_llama
