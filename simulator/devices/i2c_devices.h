#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "simulator/devices/gpio.h"

namespace pico_llama::simulator {

/// A device on an I2C bus, byte by byte.
class I2cDevice {
 public:
  virtual ~I2cDevice() = default;
  /// A transfer begins for `address`, 7 bits. True: the device acknowledges.
  virtual bool begin(unsigned address, bool read) = 0;
  /// A byte for the device. True: it acknowledges.
  virtual bool write(std::uint8_t byte) = 0;
  virtual std::uint8_t read() = 0;
  virtual void stop() {}
};

/// A sensor-like device: 256 registers; the first byte written selects one, which moves on with each byte.
class I2cRegisters : public I2cDevice {
 public:
  explicit I2cRegisters(unsigned address) : registers(256), address_(address) {}
  bool begin(unsigned address, bool read) override {
    if (!read) first_ = true;
    return address == address_;
  }
  bool write(std::uint8_t byte) override {
    if (first_)
      place_ = byte;
    else
      registers[place_++] = byte;
    first_ = false;
    return true;
  }
  std::uint8_t read() override { return registers[place_++]; }
  std::vector<std::uint8_t> registers;

 private:
  unsigned address_;
  std::uint8_t place_ = 0;
  bool first_ = false;
};

/// A serial EEPROM of 32 kB with two address bytes and pages of 64 B, such as the 24LC256: a write takes 5
/// ms, during which it does not acknowledge (its datasheet: tWC, acknowledge polling).
class I2cEeprom : public I2cDevice {
 public:
  static constexpr unsigned kBytes = 32768, kPage = 64;
  static constexpr Picoseconds kWriteTime = 5000 * kPicosecondsPerMicrosecond;
  /// `now`: the time of the change on the bus.
  I2cEeprom(unsigned address, std::function<Picoseconds()> now)
      : memory(kBytes, 0xff), address_(address), now_(std::move(now)) {}
  bool begin(unsigned address, bool read) override {
    if (address != address_ || now_() < busy_until_) return false;
    if (!read) address_bytes_ = 0;
    page_.clear();
    return true;
  }
  bool write(std::uint8_t byte) override {
    if (address_bytes_ < 2) {
      place_ = (place_ << 8 | byte) % kBytes;
      ++address_bytes_;
    } else {
      page_.push_back(byte);
    }
    return true;
  }
  std::uint8_t read() override {
    const std::uint8_t byte = memory[place_];
    place_ = (place_ + 1) % kBytes;
    return byte;
  }
  void stop() override {
    if (page_.empty()) return;
    // Beyond the end of the page the address wraps to its beginning.
    for (const std::uint8_t byte : page_) {
      memory[place_] = byte;
      place_ = place_ / kPage * kPage + (place_ + 1) % kPage;
    }
    page_.clear();
    busy_until_ = now_() + kWriteTime;
  }
  std::vector<std::uint8_t> memory;

 private:
  unsigned address_;
  std::function<Picoseconds()> now_;
  unsigned place_ = 0, address_bytes_ = 0;
  std::vector<std::uint8_t> page_;
  Picoseconds busy_until_ = 0;
};

/// Two GPIOs with pull-ups and devices on them: START, STOP, bytes and acknowledges from the lines' levels.
class I2cWires {
 public:
  I2cWires(Gpio& gpio, unsigned sda, unsigned scl) : gpio_(gpio), sda_pin_(sda), scl_pin_(scl) {
    const std::uint64_t pins = std::uint64_t{1} << sda | std::uint64_t{1} << scl;
    gpio_.set_external_pull_ups(pins);
    gpio_.watch_levels(pins, [this] { changed(); });
  }
  void add(I2cDevice& device) { devices_.push_back(&device); }

 private:
  void changed();
  void scl_fell();
  void take_bit(bool level);

  Gpio& gpio_;
  unsigned sda_pin_, scl_pin_;
  std::vector<I2cDevice*> devices_;
  bool sda_ = true, scl_ = true, inside_ = false;
  bool in_transfer_ = false, address_ = false, reading_ = false, acknowledged_ = false;
  I2cDevice* selected_ = nullptr;
  unsigned bits_ = 0;  ///< of the byte; 8: the acknowledge bit is next
  std::uint8_t shift_ = 0;
};

}  // namespace pico_llama::simulator
