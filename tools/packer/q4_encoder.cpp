#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "engine/check.h"
#include "engine/q4_layout.h"
#include "tools/packer/tensor_encoder.h"

namespace pico_llama::packer {
namespace {

struct Code {
  int code = 0;
  double loss = 0;
};

int rounded(float w, float scale) { return std::clamp(static_cast<int>(std::nearbyint(w / scale)), -8, 7); }

double loss_of(std::span<const float> w, float scale) {
  double loss = 0;
  for (const float v : w) {
    const double e =
        static_cast<double>(v) - (scale != 0 ? static_cast<double>(scale) * rounded(v, scale) : 0.0);
    loss += e * e;
  }
  return loss;
}

}  // namespace

std::uint16_t encode_rows_q4(const checkpoint::Tensor& tensor, std::span<std::byte> out) {
  const auto columns = static_cast<std::uint32_t>(tensor.columns);
  const auto rows = static_cast<std::uint32_t>(tensor.rows);
  std::array<std::vector<float>, kBlockRows> block;
  for (auto& row : block) row.resize(q4_columns(columns));
  for (std::uint32_t first = 0; first < rows; first += kBlockRows) {
    const std::uint32_t count = std::min<std::uint32_t>(kBlockRows, rows - first);
    float largest = 0;
    for (std::uint32_t r = 0; r < count; ++r) {
      tensor.read_row(first + r, std::span(block[r]).first(columns));
      for (float v : block[r]) largest = std::max(largest, std::fabs(v));
    }
    // A group of the largest weight may want 8 steps of its scale there, or 7.
    const float scale = largest / 7.0f / kQ4MaxCode;
    if (scale < std::numeric_limits<float>::min()) continue;
    std::memcpy(out.data() + q4_scale_offset(first, columns), &scale, sizeof scale);
    for (std::uint32_t r = 0; r < count; ++r)
      for (std::uint32_t group = 0; group < q4_groups(columns); ++group) {
        const auto w = std::span<const float>(block[r]).subspan(group * kQ4Group, kQ4Group);
        Code best{0, loss_of(w, 0)};
        float most = 0;
        for (float v : w) most = std::max(most, std::fabs(v));
        const int top = static_cast<int>(std::ceil(most / 7.0f / scale));
        for (int c = std::max(1, top / 2); c <= std::min(top, kQ4MaxCode); ++c)
          for (const int code : {c, -c}) {
            const double loss = loss_of(w, static_cast<float>(code) * scale);
            if (loss < best.loss) best = {code, loss};
          }
        out[q4_code_offset(first + r, group, columns)] = static_cast<std::byte>(best.code);
        if (best.code == 0) continue;
        for (std::uint32_t i = 0; i < kQ4Group; ++i) {
          const std::uint32_t column = group * kQ4Group + i;
          std::byte* at = out.data() + q4_word_offset(first + r, column, columns);
          std::uint32_t word;
          std::memcpy(&word, at, sizeof word);
          word |= (static_cast<std::uint32_t>(rounded(w[i], static_cast<float>(best.code) * scale)) & 15u)
                  << q4_shift(first + r, column);
          std::memcpy(at, &word, sizeof word);
        }
      }
  }
  return q4_activation_limit(q4_max_row_codes(out, rows, columns));
}

}  // namespace pico_llama::packer
