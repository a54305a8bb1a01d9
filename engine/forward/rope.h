// RoPE tables, computed once by the packer in fp32 only, so that every packer writes the same bits.
#pragma once

namespace pico_llama {

/// base^(-2*pair/head_size) as 1 / pow(base, 2*pair/head_size), with the exponent, the power and the quotient
/// rounded to fp32, as llama2.c computes it. Deterministic: the same bits on every target. Error: the power
/// is correctly rounded but for rare near-ties, of which tests/engine/math_test.cpp finds none in its shapes.
float rope_frequency(float base, int pair, int head_size);

/// Row `pos` of the RoPE table: cos, sin of float(pos) * frequency for each of the head_size/2 pairs.
/// Shapes: frequencies (head_size/2), out (head_size). Deterministic.
/// Error: at most 1 ulp of the cosine and sine of the fp32 angle.
void rope_row(const float* frequencies, int head_size, int pos, float* out);

}  // namespace pico_llama
