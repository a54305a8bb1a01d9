// Kernels of the PC.
#pragma once
#include "engine/kernels/host_kernels.h"

namespace pico_llama::kernels {

using host::argmax;
using host::attention_f32;
using host::attention_q8;
using host::matmul_f32;
using host::matmul_q4;
using host::matmul_q8;
using host::quantize_q8;
using host::residual_q8;
using host::rmsnorm;
using host::rmsnorm_q8;
using host::softmax_fixed;
using host::swiglu;
using host::swiglu_q8;

}  // namespace pico_llama::kernels
