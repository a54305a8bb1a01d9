#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// The DMA's checksum unit (datasheet section 12.6.8.2).
class DmaSniffer {
 public:
  std::uint32_t control() const { return control_; }
  void set_control(std::uint32_t value) { control_ = value & 0xfff; }
  /// The result as OUT_INV and OUT_REV present it. A seed is written as it is.
  std::uint32_t data() const;
  void set_data(std::uint32_t value) { data_ = value; }

  bool watches(unsigned channel) const { return (control_ & 1) != 0 && ((control_ >> 1) & 15) == channel; }
  /// One transfer of `size` bytes.
  /// Errors: throws Stop for a CALC the datasheet does not define.
  void take(std::uint32_t value, unsigned size);

 private:
  std::uint32_t control_ = 0;
  std::uint32_t data_ = 0;
};

}  // namespace pico_llama::simulator
