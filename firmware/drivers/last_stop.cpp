#include "firmware/drivers/last_stop.h"

#include <type_traits>

#include "hardware/structs/m33.h"
#include "hardware/sync.h"
#include "hardware/watchdog.h"
#include "pico.h"

namespace pico_llama::drivers {
namespace {

constexpr uint32_t kWritten = 0x57093d00;

/// Survives everything except a power loss, which `written` detects. No member may have an initialiser: a
/// static constructor would then overwrite the note after every restart.
struct Note {
  uint32_t written;
  const char* what;
  const char* file;
  uint32_t line;
  uint32_t pc;
  uint32_t fault_status;
};
static_assert(std::is_trivially_default_constructible_v<Note>);
Note __uninitialized_ram(note);

[[noreturn]] void restart() {
  __dsb();
  watchdog_reboot(0, 0, 1);
  for (;;) __wfe();
}

}  // namespace

void stop_here(const char* what, const char* file, uint32_t line) {
  note = {.written = kWritten, .what = what, .file = file, .line = line, .pc = 0, .fault_status = 0};
  restart();
}

hal::LastStop take_last_stop() {
  if (note.written != kWritten) return {};
  note.written = 0;
  return {.what = note.what,
          .file = note.file,
          .line = note.line,
          .pc = note.pc,
          .fault_status = note.fault_status};
}

}  // namespace pico_llama::drivers

/// frame: the exception frame (r0-r3, r12, lr, pc, xpsr). If stacking it would have crossed the stack
/// limit, there is no frame, and the pointer equals the limit. RP2350 datasheet 3.7 (Cortex-M33),
/// Armv8-M ARM B3.19, PushStack().
extern "C" [[noreturn]] __attribute__((used)) void pico_llama_fault(const uint32_t* frame,
                                                                    const uint32_t* limit) {
  using namespace pico_llama::drivers;
  const uint32_t status = m33_hw->cfsr;
  note = {.written = kWritten,
          .what = status & M33_CFSR_UFSR_STKOF_BITS ? "stack overflow" : "fault",
          .file = "",
          .line = 0,
          .pc = frame == limit ? 0 : frame[6],
          .fault_status = status};
  restart();
}

/// Replaces the SDK's handler, which waits for a debugger. Clears MSPLIM first: after a stack overflow the
/// handler's own pushes would exceed the limit again, and a fault inside HardFault is a lockup, which only
/// the reset button ends.
extern "C" __attribute__((naked)) void isr_hardfault() {
  __asm volatile(
      "mrs r0, msp\n"
      "mrs r1, msplim\n"
      "movs r2, #0\n"
      "msr msplim, r2\n"
      "b pico_llama_fault\n");
}
