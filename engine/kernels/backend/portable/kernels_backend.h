// Kernels of a build without anything special.
#pragma once
#include "engine/kernels/portable_kernels.h"

namespace pico_llama::kernels {

using portable::argmax;
using portable::attention_f32;
using portable::attention_q8;
using portable::matmul_f32;
using portable::matmul_q4;
using portable::matmul_q8;
using portable::quantize_q8;
using portable::residual_q8;
using portable::rmsnorm;
using portable::rmsnorm_q8;
using portable::softmax_fixed;
using portable::swiglu;
using portable::swiglu_q8;

}  // namespace pico_llama::kernels
