#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::serve {

/// Ends a text before the first of several strings appears in it. Pieces go in as they are generated; what
/// may still become one of the strings is held back.
class StopStrings {
 public:
  /// Requires: none is empty.
  explicit StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {}

  /// The text that may be shown after `piece`.
  std::string add(std::string_view piece);
  /// True: a string came; nothing after it is shown.
  bool stopped() const { return stopped_; }
  /// What was held back, at the end of a text without any of the strings.
  std::string rest();

 private:
  const std::vector<std::string> strings_;
  std::string held_;
  bool stopped_ = false;
};

}  // namespace pico_llama::serve
