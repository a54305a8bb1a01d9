#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// The TX or the RX FIFO of a state machine. Depth 4; 8 or 0 when joined (datasheet section 11.5.3). With
/// depth 0 it is both full and empty.
class PioFifo {
 public:
  void set_depth(unsigned depth) {
    depth_ = depth;
    clear();
  }
  void clear() { first_ = count_ = 0; }
  unsigned depth() const { return depth_; }
  unsigned count() const { return count_; }
  unsigned room() const { return depth_ - count_; }
  bool full() const { return count_ == depth_; }
  bool empty() const { return count_ == 0; }
  /// Requires: not full.
  void push(std::uint32_t word) { words_[(first_ + count_++) % words_.size()] = word; }
  /// Requires: not empty.
  std::uint32_t pop() {
    const std::uint32_t word = words_[first_];
    first_ = (first_ + 1) % words_.size();
    --count_;
    return word;
  }
  /// The word that the read port shows, also when the FIFO is empty: left from earlier use.
  std::uint32_t front() const { return words_[first_]; }

 private:
  std::array<std::uint32_t, 8> words_{};
  std::size_t first_ = 0;
  unsigned depth_ = 4, count_ = 0;
};

/// A write to the 32 output levels or output enables.
struct PioPinWrite {
  std::uint32_t mask = 0, value = 0;
  bool directions = false;
};

/// The blocks whose IRQ flags a state machine reaches: its own, the next lower-numbered and the next
/// higher-numbered one. Index of the arrays below.
enum PioFlagBlock : unsigned { kOwn, kPrevious, kNext, kFlagBlocks };

/// The state machine's view of the block at the beginning of a cycle.
struct PioInputs {
  std::uint32_t pins = 0;
  std::array<std::uint8_t, kFlagBlocks> flags{};  ///< IRQ flags
};

/// What a cycle of a state machine changes in the block, at the end of the cycle.
struct PioEffects {
  std::array<std::uint8_t, kFlagBlocks> set{}, clear{};  ///< IRQ flags
  PioPinWrite main, side;                                ///< OUT, SET or MOV; side-set
  bool tx_stall = false, rx_stall = false;               ///< FDEBUG
};

/// One PIO state machine (datasheet chapter 11): its registers, FIFOs and the nine instructions. It knows
/// cycles in which its clock is enabled, not time. Encodings that are reserved and combinations whose
/// operation is undefined are a Stop.
class PioMachine {
 public:
  using Program = std::array<std::uint16_t, 32>;
  PioMachine(const Program& program, unsigned number) : program_(program), number_(number) {}
  /// `block`: for messages.
  void set_block_name(std::string_view block) { block_ = block; }

  void reset();
  /// CTRL.SM_RESTART.
  void restart();

  // SMx_EXECCTRL, SMx_SHIFTCTRL, SMx_PINCTRL as written.
  void set_execctrl(std::uint32_t value) { execctrl_ = value; }
  /// Flushes the FIFOs if they are joined differently from before.
  void set_shiftctrl(std::uint32_t value);
  void set_pinctrl(std::uint32_t value) { pinctrl_ = value; }

  /// One enabled clock cycle.
  void clock(const PioInputs& in, PioEffects& effects);
  /// A write to SMx_INSTR.
  void force(std::uint16_t instruction, const PioInputs& in, PioEffects& effects);
  /// One clk_sys cycle while a forced instruction is stalled.
  void clock_forced(const PioInputs& in, PioEffects& effects);

  bool forced_stalled() const { return forced_; }
  /// The last clock() or clock_forced() stalled: nothing changes until a FIFO, a flag or a pin does.
  bool stalled() const { return forced_ || (stalled_ && delay() == 0); }
  /// Enabled cycles before the next instruction. An instruction in the latch does not wait.
  unsigned delay() const { return latched_ ? 0 : delay_; }
  /// `count` enabled cycles have passed in which nothing else could happen.
  void pass_delay(std::uint64_t count) {
    if (forced_ || latched_) return;
    delay_ -= count < delay_ ? static_cast<unsigned>(count) : delay_;
  }
  /// The OSR will be refilled in the next enabled cycle, whatever else happens (section 11.5.4.2).
  bool refill_pending() const { return autopull() && osr_count_ >= pull_threshold() && !tx.empty(); }

  /// OUT_STICKY: the write that is asserted continuously; mask 0 if none.
  PioPinWrite sticky() const { return (execctrl_ >> 17 & 1) != 0 ? sticky_ : PioPinWrite{}; }
  unsigned pc() const { return pc_; }
  bool put() const { return (shiftctrl_ >> 15 & 1) != 0; }
  bool get() const { return (shiftctrl_ >> 14 & 1) != 0; }

  PioFifo tx, rx;
  std::array<std::uint32_t, 4> put_get{};  ///< the RX FIFO's storage with FJOIN_RX_PUT or _GET

 private:
  enum class Source : std::uint8_t { kMemory, kLatch, kForced };

  void run(std::uint16_t instruction, Source source, bool first_cycle, const PioInputs& in,
           PioEffects& effects);
  /// False: stalled.
  bool execute(std::uint16_t instruction, const PioInputs& in, PioEffects& effects);
  bool jmp(unsigned condition, unsigned address, const PioInputs& in);
  bool wait(unsigned operand, const PioInputs& in, PioEffects& effects);
  bool in(unsigned source, unsigned bits, const PioInputs& in, PioEffects& effects);
  bool out(unsigned destination, unsigned bits, PioEffects& effects);
  bool push(bool if_full, bool block, PioEffects& effects);
  bool pull(bool if_empty, bool block, PioEffects& effects);
  bool mov_rx(unsigned operand);
  bool mov(unsigned operand, const PioInputs& in, PioEffects& effects);
  bool irq(unsigned operand, const PioInputs& in, PioEffects& effects);
  bool set(unsigned destination, unsigned value, PioEffects& effects);
  void refill();
  void side_set(std::uint16_t instruction, PioEffects& effects);
  void write_pins(PioEffects& effects, bool directions, unsigned base, unsigned count, std::uint32_t value);
  bool write_destination(unsigned destination, std::uint32_t value, PioEffects& effects);
  void jump(std::uint32_t address);
  std::uint32_t mapped_pins(const PioInputs& in) const;
  std::uint32_t status(const PioInputs& in) const;
  struct Flag {
    PioFlagBlock block;
    std::uint8_t bit;
  };
  Flag flag(unsigned index_and_mode) const;
  [[noreturn]] void refuse(std::string_view what) const;

  static unsigned field(std::uint32_t word, unsigned lsb, unsigned bits) {
    return word >> lsb & ((1U << bits) - 1);
  }
  // Fields of SMx_EXECCTRL and SMx_PINCTRL.
  unsigned jmp_pin() const { return field(execctrl_, 24, 5); }
  unsigned sideset_count() const { return field(pinctrl_, 29, 3); }
  unsigned sideset_base() const { return field(pinctrl_, 10, 5); }
  unsigned set_count() const { return field(pinctrl_, 26, 3); }
  unsigned set_base() const { return field(pinctrl_, 5, 5); }
  unsigned out_count() const { return field(pinctrl_, 20, 6); }
  unsigned out_base() const { return field(pinctrl_, 0, 5); }
  unsigned in_base() const { return field(pinctrl_, 15, 5); }
  bool autopull() const { return (shiftctrl_ >> 17 & 1) != 0; }
  bool autopush() const { return (shiftctrl_ >> 16 & 1) != 0; }
  unsigned pull_threshold() const { return count_of(shiftctrl_ >> 25); }
  unsigned push_threshold() const { return count_of(shiftctrl_ >> 20); }
  /// 5 bits that encode 1 to 32, 32 as 0.
  static unsigned count_of(std::uint32_t bits) { return (bits & 31) == 0 ? 32 : bits & 31; }

  const Program& program_;
  unsigned number_;
  std::string block_;
  std::uint32_t execctrl_ = 0, shiftctrl_ = 0, pinctrl_ = 0;

  unsigned pc_ = 0;
  std::uint32_t x_ = 0, y_ = 0, isr_ = 0, osr_ = 0;
  unsigned isr_count_ = 0, osr_count_ = 32;
  unsigned delay_ = 0;
  bool stalled_ = false;  ///< the instruction at pc or in the latch has had its first cycle
  bool latched_ = false;  ///< OUT EXEC or MOV EXEC: `latch_` is next
  bool forced_ = false;   ///< an instruction written to INSTR stalls; it is in `latch_`
  bool irq_wait_ = false;
  std::uint16_t latch_ = 0;
  std::uint16_t current_ = 0;  ///< for messages
  PioPinWrite sticky_;

  // Of the instruction that executes now.
  bool jumped_ = false, exec_ = false;
};

}  // namespace pico_llama::simulator
