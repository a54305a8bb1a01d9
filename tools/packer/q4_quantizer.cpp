#include "tools/packer/q4_quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/check.h"

namespace pico_llama::packer {
namespace {

constexpr int kSweeps = 4;

/// To the nearest integer in [low, high]; low for NaN, which extreme weights can produce.
int rounded(float value, int low = -8, int high = 7) {
  if (!(value > static_cast<float>(low))) return low;
  return value < static_cast<float>(high) ? static_cast<int>(std::nearbyint(value)) : high;
}

/// The code whose multiples of `scale` lie closest to w, each difference weighted; 0 if nothing does better.
int best_code(std::span<const float> w, std::span<const float> weight, float scale, int max_code) {
  float largest = 0, best_loss = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    largest = std::max(largest, std::fabs(w[i]));
    best_loss += weight[i] * w[i] * w[i];
  }
  const int top = std::min(max_code, rounded(largest / 6.5f / scale, 0, max_code) + 1);
  int best = 0;
  for (int code = std::max(1, top / 2); code <= top; ++code)
    for (const int signed_code : {code, -code}) {
      const float step = static_cast<float>(signed_code) * scale;
      const float inverse = 1.0f / step;
      float loss = 0;
      for (std::size_t i = 0; i < w.size() && loss < best_loss; ++i) {
        const float error = w[i] - step * static_cast<float>(rounded(w[i] * inverse));
        loss += weight[i] * error * error;
      }
      if (loss < best_loss) {
        best_loss = loss;
        best = signed_code;
      }
    }
  return best;
}

}  // namespace

Q4Quantizer::Q4Quantizer(std::uint32_t columns, const Moments* moments, double identity)
    : n_(q4_columns(columns)), d_(n_, 1.0f) {
  // Codes so small that activations keep 10 bits whatever the codes of a row are.
  constexpr double kWantedLimit = 1023;
  max_code_ = std::clamp(static_cast<int>(2147483647.0 / (kWantedLimit * 8 * static_cast<double>(n_))), 1,
                         kQ4MaxCode);
  double mean = 0;
  for (std::size_t i = 0; moments != nullptr && i < columns; ++i) mean += moments->at(i, i) / columns;
  // A model with extreme weights has no usable moments.
  if (!std::isfinite(mean) || mean < 1e-30) return;
  std::vector<double> h(n_ * n_);
  for (std::size_t i = 0; i < columns; ++i) {
    for (std::size_t j = 0; j < columns; ++j) h[i * n_ + j] = moments->at(i, j) / mean;
    h[i * n_ + i] += identity;
  }
  for (std::size_t i = columns; i < n_; ++i) h[i * n_ + i] = 1;
  h_.assign(h.begin(), h.end());
  m_.resize(n_ * n_);

  // h = R diag R', R upper triangular with 1 on its diagonal, from the last column back.
  for (std::size_t k = n_; k-- > 0;) {
    const double pivot = h[k * n_ + k];
    CHECK(pivot > 0);
    d_[k] = static_cast<float>(pivot);
    for (std::size_t i = 0; i < k; ++i) {
      const double factor = h[k * n_ + i] / pivot;
      m_[i * n_ + k] = static_cast<float>(factor);
      for (std::size_t j = 0; j <= i; ++j) h[i * n_ + j] -= factor * h[k * n_ + j];
    }
  }
}

Q4Block Q4Quantizer::quantize(std::span<const float> rows) const {
  const std::size_t columns = rows.size() / kBlockRows;
  const std::size_t groups = n_ / kQ4Group;
  Q4Block block{0, std::vector<std::int8_t>(kBlockRows * groups), std::vector<std::int8_t>(kBlockRows * n_)};
  float largest = 0;
  for (const float w : rows) largest = std::max(largest, std::fabs(w));
  // Some room for what rounding passes on. A block too small for a normal scale is one of zeros.
  const float step = 1.1f / 7.0f / static_cast<float>(max_code_);
  if (largest * step < std::numeric_limits<float>::min()) return block;
  block.scale = largest * step;
  std::vector<float> w(n_);
  for (std::size_t r = 0; r < kBlockRows; ++r) {
    // As parts of the largest, so that no square overflows.
    for (std::size_t c = 0; c < columns; ++c) w[c] = rows[r * columns + c] / largest;
    const auto codes = std::span(block.codes).subspan(r * groups, groups);
    const auto weights = std::span(block.weights).subspan(r * n_, n_);
    round_forward(w, step, codes, weights);
    if (!h_.empty()) improve(w, step, codes, weights);
  }
  return block;
}

void Q4Quantizer::round_forward(std::span<const float> w, float scale, std::span<std::int8_t> codes,
                                std::span<std::int8_t> weights) const {
  std::vector<float> wanted(w.begin(), w.end());
  float step = 0, inverse = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    if (i % kQ4Group == 0) {
      const int code = best_code(std::span<const float>(wanted).subspan(i, kQ4Group),
                                 std::span<const float>(d_).subspan(i, kQ4Group), scale, max_code_);
      codes[i / kQ4Group] = static_cast<std::int8_t>(code);
      step = static_cast<float>(code) * scale;
      inverse = code != 0 ? 1.0f / step : 0.0f;
    }
    const int b = rounded(wanted[i] * inverse);
    weights[i] = static_cast<std::int8_t>(b);
    if (m_.empty()) continue;
    // Error against the target, which includes the errors propagated from earlier columns.
    const float error = w[i] - step * static_cast<float>(b);
    const float* factors = m_.data() + i * n_;
    for (std::size_t j = i + 1; j < n_; ++j) wanted[j] += error * factors[j];
  }
}

void Q4Quantizer::improve(std::span<const float> w, float scale, std::span<std::int8_t> codes,
                          std::span<std::int8_t> weights) const {
  // gradient = h (w - q): half of what the loss falls by, for a small step of q.
  std::vector<float> gradient(n_);
  const auto add = [&](std::size_t i, float change) {
    const float* row = h_.data() + i * n_;
    for (std::size_t j = 0; j < n_; ++j) gradient[j] += change * row[j];
  };
  for (std::size_t i = 0; i < n_; ++i)
    add(i, w[i] - static_cast<float>(codes[i / kQ4Group]) * scale * static_cast<float>(weights[i]));
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    bool changed = false;
    for (std::size_t group = 0; group < n_ / kQ4Group; ++group) {
      const std::size_t first = group * kQ4Group;
      // The code: q moves along the group's weights b by a step that h decides.
      float along = 0, curvature = 0;
      for (std::size_t i = first; i < first + kQ4Group; ++i) {
        const auto b = static_cast<float>(weights[i]);
        along += b * gradient[i];
        float product = 0;
        for (std::size_t j = first; j < first + kQ4Group; ++j)
          product += h_[i * n_ + j] * static_cast<float>(weights[j]);
        curvature += b * product;
      }
      if (curvature > 0) {
        const int code =
            rounded(static_cast<float>(codes[group]) + along / curvature / scale, -max_code_, max_code_);
        if (code != codes[group]) {
          const float change = static_cast<float>(code - codes[group]) * scale;
          for (std::size_t i = first; i < first + kQ4Group; ++i)
            if (weights[i] != 0) add(i, -change * static_cast<float>(weights[i]));
          codes[group] = static_cast<std::int8_t>(code);
          changed = true;
        }
      }
      const float step = static_cast<float>(codes[group]) * scale;
      if (step == 0) continue;
      for (std::size_t i = first; i < first + kQ4Group; ++i) {
        const float b = static_cast<float>(weights[i]);
        const int better = rounded(b + gradient[i] / h_[i * n_ + i] / step);
        if (better == weights[i]) continue;
        add(i, -step * (static_cast<float>(better) - b));
        weights[i] = static_cast<std::int8_t>(better);
        changed = true;
      }
    }
    if (!changed) break;
  }
}

}  // namespace pico_llama::packer
