#include "firmware/drivers/trng.h"

#include "hardware/structs/trng.h"
#include "hardware/timer.h"

namespace pico_llama::drivers {
namespace {

/// Cycles between two samples of the ring oscillator: 192 samples in 0.1 ms at 150 MHz.
constexpr uint32_t kSamplePeriod = 100;
/// Time-out: ten times the duration of one collection.
constexpr uint32_t kPatienceUs = 1'000;

/// One round of SplitMix64: every bit of the state reaches every bit of the result.
uint64_t mixed(uint64_t state) {
  state += 0x9e3779b97f4a7c15u;
  state = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
  state = (state ^ state >> 27) * 0x94d049bb133111ebu;
  return state ^ state >> 31;
}

}  // namespace

// The block's health checks and decorrelator are bypassed, as in the boot ROM and the SDK: with them a
// collection occasionally takes a hundred times as long, and some end without a result (datasheet 12.12.4).
// Raw samples are correlated, so all 192 are mixed into the 64 bits.
uint64_t trng_bits() {
  trng_hw->trng_debug_control = TRNG_TRNG_DEBUG_CONTROL_AUTO_CORRELATE_BYPASS_BITS |
                                TRNG_TRNG_DEBUG_CONTROL_TRNG_CRNGT_BYPASS_BITS |
                                TRNG_TRNG_DEBUG_CONTROL_VNC_BYPASS_BITS;
  trng_hw->sample_cnt1 = kSamplePeriod;
  trng_hw->rng_icr = TRNG_RNG_ICR_BITS;
  trng_hw->rnd_source_enable = TRNG_RND_SOURCE_ENABLE_RND_SRC_EN_BITS;
  const uint32_t start = timer_hw->timerawl;
  while (trng_hw->trng_busy != 0 && timer_hw->timerawl - start < kPatienceUs) {
  }
  // The time is mixed in too: even if the block did not respond, two stories would differ.
  uint64_t bits = mixed(static_cast<uint64_t>(timer_hw->timerawh) << 32 | timer_hw->timerawl);
  for (const io_ro_32& word : trng_hw->ehr_data) bits = mixed(bits ^ word);
  trng_hw->rnd_source_enable = 0;
  return bits;
}

}  // namespace pico_llama::drivers
