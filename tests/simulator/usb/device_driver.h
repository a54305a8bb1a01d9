#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "simulator/clock/event_queue.h"
#include "simulator/usb/controller.h"
#include "simulator/usb/host.h"

namespace pico_llama::simulator {

/// A controller on a clock, and a way to let time pass.
class Bench : public CoreSignals {
 public:
  Bench();
  std::uint32_t read(std::uint32_t offset);
  void write(std::uint32_t offset, std::uint32_t value, AtomicOp op = AtomicOp::kWrite);
  std::uint32_t dpram(std::uint32_t offset);
  void set_dpram(std::uint32_t offset, std::uint32_t value, std::uint8_t size = 4);
  bool irq() const { return irq_; }
  Picoseconds time() const { return timebase.time_at(now); }
  /// Runs events, and `interrupt` while the line is up, until `done` or for `limit` of time. True if done.
  bool run_until(const std::function<bool()>& done, Picoseconds limit);
  void run_for(Picoseconds duration) {
    run_until([] { return false; }, duration);
  }

  void set_irq_lines(std::uint64_t levels) override;
  void send_event() override {}

  Timebase timebase{150'000'000};
  EventQueue events{timebase};
  InterruptLines interrupts;
  UsbController usb{events, timebase, interrupts};
  Cycle now = 0;
  std::uint64_t events_run = 0;
  std::function<void()> interrupt;

 private:
  bool irq_ = false;
};

/// A driver for the controller as the datasheet describes one (section 12.7.4), of a composite device whose
/// serial port sits on endpoints 5 IN (notify), 3 IN and 7 OUT, behind a vendor interface.
class DeviceDriver {
 public:
  struct Options {
    bool double_buffered_in = false;
    bool double_buffered_out = false;
    bool per_double_buffer = false;  ///< IN: one interrupt for both buffers
    bool echo = true;
  };
  explicit DeviceDriver(Bench& bench, Options options);
  void start();
  void stop() { bench_.write(0x4c, 0x0001'0000, AtomicOp::kClear); }
  /// Queues bytes for the host.
  void print(std::string_view text);

  bool configured = false;
  bool dtr = false;
  std::uint32_t baud = 0;
  std::string received;
  std::vector<std::array<std::uint8_t, 8>> setups;
  unsigned bus_resets = 0;
  unsigned suspends = 0;
  unsigned should_handle_1 = 0;  ///< completions that BUFF_CPU_SHOULD_HANDLE ascribed to buffer 1
  bool break_pid = false;        ///< sends the next IN packet with the wrong data PID

 private:
  static constexpr unsigned kIn = 3, kOut = 7, kNotify = 5;
  static constexpr std::uint32_t kInBuffer = 0x180, kOutBuffer = 0x280, kNotifyBuffer = 0x380;
  void handle();
  void on_setup();
  void on_buffers();
  void control_in(std::vector<std::uint8_t> data, unsigned length);
  void next_control_in();
  void arm(unsigned line, std::uint32_t half, unsigned buffer = 0, bool reset = true);
  void open_endpoints();
  void arm_out(unsigned buffer, bool reset);
  void feed_in();
  void put_in(unsigned buffer, bool reset);

  Bench& bench_;
  Options options_;
  std::deque<std::uint8_t> to_host_;
  std::vector<std::uint8_t> control_data_;
  std::size_t control_sent_ = 0;
  bool control_pid_ = true;
  bool control_zero_packet_ = false;
  enum class Control { kIdle, kDataIn, kDataOut, kStatusIn, kStatusOut } control_ = Control::kIdle;
  int new_address_ = -1;
  bool in_pid_ = false, out_pid_ = false;
  unsigned in_busy_ = 0, next_in_ = 0;
};

/// A program that keeps the bytes it receives.
class Sink : public SerialProgram {
 public:
  std::size_t room() const override { return room_bytes; }
  void receive(std::span<const std::uint8_t> bytes, Picoseconds) override {
    text.append(bytes.begin(), bytes.end());
    room_bytes -= std::min(room_bytes, bytes.size());
  }
  std::size_t room_bytes = ~std::size_t{0} / 2;
  std::string text;
};

}  // namespace pico_llama::simulator
