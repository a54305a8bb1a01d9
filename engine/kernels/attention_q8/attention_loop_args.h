// The arguments of attention_q8's loops, shared by their assembly and the C++ model of it.
#pragma once
#include <cstdint>

namespace pico_llama::dsp {

/// Weights of two positions, not all 0, and the address of their values.
struct AttentionEntry {
  uint32_t weights_a;  ///< the first position's in the lower half
  uint32_t weights_b;
  uint32_t values;  ///< values_handle()
};

/// A sum for each of two queries.
struct TwoSums {
  uint32_t a;
  uint32_t b;
};

/// Arguments and results of weights_of_two_heads().
struct AttentionWeights {
  const uint32_t* t;      ///< scores per position: head a in the lower half, b in the upper
  uint32_t values;        ///< handle of the first two positions' values
  const uint16_t* table;  ///< of exp(); see exp_fixed.h
  uint32_t sum_a;         ///< sums of the weights are added here
  uint32_t sum_b;
  const uint32_t* t_end;  ///< a multiple of 4 words after t; two more words are read
  /// In: space for the entries, which may overlap scores already read. Out: end of the entries.
  AttentionEntry* out;
  uint32_t values_step;  ///< bytes between the values of consecutive position pairs
  uint32_t lowest;       ///< per head: scores up to this one have weight 0
};

}  // namespace pico_llama::dsp
