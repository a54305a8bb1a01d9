/// The console over USB CDC. pico_stdio_usb provides the descriptors, the 1200-baud reset,
/// picotool's reset interface and the background tud_task(); its stdio calls, which drop output if
/// the host is slow, are not used.
#pragma once

#include <array>
#include <cstdint>

#include "hal/console.h"

namespace pico_llama::drivers {

class UsbConsole final : public hal::Console {
 public:
  /// Starts USB. Requires: clk_sys at its final value.
  void start();

  bool connected() override;
  int read() override;
  void write(std::string_view text) override;
  void flush() override;
  void watch_for_cancel(bool on) override;
  bool cancelled() override;
  unsigned take_lost_input() override;
  void idle() override;

 private:
  /// Passes text to TinyUSB, waiting for room.
  void send(std::string_view text);
  /// Whether a program reads while DTR is low. Requires: background task paused.
  bool reads_without_dtr();
  void note_input_without_dtr();
  /// The same during output; limits `bytes` to the room in the FIFO. Requires: background task paused.
  bool takes_without_dtr(uint32_t& bytes);
  /// Moves received bytes into typed_. Requires: background task paused.
  void take_input();

  static constexpr unsigned kTypeAheadBytes = 1024;
  std::array<char, kTypeAheadBytes> typed_{};
  unsigned typed_head_ = 0;  ///< next to read
  unsigned typed_count_ = 0;
  unsigned lost_input_ = 0;
  // A packet costs three interrupts and about 3,000 cycles, however short it is: output is gathered.
  std::array<char, 64> gathered_{};
  unsigned gathered_count_ = 0;
  uint32_t sent_us_ = 0;
  bool watching_ = false;
  bool cancelled_ = false;
  bool dtr_ = false;     ///< as connected() last saw it
  bool probed_ = false;  ///< an empty packet was sent since DTR fell, or since power-on
  bool reader_ = false;  ///< DTR is low and the host accepts packets
  uint32_t probe_us_ = 0;
  uint32_t taken_us_ = 0;  ///< when the host last accepted data while DTR was low
};

}  // namespace pico_llama::drivers
