#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "simulator/bus/access.h"
#include "simulator/clock/event_queue.h"
#include "simulator/cpu/signals.h"
#include "simulator/usb/dpram.h"

namespace pico_llama::simulator {

/// The device's response to a token (USB 2.0 section 8.4.5).
enum class Handshake : std::uint8_t {
  kAck,
  kNak,
  kStall,
  kSilence,  ///< no response: not connected, other address, endpoint not enabled, packet damaged
};

/// A data packet of a full-speed control, bulk or interrupt endpoint.
struct UsbPacket {
  static constexpr std::size_t kMaxBytes = 64;
  std::array<std::uint8_t, kMaxBytes> bytes{};
  std::size_t size = 0;
  bool data1 = false;  ///< PID DATA1, else DATA0
  std::span<const std::uint8_t> data() const { return {bytes.data(), size}; }
};

/// Notifies the host at the other end of the cable.
class UsbWatcher {
 public:
  virtual ~UsbWatcher() = default;
  /// The pull-up on D+ was switched on (the device attaches) or off.
  virtual void pull_up_changed(bool on, Picoseconds now) = 0;
  /// Software made a buffer available or set STALL: a poll that was answered NAK would now be answered
  /// otherwise. A real host polls; this one is notified, so that idle polls cost nothing.
  virtual void endpoint_ready(unsigned endpoint, bool in, Picoseconds now) = 0;
};

/// The RP2350's USB 1.1 controller in device mode: registers, endpoint state machine, interrupts.
/// Host mode, isochronous endpoints, remote wake-up and direct control of the pins stop the run.
/// Source: RP2350 datasheet section 12.7.
class UsbController : public Device {
 public:
  struct Counters {
    std::uint64_t bytes_in = 0;   ///< payload, device to host
    std::uint64_t bytes_out = 0;  ///< payload, host to device
    std::uint64_t packets_in = 0;
    std::uint64_t packets_out = 0;
    std::uint64_t setups = 0;
    std::uint64_t stalls = 0;
  };
  static constexpr Picoseconds kFrame = kPicosecondsPerSecond / 1000;  ///< USB 2.0 section 8.4.3

  UsbController(EventQueue& events, const Timebase& timebase, InterruptLines& interrupts);

  /// The window at USBCTRL_DPRAM_BASE; this object is the one at USBCTRL_REGS_BASE.
  UsbDpram& dpram() { return dpram_; }
  /// The RESETS block asserts this block's reset at cycle `now`: registers as after power-on, pull-up off.
  void reset(Cycle now);

  std::string_view name() const override { return "USBCTRL"; }
  Reply read(std::uint32_t offset, const Access& access) override;
  Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) override;

  // --- the cable -------------------------------------------------------------------------------------
  void set_watcher(UsbWatcher* watcher) { watcher_ = watcher; }
  /// A host is plugged in (VBUS) or not.
  void set_plugged(bool plugged, Picoseconds now);
  /// The device shows its pull-up on D+.
  bool pulled_up() const;
  /// Host holds SE0 (section 7.1.7.5): address 0, no frames.
  void bus_reset(Picoseconds now);
  /// A start of frame at `first_sof` and every millisecond from then on. Leaves the suspended state.
  void start_frames(Picoseconds first_sof);
  /// No more start-of-frame packets: suspends after 3 ms.
  void stop_frames(Picoseconds now);

  /// One transaction each, complete at `now`.
  Handshake setup(unsigned address, std::span<const std::uint8_t, 8> packet, Picoseconds now);
  Handshake in(unsigned address, unsigned endpoint, UsbPacket& packet, Picoseconds now);
  Handshake out(unsigned address, unsigned endpoint, const UsbPacket& packet, Picoseconds now);
  /// True if a token to this endpoint would not be answered NAK.
  bool ready(unsigned endpoint, bool in) const;
  /// Bytes of the packet that the next IN token would get.
  std::size_t waiting_bytes(unsigned endpoint) const;

  const Counters& counters() const { return counters_; }

  /// From the DPRAM: software wrote the word at `offset`.
  void dpram_written(std::uint32_t offset, Picoseconds now);
  Picoseconds time_of(const Access& access) const { return timebase_.time_at(access.now); }

 private:
  /// An endpoint's direction, as index: 2·number for IN, 2·number + 1 for OUT, as in BUFF_STATUS.
  static unsigned line(unsigned endpoint, bool in) { return 2 * endpoint + (in ? 0 : 1); }
  std::uint32_t endpoint_control(unsigned line) const;
  std::uint32_t buffer_control_offset(unsigned line) const;
  std::uint32_t selected_half(unsigned line) const;
  std::uint32_t buffer_address(unsigned line) const;
  bool stalled(unsigned line) const;
  bool answers(unsigned address, unsigned line) const;
  Handshake refuse(unsigned line, Handshake handshake, Picoseconds now);
  void finish_buffer(unsigned line, std::uint32_t half, bool short_out, Picoseconds now);
  void raise_buffer(unsigned line, unsigned buffer);

  bool vbus() const;
  std::uint32_t sie_status() const;
  std::uint64_t frame_at(Picoseconds now) const;
  std::uint32_t raw_interrupts(Picoseconds now) const;
  void update(Picoseconds now);
  void write_register(std::uint32_t offset, std::uint32_t value, const Access& access);
  void clear_written_ones(std::uint32_t offset, std::uint32_t value, const Access& access);
  void schedule_suspend(Picoseconds now);

  EventQueue& events_;
  const Timebase& timebase_;
  InterruptLines& interrupts_;
  UsbWatcher* watcher_ = nullptr;
  UsbDpram dpram_;
  Counters counters_;

  std::array<std::uint32_t, 0x118 / 4> registers_{};  ///< those without side effects
  std::uint32_t latched_status_ = 0;                  ///< SIE_STATUS bits that software clears
  std::uint32_t buff_status_ = 0;
  std::uint32_t should_handle_ = 0;
  std::array<std::uint8_t, 32> queued_{};    ///< 1 + buffer that waits for its line's BUFF_STATUS bit, or 0
  std::array<std::uint8_t, 32> selected_{};  ///< buffer that the next transaction uses
  std::uint32_t abort_done_ = 0;
  std::uint32_t stall_nak_ = 0;
  bool connection_changed_ = false;
  bool was_connected_ = false;
  bool was_pulled_up_ = false;

  bool plugged_ = false;
  bool frames_ = false;
  Picoseconds first_sof_ = 0;
  std::uint64_t frame_origin_ = 0;  ///< frames before first_sof_
  std::uint64_t frame_read_ = 0;    ///< frames when SOF_RD was last read
  EventQueue::Id sof_event_ = 0;
  EventQueue::Id suspend_event_ = 0;
};

}  // namespace pico_llama::simulator
