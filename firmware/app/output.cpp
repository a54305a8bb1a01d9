#include "firmware/app/output.h"

namespace pico_llama::app {

void Output::line(std::string_view text) {
  if (json_) return object("message", text);
  raw(text);
  end_line();
}

void Output::error(std::string_view text) {
  if (json_) return object("error", text);
  raw("! ");
  raw(text);
  end_line();
}

void Output::story(std::string_view text) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    raw(text.substr(0, end));
    if (end == std::string_view::npos) return;
    end_line();
    text.remove_prefix(end + 1);
  }
}

void Output::object(std::string_view key, std::string_view text) {
  raw("{\"");
  raw(key);
  raw("\":\"");
  // In pieces, so that a long line needs no long buffer; never cut inside a character. An escape is at most
  // six bytes.
  while (!text.empty()) {
    size_t cut = text.size() < 32 ? text.size() : 32;
    while (cut < text.size() && cut > 28 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
    TextOf<6 * 32> piece;
    piece.json(text.substr(0, cut));
    raw(piece.view());
    text.remove_prefix(cut);
  }
  raw("\"}");
  end_line();
}

}  // namespace pico_llama::app
