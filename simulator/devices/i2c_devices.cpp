#include "simulator/devices/i2c_devices.h"

namespace pico_llama::simulator {

void I2cWires::changed() {
  if (inside_) return;  // its own driving of SDA
  inside_ = true;
  const bool sda = gpio_.level(sda_pin_), scl = gpio_.level(scl_pin_);
  if (scl && scl_ && sda != sda_) {
    // SDA changes while SCL is high: START or STOP.
    if (!sda) {
      in_transfer_ = address_ = true;
      bits_ = 0;
      shift_ = 0;
    } else {
      if (in_transfer_ && selected_ != nullptr) selected_->stop();
      in_transfer_ = false;
      selected_ = nullptr;
    }
    gpio_.release(sda_pin_);
  } else if (scl && !scl_ && in_transfer_) {
    take_bit(sda);
  } else if (!scl && scl_ && in_transfer_) {
    scl_fell();
  }
  sda_ = gpio_.level(sda_pin_);
  scl_ = scl;
  inside_ = false;
}

/// SCL has risen.
void I2cWires::take_bit(bool level) {
  if (bits_ < 8) {
    if (address_ || !reading_) shift_ = static_cast<std::uint8_t>(shift_ << 1 | (level ? 1 : 0));
    ++bits_;
    return;
  }
  // The acknowledge bit: of the master where it reads.
  if (reading_ && !address_) acknowledged_ = !level;
  ++bits_;
}

/// SCL has fallen: devices change SDA now.
void I2cWires::scl_fell() {
  bool low = false;
  if (bits_ == 8) {
    if (address_) {
      reading_ = (shift_ & 1) != 0;
      selected_ = nullptr;
      for (I2cDevice* device : devices_) {
        if (device->begin(shift_ >> 1, reading_)) selected_ = device;
      }
      low = selected_ != nullptr;
    } else if (!reading_) {
      low = selected_ != nullptr && selected_->write(shift_);
    }
  } else {
    if (bits_ == 9) {
      bits_ = 0;
      const bool first = address_;
      address_ = false;
      if (reading_ && selected_ != nullptr) {
        if (first || acknowledged_)
          shift_ = selected_->read();
        else
          selected_ = nullptr;  // not acknowledged: the device lets go of SDA
      }
    }
    if (reading_ && !address_ && selected_ != nullptr) low = (shift_ >> (7 - bits_) & 1) == 0;
  }
  if (low)
    gpio_.drive(sda_pin_, false);
  else
    gpio_.release(sda_pin_);
}

}  // namespace pico_llama::simulator
