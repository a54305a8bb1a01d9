#include "firmware/drivers/cautious_start.h"

#include <type_traits>

#include "hardware/structs/watchdog.h"
#include "hardware/watchdog.h"
#include "pico.h"

namespace pico_llama::drivers {
namespace {

constexpr uint32_t kWritten = 0x57e9ca11;
/// The longest step is a 15 MB model, whose checksum takes a second; computed by the core, four.
constexpr uint32_t kPatienceMs = 10'000;

/// Survives a restart. No initial values: see Note in last_stop.cpp.
struct Record {
  uint32_t written;
  uint32_t under_way;  ///< a Step
  uint32_t left_out;   ///< bits by Step
};
static_assert(std::is_trivially_default_constructible_v<Record>);
Record __uninitialized_ram(record);

/// Once a start: what was under way when the watchdog or a fault ended the last one.
void look_back() {
  static bool looked;
  if (looked) return;
  looked = true;
  if (record.written != kWritten) record = {.written = kWritten, .under_way = 0, .left_out = 0};
  // Not when the reset button ended it.
  if (watchdog_hw->reason != 0 && record.under_way != 0) record.left_out |= 1u << record.under_way;
  record.under_way = 0;
}

}  // namespace

bool begin_step(Step step) {
  look_back();
  if (record.left_out >> static_cast<uint32_t>(step) & 1) {
    end_step();
    return false;
  }
  record.under_way = static_cast<uint32_t>(step);
  watchdog_enable(kPatienceMs, true);
  return true;
}

void end_step() {
  watchdog_disable();
  record.under_way = 0;
}

const char* left_out() {
  static constexpr const char* kNames[] = {nullptr,     "the clock", "the flash's speed",
                                           "the PSRAM", "the LED",   "the model"};
  const char* name = nullptr;
  for (uint32_t step = 1; step < 6; ++step) {
    if (record.left_out >> step & 1) name = kNames[step];
  }
  return name;
}

}  // namespace pico_llama::drivers
