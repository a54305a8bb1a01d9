// Filters control characters: a model can generate any byte, and a terminal acts on control characters.
#pragma once
#include <cstddef>
#include <string_view>

namespace pico_llama {

/// Offset of the first control character of `text` other than tab and line feed, or text.size(): U+0000 to
/// U+001F, U+007F, and U+0080 to U+009F as UTF-8. `bytes`: its length.
size_t find_control_character(std::string_view text, size_t& bytes);

/// Calls `write(std::string_view)` for the stretches of `text` between control characters.
template <typename Write>
void without_control_characters(std::string_view text, Write write) {
  while (!text.empty()) {
    size_t bytes = 0;
    const size_t at = find_control_character(text, bytes);
    if (at != 0) write(text.substr(0, at));
    text.remove_prefix(at + bytes);
  }
}

}  // namespace pico_llama
