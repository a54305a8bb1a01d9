// The arguments of matmul_q8's loops, shared by their assembly and the C++ model of it.
#pragma once

namespace pico_llama::dsp {

/// Consecutive blocks times one quantised vector.
struct Q8Blocks {
  const void* words;      ///< the first block: 8 scales, then 4 words for each column pair
  const void* words_end;  ///< end of the last block
  const void* x;          ///< (pairs) words of two columns
  int pairs;
  int chunk_pairs;
  float x_scale;
  float* out;  ///< 8 results per block
};

/// As Q8Blocks, with the column pairs of two tokens interleaved.
struct Q8BlocksTwo {
  const void* words;
  const void* words_end;
  const void* x;  ///< (pairs, 2) words of two columns
  int pairs;
  int chunk_pairs;
  const float* x_scale;  ///< (2)
  float* out;            ///< (8) for each block, of the first token
  int out_stride;        ///< from the first token's results to the second's
};

}  // namespace pico_llama::dsp
