#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/devices/peripheral.h"

namespace pico_llama::simulator {

/// One 32-bit register as the SDK's hardware/regs headers describe it.
struct Register {
  std::uint32_t offset = 0;
  const char* name = "";
  std::uint32_t reset = 0;
  std::uint32_t writable = 0;  ///< bits that are stored when written
  std::uint32_t clear = 0;     ///< bits that a written 1 clears
  std::uint32_t ignored = 0;   ///< read-only, reserved or self-clearing bits: writing them is allowed
  std::uint32_t count = 1;     ///< this many registers, one after the other: NAME0, NAME1, ...
};

/// A device made of registers. Strict: a register that is not in its table, or a changed bit that the table
/// does not have, is a Stop that names device and register.
class RegisterDevice : public Peripheral {
 public:
  RegisterDevice(std::string name, std::span<const Register> registers);

  std::string_view name() const override { return name_; }
  void reset() override;
  Reply read(std::uint32_t offset, const Access& access) final;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

 protected:
  struct Write {
    std::uint32_t offset;
    std::uint32_t old_value;  ///< stored value before
    std::uint32_t value;      ///< after the atomic operation, all bits, also those that are not stored
    std::uint32_t bits;       ///< the value on the bus: used by write-one-to-clear registers
  };
  /// The result of a read. Default: the stored value.
  virtual std::uint32_t on_read(std::uint32_t offset, const Access& access);
  /// Called after the stored value has changed.
  virtual void on_write(const Write& write, const Access& access);

  std::uint32_t& stored(std::uint32_t offset) { return values_[offset / 4]; }
  std::uint32_t stored(std::uint32_t offset) const { return values_[offset / 4]; }
  /// Ends the run: software uses a feature that this device does not model.
  [[noreturn]] void stop(std::uint32_t offset, std::string_view what) const;
  std::string register_name(std::uint32_t offset) const;

 private:
  const Register* find(std::uint32_t offset) const;

  std::string name_;
  std::vector<Register> registers_;    // count is 1 in each: expanded
  std::vector<std::string> names_;     // of registers_
  std::vector<std::int16_t> index_;    // offset / 4 -> place in registers_, -1 unknown
  std::vector<std::uint32_t> values_;  // by offset / 4
};

/// A peripheral that the chip has and the model lacks: any access is a Stop that names it.
class Unmodelled : public Peripheral {
 public:
  explicit Unmodelled(std::string name) : name_(std::move(name)) {}
  std::string_view name() const override { return name_; }
  void reset() override {}
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

 private:
  std::string name_;
};

}  // namespace pico_llama::simulator
