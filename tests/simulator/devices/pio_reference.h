#pragma once
#include <cstdint>
#include <deque>

namespace pico_llama::simulator {

/// The three PIO blocks as the datasheet's chapter 11 describes them, one clk_sys cycle after the other and
/// every state machine in each: a second reading of the text that shares no code with simulator/devices.
/// Slow and plain on purpose. Registers are plain members; nothing is checked.
class PioReference {
 public:
  struct StateMachine {
    // Registers.
    std::uint32_t clkdiv = 0x10000, execctrl = 0x1f000, shiftctrl = 0xc0000, pinctrl = 0x14000000;
    bool enable = false;
    // State.
    std::uint32_t x = 0, y = 0, isr = 0, osr = 0;
    int isr_count = 0, osr_count = 32;
    int pc = 0, delay = 0;
    bool in_progress = false;  ///< the current instruction has stalled at least once
    bool waiting_on_irq = false;
    bool exec_pending = false;   ///< EXEC'd instruction
    bool force_pending = false;  ///< stalled INSTR write
    std::uint32_t exec_instr = 0;
    std::deque<std::uint32_t> tx, rx;
    std::uint32_t storage[4] = {};
    // Divider: cycles until the next enable, and the accumulated fraction.
    int countdown = 0;
    int fraction = 0;
    int enabled_in = 0;  ///< cycles until SM_ENABLE takes effect
    // The latest OUT, SET or MOV to pins, for OUT_STICKY.
    std::uint32_t last_mask = 0, last_data = 0;
    bool last_is_dir = false;
    bool forced_wait_begun = false;
  };
  struct Block {
    StateMachine sm[4];
    std::uint32_t memory[32] = {};
    unsigned irq = 0;
    std::uint32_t fdebug = 0, bypass = 0, out = 0, oe = 0;
    int gpiobase = 0;
  };
  Block block[3];

  /// One cycle: `pads` are the levels of the 48 pins in it.
  void cycle(std::uint64_t pads);

  // What the system does, between two cycles.
  void write_tx(int b, int s, std::uint32_t word);
  std::uint32_t read_rx(int b, int s);
  void write_ctrl(int b, std::uint32_t value);
  void write_instr(int b, int s, std::uint32_t instruction);
  void write_shiftctrl(int b, int s, std::uint32_t value);

  int tx_size(const StateMachine& m) const;
  int rx_size(const StateMachine& m) const;

 private:
  struct PinWrite {
    bool used = false, is_dir = false;
    std::uint32_t mask = 0, data = 0;
  };
  struct Cycle {
    PinWrite pins[3][4], side[3][4];
    unsigned irq_set[3] = {}, irq_clear[3] = {};
  };
  enum Origin { kMemory, kExec, kForce };
  void run(int b, int s, std::uint32_t instruction, Origin origin, Cycle& now);
  bool perform(int b, int s, std::uint32_t instruction, Cycle& now, bool& jumped, bool& execs);
  void finish(Cycle& now);
  void assert_pins(int b, const Cycle& now);
  void autopull(StateMachine& m);
  std::uint32_t visible_pins(int b) const;
  std::uint32_t in_pins(int b, int s) const;
  std::uint32_t status(int b, int s) const;

  std::uint64_t history_[3] = {};  ///< pads now, one and two cycles ago
  unsigned irq_seen_[3] = {};      ///< flags at the beginning of the cycle
};

}  // namespace pico_llama::simulator
