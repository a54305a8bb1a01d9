#include "engine/text/control_characters.h"

namespace pico_llama {

size_t find_control_character(std::string_view text, size_t& bytes) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 =
        byte == 0xc2 && i + 1 < text.size() && (static_cast<unsigned char>(text[i + 1]) & 0xe0) == 0x80;
    if ((byte >= 0x20 && byte != 0x7f && !c1) || byte == '\t' || byte == '\n') continue;
    bytes = c1 ? 2 : 1;
    return i;
  }
  bytes = 0;
  return text.size();
}

}  // namespace pico_llama
