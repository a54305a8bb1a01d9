/// Settings that the commands change.
#pragma once

#include <cstdint>

#include "engine/sampling/sampler.h"

namespace pico_llama::app {

struct Settings {
  float temperature = 1.0f;
  float topp = 0.9f;
  int32_t topk = 0;
  bool fixed_seed = false;  ///< otherwise each story's seed comes from the hardware
  uint64_t seed = 1;
  int32_t steps = 0;  ///< positions including the prompt's; 0: up to the whole context
  int cores = 2;

  SamplerOptions sampler(uint64_t story_seed) const {
    SamplerOptions options;
    options.temperature = temperature;
    options.topp = topp;
    options.topk = topk;
    options.seed = story_seed;
    return options;
  }
};

}  // namespace pico_llama::app
