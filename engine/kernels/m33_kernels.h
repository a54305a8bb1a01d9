// The kernels of the m33 backend (list.inc).
#pragma once
#include "engine/kernels/arguments.h"

namespace pico_llama::m33 {

#define PICO_LLAMA_KERNEL(name, arguments) void name(const arguments& a);
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL

}  // namespace pico_llama::m33
