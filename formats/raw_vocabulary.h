#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "formats/vocabulary.h"

/// Conversion between other programs' tokenizers and llama2.c's, where <unk>, BOS, EOS and the bytes have
/// fixed ids.
namespace pico_llama::formats {

/// A tokenizer as its file has it.
struct RawVocabulary {
  struct Piece {
    std::string text;  ///< the bytes it stands for
    float score;
    int byte;  ///< 0..255 for the token of a single byte, else -1
  };
  std::vector<Piece> pieces;
  std::int64_t unknown = -1;  ///< ids; -1: there is none
  std::int64_t begin = -1;
  std::int64_t end = -1;
  bool dummy_space = true;  ///< a space is put in front of a text before it is encoded

  void add(std::string text, float score, int byte) { pieces.push_back({std::move(text), score, byte}); }
};

/// Reorders tokens as llama2.c does: <unk>, BOS, EOS, the 256 bytes if present, then the rest in their order.
/// Errors: Failure without a BOS token or with an invalid id.
Vocabulary canonical(const RawVocabulary& raw, const std::string& name);

/// SentencePiece writes a space as U+2581.
std::string spaces_of_underlines(std::string_view piece);

/// The value of "<0xHH>", -1 for any other text.
int byte_of_hex(std::string_view piece);

/// Byte-level BPE writes each byte as a printable character of its own (GPT-2's encoder.py,
/// bytes_to_unicode). A text that holds others is returned as it is.
std::string bytes_of_letters(std::string_view letters);

/// Scores from a list of merges: the earlier, the higher.
class MergeScores {
 public:
  void add(std::string_view left, std::string_view right);
  /// "left right", as most files have it.
  void add(std::string_view merge);
  float of(std::string_view piece) const;

 private:
  std::unordered_map<std::string, std::size_t> rank_;
  std::size_t count_ = 0;
};

}  // namespace pico_llama::formats
