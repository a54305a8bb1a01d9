#include "tools/q80/q80_transformer.h"

#include <algorithm>
#include <cmath>

#include "tools/support/failure.h"

namespace pico_llama::q80 {
namespace {

using formats::Checkpoint;
using formats::Layer;
using formats::Tensor;

std::size_t size(std::int32_t n) { return static_cast<std::size_t>(n); }

/// out[i] = weight[i] * (x[i] / rms(x)). Shapes: all [n].
void rmsnorm(std::span<float> out, std::span<const float> x, const Tensor& weight) {
  std::vector<float> w(x.size());
  weight.read(0, w);
  float ss = 0;
  for (const float value : x) ss += value * value;
  ss /= static_cast<float>(x.size());
  ss += 1e-5f;
  ss = 1.0f / std::sqrt(ss);
  for (std::size_t i = 0; i < x.size(); ++i) out[i] = w[i] * (ss * x[i]);
}

void softmax(std::span<float> x) {
  const float largest = *std::max_element(x.begin(), x.end());
  float sum = 0;
  for (float& value : x) {
    value = std::exp(value - largest);
    sum += value;
  }
  for (float& value : x) value /= sum;
}

/// RoPE: rotates each pair of every head by its position's angle.
void rope(std::span<float> x, std::size_t head_size, int pos) {
  for (std::size_t i = 0; i < x.size(); i += 2) {
    const float exponent = static_cast<float>(i % head_size) / static_cast<float>(head_size);
    const float angle = static_cast<float>(pos) * (1.0f / std::pow(10000.0f, exponent));
    const float cos = std::cos(angle), sin = std::sin(angle);
    const float a = x[i], b = x[i + 1];
    x[i] = a * cos - b * sin;
    x[i + 1] = a * sin + b * cos;
  }
}

void add(std::span<float> x, std::span<const float> y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

}  // namespace

Q80Transformer::Q80Transformer(const Checkpoint& checkpoint, const std::string& name)
    : checkpoint_(checkpoint), config_(checkpoint.config), group_size_(checkpoint.group_size) {
  if (group_size_ == 0)
    fail("{}: is {}; the q80 profile needs a version 2 (q80) checkpoint: use f32 or q8", name,
         format_name(checkpoint.format));
  const std::size_t dim = size(config_.dim), hidden_dim = size(config_.hidden_dim),
                    kv_dim = size(config_.kv_dim());
  if (dim % group_size_ != 0 || hidden_dim % group_size_ != 0)
    fail("{}: its q80 groups of {} cross rows of {} or {}, which runq.c garbles; use f32 or q8", name,
         group_size_, dim, hidden_dim);
  for (std::vector<float>* v : {&x_, &xb_, &xb2_, &q_}) v->resize(dim);
  for (std::vector<float>* v : {&hb_, &hb2_}) v->resize(hidden_dim);
  scores_.resize(size(config_.seq_len));
  logits_.resize(size(config_.vocab_size));
  for (std::vector<float>* v : {&key_cache_, &value_cache_})
    v->resize(size(config_.n_layers) * size(config_.seq_len) * kv_dim);
  xq_ = {std::vector<std::int8_t>(dim), std::vector<float>(dim / group_size_)};
  hq_ = {std::vector<std::int8_t>(hidden_dim), std::vector<float>(hidden_dim / group_size_)};
}

void Q80Transformer::quantize(std::span<const float> x, QuantizedVector& out) const {
  for (std::size_t group = 0; group < out.scales.size(); ++group) {
    const auto values = x.subspan(group * group_size_, group_size_);
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::fabs(value));
    const float scale = largest / 127.0f;
    out.scales[group] = scale;
    for (std::size_t i = 0; i < group_size_; ++i)
      out.values[group * group_size_ + i] =
          scale == 0 ? std::int8_t{0} : static_cast<std::int8_t>(std::round(values[i] / scale));
  }
}

void Q80Transformer::matmul(std::span<float> out, const QuantizedVector& x, const Tensor& w) const {
  const auto* weights = reinterpret_cast<const std::int8_t*>(w.values);
  for (std::size_t row = 0; row < out.size(); ++row) {
    const std::size_t first = row * w.columns;
    float sum = 0;
    for (std::size_t group = 0; group < w.columns / group_size_; ++group) {
      const std::size_t start = group * group_size_;
      std::int32_t products = 0;
      for (std::size_t i = start; i < start + group_size_; ++i)
        products += int{x.values[i]} * int{weights[first + i]};
      sum += static_cast<float>(products) * w.scale_of_group((first + start) / group_size_) * x.scales[group];
    }
    out[row] = sum;
  }
}

void Q80Transformer::attend(const Layer& layer, std::size_t l, int pos) {
  const std::size_t head_size = size(config_.head_size()), kv_dim = size(config_.kv_dim());
  const std::size_t kv_mul = size(config_.kv_mul()), positions = size(pos) + 1;
  const std::size_t layer_start = l * size(config_.seq_len) * kv_dim;
  const std::span key = std::span(key_cache_).subspan(layer_start + size(pos) * kv_dim, kv_dim);
  const std::span value = std::span(value_cache_).subspan(layer_start + size(pos) * kv_dim, kv_dim);

  rmsnorm(xb_, x_, layer.rms_att);
  quantize(xb_, xq_);
  matmul(q_, xq_, layer.wq);
  matmul(key, xq_, layer.wk);
  matmul(value, xq_, layer.wv);
  rope(q_, head_size, pos);
  rope(key, head_size, pos);

  std::fill(xb_.begin(), xb_.end(), 0.0f);
  for (std::size_t head = 0; head < size(config_.n_heads); ++head) {
    const float* query = q_.data() + head * head_size;
    const std::size_t kv_start = layer_start + head / kv_mul * head_size;
    const std::span<float> scores = std::span(scores_).first(positions);
    for (std::size_t t = 0; t < positions; ++t) {
      const float* k = key_cache_.data() + kv_start + t * kv_dim;
      float score = 0;
      for (std::size_t i = 0; i < head_size; ++i) score += query[i] * k[i];
      scores[t] = score / std::sqrt(static_cast<float>(head_size));
    }
    softmax(scores);
    float* out = xb_.data() + head * head_size;
    for (std::size_t t = 0; t < positions; ++t) {
      const float* v = value_cache_.data() + kv_start + t * kv_dim;
      for (std::size_t i = 0; i < head_size; ++i) out[i] += scores[t] * v[i];
    }
  }
  quantize(xb_, xq_);
  matmul(xb2_, xq_, layer.wo);
  add(x_, xb2_);
}

void Q80Transformer::feed_forward(const Layer& layer) {
  rmsnorm(xb_, x_, layer.rms_ffn);
  quantize(xb_, xq_);
  matmul(hb_, xq_, layer.w1);
  matmul(hb2_, xq_, layer.w3);
  for (std::size_t i = 0; i < hb_.size(); ++i) {
    const float silu = hb_[i] * (1.0f / (1.0f + std::exp(-hb_[i])));
    hb_[i] = silu * hb2_[i];
  }
  quantize(hb_, hq_);
  matmul(xb_, hq_, layer.w2);
  add(x_, xb_);
}

std::span<float> Q80Transformer::forward(std::int32_t token, int pos) {
  const formats::Weights& weights = checkpoint_.weights;
  weights.token_embedding.read_row(static_cast<std::uint64_t>(token), x_);
  for (std::size_t l = 0; l < weights.layers.size(); ++l) {
    attend(weights.layers[l], l, pos);
    feed_forward(weights.layers[l]);
  }
  rmsnorm(x_, x_, weights.rms_final);
  quantize(x_, xq_);
  matmul(logits_, xq_, weights.wcls);
  return logits_;
}

}  // namespace pico_llama::q80
