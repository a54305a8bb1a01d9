#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pico_llama::formats {

/// A model's tokens as in llama2.c's tokenizer: piece and merge score.
struct Vocabulary {
  std::vector<std::string> pieces;
  std::vector<float> scores;  ///< merge scores: the adjacent pair whose piece scores highest is merged first
  std::string name;           ///< of the file it was read from, for messages
  std::string file;           ///< the bytes of that file; empty for a vocabulary that was just trained
  bool dummy_space = true;    ///< a text gets a space in front before it is encoded
  /// Token i is token file_ids[i] of the file, and row file_ids[i] of the model's embedding; empty where all
  /// are the same: llama2.c wants <unk>, BOS, EOS and the bytes in certain places.
  std::vector<std::uint32_t> file_ids = {};
  /// The model may say the first so many tokens, and no others, though it reads them all; 0: all.
  std::int32_t said = 0;

  std::int32_t size() const { return static_cast<std::int32_t>(pieces.size()); }

  /// A tokenizer.bin, a SentencePiece tokenizer.model, a tokenizer.json, or the tokenizer inside a GGUF file.
  /// Errors: Failure that says what is wrong with the file and what to do.
  static Vocabulary open(const std::string& path);

  /// Adds tokens without text, which no text encodes to, if the model's vocabulary is this one rounded up to
  /// a multiple of 8, 16, 32, 64 or 128, as programs that train round it. Otherwise it stays as it is.
  void pad_to(std::int32_t vocab_size);

  /// Errors: Failure unless there are `vocab_size` tokens.
  void require_size(std::int32_t vocab_size) const;

  /// True if each byte has its token at byte + 3: no text is unknown.
  bool has_bytes() const;
};

}  // namespace pico_llama::formats
