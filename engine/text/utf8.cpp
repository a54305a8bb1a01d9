#include "engine/text/utf8.h"

#include <cstdint>

namespace pico_llama {
namespace {

/// Length of the character that begins with this byte, 0 if none does. Source: Unicode 15, table 3-7.
size_t length_of(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

/// Whether `byte` may be byte number `index` (1..3) of a character with this lead byte.
bool may_follow(uint8_t lead, size_t index, uint8_t byte) {
  uint8_t low = 0x80;
  uint8_t high = 0xbf;
  if (index == 1) {
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  }
  return byte >= low && byte <= high;
}

}  // namespace

size_t utf8_valid_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<uint8_t>(text[at]);
    const size_t length = length_of(lead);
    if (length == 0 || length > text.size() - at) return at;
    for (size_t i = 1; i < length; ++i)
      if (!may_follow(lead, i, static_cast<uint8_t>(text[at + i]))) return at;
    at += length;
  }
  return at;
}

size_t Utf8Stream::push(std::string_view bytes, char* out) {
  size_t written = 0;
  const auto flush = [&] {
    for (size_t i = 0; i < held_count_; ++i) out[written++] = held_[i];
    held_count_ = 0;
  };
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    // A byte that cannot continue the buffered sequence ends it: invalid bytes pass through unchanged.
    if (held_count_ > 0 && !may_follow(static_cast<uint8_t>(held_[0]), held_count_, byte)) flush();
    held_[held_count_++] = c;
    if (held_count_ >= length_of(static_cast<uint8_t>(held_[0]))) flush();
  }
  return written;
}

}  // namespace pico_llama
