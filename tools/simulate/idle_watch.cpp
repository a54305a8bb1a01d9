#include "tools/simulate/idle_watch.h"

namespace pico_llama::simulate {
namespace {

// Longer than any delay of the firmware; computing a token keeps a core awake.
constexpr simulator::Picoseconds kQuiet = simulator::kPicosecondsPerSecond / 4;
constexpr simulator::Cycle kAwakeShare = 8;  // busy: awake for more than an eighth of the time

}  // namespace

simulator::Cycle IdleWatch::awake(unsigned core) const {
  if (core == 1 && board_.core1_in_bootrom()) return 0;
  const simulator::CoreStats stats = board_.cores[core].stats();
  return stats.cycles - stats.sleep_cycles;
}

void IdleWatch::update() {
  const simulator::Cycle now = board_.now();
  for (unsigned core = 0; core < 2; ++core) {
    const simulator::Cycle total = awake(core);
    if (total > awake_[core] && (total - awake_[core]) * kAwakeShare > now - seen_) moved_ = true;
    awake_[core] = total;
  }
  seen_ = now;
  if (moved_) busy_at_ = board_.time();
  moved_ = false;
}

bool IdleWatch::idle() const { return board_.time() - busy_at_ >= kQuiet; }

}  // namespace pico_llama::simulate
