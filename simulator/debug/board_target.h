#pragma once
#include <array>
#include <set>
#include <vector>

#include "simulator/board.h"
#include "simulator/debug/debug_target.h"
#include "simulator/debug/memory_operand.h"

namespace pico_llama::simulator {

/// The virtual board under a debugger. Observes both cores, so they run slower than without it.
class BoardTarget : public DebugTarget {
 public:
  /// `run_slice` runs the board for a short time and serves the caller's other duties.
  /// Requires: `board` outlives this, and no core has another observer.
  BoardTarget(Board& board, std::function<RunResult()> run_slice);
  ~BoardTarget() override;

  unsigned cores() const override { return kCores; }
  std::uint32_t reg(unsigned core, unsigned number) override;
  void set_reg(unsigned core, unsigned number, std::uint32_t value) override;
  bool read(unsigned core, std::uint32_t address, std::span<std::uint8_t> bytes) override;
  bool write(unsigned core, std::uint32_t address, std::span<const std::uint8_t> bytes) override;
  void set_breakpoint(std::uint32_t address, bool on) override;
  void set_watchpoint(WatchKind kind, std::uint32_t address, std::uint32_t bytes, bool on) override;
  DebugStop resume(std::optional<unsigned> step, const std::function<bool()>& interrupted) override;
  void reset() override { board_.reset(); }
  std::string describe() override { return board_.describe_state(); }

 private:
  static constexpr unsigned kCores = 2;
  struct Watch {
    WatchKind kind;
    std::uint32_t address;
    std::uint32_t bytes;
    bool operator==(const Watch&) const = default;
  };
  class Observer : public CoreObserver {
   public:
    Observer(BoardTarget& target, unsigned core) : target_(target), core_(core) {}
    bool before(std::uint32_t pc) override;
    void after(std::uint32_t pc, std::uint32_t cycles) override;

   private:
    BoardTarget& target_;
    unsigned core_;
  };
  void check_watches(unsigned core, std::uint32_t pc);
  bool stop(DebugStop stop);

  Board& board_;
  std::function<RunResult()> run_slice_;
  std::array<Observer, kCores> observers_;
  MemoryOperandDecoder decoder_;
  std::set<std::uint32_t> breakpoints_;
  std::vector<Watch> watches_;
  std::optional<unsigned> step_;
  std::optional<DebugStop> stopped_;
  std::array<std::optional<DebugStop>, kCores> after_this_;  ///< stops the core before its next instruction
};

}  // namespace pico_llama::simulator
