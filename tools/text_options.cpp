#include "tools/text_options.h"

namespace pico_llama {

void add_text_options(CLI::App& sub, trainer::TextOptions& options) {
  sub.add_option(
      "--separator", options.separator,
      "Text that stands between two stories, such as '<|endoftext|>' or '***'; blank: an empty line; "
      "line: each line is a story; by default found out");
  sub.add_option("--field", options.field,
                 "The text is JSON, one object a line: the field that holds the story");
}

}  // namespace pico_llama
