#include "tools/checkpoint/tokenizer_file.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "tools/support/failure.h"

namespace pico_llama::checkpoint {
namespace {

/// The byte tokens <0x00>..<0xFF> stand at 3..258, after <unk>, BOS and EOS; encoding falls back on them.
constexpr std::size_t kFirstByteToken = 3;
constexpr std::size_t kFewestTokens = kFirstByteToken + 256;

}  // namespace

TokenizerFile TokenizerFile::parse(std::span<const std::uint8_t> bytes, const std::string& name) {
  TokenizerFile file;
  file.bytes_ = bytes;
  file.name_ = name;
  std::size_t at = 0;
  const auto take = [&](auto& value) {
    if (bytes.size() - at < sizeof(value))
      fail("{}: truncated in token {} (byte {}); is this a llama2.c tokenizer.bin?", name,
           file.tokens_.size(), at);
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    at += sizeof(value);
  };
  std::int32_t max_token_length = 0;
  take(max_token_length);
  if (max_token_length < 1 || max_token_length > 1 << 16)
    fail("{}: longest token is {} bytes by its header, and must be 1..{}; is this a llama2.c tokenizer.bin?",
         name, max_token_length, 1 << 16);
  file.max_token_length_ = static_cast<std::uint32_t>(max_token_length);
  while (at < bytes.size()) {
    float score = 0;
    std::int32_t length = 0;
    take(score);
    take(length);
    if (!std::isfinite(score))
      fail("{}: the score of token {} is {}; the file is damaged, get it again", name, file.tokens_.size(),
           score);
    if (length < 0 || length > max_token_length)
      fail("{}: token {} is {} bytes long, and its header allows {}; is this a llama2.c tokenizer.bin?", name,
           file.tokens_.size(), length, max_token_length);
    const auto size = static_cast<std::size_t>(length);
    if (bytes.size() - at < size)
      fail("{}: truncated in token {} (byte {}); get the file again", name, file.tokens_.size(), at);
    file.tokens_.push_back({score, {reinterpret_cast<const char*>(bytes.data() + at), size}});
    at += size;
  }
  if (file.tokens_.size() < kFewestTokens)
    fail("{}: {} tokens are too few: BOS, EOS and the 256 byte tokens alone are {}; get the file again", name,
         file.tokens_.size(), kFewestTokens);
  return file;
}

TokenizerFile TokenizerFile::open(const std::string& path) {
  MappedFile mapped(path);
  TokenizerFile file = parse(mapped.bytes(), path);
  file.file_ = std::move(mapped);
  return file;
}

void TokenizerFile::require_vocab_size(std::int32_t vocab_size) const {
  if (static_cast<std::int64_t>(tokens_.size()) != vocab_size)
    fail(
        "{}: has {} tokens, and the model's vocabulary is {}; give -z the tokenizer the model was trained "
        "with",
        name_, tokens_.size(), vocab_size);
}

}  // namespace pico_llama::checkpoint
