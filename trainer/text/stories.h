#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::trainer {

/// How stories are separated in a text file.
struct TextOptions {
  /// "": detected; "blank": an empty line; "line": one story per line; otherwise a marker: a line equal to
  /// it, or, if it looks like markup (<|endoftext|>), anywhere.
  std::string separator = {};
  /// The file has one JSON object per line; this is the field that holds the story. "": detected.
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

/// Reads the stories of a training text from any system: a byte order mark is dropped; CR LF and CR end lines
/// as LF does; a line of blanks is an empty line. Stories are separated by empty lines, or by <|endoftext|>
/// and its like, or are one per line, or in JSON lines. `name` stands for the file in messages. Errors:
/// Failure if there is no text, if it is not UTF-8 (UTF-16 and UTF-32 by name), or if the options do not
/// match it.
Stories read_stories(std::string_view bytes, const std::string& name, const TextOptions& options = {});

}  // namespace pico_llama::trainer
