#pragma once
#include <array>

#include "simulator/board.h"

namespace pico_llama::simulate {

/// Detects an idle board: for 250 ms both cores have slept (except for polling) and no byte was transferred
/// on the serial port. A program that never sleeps is never idle.
class IdleWatch {
 public:
  explicit IdleWatch(const simulator::Board& board) : board_(board) {}

  /// Call when a byte was transferred on the serial port.
  void traffic() { moved_ = true; }
  /// Call after each slice of the run.
  void update();
  bool idle() const;

 private:
  simulator::Cycle awake(unsigned core) const;

  const simulator::Board& board_;
  std::array<simulator::Cycle, 2> awake_{};
  simulator::Cycle seen_ = 0;
  simulator::Picoseconds busy_at_ = 0;  ///< when the board was last seen busy
  bool moved_ = false;
};

}  // namespace pico_llama::simulate
