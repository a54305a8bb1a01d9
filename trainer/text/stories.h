#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::trainer {

/// How the stories of a text file are told apart.
struct TextOptions {
  /// "": found out; "blank": an empty line; "line": every line is a story; else a marker: a line that is just
  /// that, or, where it looks like markup (<|endoftext|>), wherever it stands.
  std::string separator = {};
  /// The file has one JSON object a line; this is the field that holds the story. "": found out.
  std::string field = {};
};

struct Stories {
  std::vector<std::string> stories;   ///< without blanks at either end, lines end with \n, none empty
  std::string layout;                 ///< the detected layout, human-readable
  std::vector<std::string> warnings;  ///< each one line

  /// Bytes; 0 without stories.
  size_t median_bytes() const;
  /// "1,234 stories (separated by empty lines), median 560 bytes"
  std::string summary() const;
};

/// The stories of a training text as other systems write them: a byte order mark is dropped; CR LF and CR end
/// lines as LF does; a line of blanks is an empty line. Stories lie between empty lines, or <|endoftext|> and
/// its like, one a line, or in JSON lines. `name` stands for the file in messages.
/// Errors: Failure if there is no text, if it is not UTF-8 (UTF-16 and UTF-32 by name), or if the options do
/// not match it.
Stories read_stories(std::string_view bytes, const std::string& name, const TextOptions& options = {});

}  // namespace pico_llama::trainer
