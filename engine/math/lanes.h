// The order in which 8 partial sums are added.
#pragma once

namespace pico_llama {

inline float add_lanes(const float* lane) {
  return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

}  // namespace pico_llama
