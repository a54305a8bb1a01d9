// The backend selected by CMakeLists.txt: on the board, kernels::name is m33::name.
#pragma once
#include "engine/kernels/kernels.h"

namespace pico_llama {
namespace kernels = PICO_LLAMA_BACKEND;
}  // namespace pico_llama
