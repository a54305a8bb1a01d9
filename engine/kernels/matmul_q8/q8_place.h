// Where the activations of each token are in the input of a q8 matmul: its kernel reads a column pair of two
// tokens with one load.
#pragma once

namespace pico_llama {

/// Position of a token's activations in the input of a q8 matmul.
struct Q8Place {
  int offset;  ///< of the token's first column, in elements
  int step;    ///< from one of the token's column pairs to the next, in pairs (words)
};
/// Element of column i behind the offset.
constexpr int q8_element(int i, int step) { return i / 2 * 2 * step + i % 2; }
/// Tokens 2i and 2i + 1 are interleaved by column pair in two rows of x; an odd last token has its row to
/// itself.
constexpr Q8Place q8_place(int token, int n_tokens, int x_stride) {
  if ((token | 1) >= n_tokens) return {token * x_stride, 1};
  return {token / 2 * 2 * x_stride + token % 2 * 2, 2};
}

}  // namespace pico_llama
