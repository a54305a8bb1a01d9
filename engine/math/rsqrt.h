// 1/sqrt(x) from two correctly rounded operations, which every FPU here has as instructions.
#pragma once

namespace pico_llama {

/// Exact: sqrt, then division, each rounded once (llama2.c's own way). Requires: x >= 0. Needs
/// -fno-math-errno; otherwise the compiler calls libm for negative arguments.
inline float rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }

}  // namespace pico_llama
