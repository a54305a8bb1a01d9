// The backend selected by CMakeLists.txt (PICO_LLAMA_BACKEND). On the board kernels::f is m33::f, defined in
// kernels/f/f_m33.cpp; where list.inc says `portable`, it is portable::f of kernels/f/f_portable.cpp.
#pragma once
#include "engine/kernels/kernels.h"

namespace pico_llama {
namespace kernels = PICO_LLAMA_BACKEND;
}  // namespace pico_llama
