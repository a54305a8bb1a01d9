#pragma once
#include <array>
#include <cstdint>

#include "simulator/bus/access.h"

namespace pico_llama::simulator {

class UsbController;

/// The 4 kB of dual-port RAM that processor and USB controller share: SETUP packet, endpoint and buffer
/// control words, data buffers. Reset of the block leaves its contents.
/// Source: RP2350 datasheet section 12.7.3.1 (8-, 16- and 32-bit access; no atomic aliases).
class UsbDpram : public Device {
 public:
  static constexpr std::uint32_t kBytes = 4096;
  explicit UsbDpram(UsbController& controller) : controller_(controller) {}

  std::string_view name() const override { return "USBCTRL_DPRAM"; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;
  bool byte_addressable() const override { return true; }
  bool has_atomic_aliases() const override { return false; }

  // The controller's port.
  std::uint32_t word(std::uint32_t offset) const;
  void set_word(std::uint32_t offset, std::uint32_t value);
  std::uint8_t* bytes(std::uint32_t offset) { return bytes_.data() + offset; }

 private:
  UsbController& controller_;
  std::array<std::uint8_t, kBytes> bytes_{};
};

}  // namespace pico_llama::simulator
