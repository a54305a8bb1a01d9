#include "formats/tokenizer_bin.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "formats/failure.h"

namespace pico_llama::formats {
namespace {

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

Vocabulary read_tokenizer_bin(std::span<const std::uint8_t> bytes, const std::string& name) {
  Vocabulary vocabulary;
  vocabulary.name = name;
  vocabulary.file.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::size_t at = 0;
  const auto take = [&](auto& value) {
    if (bytes.size() - at < sizeof(value))
      fail("{}: truncated in token {} (byte {}); is this a llama2.c tokenizer.bin?", name,
           vocabulary.pieces.size(), at);
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    at += sizeof(value);
  };
  std::int32_t max_token_length = 0;
  take(max_token_length);
  if (max_token_length < 1 || max_token_length > 1 << 16)
    fail("{}: longest token is {} bytes by its header, and must be 1..{}; is this a llama2.c tokenizer.bin?",
         name, max_token_length, 1 << 16);
  while (at < bytes.size()) {
    float score = 0;
    std::int32_t length = 0;
    take(score);
    take(length);
    if (!std::isfinite(score))
      fail("{}: the score of token {} is {}; the file is damaged, get it again", name,
           vocabulary.pieces.size(), score);
    if (length < 0 || length > max_token_length)
      fail("{}: token {} is {} bytes long, and its header allows {}; is this a llama2.c tokenizer.bin?", name,
           vocabulary.pieces.size(), length, max_token_length);
    const auto size = static_cast<std::size_t>(length);
    if (bytes.size() - at < size)
      fail("{}: truncated in token {} (byte {}); get the file again", name, vocabulary.pieces.size(), at);
    vocabulary.scores.push_back(score);
    vocabulary.pieces.emplace_back(reinterpret_cast<const char*>(bytes.data() + at), size);
    at += size;
  }
  constexpr std::size_t kMinTokens = 3;  // <unk>, BOS and EOS
  if (vocabulary.pieces.size() < kMinTokens)
    fail("{}: {} tokens are too few: a tokenizer has at least <unk>, BOS and EOS; get the file again", name,
         vocabulary.pieces.size());
  return vocabulary;
}

std::string to_tokenizer_bin(const Vocabulary& vocabulary) {
  std::size_t longest = 0;
  for (const std::string& piece : vocabulary.pieces) longest = std::max(longest, piece.size());
  std::string out;
  append(out, static_cast<std::int32_t>(longest));
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    append(out, vocabulary.scores[id]);
    append(out, static_cast<std::int32_t>(vocabulary.pieces[id].size()));
    out += vocabulary.pieces[id];
  }
  return out;
}

}  // namespace pico_llama::formats
