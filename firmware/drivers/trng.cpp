#include "firmware/drivers/trng.h"

#include "hardware/structs/trng.h"

namespace pico_llama::drivers {

uint64_t trng_bits() {
  // Cycles between two samples of the ring oscillator. Few give correlated bits, which the block's own tests
  // reject; 1000 at 150 MHz samples at 150 kHz and fills the register in some milliseconds.
  trng_hw->sample_cnt1 = 1000;
  for (;;) {
    trng_hw->rng_icr = TRNG_RNG_ICR_BITS;
    trng_hw->rnd_source_enable = TRNG_RND_SOURCE_ENABLE_RND_SRC_EN_BITS;
    while ((trng_hw->rng_isr & (TRNG_RNG_ISR_EHR_VALID_BITS | TRNG_RNG_ISR_AUTOCORR_ERR_BITS)) == 0) {
    }
    const bool valid = (trng_hw->rng_isr & TRNG_RNG_ISR_EHR_VALID_BITS) != 0;
    const uint64_t bits = static_cast<uint64_t>(trng_hw->ehr_data[0]) << 32 | trng_hw->ehr_data[1];
    trng_hw->rnd_source_enable = 0;
    if (valid) return bits;
    // Four failed autocorrelation tests in a row latch an error that only a reset of the block clears.
    trng_hw->trng_sw_reset = 1;
    trng_hw->sample_cnt1 = 2 * trng_hw->sample_cnt1 + 1000;
  }
}

}  // namespace pico_llama::drivers
