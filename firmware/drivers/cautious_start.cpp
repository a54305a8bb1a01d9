#include "firmware/drivers/cautious_start.h"

#include <type_traits>

#include "hardware/structs/watchdog.h"
#include "hardware/watchdog.h"
#include "pico.h"

namespace pico_llama::drivers {
namespace {

constexpr uint32_t kWritten = 0x57e9ca11;
/// The longest stage is loading a 15 MB model: its checksum takes one second by DMA, four by the core.
constexpr uint32_t kPatienceMs = 10'000;

/// Survives a restart. No initialisers: see Note in last_stop.cpp.
struct Record {
  uint32_t written;
  uint32_t active;   ///< a Stage
  uint32_t skipped;  ///< bit mask of Stages
};
static_assert(std::is_trivially_default_constructible_v<Record>);
Record __uninitialized_ram(record);

/// Once per start: marks the stage that was active when the watchdog or a fault ended the previous run.
void check_last_start() {
  static bool checked;
  if (checked) return;
  checked = true;
  if (record.written != kWritten) record = {.written = kWritten, .active = 0, .skipped = 0};
  // `reason` is 0 after the reset button.
  if (watchdog_hw->reason != 0 && record.active != 0) record.skipped |= 1u << record.active;
  record.active = 0;
}

}  // namespace

bool begin_stage(Stage stage) {
  check_last_start();
  if (record.skipped >> static_cast<uint32_t>(stage) & 1) {
    end_stage();
    return false;
  }
  record.active = static_cast<uint32_t>(stage);
  watchdog_enable(kPatienceMs, true);
  return true;
}

void end_stage() {
  watchdog_disable();
  record.active = 0;
}

const char* skipped_stage() {
  static constexpr const char* kNames[] = {nullptr,     "the clocks", "the flash",
                                           "the PSRAM", "the LED",    "the model"};
  const char* name = nullptr;
  for (uint32_t stage = 1; stage < 6; ++stage) {
    if (record.skipped >> stage & 1) name = kNames[stage];
  }
  return name;
}

}  // namespace pico_llama::drivers
