#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "formats/checkpoint.h"

namespace pico_llama::q80 {

/// Activations as runq.c has them: int8, one fp32 scale for each group.
struct QuantizedVector {
  std::vector<std::int8_t> values;
  std::vector<float> scales;
};

/// runq.c's forward pass on a version 2 checkpoint: int8 weights and int8 activations, int32 sums inside a
/// group, float sums of groups from left to right, libm's exp, sin and cos. Slow and only for the host: it
/// exists so that its tokens can be compared with those of runq.c. Source: llama2.c runq.c, commit 350e04f.
class Q80Transformer {
 public:
  /// Requires: the checkpoint outlives this.
  /// Errors: Failure unless it is version 2 with a group size that divides every row (runq.c computes garbage
  /// otherwise).
  Q80Transformer(const formats::Checkpoint& checkpoint, const std::string& name);

  /// Logits [vocab_size] of `token` at position `pos`. Requires: positions come one after the other from 0.
  std::span<float> forward(std::int32_t token, int pos);

 private:
  void attend(const formats::Layer& layer, std::size_t l, int pos);
  void feed_forward(const formats::Layer& layer);
  void quantize(std::span<const float> x, QuantizedVector& out) const;
  void matmul(std::span<float> out, const QuantizedVector& x, const formats::Tensor& w) const;

  const formats::Checkpoint& checkpoint_;
  Config config_;
  std::size_t group_size_;
  std::vector<float> x_, xb_, xb2_, hb_, hb2_, q_, scores_, logits_;
  std::vector<float> key_cache_, value_cache_;  // [n_layers, seq_len, kv_dim]
  QuantizedVector xq_, hq_;
};

}  // namespace pico_llama::q80
