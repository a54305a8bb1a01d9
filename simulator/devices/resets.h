#pragma once
#include <array>
#include <functional>

#include "simulator/devices/register_device.h"

namespace pico_llama::simulator {

/// RESETS: holds peripherals in reset (datasheet section 7.5). Access to a held one is a bus fault.
class Resets : public RegisterDevice {
 public:
  /// Bits of RESET, as in hardware/regs/resets.h.
  enum Bit : unsigned {
    kAdc,
    kBusctrl,
    kDma,
    kHstx,
    kI2c0,
    kI2c1,
    kIoBank0,
    kIoQspi,
    kJtag,
    kPadsBank0,
    kPadsQspi,
    kPio0,
    kPio1,
    kPio2,
    kPllSys,
    kPllUsb,
    kPwm,
    kSha256,
    kSpi0,
    kSpi1,
    kSyscfg,
    kSysinfo,
    kTbman,
    kTimer0,
    kTimer1,
    kTrng,
    kUart0,
    kUart1,
    kUsbctrl,
    kCount
  };
  static constexpr std::uint32_t kAll = (1U << kCount) - 1;

  Resets();
  void reset() override;

  /// `reset` puts the peripheral of that bit into its reset state.
  void attach(Bit bit, std::function<void()> reset) { attached_[bit] = std::move(reset); }
  bool held(unsigned bit) const { return (stored(kReset) >> bit & 1U) != 0; }
  /// As software writing RESET (the boot ROM uses it).
  void set_held(std::uint32_t mask);
  /// The part of these registers that a watchdog reset changes.
  std::uint32_t watchdog_selection() const { return stored(kWdsel); }

 protected:
  std::uint32_t on_read(std::uint32_t offset, const Access& access) override;
  void on_write(const Write& write, const Access& access) override;

 private:
  static constexpr std::uint32_t kReset = 0x0, kWdsel = 0x4, kResetDone = 0x8;
  std::array<std::function<void()>, kCount> attached_;
};

/// Wraps a peripheral: accesses fault while RESETS holds it.
class ResetGate : public Device {
 public:
  /// `in_reset`: the answer of a held peripheral. kNone: writes are lost, reads give the reset values.
  ResetGate(const Resets& resets, Resets::Bit bit, Device& inner, BusFault in_reset = BusFault::kDenied)
      : resets_(resets), bit_(bit), inner_(inner), in_reset_(in_reset) {}
  std::string_view name() const override { return inner_.name(); }
  Reply read(std::uint32_t offset, const Access& access) override {
    if (resets_.held(bit_) && in_reset_ != BusFault::kNone) return {0, 0, in_reset_};
    return inner_.read(offset, access);
  }
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override {
    if (resets_.held(bit_)) return {0, 0, in_reset_};
    return inner_.write(offset, value, access);
  }
  bool byte_addressable() const override { return inner_.byte_addressable(); }
  bool has_atomic_aliases() const override { return inner_.has_atomic_aliases(); }

 private:
  const Resets& resets_;
  Resets::Bit bit_;
  Device& inner_;
  BusFault in_reset_;
};

}  // namespace pico_llama::simulator
