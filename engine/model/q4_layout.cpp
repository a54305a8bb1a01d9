#include "engine/model/q4_layout.h"

#include <cstring>

#include "engine/check.h"
#include "engine/model/model_image_layout.h"

namespace pico_llama {

int64_t q4_max_row_codes(std::span<const std::byte> tensor, uint32_t rows, uint32_t columns) {
  CHECK(tensor.size() >= tensor_bytes(Encoding::kRowsQ4, rows, columns));
  int64_t most = 0;
  for (uint32_t row = 0; row < block_count(rows) * kBlockRows; ++row) {
    int64_t sum = 0;
    for (uint32_t group = 0; group < q4_groups(columns); ++group) {
      const auto code = static_cast<int8_t>(*(tensor.data() + q4_code_offset(row, group, columns)));
      sum += code < 0 ? -code : code;
    }
    if (sum > most) most = sum;
  }
  return most;
}

void q4_row(const std::byte* tensor, uint32_t row, uint32_t columns, int begin, int end, float* out) {
  float scale;
  std::memcpy(&scale, tensor + q4_scale_offset(row, columns), sizeof scale);
  const std::byte* words = tensor + q4_word_offset(row, 0, columns);
  const std::byte* codes = tensor + q4_code_offset(row, 0, columns);
  for (auto i = static_cast<uint32_t>(begin); i < static_cast<uint32_t>(end); ++i) {
    const uint32_t group = i / kQ4Group * kQ4GroupBytes;
    uint32_t word;
    std::memcpy(&word, words + group + i % kQ4Group / 2 * 8, sizeof word);
    out[i] = scale * static_cast<float>(static_cast<int8_t>(codes[group]) * q4_weight(word, row, i));
  }
}

}  // namespace pico_llama
