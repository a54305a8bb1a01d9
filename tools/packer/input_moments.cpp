#include "tools/packer/input_moments.h"

#include <algorithm>

#include "engine/check.h"
#include "engine/forward/numerics.h"
#include "engine/forward/run_state.h"
#include "engine/forward/transformer.h"
#include "engine/sampling/sampler.h"
#include "engine/workers.h"
#include "tools/packer/image_bytes.h"

namespace pico_llama::packer {
namespace {

/// Positions of a story whose inputs are added up together.
constexpr int kBatch = 32;
constexpr std::uint64_t kFirstStorySeed = 1'000'000;

/// The inputs of one place in the model, a few positions of them.
class Collected {
 public:
  explicit Collected(Moments& into) : into_(into), rows_(kBatch * into.n) {}

  void add(const float* x) {
    std::copy_n(x, into_.n, rows_.begin() + static_cast<std::ptrdiff_t>(count_ * into_.n));
    if (++count_ == kBatch) flush();
  }

  void flush() {
    for (std::size_t i = 0; i < into_.n; ++i) {
      double* sums = into_.sums.data() + i * into_.n;
      for (std::size_t t = 0; t < count_; ++t) {
        const float* row = rows_.data() + t * into_.n;
        const auto factor = static_cast<double>(row[i]);
        for (std::size_t j = i; j < into_.n; ++j) sums[j] += factor * static_cast<double>(row[j]);
      }
    }
    count_ = 0;
  }

 private:
  Moments& into_;
  std::vector<float> rows_;
  std::size_t count_ = 0;
};

/// forward() of one token with the engine's own parts (engine/forward/transformer.cpp), that shows what goes
/// into each matmul.
class ObservedModel {
 public:
  explicit ObservedModel(const ModelImage& image)
      : image_(image),
        memory_(bytes_needed(image.config(), Profile::kF32, image.config().seq_len).value()),
        arena_(memory_),
        weights_(TransformerWeights::bind(image, arena_)),
        state_(RunState::allocate(image.config(), Profile::kF32, image.config().seq_len, 1, 1, arena_,
                                  arena_)) {}

  template <typename Observe>
  std::span<float> forward(std::int32_t token, int pos, Observe observe) {
    const Config& p = image_.config();
    const RunState& s = state_;
    const Range dim{0, p.dim};
    const Share all{0, 1};
    NumericsF32 numerics{{p, s, s.workers[0], 1, pos, 0, nullptr, worker_}};
    numerics.embed(weights_.token_embedding, {&token, 1}, dim, weights_.layers[0].rms_att);
    for (std::uint32_t l = 0; l < static_cast<std::uint32_t>(p.n_layers); ++l) {
      const LayerWeights& layer = weights_.layers[l];
      numerics.set_normed_input(layer.rms_att, image_.rms_eps(), layer.wq);
      observe(TensorKind::kWq, l, numerics.input);
      numerics.matmul(s.q, s.dim_stride, layer.wq, all);
      numerics.matmul(s.k, s.kv_stride, layer.wk, all);
      numerics.matmul(s.v, s.kv_stride, layer.wv, all);
      numerics.rope(s.q, s.dim_stride, weights_.rope, dim);
      numerics.rope(s.k, s.kv_stride, weights_.rope, {0, p.kv_dim()});
      numerics.store(static_cast<int>(l), {0, p.n_kv_heads}, numerics.cache_of(static_cast<int>(l), 0));
      numerics.attention(static_cast<int>(l), {0, p.n_kv_heads});
      numerics.set_input(s.q, s.dim_stride, layer.wo);
      observe(TensorKind::kWo, l, numerics.input);
      numerics.matmul(s.xb2, s.dim_stride, layer.wo, all);
      numerics.add_to_x(s.xb2, dim, layer.rms_ffn);
      numerics.set_normed_input(layer.rms_ffn, image_.rms_eps(), layer.w1);
      observe(TensorKind::kW1, l, numerics.input);
      numerics.matmul(s.hb, s.hidden_stride, layer.w1, all);
      numerics.matmul(s.hb2, s.hidden_stride, layer.w3, all);
      numerics.swiglu({0, p.hidden_dim});
      numerics.set_input(s.hb, s.hidden_stride, layer.w2);
      observe(TensorKind::kW2, l, numerics.input);
      numerics.matmul(s.xb2, s.dim_stride, layer.w2, all);
      numerics.add_to_x(s.xb2, dim, weights_.rms_final);
    }
    numerics.set_normed_input(weights_.rms_final, image_.rms_eps(), weights_.wcls);
    observe(TensorKind::kTokenEmbedding, 0, numerics.input);
    numerics.matmul(s.logits, s.logit_stride, weights_.wcls, all);
    return {s.logits, static_cast<std::size_t>(p.logit_count())};
  }

  std::span<std::uint32_t> sample_scratch() {
    return {state_.sample_scratch, static_cast<std::size_t>(image_.config().logit_count())};
  }

 private:
  const ModelImage& image_;
  ImageBytes memory_;
  Arena arena_;
  TransformerWeights weights_;
  RunState state_;
  SingleWorker worker_;
};

}  // namespace

InputMoments::InputMoments(const ModelImage& image, int tokens,
                           const std::function<void(std::uint64_t)>& on_tokens) {
  CHECK(image.profile() == Profile::kF32);
  const Config& c = image.config();
  const auto sized = [](int n) {
    const auto size = static_cast<std::size_t>(n);
    return Moments{size, std::vector<double>(size * size)};
  };
  for (int l = 0; l < c.n_layers; ++l) {
    for (const int n : {c.dim, c.dim, c.dim, c.hidden_dim}) layers_.push_back(sized(n));
  }
  final_ = sized(c.dim);
  std::vector<Collected> collected(layers_.begin(), layers_.end());
  Collected collected_final(final_);
  const auto observe = [&](TensorKind kind, std::uint32_t layer, const float* x) {
    const Moments& moments = of(kind, layer);
    if (&moments == &final_)
      collected_final.add(x);
    else
      collected[static_cast<std::size_t>(&moments - layers_.data())].add(x);
  };

  ObservedModel model(image);
  std::uint64_t seed = kFirstStorySeed;
  for (int done = 0; done < tokens;) {
    Sampler sampler({.seed = seed++}, model.sample_scratch());
    std::int32_t token = kTokenBos;
    for (int pos = 0; pos < c.seq_len && done < tokens; ++pos, ++done) {
      token = sampler.sample(model.forward(token, pos, observe), {});
      if (on_tokens) on_tokens(1);
      if (token == kTokenBos) {
        ++done;
        break;
      }
    }
  }
  for (Collected& of_site : collected) of_site.flush();
  collected_final.flush();
  for (auto& moments : layers_)
    for (std::size_t i = 0; i < moments.n; ++i)
      for (std::size_t j = 0; j < i; ++j) moments.sums[i * moments.n + j] = moments.sums[j * moments.n + i];
  for (std::size_t i = 0; i < final_.n; ++i)
    for (std::size_t j = 0; j < i; ++j) final_.sums[i * final_.n + j] = final_.sums[j * final_.n + i];
}

const Moments& InputMoments::of(TensorKind kind, std::uint32_t layer) const {
  const auto site = [&](Site s) -> const Moments& { return layers_[layer * kSites + s]; };
  switch (kind) {
    case TensorKind::kWq:
    case TensorKind::kWk:
    case TensorKind::kWv:
      return site(kAttention);
    case TensorKind::kWo:
      return site(kAttentionOut);
    case TensorKind::kW1:
    case TensorKind::kW3:
      return site(kFeedForward);
    case TensorKind::kW2:
      return site(kHidden);
    default:
      return final_;
  }
}

}  // namespace pico_llama::packer
