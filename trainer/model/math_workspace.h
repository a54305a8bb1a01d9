#pragma once
#include <cstddef>

#include "engine/model/config.h"

namespace pico_llama::trainer {

/// Layout of a pass's activations in its workspace, in elements. "Kept" arrays exist per layer for the
/// backward pass.
struct Workspace {
  /// Elements of logits held at once: all of them would be the largest array by far.
  static constexpr size_t kLogitElements = size_t{1} << 18;
  /// Queries whose scores are held at once.
  static constexpr size_t kQueryBlock = 4;
  /// Rows of scores are padded to whole vectors, the longest of them.
  static constexpr size_t kKeyMultiple = 16;

  Workspace(const Config& config, size_t max_tokens) {
    const auto dim = static_cast<size_t>(config.dim);
    const auto kv = static_cast<size_t>(config.kv_dim());
    const auto hidden = static_cast<size_t>(config.hidden_dim);
    const auto heads = static_cast<size_t>(config.n_heads);
    const auto layers = static_cast<size_t>(config.n_layers);
    const auto vocab = static_cast<size_t>(config.vocab_size);
    const size_t n = max_tokens;
    const auto place = [&](size_t elements) {
      const size_t at = total;
      total += (elements + 15) / 16 * 16;  // every array at a multiple of 64 bytes (float)
      return at;
    };
    const size_t first = total;
    x_in = place(n * dim);
    inv_att = place(n);
    normed_att = place(n * dim);
    q = place(n * dim);
    k = place(n * kv);
    v = place(n * kv);
    log_sum = place(n * heads);
    attended = place(n * dim);
    x_mid = place(n * dim);
    inv_ffn = place(n);
    normed_ffn = place(n * dim);
    gate = place(n * hidden);
    up = place(n * hidden);
    per_layer = total - first;
    total += per_layer * (layers - 1);
    x_out = place(n * dim);
    inv_final = place(n);
    normed_final = place(n * dim);
    logit_rows = kLogitElements / vocab;
    if (logit_rows < 16) logit_rows = 16;
    logit_block = place(logit_rows * vocab);
    hidden_act = place(n * hidden);
    d_x = place(n * dim);
    d_normed = place(n * dim);
    d_q = place(n * dim);
    d_k = place(n * kv);
    d_v = place(n * kv);
    d_attended = place(n * dim);
    d_hidden = place(n * hidden);
    d_gate = place(n * hidden);
    d_up = place(n * hidden);
    const size_t keys = (n + kKeyMultiple - 1) / kKeyMultiple * kKeyMultiple;
    const size_t head = dim / heads;
    keys_t = place(head * keys);
    values_t = place(head * keys);
    d_keys_t = place(head * keys);
    d_values_t = place(head * keys);
    scores = place(kQueryBlock * keys);
    d_scores = place(kQueryBlock * keys);
    queries = place(kQueryBlock * head);
    d_outs = place(kQueryBlock * head);
    results = place(kQueryBlock * head);
  }

  size_t total = 0;
  size_t x_in, inv_att, normed_att, q, k, v, log_sum, attended, x_mid, inv_ffn, normed_ffn, gate, up;  // kept
  size_t per_layer;
  size_t x_out, inv_final, normed_final, logit_rows, logit_block, hidden_act;
  size_t d_x, d_normed, d_q, d_k, d_v, d_attended, d_hidden, d_gate, d_up;
  size_t keys_t, values_t, d_keys_t, d_values_t;  // [head_size, keys] of one head
  size_t scores, d_scores;                        // [kQueryBlock, keys]
  size_t queries, d_outs, results;                // [kQueryBlock, head_size]
};

}  // namespace pico_llama::trainer
