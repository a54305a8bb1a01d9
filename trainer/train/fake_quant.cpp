#include "trainer/train/fake_quant.h"

#include <algorithm>
#include <cmath>

namespace pico_llama::trainer {

void fake_quantise(Quantisation to, const float* weights, float* rounded, size_t columns, size_t begin,
                   size_t end) {
  const size_t group = to == Quantisation::kQ4 ? std::min(kQ4Group, columns) : columns;
  const float levels = to == Quantisation::kQ4 ? 7.0f : 127.0f;
  for (size_t row = begin; row < end; ++row) {
    for (size_t first = 0; first < columns; first += group) {
      const size_t count = std::min(group, columns - first);
      const float* from = weights + row * columns + first;
      float* out = rounded + row * columns + first;
      float largest = 0;
      for (size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(from[i]));
      const float scale = largest / levels;
      for (size_t i = 0; i < count; ++i)
        out[i] = largest > 0 ? scale * std::nearbyint(from[i] / scale) : 0.0f;
    }
  }
}

void fake_quantise(Quantisation to, const Layout& layout, const float* parameters, float* rounded) {
  for (const TensorKind& kind : layout.all()) {
    if (kind.is_matrix() && to != Quantisation::kNone) {
      fake_quantise(to, parameters + kind.offset, rounded + kind.offset, kind.columns, 0,
                    kind.count * kind.rows);
    } else {
      std::copy_n(parameters + kind.offset, kind.elements(), rounded + kind.offset);
    }
  }
}

}  // namespace pico_llama::trainer
