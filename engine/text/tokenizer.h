// Text to tokens and back, over the index in the model image: llama2.c's BPE without its sort and its O(n^2).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/model/model_image.h"
#include "engine/status.h"

namespace pico_llama {

class Tokenizer {
 public:
  Tokenizer() = default;
  explicit Tokenizer(const TokenizerView& view);

  int vocab_size() const { return view_.vocab_size; }
  int max_token_length() const { return view_.max_token_length; }

  /// The piece of a token as the tokenizer file has it. Requires: 0 <= id < vocab_size().
  std::string_view piece(int32_t id) const;

  /// Scratch memory encode() needs for a text of this many bytes.
  static constexpr size_t kEncodeBytesPerByte = 48;
  static constexpr size_t encode_scratch_bytes(size_t text_bytes) {
    return (text_bytes + 1) * kEncodeBytesPerByte + 64;
  }
  /// The longest text that encode() takes with this much scratch memory.
  static constexpr size_t most_text_bytes(size_t scratch_bytes) {
    return scratch_bytes < encode_scratch_bytes(0) ? 0 : (scratch_bytes - 64) / kEncodeBytesPerByte - 1;
  }

  /// BOS, then llama2.c's encoding of text: a dummy space in front of a non-empty text, one token per UTF-8
  /// character (or its bytes + 3 when no piece matches, <unk> where those are no byte tokens), then the
  /// best-scored neighbouring pair merged, leftmost first, until none is left. Returns the number of tokens
  /// written. Errors: kInvalidArgument for text that is not UTF-8 (with the byte's offset), kPromptTooLong
  /// when tokens or scratch is too small. Cost: O(n log n). At most two look-ups per character and one per
  /// merge, each a binary search among the pieces that start with the left token; usually few or none.
  Result<int> encode(std::string_view text, std::span<int32_t> tokens, std::span<std::byte> scratch) const;
  /// The same for text that goes on behind other text: without BOS and without a dummy space.
  Result<int> encode_more(std::string_view text, std::span<int32_t> tokens,
                          std::span<std::byte> scratch) const;

  /// The bytes a token adds to the text after `previous`: one leading space dropped after BOS; "<0xHH>" is
  /// the byte.
  std::string_view decode(int32_t previous, int32_t token) const;

  /// True for tokens that end a text: BOS, and EOS if token 2 is "</s>".
  bool ends_text(int32_t token) const { return token == kTokenBos || (token == kTokenEos && has_eos_); }

  /// The id of the piece that equals text, the lowest if several; -1 if none.
  int32_t find(std::string_view text) const;

 private:
  Result<int> encode(std::string_view text, bool begins, std::span<int32_t> tokens,
                     std::span<std::byte> scratch) const;

  TokenizerView view_{};
  bool has_eos_ = false;
};

}  // namespace pico_llama
