#include "simulator/clock/timebase.h"

#include <numeric>

namespace pico_llama::simulator {

std::uint64_t Timebase::scale_wide(std::uint64_t count, std::uint64_t numerator, std::uint64_t denominator) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>(static_cast<Wide>(count) * numerator / denominator);
}

void Timebase::set_hz(std::uint32_t hz) {
  hz_ = hz;
  const std::uint64_t common = std::gcd(kPicosecondsPerSecond, std::uint64_t{hz});
  cycles_ = hz / common;
  picoseconds_ = kPicosecondsPerSecond / common;
}

void Timebase::change(Cycle cycle, std::uint32_t clk_sys_hz) {
  origin_time_ = time_at(cycle);
  origin_cycle_ = cycle;
  set_hz(clk_sys_hz);
}

}  // namespace pico_llama::simulator
