#include "tools/serve/stop_strings.h"

#include <algorithm>
#include <utility>

namespace pico_llama::serve {

std::string StopStrings::add(std::string_view piece) {
  if (stopped_) return {};
  held_ += piece;
  std::size_t end = std::string::npos;
  for (const std::string& stop : strings_) end = std::min(end, held_.find(stop));
  stopped_ = end != std::string::npos;
  if (!stopped_) {
    // The longest suffix that is the beginning of a stop string waits for the next piece.
    end = held_.size();
    for (const std::string& stop : strings_) {
      for (std::size_t length = std::min(stop.size() - 1, held_.size()); length > 0; --length) {
        if (!held_.ends_with(std::string_view(stop).substr(0, length))) continue;
        end = std::min(end, held_.size() - length);
        break;
      }
    }
  }
  std::string shown = held_.substr(0, end);
  held_.erase(0, end);
  return shown;
}

std::string StopStrings::rest() { return stopped_ ? std::string() : std::exchange(held_, {}); }

}  // namespace pico_llama::serve
