#include "engine/forward/transformer.h"

#include "engine/check.h"
#include "engine/forward/numerics.h"

namespace pico_llama {

/// One forward(): the arguments of a crew's task. run() is llama2.c's forward(), for n tokens at once; every
/// worker runs it on its own rows and heads. What is read after a barrier was written before it, by anybody.
struct Transformer::Pass {
  Transformer& transformer;
  std::span<const int32_t> tokens;
  int pos;
  bool want_logits;

  template <typename Numerics>
  void run(int worker);

  template <typename Numerics>
  static void task(void* pass, int worker) {
    static_cast<Pass*>(pass)->run<Numerics>(worker);
  }
};

template <typename Numerics>
void Transformer::Pass::run(int worker) {
  const Config& p = transformer.config_;
  const TransformerWeights& w = transformer.weights_;
  const RunState& s = transformer.state_;
  Workers& workers = *transformer.workers_;
  WeightStream* const stream = transformer.stream_;
  const Share mine{worker, workers.count()};
  const int n = static_cast<int>(tokens.size());
  Numerics numerics{p, s, s.workers[worker], n, pos, worker, stream, workers};

  // copy the token embeddings into x
  for (int t = 0; t < n; ++t)
    Numerics::embed(w.token_embedding, tokens[static_cast<size_t>(t)], mine.rows(p.dim),
                    s.x + t * s.dim_stride);
  numerics.x_is_new(mine.rows(p.dim), w.layers[0].rms_att);
  workers.barrier();

  for (int l = 0; l < p.n_layers; ++l) {
    const LayerWeights& layer = w.layers[l];

    // What leaves the last layer only the logits need; tokens to come read its keys and values alone.
    const bool is_last = l + 1 == p.n_layers;
    const bool only_cache = is_last && !want_logits;

    // attention rmsnorm; then qkv for these positions, turned by RoPE
    numerics.set_normed_input(layer.rms_att, transformer.rms_eps_, layer.wq);
    if (!only_cache) numerics.matmul(s.q, s.dim_stride, layer.wq, mine);
    numerics.matmul(s.k, s.kv_stride, layer.wk, mine);
    numerics.matmul(s.v, s.kv_stride, layer.wv, mine);
    if (!only_cache) numerics.rope(s.q, s.dim_stride, w.rope, mine.rows(p.dim));
    numerics.rope(s.k, s.kv_stride, w.rope, mine.rows(p.kv_dim()));
    workers.barrier();

    // multihead attention: each token over all positions up to its own, in place of q
    const Heads kv_heads = numerics.kv_heads(mine);
    numerics.store(l, kv_heads);
    if (stream != nullptr) stream->cache_written(worker);
    if (only_cache) return;
    if (is_last) numerics.keep_last();
    numerics.attention(l, kv_heads);
    workers.barrier();

    // output matmul, residual connection back into x
    numerics.set_input(s.q, s.dim_stride, layer.wo);
    numerics.matmul(s.xb2, s.dim_stride, layer.wo, mine);
    numerics.add_to_x(s.xb2, mine.rows(p.dim), layer.rms_ffn);
    workers.barrier();

    // ffn rmsnorm; then w2(silu(w1 x) * w3 x)
    numerics.set_normed_input(layer.rms_ffn, transformer.rms_eps_, layer.w1);
    numerics.matmul(s.hb, s.hidden_stride, layer.w1, mine);
    numerics.matmul(s.hb2, s.hidden_stride, layer.w3, mine);
    numerics.swiglu(mine.rows(p.hidden_dim));
    workers.barrier();
    numerics.set_hidden_input(layer.w2);
    numerics.matmul(s.xb2, s.dim_stride, layer.w2, mine);
    numerics.add_to_x(s.xb2, mine.rows(p.dim), is_last ? w.rms_final : w.layers[l + 1].rms_att);
    workers.barrier();
  }

  // final rmsnorm, classifier into logits
  numerics.set_normed_input(w.rms_final, transformer.rms_eps_, w.wcls);
  numerics.matmul(s.logits, 0, w.wcls, mine);
}

void Transformer::forward(std::span<const int32_t> tokens, int pos, bool want_logits) {
  CHECK(!tokens.empty() && tokens.size() <= kPrefillBlock);
  CHECK(pos >= 0 && pos <= context_ - static_cast<int>(tokens.size()));
  for (int32_t token : tokens) CHECK(token >= 0 && token < config_.vocab_size);
  if (stream_ != nullptr) stream_->begin(pos, static_cast<int>(tokens.size()), want_logits);
  Pass pass{*this, tokens, pos, want_logits};
  workers_->run(profile_ == Profile::kF32 ? &Pass::task<NumericsF32> : &Pass::task<NumericsQ8>, &pass);
}

}  // namespace pico_llama
