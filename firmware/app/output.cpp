#include "firmware/app/output.h"

#include "engine/text/control_characters.h"
#include "firmware/app/columns.h"

namespace pico_llama::app {
namespace {

/// Columns of a row of our own lines: a terminal of 80 that does not wrap shows them whole.
constexpr size_t kRow = kDefaultColumns - 1;

/// A line of the banner or of /help has a name, then two blanks or more, then its text: further rows go below
/// the text.
size_t hanging_indent(std::string_view text) {
  const size_t gap = text.find("  ");
  if (gap == std::string_view::npos || gap > kRow / 2) return 0;
  const size_t indent = text.find_first_not_of(' ', gap);
  return indent == std::string_view::npos || indent > kRow / 2 ? 0 : indent;
}

}  // namespace

void Output::line(std::string_view text) {
  if (json_) return object("message", text);
  rows(text, hanging_indent(text), 0);
}

void Output::error(std::string_view text) {
  if (json_) return object("error", text);
  raw("! ");
  rows(text, 2, 2);
}

/// `indent`: of the second row on; `column`: where the first one begins. Requires: one column a byte, where
/// text is too long for a row.
void Output::rows(std::string_view text, size_t indent, size_t column) {
  size_t room = kRow - column;
  while (text.size() > room) {
    size_t cut = text.rfind(' ', room);
    if (cut == std::string_view::npos || cut == 0) cut = room;
    raw(text.substr(0, cut));
    end_line();
    text.remove_prefix(cut);
    while (text.starts_with(' ')) text.remove_prefix(1);
    if (text.empty()) return;
    for (size_t i = 0; i < indent; ++i) raw(" ");
    room = kRow - indent;
  }
  raw(text);
  end_line();
  console_.flush();  // a command may take seconds between its lines
}

void Output::begin_story(unsigned columns) {
  wrap_.set_columns(columns);
  wrap_.begin();
}

void Output::story(std::string_view text) {
  without_control_characters(text, [this](std::string_view shown) { wrap_.write(shown); });
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
  console_.flush();
}

}  // namespace pico_llama::app
