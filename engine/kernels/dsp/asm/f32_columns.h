// Eight running sums of two vectors in f32, in assembly: the inner loop of matmul_f32 and attention_f32.
#pragma once

namespace pico_llama::dsp {

/// sums[v][r] += w[i * stride + r] * x_v[i] for 8 rows r and two vectors v, in order of i; each product is
/// rounded before it is added. sums: (2, 8). Requires: count >= 1. Each weight is loaded once for both
/// vectors. Cost: 47 cycles per column (16 MACs), 35 per call. Scheduling: a product is added four
/// instructions later.
[[gnu::always_inline]] inline void f32_columns_of_two(const float* w, int stride, const float* x0,
                                                      const float* x1, int count, float* sums) {
  const int stride_bytes = stride * static_cast<int>(sizeof(float));
  // clang-format off
#define PICO_LLAMA_FOUR_ROWS(W0, W1, W2, W3, X, A0, A1, A2, A3) \
      "vmul.f32 s26, " W0 ", " X " \n" \
      "vmul.f32 s27, " W1 ", " X " \n" \
      "vmul.f32 s28, " W2 ", " X " \n" \
      "vmul.f32 s29, " W3 ", " X " \n" \
      "vadd.f32 " A0 ", " A0 ", s26 \n" \
      "vadd.f32 " A1 ", " A1 ", s27 \n" \
      "vadd.f32 " A2 ", " A2 ", s28 \n" \
      "vadd.f32 " A3 ", " A3 ", s29 \n"
  __asm__ volatile(
      "vldmia %[sums], {s0-s15} \n"
      "1: \n"
      "vldmia %[x0]!, {s24} \n"
      "vldmia %[w], {s16-s23} \n"
      "vldmia %[x1]!, {s25} \n"
      "add    %[w], %[w], %[stride] \n"
      PICO_LLAMA_FOUR_ROWS("s16", "s17", "s18", "s19", "s24", "s0", "s1", "s2", "s3")
      PICO_LLAMA_FOUR_ROWS("s20", "s21", "s22", "s23", "s24", "s4", "s5", "s6", "s7")
      PICO_LLAMA_FOUR_ROWS("s16", "s17", "s18", "s19", "s25", "s8", "s9", "s10", "s11")
      "subs   %[count], %[count], #1 \n"
      PICO_LLAMA_FOUR_ROWS("s20", "s21", "s22", "s23", "s25", "s12", "s13", "s14", "s15")
      "bne    1b \n"
      "vstmia %[sums], {s0-s15} \n"
      : [w] "+r"(w), [x0] "+r"(x0), [x1] "+r"(x1), [count] "+r"(count)
      : [stride] "r"(stride_bytes), [sums] "r"(sums)
      : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15",
        "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23", "s24", "s25", "s26", "s27", "s28", "s29");
#undef PICO_LLAMA_FOUR_ROWS
  // clang-format on
}

/// The same of one vector. sums: (8). Cost: 32 cycles per column (8 MACs).
[[gnu::always_inline]] inline void f32_columns(const float* w, int stride, const float* x, int count,
                                               float* sums) {
  const int stride_bytes = stride * static_cast<int>(sizeof(float));
  // clang-format off
  __asm__ volatile(
      "vldmia %[sums], {s0-s7} \n"
      "1: \n"
      "vldmia %[w], {s8-s15} \n"
      "vldmia %[x]!, {s16} \n"
      "add    %[w], %[w], %[stride] \n"
      "subs   %[count], %[count], #1 \n"
      "vmul.f32 s8, s8, s16 \n"
      "vmul.f32 s9, s9, s16 \n"
      "vmul.f32 s10, s10, s16 \n"
      "vmul.f32 s11, s11, s16 \n"
      "vmul.f32 s12, s12, s16 \n"
      "vmul.f32 s13, s13, s16 \n"
      "vmul.f32 s14, s14, s16 \n"
      "vmul.f32 s15, s15, s16 \n"
      "vadd.f32 s0, s0, s8 \n"
      "vadd.f32 s1, s1, s9 \n"
      "vadd.f32 s2, s2, s10 \n"
      "vadd.f32 s3, s3, s11 \n"
      "vadd.f32 s4, s4, s12 \n"
      "vadd.f32 s5, s5, s13 \n"
      "vadd.f32 s6, s6, s14 \n"
      "vadd.f32 s7, s7, s15 \n"
      "bne    1b \n"
      "vstmia %[sums], {s0-s7} \n"
      : [w] "+r"(w), [x] "+r"(x), [count] "+r"(count)
      : [stride] "r"(stride_bytes), [sums] "r"(sums)
      : "cc", "memory", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15",
        "s16");
  // clang-format on
}

}  // namespace pico_llama::dsp
