/// String building in caller-provided memory: no heap, printf or floating point.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

namespace pico_llama::app {

template <typename T>
concept Integer = std::integral<T> && !std::same_as<T, char> && !std::same_as<T, bool>;

/// Appends to a caller-owned buffer; text that does not fit is truncated.
class Text {
 public:
  explicit Text(std::span<char> room) : room_(room) {}

  Text& operator<<(std::string_view text);
  Text& operator<<(const char* text) { return *this << std::string_view(text); }
  Text& operator<<(char character) { return *this << std::string_view(&character, 1); }
  template <Integer T>
  Text& operator<<(T value) {
    return number(static_cast<int64_t>(value));
  }

  /// `value` / 10^decimals with that many digits after the point: fixed(1234, 1) is 123.4.
  Text& fixed(int64_t value, int decimals);
  Text& unsigned_number(uint64_t value);
  /// Exactly `digits` hexadecimal digits, low ones.
  Text& hex(uint32_t value, int digits);
  /// With a separator every three digits: 276,192.
  Text& grouped(uint64_t value);
  /// As the inside of a JSON string: control characters are escaped, bytes that are no UTF-8 replaced by
  /// U+FFFD.
  Text& json(std::string_view text);
  /// Spaces up to a column, counted from the beginning.
  Text& column(size_t column);
  /// `text` filled with spaces on the left up to `width`.
  Text& right(std::string_view text, size_t width);

  std::string_view view() const { return {room_.data(), used_}; }
  size_t size() const { return used_; }
  void clear() { used_ = 0; }

 private:
  Text& number(int64_t value);

  std::span<char> room_;
  size_t used_ = 0;
};

/// A Text with its own buffer.
template <size_t kBytes>
class TextOf : public Text {
 public:
  TextOf() : Text(bytes_) {}
  TextOf(const TextOf&) = delete;
  TextOf& operator=(const TextOf&) = delete;

 private:
  char bytes_[kBytes];
};

/// Parses a decimal number without exponent (0.9, 1, .5): digits and at most one point, at most nine digits.
/// The nearest float: numerator and denominator are exact, so the division rounds once. False for anything
/// else.
bool parse_decimal(std::string_view text, float& value);

/// Digits only, up to 2^64 - 1. False for anything else.
bool parse_unsigned(std::string_view text, uint64_t& value);

/// Decodes `text`, a JSON string (RFC 8259, section 7) with quotes and optional trailing blanks, in place to
/// UTF-8 in its first `bytes` bytes. Returns false if it is not one or contains U+0000.
bool decode_json_string(std::span<char> text, size_t& bytes);

/// A float as the shortest decimal that parse_decimal() reads as the same value, of at most eight places.
/// Requires: 0 <= value < 1,000.
Text& append_float(Text& text, float value);

}  // namespace pico_llama::app
