// Arbitrary bytes as a training text, with any separator, are either rejected with a Failure or give stories
// of valid UTF-8 with LF line ends only.
#include <string>

#include "engine/check.h"
#include "engine/text/utf8.h"
#include "formats/failure.h"
#include "trainer/text/stories.h"

using namespace pico_llama;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  trainer::TextOptions options;
  const char* const separators[] = {"", "blank", "line", "<|endoftext|>", "***", ""};
  options.separator = separators[data[0] % 6];
  if (data[0] % 6 == 5) options.field = "text";
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    const trainer::Stories found = trainer::read_stories(text, "fuzz", options);
    CHECK(!found.stories.empty());
    for (const std::string& story : found.stories) {
      CHECK(!story.empty() && story.find('\r') == std::string::npos);
      CHECK(utf8_valid_prefix(story) == story.size());
    }
    for (const std::string& warning : found.warnings) CHECK(warning.find('\n') == std::string::npos);
  } catch (const Failure&) {
  }
  return 0;
}
