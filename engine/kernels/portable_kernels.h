// The kernels of the portable backend (list.inc).
#pragma once
#include "engine/kernels/arguments.h"

namespace pico_llama::portable {

#define PICO_LLAMA_KERNEL(name, arguments) void name(const arguments& a);
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL

}  // namespace pico_llama::portable
