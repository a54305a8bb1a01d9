#include "engine/kernels/host_kernels.h"
#include "engine/kernels/portable_kernels.h"

namespace pico_llama::host {

#define PICO_LLAMA_KERNEL(name, arguments) \
  void name(const arguments& a) { return __builtin_cpu_supports("avx2") ? avx2::name(a) : portable::name(a); }
PICO_LLAMA_KERNEL(rmsnorm, RmsNorm)
PICO_LLAMA_KERNEL(matmul_f32, MatmulF32)
PICO_LLAMA_KERNEL(quantize_q8, QuantizeQ8)
PICO_LLAMA_KERNEL(attention_f32, AttentionF32)
PICO_LLAMA_KERNEL(attention_q8, AttentionQ8)
PICO_LLAMA_KERNEL(swiglu, SwiGlu)
PICO_LLAMA_KERNEL(swiglu_q8, SwiGluQ8)
PICO_LLAMA_KERNEL(residual_q8, ResidualQ8)
PICO_LLAMA_KERNEL(rmsnorm_q8, RmsNormQ8)
PICO_LLAMA_KERNEL(argmax, Argmax)
#undef PICO_LLAMA_KERNEL

// Look-ups in a table, of which a token has one a piece of the vocabulary: nothing for eight lanes to gain.
void softmax_fixed(const SoftmaxFixed& a) { return portable::softmax_fixed(a); }

void matmul_q8(const MatmulQ8& a) {
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) return avx512::matmul_q8(a);
  return __builtin_cpu_supports("avx2") ? avx2::matmul_q8(a) : portable::matmul_q8(a);
}

void matmul_q4(const MatmulQ4& a) {
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")) return avx512::matmul_q4(a);
  return __builtin_cpu_supports("avx2") ? avx2::matmul_q4(a) : portable::matmul_q4(a);
}

}  // namespace pico_llama::host
