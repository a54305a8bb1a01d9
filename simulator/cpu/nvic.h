#pragma once
#include <array>
#include <cstdint>

namespace pico_llama::simulator {

/// Exceptions by number: what is pending, active, enabled, and with which priority. 52 interrupts and 4
/// priority bits on RP2350 (datasheet section 3.7.2; the SDK's CMSIS header).
struct Nvic {
  static constexpr unsigned kIrqs = 52;
  static constexpr unsigned kExceptions = 16 + kIrqs;
  static constexpr std::uint8_t kPriorityMask = 0xf0;
  static constexpr std::uint64_t kIrqMask = (std::uint64_t{1} << kIrqs) - 1;

  std::uint64_t irq_enabled = 0, irq_pending = 0, irq_active = 0;
  std::uint64_t irq_lines = 0;    ///< levels of the wires
  std::uint16_t sys_pending = 0;  ///< bit n: exception n < 16
  std::uint16_t sys_active = 0;
  std::uint64_t nmi_mask = 0;  ///< interrupts that the EPPB turns into NMI
  std::array<std::uint8_t, kExceptions> priority{};

  bool pending(unsigned number) const {
    return number < 16 ? (sys_pending >> number & 1) != 0 : (irq_pending >> (number - 16) & 1) != 0;
  }
  bool active(unsigned number) const {
    return number < 16 ? (sys_active >> number & 1) != 0 : (irq_active >> (number - 16) & 1) != 0;
  }
  void set_pending(unsigned number, bool on) { set(sys_pending, irq_pending, number, on); }
  void set_active(unsigned number, bool on) { set(sys_active, irq_active, number, on); }
  bool any_active() const { return sys_active != 0 || irq_active != 0; }

 private:
  static void set(std::uint16_t& sys, std::uint64_t& irq, unsigned number, bool on) {
    if (number < 16) {
      const auto bit = static_cast<std::uint16_t>(1u << number);
      sys = static_cast<std::uint16_t>(on ? sys | bit : sys & ~bit);
    } else {
      const std::uint64_t bit = std::uint64_t{1} << (number - 16);
      irq = on ? irq | bit : irq & ~bit;
    }
  }
};

}  // namespace pico_llama::simulator
