#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {
namespace {
// 64 x 64 / 64 without overflow: whole seconds apart from the rest.
std::uint64_t scale(std::uint64_t count, std::uint64_t numerator, std::uint64_t denominator) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(count) * numerator / denominator);
}
}  // namespace

Picoseconds Timebase::time_at(Cycle cycle) const {
  if (cycle <= origin_cycle_) return origin_time_;  // the other core may stand a few cycles before the change
  return origin_time_ + scale(cycle - origin_cycle_, kPicosecondsPerSecond, hz_);
}

Cycle Timebase::cycle_at(Picoseconds time) const {
  if (time <= origin_time_) return origin_cycle_;
  const Cycle cycle = origin_cycle_ + scale(time - origin_time_, hz_, kPicosecondsPerSecond);
  return time_at(cycle) < time ? cycle + 1 : cycle;
}

void Timebase::change(Cycle cycle, std::uint32_t clk_sys_hz) {
  origin_time_ = time_at(cycle);
  origin_cycle_ = cycle;
  hz_ = clk_sys_hz;
}

}  // namespace pico_llama::simulator
