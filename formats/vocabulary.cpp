#include "formats/vocabulary.h"

#include <algorithm>
#include <span>

#include "formats/failure.h"
#include "formats/gguf.h"
#include "formats/mapped_file.h"
#include "formats/raw_vocabulary.h"
#include "formats/sentencepiece.h"
#include "formats/tokenizer_bin.h"
#include "formats/tokenizer_json.h"

namespace pico_llama::formats {

Vocabulary Vocabulary::open(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::uint8_t> bytes = file.bytes();
  if (looks_like_gguf(bytes)) return read_gguf_tokenizer(bytes, path);
  if (looks_like_json(bytes)) return read_tokenizer_json(bytes, path);
  if (looks_like_sentencepiece(bytes)) return read_sentencepiece(bytes, path);
  return read_tokenizer_bin(bytes, path);
}

void Vocabulary::pad_to(std::int32_t vocab_size) {
  constexpr std::int32_t kMultiples[] = {8, 16, 32, 64, 128};
  const bool rounded = std::ranges::any_of(kMultiples, [&](std::int32_t multiple) {
    return size() < vocab_size && vocab_size - size() < multiple && vocab_size % multiple == 0;
  });
  if (!rounded) return;
  const auto wanted = static_cast<std::size_t>(vocab_size);
  if (!file_ids.empty())
    for (auto id = static_cast<std::uint32_t>(size()); id < wanted; ++id) file_ids.push_back(id);
  pieces.resize(wanted);
  scores.resize(wanted, 0.0f);
}

void Vocabulary::require_size(std::int32_t vocab_size) const {
  if (size() != vocab_size)
    fail(
        "{}: has {} tokens, and the model's vocabulary is {}; give -z the tokenizer the model was trained "
        "with, or resize the model's embedding to the tokenizer where it was trained",
        name, size(), vocab_size);
}

bool Vocabulary::has_bytes() const {
  constexpr std::size_t kFirstByte = 3;
  if (pieces.size() < kFirstByte + 256) return false;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::string& piece = pieces[kFirstByte + byte];
    const bool raw = piece.size() == 1 && static_cast<unsigned char>(piece[0]) == byte;
    if (!raw && byte_of_hex(piece) != static_cast<int>(byte)) return false;
  }
  return true;
}

}  // namespace pico_llama::formats
