#include <cstring>

#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama::portable {

void matmul_q8(const MatmulQ8& a) {
  const auto columns = static_cast<uint32_t>(a.columns);
  for (int block = a.blocks.begin; block < a.blocks.end; ++block) {
    const std::byte* base = a.weights + static_cast<size_t>(block) * q8_block_bytes(columns);
    for (int t = 0; t < a.n_tokens; ++t) {
      const Q8Place place = q8_place(t, a.n_tokens, a.x_stride);
      const int16_t* x = a.x + place.offset;
      for (uint32_t r = 0; r < kBlockRows; ++r) {
        int32_t sum = 0;
        for (uint32_t i = 0; i < columns; ++i) {
          uint32_t word;
          std::memcpy(&word, base + kQ8ScaleBytes + i / 2 * 16 + r / 2 * 4, sizeof word);
          sum += q8_weight(word, r, i) * x[q8_element(static_cast<int>(i), place.step)];
        }
        float scale;
        std::memcpy(&scale, base + r * sizeof scale, sizeof scale);
        a.out[t * a.out_stride + block * kBlockRows + static_cast<int>(r)] =
            static_cast<float>(sum) * (a.x_scale[t] * scale);
      }
    }
  }
}

}  // namespace pico_llama::portable
