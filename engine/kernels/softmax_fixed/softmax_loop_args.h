// The arguments of the loop of softmax_fixed, shared by its assembly and the C++ model of it.
#pragma once
#include <cstdint>

namespace pico_llama::dsp {

/// Elements [at, end), an even number, at least 2; their weights are added to `sum`.
struct SoftmaxPairs {
  float* at;
  const float* end;
  const uint32_t* table;  ///< kExp2Table
  int32_t slope;          ///< kExp2Slope
  int32_t bend;           ///< kExp2Bend
  uint64_t sum;
  float max;
  float factor;
};

}  // namespace pico_llama::dsp
