/// The LED as a sign of life: on while the board waits, breathing while it tells a story, blinking a number
/// where something is wrong.
#pragma once

#include <cstdint>

#include "firmware/app/model_loader.h"
#include "hal/board.h"

namespace pico_llama::app {

/// Blinks in a row for the worst that is wrong; 0: nothing. docs/console.md has the list.
int fault_blinks(const hal::BoardInfo& info, ModelState model);

class StatusLed {
 public:
  /// Between two changes while it breathes. Units: us. The cost of a change is then 0.15 % of the time at
  /// most, however short a token is.
  static constexpr uint64_t kShortestUs = 4000;

  explicit StatusLed(hal::Board& board) : board_(board) {}

  /// To be called once per token.
  void breathe(uint64_t now_us);
  /// To be called every few milliseconds while the board waits.
  void wait(uint64_t now_us, int blinks);

 private:
  hal::Board& board_;
  uint64_t changed_us_ = 0;
  uint32_t owed_ = 0;  ///< brightness that has not been shown, of 256
};

}  // namespace pico_llama::app
