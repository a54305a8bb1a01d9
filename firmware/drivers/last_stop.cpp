#include "firmware/drivers/last_stop.h"

#include "hardware/structs/m33.h"
#include "hardware/sync.h"
#include "hardware/watchdog.h"
#include "pico.h"

namespace pico_llama::drivers {
namespace {

constexpr uint32_t kWritten = 0x57093d00;

/// Survives everything but a loss of power; garbage then, told by `written`.
struct Note {
  uint32_t written;
  hal::LastStop stop;
};
Note __uninitialized_ram(note);

[[noreturn]] void restart() {
  __dsb();
  watchdog_reboot(0, 0, 1);
  for (;;) __wfe();
}

}  // namespace

void stop_here(const char* what, const char* file, uint32_t line) {
  note.stop = {.what = what, .file = file, .line = line, .pc = 0, .fault_status = 0};
  note.written = kWritten;
  restart();
}

hal::LastStop take_last_stop() {
  if (note.written != kWritten) return {};
  note.written = 0;
  return note.stop;
}

}  // namespace pico_llama::drivers

/// frame: what the hardware stacked, r0-r3, r12, lr, pc, xpsr. RP2350 datasheet 3.7 (Cortex-M33), Armv8-M ARM
/// B3.19.
extern "C" [[noreturn]] __attribute__((used)) void pico_llama_fault(const uint32_t* frame) {
  using namespace pico_llama::drivers;
  note.stop = {.what = "fault", .file = "", .line = 0, .pc = frame[6], .fault_status = m33_hw->cfsr};
  note.written = kWritten;
  restart();
}

/// Replaces the SDK's, which waits for a debugger.
extern "C" __attribute__((naked)) void isr_hardfault() {
  __asm volatile(
      "mrs r0, msp\n"
      "b pico_llama_fault\n");
}
