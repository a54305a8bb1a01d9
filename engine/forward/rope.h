// RoPE tables, computed once by the packer, in float alone so that every packer writes the same bits.
#pragma once

namespace pico_llama {

/// base^(-2*pair/head_size). Exact: the correctly rounded 1 / correctly rounded power, as llama2.c has it
/// with a good libm.
float rope_frequency(float base, int pair, int head_size);

/// Row `pos` of the RoPE table: cos, sin of float(pos) * frequency for each of the head_size/2 pairs.
/// Shapes: frequencies (head_size/2), out (head_size). Exact: within 1 ulp.
void rope_row(const float* frequencies, int head_size, int pos, float* out);

}  // namespace pico_llama
