// e^-x in fixed point by one table look-up, without multiplication or shift.
#pragma once
#include <cstdint>

#include "engine/math/exp.h"

namespace pico_llama {

/// Tables of e^-x over 8 nats, one for each size of a step: 2^exponent / 64 nats.
inline constexpr int kExpExponents = 10;
inline constexpr float kExpUnitsPerNat = 64.0f;  ///< at exponent 0

/// Score units in 8 nats. From exponent 10 on only the maximum has a weight, so one unit.
constexpr int exp_steps(int exponent) { return exponent < kExpExponents ? 512 >> exponent : 1; }

struct ExpTables {
  uint16_t at[1034];  ///< one more than used: gathers on a PC read 32 bits
};

/// Where the table of an exponent begins; it has exp_steps() + 1 entries.
constexpr int exp_table_offset(int exponent) {
  const int e = exponent < kExpExponents ? exponent : kExpExponents - 1;
  return 1024 - (1024 >> e) + e;
}

/// Backwards, entry u being that of x = steps - u: 2^15 - 1 where x is 0, and 0 where it is 8 nats or more.
inline constexpr ExpTables kExpTables = [] {
  ExpTables tables{};
  for (int e = 0; e < kExpExponents; ++e) {
    const int steps = exp_steps(e);
    for (int u = 1; u <= steps; ++u) {
      const float x = static_cast<float>((steps - u) << e) / kExpUnitsPerNat;
      tables.at[exp_table_offset(e) + u] = static_cast<uint16_t>(exp(-x) * 32767.0f + 0.5f);
    }
  }
  return tables;
}();

}  // namespace pico_llama
