#pragma once

#include <cstdint>
#include <string>

namespace pico_llama {

/// A progress bar on stderr, and only where stderr is a terminal: logs and pipes stay clean.
class Progress {
 public:
  Progress(std::string label, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t amount);

 private:
  std::string label_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  int shown_percent_ = -1;
  bool enabled_;
};

}  // namespace pico_llama
