#pragma once
#include <cstdint>
#include <deque>

#include "simulator/bus/access.h"
#include "simulator/bus/qspi_pins.h"
#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// The QMI's direct mode (datasheet section 12.14.5): a serial port with two FIFOs of four entries, for
/// arbitrary commands. Simulated lazily: every access first advances it to the clock.
class QmiDirect {
 public:
  QmiDirect(const Timebase& timebase, QspiPins& pins) : timebase_(timebase), pins_(pins) {}

  bool enabled() const { return (control_ & kEnable) != 0; }
  /// A chip select that software holds low.
  bool asserts_select() const { return (control_ & (kAssert0 | kAssert1)) != 0; }
  void reset(Cycle now);

  std::uint32_t read_csr(Cycle now);
  /// `free_at`: when the memory-mapped transfers in progress have released the bus.
  void write_csr(AtomicOp op, std::uint32_t value, Cycle now, Cycle free_at);
  void push(std::uint32_t record, Cycle now);
  std::uint32_t pop(Cycle now);

  /// For DREQ_XIP_QMITX and DREQ_XIP_QMIRX: room in TX, entries in RX.
  unsigned tx_room(Cycle now);
  unsigned rx_level(Cycle now);

 private:
  static constexpr std::uint32_t kEnable = 1, kBusy = 2, kAssert0 = 4, kAssert1 = 8, kAuto0 = 0x40,
                                 kAuto1 = 0x80;
  static constexpr std::uint32_t kReset = 0x0180'0000;
  static constexpr std::uint32_t kWritable = 0xffc0'00cd;
  static constexpr unsigned kDepth = 4;

  struct Record {
    std::uint32_t bits;
    Cycle pushed;
  };
  struct Received {
    std::uint32_t value;
    Cycle ready;
  };

  unsigned clkdiv() const;
  bool busy(Cycle now) const { return !tx_.empty() || now < busy_until_; }
  void catch_up(Cycle now);
  void transfer(const Record& record, Cycle start);
  void set_selects(std::uint32_t old_control, Cycle now);
  void end_auto_select(Cycle at);

  const Timebase& timebase_;
  QspiPins& pins_;
  std::uint32_t control_ = kReset;
  std::deque<Record> tx_;
  std::deque<Received> rx_;
  Cycle free_at_ = 0;     ///< when the shift register is free
  Cycle busy_until_ = 0;  ///< half a SCK period after free_at_
  bool auto_selected_ = false;
};

}  // namespace pico_llama::simulator
