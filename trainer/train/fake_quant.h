#pragma once
#include <cstddef>

#include "trainer/model/parameters.h"

namespace pico_llama::trainer {

/// Simulated quantisation: the forward pass uses the values of a quantised image, so that training adapts to
/// them (straight-through gradients to the exact weights).
enum class Quantisation { kNone, kQ8, kQ4 };

/// Columns that share a scale: q8 has one scale a row, q4 one for each 32 of a row.
inline constexpr size_t kQ4Group = 32;

/// Rounds rows [begin, end) of a matrix: w = scale * round(w / scale), scale = max |w| / 127 (q8) or / 7
/// (q4).
void fake_quantise(Quantisation to, const float* weights, float* rounded, size_t columns, size_t begin,
                   size_t end);

/// The whole model at once: matrices rounded, norms copied.
void fake_quantise(Quantisation to, const Layout& layout, const float* parameters, float* rounded);

}  // namespace pico_llama::trainer
