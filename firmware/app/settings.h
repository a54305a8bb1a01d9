/// Settings that the commands change.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/session.h"

namespace pico_llama::app {

struct Settings {
  float temperature = 1.0f;
  bool own_temperature = false;  ///< otherwise the model's
  float topp = 0.9f;
  int32_t topk = 0;
  float minp = 0.0f;
  float penalty = 1.0f;
  bool fixed_seed = false;  ///< otherwise each story's seed comes from the hardware
  uint64_t seed = 1;
  int32_t steps = 0;  ///< positions including the prompt's; 0: up to the whole context
  int cores = 2;
  bool endless = false;
  bool use_template = true;
  uint8_t stop_bytes = 0;
  char stop[kMaxStopBytes] = {};

  std::string_view stop_text() const { return {stop, stop_bytes}; }
  /// Requires: the settings stay where they are as long as the story is told.
  SessionOptions session(uint64_t story_seed) const {
    SessionOptions options;
    options.sampler = {temperature, topp, topk, minp, penalty, story_seed};
    options.steps = steps;
    options.endless = endless;
    options.use_template = use_template;
    options.stop = stop_text();
    return options;
  }
};

}  // namespace pico_llama::app
