#include "simulator/devices/ticks.h"

namespace pico_llama::simulator {
namespace {
__extension__ using Wide = unsigned __int128;

// Twelve bytes for each generator: CTRL, CYCLES, COUNT.
constexpr std::uint32_t kStride = 12;
constexpr Register control(std::uint32_t generator, const char* name) {
  return {.offset = generator * kStride, .name = name, .writable = 1, .ignored = 2};
}
constexpr Register cycles(std::uint32_t generator, const char* name) {
  return {.offset = generator * kStride + 4, .name = name, .writable = 0x1ff};
}
constexpr Register count(std::uint32_t generator, const char* name) {
  return {.offset = generator * kStride + 8, .name = name, .ignored = ~0U};
}
constexpr Register kRegisters[] = {
    control(0, "PROC0_CTRL"),    cycles(0, "PROC0_CYCLES"),    count(0, "PROC0_COUNT"),
    control(1, "PROC1_CTRL"),    cycles(1, "PROC1_CYCLES"),    count(1, "PROC1_COUNT"),
    control(2, "TIMER0_CTRL"),   cycles(2, "TIMER0_CYCLES"),   count(2, "TIMER0_COUNT"),
    control(3, "TIMER1_CTRL"),   cycles(3, "TIMER1_CYCLES"),   count(3, "TIMER1_COUNT"),
    control(4, "WATCHDOG_CTRL"), cycles(4, "WATCHDOG_CYCLES"), count(4, "WATCHDOG_COUNT"),
    control(5, "RISCV_CTRL"),    cycles(5, "RISCV_CYCLES"),    count(5, "RISCV_COUNT"),
};
}  // namespace

Ticks::Ticks(Timebase& timebase) : RegisterDevice("TICKS", kRegisters), timebase_(timebase) {}

void Ticks::reset() {
  RegisterDevice::reset();
  // The counts are kept: nothing outside sees them, and they must never run backwards.
  for (State& state : states_) state.cycles = 0;
  for (const auto& changed : observers_) {
    if (changed) changed();
  }
}

std::uint64_t Ticks::count_at(Generator generator, Picoseconds time) const {
  const State& s = states_[generator];
  if (s.cycles == 0 || time <= s.origin_time) return s.origin_count;
  const Wide period = Wide{kPicosecondsPerSecond} * s.cycles;
  return s.origin_count + static_cast<std::uint64_t>(Wide{time - s.origin_time} * clk_ref_hz_ / period);
}

Picoseconds Ticks::time_of(Generator generator, std::uint64_t count) const {
  const State& s = states_[generator];
  if (s.cycles == 0) return ~Picoseconds{0};
  if (count <= s.origin_count) return s.origin_time;
  const Wide period = Wide{kPicosecondsPerSecond} * s.cycles;
  const Wide delay = (Wide{count - s.origin_count} * period + clk_ref_hz_ - 1) / clk_ref_hz_;
  if (delay > Wide{~Picoseconds{0} - s.origin_time}) return ~Picoseconds{0};
  return s.origin_time + static_cast<Picoseconds>(delay);
}

void Ticks::restart(unsigned generator, Picoseconds time) {
  State& s = states_[generator];
  s.origin_count = count_at(static_cast<Generator>(generator), time);
  s.origin_time = time;
  const bool enabled = (stored(generator * kStride) & 1) != 0;
  const std::uint32_t cycles = stored(generator * kStride + 4);
  s.cycles = !enabled ? 0 : cycles == 0 ? 512 : cycles;
}

void Ticks::clock_changed(std::uint32_t clk_ref_hz, Cycle now) {
  if (clk_ref_hz == clk_ref_hz_) return;
  const Picoseconds time = timebase_.time_at(now);
  for (unsigned i = 0; i < kCount; ++i) {
    states_[i].origin_count = count_at(static_cast<Generator>(i), time);
    states_[i].origin_time = time;
  }
  clk_ref_hz_ = clk_ref_hz;
  for (const auto& changed : observers_) {
    if (changed) changed();
  }
}

std::uint32_t Ticks::on_read(std::uint32_t offset, const Access& access) {
  const unsigned generator = offset / kStride;
  const State& s = states_[generator];
  switch (offset % kStride) {
    case 0:
      return (stored(offset) & 1) | (s.cycles != 0 ? 2U : 0U);
    case 4:
      return stored(offset);
    default: {  // COUNT: periods of clk_ref left until the next tick
      if (s.cycles == 0) return 0;
      const Wide passed =
          Wide{timebase_.time_at(access.now) - s.origin_time} * clk_ref_hz_ / kPicosecondsPerSecond;
      return s.cycles - static_cast<std::uint32_t>(passed % s.cycles);
    }
  }
}

void Ticks::on_write(const Write& write, const Access& access) {
  const unsigned generator = write.offset / kStride;
  if (write.offset % kStride == 8) return;
  if (stored(write.offset) == write.old_value && write.offset % kStride == 0)
    return;  // still running: no new phase
  restart(generator, timebase_.time_at(access.now));
  if (observers_[generator]) observers_[generator]();
}

}  // namespace pico_llama::simulator
