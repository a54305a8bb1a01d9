#include "tools/support/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace pico_llama {

Progress::Progress(std::string label, std::uint64_t total)
    : label_(std::move(label)),
      total_(std::max<std::uint64_t>(total, 1)),
      enabled_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_percent_ >= 0) fmt::print(stderr, "\r\033[K");
}

void Progress::advance(std::uint64_t amount) {
  done_ = std::min(done_ + amount, total_);
  const int percent = static_cast<int>(100.0 * static_cast<double>(done_) / static_cast<double>(total_));
  if (!enabled_ || percent == shown_percent_) return;
  shown_percent_ = percent;
  constexpr int kWidth = 32;
  const int filled = percent * kWidth / 100;
  fmt::print(stderr, "\r{} [{:=<{}}{:<{}}] {:3}%", label_, "", filled, "", kWidth - filled, percent);
  std::fflush(stderr);
}

}  // namespace pico_llama
