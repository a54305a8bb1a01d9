#include "firmware/drivers/usb_console.h"

#include <algorithm>

#include "device/usbd_pvt.h"
#include "hardware/structs/nvic.h"
#include "hardware/sync.h"
#include "hardware/timer.h"
#include "pico/stdio.h"
#include "pico/stdio_usb.h"
#include "tusb.h"

namespace pico_llama::drivers {
namespace {

constexpr char kCtrlC = 0x03;

constexpr uint8_t kPort = 0;
constexpr uint8_t kInEndpoint = 0x82;  // USBD_CDC_EP_IN of pico_stdio_usb's descriptors
/// Interval of probes for a reader, and the delay before the first one: a host that closes a port deasserts
/// DTR some milliseconds before it stops reading.
constexpr uint32_t kProbeUs = 500'000;
/// With DTR low, a host that accepts nothing for this time is considered closed.
constexpr uint32_t kReaderPatienceUs = 1'000'000;

/// TinyUSB is not re-entrant. Its background task runs in this user interrupt (see
/// firmware/CMakeLists.txt) on core 0, as does the console, so masking that interrupt is sufficient as a
/// lock. The NVIC is written directly because the SDK's call that enables an interrupt also clears its
/// pending bit and would lose a USB event.
class BackgroundTaskPaused {
 public:
  BackgroundTaskPaused() {
    nvic_hw->icer[kWord] = kBit;
    __dsb();
    __isb();
  }
  ~BackgroundTaskPaused() { nvic_hw->iser[kWord] = kBit; }
  BackgroundTaskPaused(const BackgroundTaskPaused&) = delete;
  BackgroundTaskPaused& operator=(const BackgroundTaskPaused&) = delete;

 private:
  static constexpr unsigned kWord = PICO_STDIO_USB_LOW_PRIORITY_IRQ / 32;
  static constexpr uint32_t kBit = 1u << (PICO_STDIO_USB_LOW_PRIORITY_IRQ % 32);
};

}  // namespace

void UsbConsole::start() {
  stdio_usb_init();
  // Detached from stdio: a library's printf must not block on a host that does not read.
  stdio_set_driver_enabled(&stdio_usb, false);
}

[[gnu::cold]] bool UsbConsole::connected() {
  const BackgroundTaskPaused paused;
  if (!tud_cdc_connected()) return reads_without_dtr();
  // A rising DTR means that the port was opened, even on a host that always reads: report one disconnection.
  const bool reopened = reader_;
  dtr_ = true;
  reader_ = false;
  return !reopened;
}

/// Programs may leave DTR low (minicom without modem lines, some on Windows). The host accepts IN packets
/// only while a program has the port open, so an empty packet, which is invisible to programs, detects one.
[[gnu::cold]] bool UsbConsole::reads_without_dtr() {
  const uint32_t now = time_us_32();
  if (dtr_ || !tud_ready()) {
    // Closed or unplugged. Unread output is not for the next program.
    if (dtr_) tud_cdc_write_clear();
    dtr_ = probed_ = reader_ = false;
    probe_us_ = now;
    return false;
  }
  if (!usbd_edpt_busy(kPort, kInEndpoint)) {
    taken_us_ = now;
    if (probed_) reader_ = true;
    if (now - probe_us_ >= kProbeUs && usbd_edpt_claim(kPort, kInEndpoint)) {
      probed_ = usbd_edpt_xfer(kPort, kInEndpoint, nullptr, 0);
      probe_us_ = now;
    }
  } else if (reader_ && now - taken_us_ > kReaderPatienceUs) {
    reader_ = false;
    tud_cdc_write_clear();
  }
  return reader_;
}

/// A host that sends has the port open: its first command is answered without waiting for a probe.
[[gnu::cold]] void UsbConsole::note_input_without_dtr() {
  if (dtr_) return;  // sent before the port was closed
  reader_ = true;
  taken_us_ = time_us_32();
}

[[gnu::cold]] bool UsbConsole::takes_without_dtr(uint32_t& bytes) {
  if (dtr_ || !reader_ || !tud_ready()) return false;
  // While DTR is low, TinyUSB overwrites data in a full FIFO.
  const uint32_t room = tud_cdc_write_available();
  const uint32_t now = time_us_32();
  if (room != 0) taken_us_ = now;
  if (now - taken_us_ > kReaderPatienceUs) {
    reader_ = false;
    tud_cdc_write_clear();
  }
  bytes = std::min(bytes, room);
  return reader_;
}

void UsbConsole::take_input() {
  while (tud_cdc_available()) {
    // At the prompt, input that does not fit stays in TinyUSB's FIFO and the host waits. During a story all
    // input is read, so that Ctrl-C is found.
    if (typed_count_ == kTypeAheadBytes && !watching_) return;
    const auto byte = static_cast<char>(tud_cdc_read_char());
    if (watching_ && byte == kCtrlC) {
      cancelled_ = true;
      typed_count_ = 0;  // discards input typed ahead
    } else if (typed_count_ < kTypeAheadBytes) {
      typed_[(typed_head_ + typed_count_++) % kTypeAheadBytes] = byte;
    } else {
      ++lost_input_;
    }
  }
}

int UsbConsole::read() {
  if (typed_count_ == 0) {
    const BackgroundTaskPaused paused;
    take_input();
    if (typed_count_ != 0 && !tud_cdc_connected()) note_input_without_dtr();
  }
  if (typed_count_ == 0) {
    if (gathered_count_ != 0) flush();  // all input is answered
    return -1;
  }
  const auto byte = static_cast<unsigned char>(typed_[typed_head_]);
  typed_head_ = (typed_head_ + 1) % kTypeAheadBytes;
  --typed_count_;
  return byte;
}

void UsbConsole::write(std::string_view text) {
  for (const char c : text) {
    if (gathered_count_ == gathered_.size()) flush();
    gathered_[gathered_count_++] = c;
  }
  if (watching_ && time_us_32() - sent_us_ >= kGatherUs) flush();
}

void UsbConsole::flush() {
  const unsigned count = gathered_count_;
  gathered_count_ = 0;
  sent_us_ = time_us_32();
  send({gathered_.data(), count});
}

void UsbConsole::send(std::string_view text) {
  while (!text.empty()) {
    uint32_t taken = text.size();
    {
      const BackgroundTaskPaused paused;
      // False once the host closes the port, resets the bus or suspends it.
      if (!tud_cdc_connected() && !takes_without_dtr(taken)) return;
      taken = tud_cdc_write(text.data(), taken);
      tud_cdc_write_flush();
      if (watching_) take_input();
    }
    text.remove_prefix(taken);
    // FIFO full: sleep until the next USB interrupt (a packet sent, or the bus disconnected).
    if (!text.empty()) idle();
  }
}

void UsbConsole::watch_for_cancel(bool on) {
  if (on) cancelled_ = false;
  flush();
  watching_ = on;
}

bool UsbConsole::cancelled() {
  if (tud_cdc_available()) {
    const BackgroundTaskPaused paused;
    take_input();
  }
  return cancelled_;
}

unsigned UsbConsole::take_lost_input() {
  const unsigned lost = lost_input_;
  lost_input_ = 0;
  return lost;
}

// With a time-out, since the button has no interrupt and a wake-up could be missed.
void UsbConsole::idle() { best_effort_wfe_or_timeout(make_timeout_time_ms(2)); }

}  // namespace pico_llama::drivers
