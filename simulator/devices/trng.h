#pragma once
#include <array>

#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// TRNG (datasheet section 12.12): 192 bits at a time, here from the board's seed.
class Trng : public RegisterDevice {
 public:
  Trng(std::uint64_t seed);
  void reset() override;

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  /// A collection that was complete when the source was switched off stays.
  bool valid(Cycle now) const { return kept_ || (enabled_ && now >= ready_); }
  void restart(Cycle now);

  std::uint64_t random_;
  std::array<std::uint32_t, 6> ehr_{};
  bool enabled_ = false;
  bool kept_ = false;
  bool failed_ = false;  ///< the collection in progress will fail a check
  Cycle ready_ = 0;
};

}  // namespace pico_llama::simulator
