// The kernels of the PC backend: each picks the widest instruction set the machine has, at run time.
#pragma once
#include "engine/kernels/arguments.h"

namespace pico_llama::host {

#define PICO_LLAMA_KERNEL(name, arguments) void name(const arguments& a);
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL

}  // namespace pico_llama::host

// One namespace for each instruction set, each compiled with flags of its own. Their files include nothing
// with inline functions that other files use too: the linker could keep the wrong copy.
namespace pico_llama::avx2 {
#define PICO_LLAMA_KERNEL(name, arguments) void name(const arguments& a);
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
}  // namespace pico_llama::avx2

namespace pico_llama::avx512 {
void matmul_q8(const MatmulQ8& a);
void matmul_q4(const MatmulQ4& a);
}  // namespace pico_llama::avx512
