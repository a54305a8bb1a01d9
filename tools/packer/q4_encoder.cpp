#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"
#include "tools/packer/tensor_encoder.h"
#include "tools/support/failure.h"

namespace pico_llama::packer {

std::uint16_t encode_rows_q4(const formats::Tensor& tensor, const Q4Quantizer& quantizer,
                             std::span<std::byte> out) {
  const auto columns = static_cast<std::uint32_t>(tensor.columns);
  const auto rows = static_cast<std::uint32_t>(tensor.rows);
  const std::uint32_t groups = q4_groups(columns);
  const std::uint32_t padded = q4_columns(columns);
  std::vector<float> values(std::size_t{kBlockRows} * columns);
  for (std::uint32_t first = 0; first < rows; first += kBlockRows) {
    const std::uint32_t count = std::min<std::uint32_t>(kBlockRows, rows - first);
    std::fill(values.begin(), values.end(), 0.0f);
    tensor.read(std::uint64_t{first} * columns, std::span(values).first(std::size_t{count} * columns));
    if (!std::ranges::all_of(values, [](float v) { return std::isfinite(v); }))
      fail("{}: holds a weight that is infinite or not a number; the checkpoint is damaged", tensor.name);
    const Q4Block block = quantizer.quantize(values);
    std::memcpy(out.data() + q4_scale_offset(first, columns), &block.scale, sizeof block.scale);
    for (std::uint32_t r = 0; r < kBlockRows; ++r) {
      for (std::uint32_t group = 0; group < groups; ++group)
        out[q4_code_offset(first + r, group, columns)] =
            static_cast<std::byte>(block.codes[r * groups + group]);
      for (std::uint32_t c = 0; c < padded; ++c) {
        std::byte* at = out.data() + q4_word_offset(first + r, c, columns);
        std::uint32_t word;
        std::memcpy(&word, at, sizeof word);
        word |= q4_bits(block.weights[r * padded + c], first + r, c);
        std::memcpy(at, &word, sizeof word);
      }
    }
  }
  return q4_activation_limit(q4_max_row_codes(out, rows, columns));
}

}  // namespace pico_llama::packer
