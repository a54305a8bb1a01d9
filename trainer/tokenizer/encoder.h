#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/vocabulary.h"

namespace pico_llama::trainer {

using formats::Vocabulary;

inline constexpr int32_t kBos = 1;
inline constexpr int32_t kFirstByte = 3;     ///< token of byte 0
inline constexpr int32_t kFirstPiece = 259;  ///< <unk>, <s>, </s> and the 256 bytes come before

/// Where a piece must end: a piece is one optional space and then letters, or one digit, or other signs.
/// Returns the length of the first such word of the text. Requires: text is not empty.
size_t word_length(std::string_view text);

/// llama2.c's encode and decode, a word at a time: no piece crosses a word, so its greedy merging gives the
/// same tokens for the whole text, and each word needs to be merged only once.
class Encoder {
 public:
  explicit Encoder(const Vocabulary& vocabulary);

  /// Without BOS. A text that is not empty gets llama2.c's dummy space in front.
  std::vector<int32_t> encode(std::string_view text);
  /// The text of the tokens after BOS: one leading space is dropped, byte tokens become their byte.
  std::string decode(const std::vector<int32_t>& tokens) const;

 private:
  std::vector<int32_t> merge(std::string_view word) const;

  const Vocabulary& vocabulary_;
  std::unordered_map<std::string, int32_t> ids_;
  std::unordered_map<std::string, std::vector<int32_t>> known_words_;
};

}  // namespace pico_llama::trainer
