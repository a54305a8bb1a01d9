// The backend that the engine is built on, as CMakeLists.txt chose it: kernels::name is m33::name on the
// board.
#pragma once
#include "engine/kernels/kernels.h"

namespace pico_llama {
namespace kernels = PICO_LLAMA_BACKEND;
}  // namespace pico_llama
