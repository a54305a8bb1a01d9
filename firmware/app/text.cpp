#include "firmware/app/text.h"

#include <cstring>

#include "engine/text/utf8.h"

namespace pico_llama::app {
namespace {

/// Digits of a value, written backwards into the end of a buffer.
class Digits {
 public:
  explicit Digits(uint64_t value) {
    // Two 32-bit halves would be faster, but this runs only a few times per story.
    do {
      bytes_[--first_] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
  }
  std::string_view view() const { return {bytes_ + first_, sizeof bytes_ - first_}; }

 private:
  char bytes_[20];
  size_t first_ = sizeof bytes_;
};

}  // namespace

Text& Text::operator<<(std::string_view text) {
  const size_t room = room_.size() - used_;
  const size_t count = text.size() < room ? text.size() : room;
  if (count != 0) std::memcpy(room_.data() + used_, text.data(), count);
  used_ += count;
  return *this;
}

Text& Text::unsigned_number(uint64_t value) { return *this << Digits(value).view(); }

Text& Text::number(int64_t value) {
  if (value < 0) *this << '-';
  // Negated as unsigned: the most negative value has no positive counterpart.
  return unsigned_number(value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value));
}

Text& Text::fixed(int64_t value, int decimals) {
  if (value < 0) *this << '-';
  uint64_t scale = 1;
  for (int i = 0; i < decimals; ++i) scale *= 10;
  const uint64_t magnitude = value < 0 ? -static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  unsigned_number(magnitude / scale);
  if (decimals == 0) return *this;
  *this << '.';
  const Digits fraction(magnitude % scale);
  for (size_t i = fraction.view().size(); i < static_cast<size_t>(decimals); ++i) *this << '0';
  return *this << fraction.view();
}

Text& Text::hex(uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) *this << "0123456789abcdef"[value >> shift & 15];
  return *this;
}

Text& Text::grouped(uint64_t value) {
  const Digits digits(value);
  const std::string_view all = digits.view();
  for (size_t i = 0; i < all.size(); ++i) {
    if (i != 0 && (all.size() - i) % 3 == 0) *this << ',';
    *this << all[i];
  }
  return *this;
}

Text& Text::json(std::string_view text) {
  size_t valid = utf8_valid_prefix(text);
  for (size_t i = 0; i < text.size(); ++i) {
    if (i == valid) {  // JSON is UTF-8: invalid bytes become the replacement character
      *this << "\\ufffd";
      valid = i + 1 + utf8_valid_prefix(text.substr(i + 1));
      continue;
    }
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *this << '\\' << c;
    } else if (c == '\n') {
      *this << "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      *this << "\\u";
      hex(byte, 4);
    } else {
      *this << c;
    }
  }
  return *this;
}

Text& Text::column(size_t column) {
  while (used_ < column && used_ < room_.size()) *this << ' ';
  return *this;
}

Text& Text::right(std::string_view text, size_t width) {
  for (size_t i = text.size(); i < width; ++i) *this << ' ';
  return *this << text;
}

bool parse_decimal(std::string_view text, float& value) {
  uint32_t mantissa = 0;
  uint32_t scale = 1;
  int digits = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
    } else if (c >= '0' && c <= '9' && digits < 9) {
      mantissa = mantissa * 10 + static_cast<uint32_t>(c - '0');
      if (point) scale *= 10;
      ++digits;
    } else {
      return false;
    }
  }
  if (digits == 0) return false;
  // Above 2^24 the mantissa would round before the division.
  if (mantissa > (1u << 24)) return false;
  value = static_cast<float>(mantissa) / static_cast<float>(scale);
  return true;
}

bool parse_unsigned(std::string_view text, uint64_t& value) {
  if (text.empty()) return false;
  uint64_t result = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (result > (UINT64_MAX - digit) / 10) return false;
    result = result * 10 + digit;
  }
  value = result;
  return true;
}

namespace {

/// Four hexadecimal digits.
bool parse_hex4(std::string_view text, uint32_t& value) {
  if (text.size() < 4) return false;
  value = 0;
  for (const char c : text.substr(0, 4)) {
    const char lower = static_cast<char>(c | 0x20);
    const int digit = c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    if (digit < 0) return false;
    value = value << 4 | static_cast<uint32_t>(digit);
  }
  return true;
}

size_t encode_utf8(uint32_t code, char* out) {
  if (code < 0x80) {
    out[0] = static_cast<char>(code);
    return 1;
  }
  const size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = length; i-- > 1; code >>= 6) out[i] = static_cast<char>(0x80 | (code & 0x3f));
  out[0] = static_cast<char>((0xf0u << (4 - length)) | code);
  return length;
}

}  // namespace

bool decode_json_string(std::span<char> text, size_t& bytes) {
  const std::string_view in(text.data(), text.size());
  if (!in.starts_with('"')) return false;
  size_t out = 0;
  for (size_t i = 1; i < in.size(); ++i) {
    const char c = in[i];
    if (c == '"') {
      bytes = out;
      return in.find_first_not_of(' ', i + 1) == std::string_view::npos;
    }
    if (c != '\\') {  // in place is safe: an escape is longer than its result
      text[out++] = c;
      continue;
    }
    if (++i == in.size()) return false;
    constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (const size_t which = kEscapes.find(in[i]); which != std::string_view::npos) {
      text[out++] = kMeanings[which];
      continue;
    }
    uint32_t code = 0;
    if (in[i] != 'u' || !parse_hex4(in.substr(i + 1), code) || code == 0) return false;
    i += 4;
    if (code >= 0xd800 && code < 0xe000) {  // half of a pair
      uint32_t low = 0;
      if (code >= 0xdc00 || !in.substr(i + 1).starts_with("\\u") || !parse_hex4(in.substr(i + 3), low) ||
          low < 0xdc00 || low >= 0xe000)
        return false;
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      i += 6;
    }
    out += encode_utf8(code, text.data() + out);
  }
  return false;
}

Text& append_float(Text& text, float value) {
  constexpr int kMostDecimals = 8;  // of what parse_decimal() takes
  float scale = 1;
  for (int decimals = 0;; ++decimals, scale *= 10) {
    const auto nearest = static_cast<int64_t>(value * scale + 0.5f);
    // The product is rounded: the number that was typed may be the next one.
    for (const int64_t number : {nearest, nearest - 1, nearest + 1}) {
      if (static_cast<float>(number) / scale == value || decimals == kMostDecimals)
        return text.fixed(number, decimals);
    }
  }
}

}  // namespace pico_llama::app
