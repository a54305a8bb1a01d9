#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/support/mapped_file.h"

namespace pico_llama::checkpoint {

/// llama2.c's tokenizer.bin: int32 max_token_length, then for each token fp32 score, int32 length, bytes.
/// The file does not say how many tokens it holds: it is read to its end, and the count must be the model's.
/// Source: llama2.c tokenizer.py (export) and run.c (build_tokenizer).
class TokenizerFile {
 public:
  struct Token {
    float score;
    std::string_view text;
  };

  /// Errors: Failure that says what is wrong with the file and what to do.
  static TokenizerFile open(const std::string& path);
  static TokenizerFile parse(std::span<const std::uint8_t> bytes, const std::string& name);

  /// Errors: Failure unless this tokenizer has `vocab_size` tokens.
  void require_vocab_size(std::int32_t vocab_size) const;

  const std::vector<Token>& tokens() const { return tokens_; }
  std::uint32_t max_token_length() const { return max_token_length_; }
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  TokenizerFile() = default;

  MappedFile file_;  // empty when parse() was given the bytes
  std::span<const std::uint8_t> bytes_;
  std::string name_;
  std::uint32_t max_token_length_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace pico_llama::checkpoint
