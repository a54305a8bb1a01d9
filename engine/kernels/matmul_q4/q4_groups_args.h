// The arguments of matmul_q4's loops, shared by their assembly and the C++ model of it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pico_llama::dsp {

/// The groups of 32 columns of one token, of two or of three, in consecutive blocks. The loops advance x,
/// bias and words.
struct Q4Groups {
  const void* x[3];        ///< of each token, its columns
  const int32_t* bias[3];  ///< and MatmulQ4::x_bias
  const void* words;       ///< the first block's words
  int32_t* totals;         ///< (blocks, 8) of the first token, to which the groups' shares are added
  int32_t blocks;          ///< at least 1
  uint32_t block_bytes;
  int32_t total_bytes;  ///< from a token's totals to the next one's
  int32_t groups;       ///< at least 1
};

}  // namespace pico_llama::dsp
