#include "firmware/app/status_led.h"

namespace pico_llama::app {

int fault_blinks(const hal::BoardInfo& info, ModelState model) {
  if (info.last_stop.what != nullptr) return 5;
  if (info.skipped != nullptr) return 4;
  switch (info.psram.verdict) {
    case hal::PsramVerdict::kAbsent:
    case hal::PsramVerdict::kWrongId:
    case hal::PsramVerdict::kFailedTest:
      return 3;
    default:
      break;
  }
  return model == ModelState::kReady ? 0 : 2;
}

/// One breath in 4.2 s. The LED is only on or off: its share of the time is the brightness, by carrying what
/// each interval showed too little into the next. Where a token takes longer than an interval, it blinks.
void StatusLed::breathe(uint64_t now_us) {
  if (now_us - changed_us_ < kShortestUs) return;
  changed_us_ = now_us;
  const auto phase = static_cast<uint32_t>(now_us >> 13) & 511;  // 8.2 ms each
  owed_ += phase < 256 ? phase : 511 - phase;
  const bool on = owed_ >= 256;
  if (on) owed_ -= 256;
  board_.led(on);
}

void StatusLed::wait(uint64_t now_us, int blinks) {
  constexpr uint64_t kBlinkUs = 400'000, kOnUs = 150'000, kPauseUs = 1'200'000;
  const auto count = static_cast<uint64_t>(blinks);
  const uint64_t place = now_us % (count * kBlinkUs + kPauseUs);
  board_.led(count == 0 || (place < count * kBlinkUs && place % kBlinkUs < kOnUs));
}

}  // namespace pico_llama::app
