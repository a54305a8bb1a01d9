#pragma once
#include <array>
#include <cstdint>

#include "simulator/bus/bus.h"
#include "simulator/bus/dreq.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/signals.h"
#include "simulator/dma/sniffer.h"

namespace pico_llama::simulator {

/// The DMA controller (datasheet section 12.6): 16 channels that share one read and one write port.
///
/// Time: transfers are made in batches of up to kBatchCycles on the event queue, each with its own cycle on
/// the bus, so that it contends with the cores for SRAM banks and the QMI; the data that a core reads back
/// may be up to a batch early. BUSY, interrupts and chaining come in the cycle in which the last write ends.
class Dma : public Device, public DreqListener {
 public:
  static constexpr std::uint32_t kBase = 0x5000'0000;
  static constexpr unsigned kChannels = 16;
  static constexpr unsigned kFirstIrq = 10;  ///< DMA_IRQ_0
  static constexpr Cycle kBatchCycles = 32;

  Dma(Bus& bus, EventQueue& events, InterruptLines& interrupts);
  void attach_dreq(unsigned dreq, DreqSource* source) { sources_[dreq] = source; }
  void reset();

  std::string_view name() const override { return "dma"; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;
  void dreq_raised(unsigned dreq, Cycle now) override;

  bool busy(unsigned channel) const { return channels_[channel].busy; }
  /// Since the board was made; for --stats.
  struct Counters {
    std::uint64_t transfers = 0;
    std::uint64_t bytes = 0;
    std::uint64_t stall_cycles = 0;  ///< of the read and the write port
  };
  const Counters& counters() const { return counters_; }

 private:
  struct Channel {
    std::uint32_t read_address = 0, write_address = 0;
    std::uint32_t count = 0;   ///< left of the running sequence
    std::uint32_t reload = 0;  ///< TRANS_COUNT as written, with MODE
    std::uint32_t control = 0;
    bool busy = false;
    bool stale_credits = false;  ///< aborted while a peripheral paced it, and DBG_CTDREQ not written since
    bool ending = false;         ///< all transfers are made, the last write has not ended
    std::uint64_t paced = 0;     ///< requests of a pacing timer that have been used
    EventQueue::Id end_event = 0;
  };
  struct Timer {
    std::uint32_t x = 0, y = 0;
    Cycle since = 0;
  };

  void reset_security();
  void write_channel(unsigned channel, unsigned offset, std::uint32_t value, const Access& access);
  void write_control(unsigned number, std::uint32_t value, AtomicOp op);
  std::uint32_t read_control(const Channel& channel) const;
  void trigger(unsigned channel, Cycle now);
  void null_trigger(unsigned channel);
  void abort(unsigned channel);

  void wake(Cycle at);
  void run();
  int pick(Cycle at);
  int pick(std::uint32_t candidates, unsigned& next, Cycle at);
  bool ready(const Channel& channel, Cycle at);
  void set_state(unsigned number, bool busy, bool ending);
  /// The next cycle in which a channel may be ready without a notification; kNever if none.
  Cycle next_ready(Cycle after) const;
  std::uint64_t timer_requests(unsigned timer, Cycle at) const;
  void transfer(unsigned number, Cycle at);
  void finish(unsigned number, Cycle at);
  void sequence_ended(unsigned number, Cycle now);
  void fault(unsigned number, bool reading);
  void update_interrupts();
  static std::uint32_t advance(std::uint32_t address, unsigned size, bool increment, bool reverse,
                               unsigned ring_bits);

  Bus& bus_;
  EventQueue& events_;
  InterruptLines& interrupts_;
  DmaSniffer sniffer_;
  std::array<Channel, kChannels> channels_;
  std::array<DreqSource*, 64> sources_{};
  std::array<Timer, 4> timers_;
  std::uint32_t raw_interrupts_ = 0;
  std::array<std::uint32_t, 4> enabled_{}, forced_{};
  std::array<std::uint32_t, 49>
      security_{};            ///< SECCFG and MPU registers: kept, without effect in Secure state
  std::uint32_t moving_ = 0;  ///< bit n: channel n is busy and has transfers to make
  std::uint32_t high_ = 0;    ///< bit n: its CTRL.HIGH_PRIORITY
  unsigned next_low_ = 0, next_high_ = 0;
  std::uint32_t served_high_ = 0;  ///< high-priority channels served in this round
  Cycle read_free_ = 0, write_free_ = 0;
  EventQueue::Id event_ = 0;
  Cycle event_cycle_ = kNever;
  Counters counters_;
};

}  // namespace pico_llama::simulator
