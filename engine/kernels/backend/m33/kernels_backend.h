// Kernels of the Cortex-M33.
#pragma once
#include "engine/kernels/m33_kernels.h"
#include "engine/kernels/portable_kernels.h"

namespace pico_llama::kernels {

using m33::argmax;
using m33::attention_q8;
using m33::matmul_q4;
using m33::matmul_q8;
using m33::quantize_q8;
using m33::residual_q8;
using m33::rmsnorm_q8;
using m33::softmax_fixed;
using m33::swiglu_q8;
using portable::attention_f32;
using portable::matmul_f32;
using portable::rmsnorm;
using portable::swiglu;

}  // namespace pico_llama::kernels
