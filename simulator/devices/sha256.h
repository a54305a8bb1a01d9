#pragma once
#include <array>

#include "simulator/bus/dreq.h"
#include "simulator/clock/event_queue.h"
#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// SHA256: digests blocks of 64 bytes, 57 cycles each (datasheet section 12.13). Reading a sum that is not
/// valid ends the run.
class Sha256 : public RegisterDevice {
 public:
  static constexpr unsigned kDreq = 54;

  explicit Sha256(EventQueue& events);
  void reset() override;
  /// A sum that is not valid yet may be read: A2's boot ROM does, as a random number.
  void allow_early_reads() { early_reads_ = true; }

  DreqLine dreq{[this](Cycle now) { return requests(now); }};

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  bool ready(Cycle now) const { return now >= busy_until_; }
  unsigned requests(Cycle now) const;
  void start();
  void take(std::uint32_t value, unsigned bytes, Cycle now);
  void digest();

  EventQueue& events_;
  std::array<std::uint32_t, 8> sum_{};
  std::array<std::uint32_t, 16> block_{};
  unsigned words_ = 0;
  std::uint64_t shift_ = 0;  ///< bytes of a word that is not complete, the first one lowest
  unsigned shift_bytes_ = 0;
  bool started_ = false;
  bool error_ = false;
  bool early_reads_ = false;
  Cycle busy_until_ = 0;
};

}  // namespace pico_llama::simulator
