#include <cstring>

#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"

namespace pico_llama::portable {

void matmul_q4(const MatmulQ4& a) {
  const auto columns = static_cast<uint32_t>(a.columns);
  for (uint32_t row = static_cast<uint32_t>(a.blocks.begin) * kBlockRows;
       row < static_cast<uint32_t>(a.blocks.end) * kBlockRows; ++row) {
    float scale;
    std::memcpy(&scale, a.weights + q4_scale_offset(row, columns), sizeof scale);
    for (int t = 0; t < a.n_tokens; ++t) {
      const int16_t* x = a.x + t * a.x_stride;
      int32_t sum = 0;
      for (uint32_t group = 0; group < q4_groups(columns); ++group) {
        int32_t of_group = 0;
        for (uint32_t i = group * kQ4Group; i < (group + 1) * kQ4Group; ++i) {
          uint32_t word;
          std::memcpy(&word, a.weights + q4_word_offset(row, i, columns), sizeof word);
          of_group += q4_weight(word, row, i) * x[i];
        }
        sum += of_group * static_cast<int8_t>(a.weights[q4_code_offset(row, group, columns)]);
      }
      a.out[t * a.out_stride + static_cast<int>(row)] = static_cast<float>(sum) * (a.x_scale[t] * scale);
    }
  }
}

}  // namespace pico_llama::portable
