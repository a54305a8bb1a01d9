#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "simulator/bootrom/rom_bus.h"

namespace pico_llama::simulator::bootsel {

/// A SETUP packet (USB 2.0 section 9.3).
struct Setup {
  std::uint8_t request_type = 0, request = 0;
  std::uint16_t value = 0, index = 0, length = 0;
};

/// A bulk OUT and a bulk IN endpoint of 64 bytes, as the function that owns them uses them.
class BulkEndpoints {
 public:
  static constexpr std::size_t kPacketBytes = 64;
  BulkEndpoints(RomBus& bus, unsigned out, unsigned in);

  unsigned out() const { return out_; }
  unsigned in() const { return in_; }
  /// Enables both, DATA0 next, nothing armed.
  void enable();
  /// Offers a packet of at most 64 bytes to the host.
  void send(std::span<const std::uint8_t> packet);
  /// Accepts one packet from the host.
  void receive();
  void stall(bool in);
  bool stalled(bool in) const { return halted_[in ? 1 : 0]; }
  /// CLEAR_FEATURE(ENDPOINT_HALT): DATA0 follows (USB 2.0 section 9.4.5).
  void clear_halt(bool in);
  /// Takes back what is armed, and ends a STALL; the data toggles stay.
  void cancel();
  /// The packet that has come, if it was not cancelled.
  std::optional<std::vector<std::uint8_t>> take_received();

 private:
  void set_buffer_control(bool in, std::uint32_t value);

  RomBus& bus_;
  unsigned out_, in_;
  std::array<bool, 2> data1_{}, halted_{};  ///< [in]
};

/// What the device does behind one interface.
class BulkFunction {
 public:
  virtual ~BulkFunction() = default;
  virtual BulkEndpoints& endpoints() = 0;
  /// The host has configured the device: starts from the beginning.
  virtual void configured() = 0;
  virtual void received(std::span<const std::uint8_t> packet) = 0;
  virtual void sent() = 0;
  virtual void halt_cleared(bool in) = 0;
  /// A class or vendor request to the interface: data for the host (empty to acknowledge), or nothing for
  /// STALL.
  virtual std::optional<std::vector<std::uint8_t>> control(const Setup& setup) = 0;
};

/// The driver of the USB controller in BOOTSEL mode: the device's descriptors, endpoint 0, two functions.
/// Polls; the controller raises no interrupt.
/// Source: RP2350 datasheet sections 5.6.1 to 5.6.3 (descriptors), 12.7 (controller).
class UsbDevice {
 public:
  UsbDevice(RomBus& bus, std::string serial_number, BulkFunction& mass_storage, BulkFunction& picoboot);

  /// Connects: the pull-up is switched on.
  void start();
  /// Handles whatever has happened since the last call. With `control_only`, bulk packets wait.
  void poll(bool control_only = false);

 private:
  void bus_reset();
  void on_setup();
  void on_buffers(bool control_only);
  std::optional<std::vector<std::uint8_t>> answer(const Setup& setup);
  std::optional<std::vector<std::uint8_t>> descriptor(unsigned type, unsigned index) const;
  std::optional<std::vector<std::uint8_t>> clear_endpoint_halt(unsigned address);
  void send_control_packet();
  void set_control_buffer(bool in, std::uint32_t value);
  void stall_control();

  RomBus& bus_;
  std::string serial_number_;
  std::array<BulkFunction*, 2> functions_;  ///< by interface number
  std::uint8_t configuration_ = 0;
  std::optional<std::uint8_t> new_address_;
  std::uint32_t pending_ = 0;  ///< completed bulk buffers, not yet handled

  std::vector<std::uint8_t> to_host_;
  std::size_t sent_ = 0;
  bool zero_packet_ = false;  ///< ends a data stage that is shorter than wLength
  bool data1_ = true;
};

}  // namespace pico_llama::simulator::bootsel
