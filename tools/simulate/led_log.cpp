#include "tools/simulate/led_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "formats/output_file.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {

using simulator::kPicosecondsPerSecond;
using simulator::Picoseconds;

void LedLog::check(const std::string& path, std::span<const std::string> inputs) {
  if (path != "-") return require_writable(path, inputs);
  if (isatty(STDERR_FILENO) == 0)
    fail_usage("--led - draws on a terminal, and standard error is none; give a file name");
}

void LedLog::changed(bool lit, Picoseconds at) {
  if (on_terminal()) return;
  lines_ +=
      fmt::format("{}.{:012} {}\n", at / kPicosecondsPerSecond, at % kPicosecondsPerSecond, lit ? 1 : 0);
}

void LedLog::draw(const simulator::Led& led, Picoseconds now) {
  constexpr Picoseconds kInterval = kPicosecondsPerSecond / 20;
  if (!on_terminal() || now < drawn_at_ + kInterval) return;
  const Picoseconds lit = led.lit_time(now);
  const Picoseconds fifth = 5 * (lit - lit_before_) / (now - drawn_at_);
  drawn_at_ = now;
  lit_before_ = lit;
  constexpr const char* kShades[] = {"·", "░", "▒", "▓", "█", "█"};
  if (std::strcmp(shade_, kShades[fifth]) == 0) return;
  shade_ = kShades[fifth];
  // Save the cursor, go to the end of row 1, draw, restore the cursor (ECMA-48; DECSC and DECRC).
  fmt::print(stderr, "\0337\033[1;999H{}\0338", shade_);
}

void LedLog::finish() {
  if (on_terminal()) return;
  OutputFile file(path_);
  file.write(lines_);
  file.commit();
}

}  // namespace pico_llama::simulate
