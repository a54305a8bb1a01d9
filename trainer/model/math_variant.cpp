// The model's forward and backward pass. Compiled once per instruction set, each time in its own namespace
// (PICO_LLAMA_MATH_NAMESPACE) and with Eigen's namespace renamed as well; otherwise the linker would merge
// template instantiations of different instruction sets. No std:: templates, for the same reason.
#define Eigen PICO_LLAMA_MATH_EIGEN
#define EIGEN_DONT_PARALLELIZE
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Core>
#pragma GCC diagnostic pop

#include "trainer/model/attention_blocks.h"
#include "trainer/model/math.h"
#include "trainer/model/math_workspace.h"
#include "trainer/model/parameters.h"

namespace pico_llama::trainer::PICO_LLAMA_MATH_NAMESPACE {
namespace {

using Index = Eigen::Index;
template <typename S>
using Matrix = Eigen::Matrix<S, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename S>
using Rows = Eigen::Map<Matrix<S>>;
template <typename S>
using ConstRows = Eigen::Map<const Matrix<S>>;
template <typename S>
using Array = Eigen::Map<Eigen::Array<S, Eigen::Dynamic, 1>>;
template <typename S>
using ConstArray = Eigen::Map<const Eigen::Array<S, Eigen::Dynamic, 1>>;
template <typename S>
class Runner {
 public:
  Runner(const Pass<S>& pass, const Batch& batch)
      : pass_(pass),
        batch_(batch),
        config_(pass.config),
        layout_(pass.layout),
        space_(pass.config, static_cast<size_t>(batch.size())),
        n_(batch.size()),
        dim_(config_.dim),
        kv_dim_(config_.kv_dim()),
        hidden_(config_.hidden_dim),
        head_size_(config_.head_size()) {}

  double run() {
    embed();
    for (int l = 0; l < config_.n_layers; ++l) forward_layer(l);
    rmsnorm(at(space_.x_out), weight(layout_.rms_final, 0), at(space_.normed_final), at(space_.inv_final));
    const double loss = classify();
    if (pass_.gradient != nullptr) backward();
    return loss;
  }

 private:
  S* at(size_t offset) const { return pass_.workspace + offset; }
  S* kept(size_t offset, int layer) const {
    return pass_.workspace + offset + space_.per_layer * static_cast<size_t>(layer);
  }
  S* residual_after(int layer) const {
    return layer + 1 < config_.n_layers ? kept(space_.x_in, layer + 1) : at(space_.x_out);
  }
  static size_t offset_of(const TensorKind& kind, int layer) {
    return kind.offset + static_cast<size_t>(layer) * kind.rows * kind.columns;
  }
  const S* weight(const TensorKind& kind, int layer) const {
    return pass_.parameters + offset_of(kind, layer);
  }
  S* gradient(const TensorKind& kind, int layer) const { return pass_.gradient + offset_of(kind, layer); }
  ConstRows<S> matrix(const TensorKind& kind, int layer) const {
    return {weight(kind, layer), static_cast<Index>(kind.rows), static_cast<Index>(kind.columns)};
  }
  Rows<S> d_matrix(const TensorKind& kind, int layer) const {
    return {gradient(kind, layer), static_cast<Index>(kind.rows), static_cast<Index>(kind.columns)};
  }
  Rows<S> rows(S* data, Index columns) const { return {data, n_, columns}; }

  // ---- forward ----

  void embed() {
    const ConstRows<S> table = matrix(layout_.token_embedding, 0);
    Rows<S> x = rows(kept(space_.x_in, 0), dim_);
    for (Index t = 0; t < n_; ++t) x.row(t) = table.row(batch_.tokens[t]);
  }

  /// out = weight * x / sqrt(mean(x^2) + eps)
  void rmsnorm(const S* x, const S* weights, S* out, S* inverse) const {
    const ConstArray<S> w(weights, dim_);
    for (Index t = 0; t < n_; ++t) {
      const ConstArray<S> row(x + t * dim_, dim_);
      const S mean = row.square().sum() / static_cast<S>(dim_) + static_cast<S>(kRmsEps);
      inverse[t] = S{1} / Eigen::numext::sqrt(mean);
      Array<S>(out + t * dim_, dim_) = w * row * inverse[t];
    }
  }

  /// Rotates each pair (RoPE) by its position's angle; direction -1 rotates back, for the gradient.
  void rope(S* data, Index columns, S direction) const {
    const Index pairs = head_size_ / 2;
    for (int32_t s = 0; s < batch_.sequences; ++s) {
      for (Index t = batch_.starts[s]; t < batch_.starts[s + 1]; ++t) {
        const Index pos = t - batch_.starts[s];
        const S* cosine = pass_.rope_cos + pos * pairs;
        const S* sine = pass_.rope_sin + pos * pairs;
        for (S* head = data + t * columns; head < data + (t + 1) * columns; head += head_size_) {
          for (Index i = 0; i < pairs; ++i) {
            const S a = head[2 * i];
            const S b = head[2 * i + 1];
            const S turn = direction * sine[i];
            head[2 * i] = a * cosine[i] - b * turn;
            head[2 * i + 1] = a * turn + b * cosine[i];
          }
        }
      }
    }
  }

  void forward_layer(int l) {
    Rows<S> x = rows(kept(space_.x_in, l), dim_);
    Rows<S> normed = rows(kept(space_.normed_att, l), dim_);
    rmsnorm(x.data(), weight(layout_.rms_att, l), normed.data(), kept(space_.inv_att, l));
    rows(kept(space_.q, l), dim_).noalias() = normed * matrix(layout_.wq, l).transpose();
    rows(kept(space_.k, l), kv_dim_).noalias() = normed * matrix(layout_.wk, l).transpose();
    rows(kept(space_.v, l), kv_dim_).noalias() = normed * matrix(layout_.wv, l).transpose();
    rope(kept(space_.q, l), dim_, S{1});
    rope(kept(space_.k, l), kv_dim_, S{1});
    attention(l);
    Rows<S> middle = rows(kept(space_.x_mid, l), dim_);
    middle.noalias() = rows(kept(space_.attended, l), dim_) * matrix(layout_.wo, l).transpose();
    middle += x;

    Rows<S> normed_ffn = rows(kept(space_.normed_ffn, l), dim_);
    rmsnorm(middle.data(), weight(layout_.rms_ffn, l), normed_ffn.data(), kept(space_.inv_ffn, l));
    rows(kept(space_.gate, l), hidden_).noalias() = normed_ffn * matrix(layout_.w1, l).transpose();
    rows(kept(space_.up, l), hidden_).noalias() = normed_ffn * matrix(layout_.w3, l).transpose();
    swiglu(l);
    Rows<S> out = rows(residual_after(l), dim_);
    out.noalias() = rows(at(space_.hidden_act), hidden_) * matrix(layout_.w2, l).transpose();
    out += middle;
  }

  /// hidden = silu(gate) * up, silu(g) = g / (1 + exp(-g))
  void swiglu(int l) const {
    for (Index t = 0; t < n_; ++t) {
      const ConstArray<S> gate(kept(space_.gate, l) + t * hidden_, hidden_);
      const ConstArray<S> up(kept(space_.up, l) + t * hidden_, hidden_);
      Array<S>(at(space_.hidden_act) + t * hidden_, hidden_) = gate / (S{1} + (-gate).exp()) * up;
    }
  }

  S score_scale() const { return S{1} / Eigen::numext::sqrt(static_cast<S>(head_size_)); }
  static size_t padded(Index keys) {
    const auto multiple = static_cast<Index>(Workspace::kKeyMultiple);
    return static_cast<size_t>((keys + multiple - 1) / multiple * multiple);
  }

  /// rows [length, columns] of one head to t [head_size, stride], zero-padded.
  void transpose_head(const S* data, Index columns, Index length, S* t, size_t stride) const {
    for (Index d = 0; d < head_size_; ++d) {
      S* out = t + static_cast<size_t>(d) * stride;
      for (Index i = 0; i < length; ++i) out[i] = data[i * columns + d];
      for (auto i = static_cast<size_t>(length); i < stride; ++i) out[i] = 0;
    }
  }
  /// Adds the transpose of t to data.
  void add_transposed_head(const S* t, size_t stride, S* data, Index columns, Index length) const {
    for (Index d = 0; d < head_size_; ++d) {
      const S* from = t + static_cast<size_t>(d) * stride;
      for (Index i = 0; i < length; ++i) data[i * columns + d] += from[i];
    }
  }
  /// Copies queries [first, first + count) of one head, zero-padded to a full block.
  void copy_queries(const S* data, Index columns, Index count, S* block) const {
    const auto most = static_cast<Index>(Workspace::kQueryBlock);
    for (Index r = 0; r < most; ++r) {
      for (Index d = 0; d < head_size_; ++d)
        block[r * head_size_ + d] = r < count ? data[r * columns + d] : S{0};
    }
  }

  /// One block of queries of one head: where it is in rows of all heads.
  struct QueryBlock {
    Index token;  ///< of the first query
    Index count;
    Index first_visible;  ///< keys that the first query sees; each next sees one more
    int head;
    size_t keys;  ///< padded; those beyond a query's sight get weight 0
    size_t stride;
  };

  /// For every sequence and key/value head: before(start, length, kv), each block of each query head that
  /// shares it, after(start, length, kv).
  template <typename Before, typename Block, typename After>
  void for_each_head(Before before, Block block, After after) const {
    const auto most = static_cast<Index>(Workspace::kQueryBlock);
    for (int32_t s = 0; s < batch_.sequences; ++s) {
      const Index start = batch_.starts[s];
      const Index length = batch_.starts[s + 1] - start;
      const size_t stride = padded(length);
      for (int kv = 0; kv < config_.n_kv_heads; ++kv) {
        before(start, length, kv, stride);
        for (int h = kv * config_.kv_mul(); h < (kv + 1) * config_.kv_mul(); ++h) {
          for (Index first = 0; first < length; first += most) {
            const Index count = first + most < length ? most : length - first;
            block(QueryBlock{start + first, count, first + 1, h, padded(first + count), stride});
          }
        }
        after(start, length, kv, stride);
      }
    }
  }
  const S* of_head(const S* data, Index columns, Index token, int head) const {
    return data + token * columns + head * head_size_;
  }
  S* of_head(S* data, Index columns, Index token, int head) const {
    return data + token * columns + head * head_size_;
  }

  /// attended = softmax(q k^T / sqrt(head_size)) v over the keys up to each query
  void attention(int l) const {
    const auto head_size = static_cast<size_t>(head_size_);
    for_each_head(
        [&](Index start, Index length, int kv, size_t stride) {
          transpose_head(of_head(kept(space_.k, l), kv_dim_, start, kv), kv_dim_, length, at(space_.keys_t),
                         stride);
          transpose_head(of_head(kept(space_.v, l), kv_dim_, start, kv), kv_dim_, length, at(space_.values_t),
                         stride);
        },
        [&](const QueryBlock& b) {
          copy_queries(of_head(kept(space_.q, l), dim_, b.token, b.head), dim_, b.count, at(space_.queries));
          S* p = at(space_.scores);
          block_times_columns(at(space_.queries), at(space_.keys_t), p, head_size, b.keys, b.stride);
          for (Index i = 0; i < static_cast<Index>(Workspace::kQueryBlock); ++i) {
            const Index visible = i < b.count ? b.first_visible + i : 0;
            S* scores = p + static_cast<size_t>(i) * b.stride;
            if (visible > 0) {
              Array<S> row(scores, visible);
              const S top = row.maxCoeff();
              row = ((row - top) * score_scale()).exp();
              const S sum = row.sum();
              row *= S{1} / sum;
              kept(space_.log_sum, l)[(b.token + i) * config_.n_heads + b.head] =
                  top * score_scale() + Eigen::numext::log(sum);
            }
            for (auto j = static_cast<size_t>(visible); j < b.keys; ++j) scores[j] = 0;
          }
          block_times_rows(p, at(space_.values_t), at(space_.results), head_size, b.keys, b.stride);
          for (Index i = 0; i < b.count; ++i) {
            Array<S>(of_head(kept(space_.attended, l), dim_, b.token + i, b.head), head_size_) =
                ConstArray<S>(at(space_.results) + i * head_size_, head_size_);
          }
        },
        [](Index, Index, int, size_t) {});
  }

  /// Computes the loss in blocks of rows; with a gradient, also the classifier's gradient and d_normed.
  double classify() const {
    double loss = 0;
    const Index vocab = config_.vocab_size;
    const ConstRows<S> classifier = matrix(layout_.wcls, 0);
    for (Index first = 0; first < n_; first += static_cast<Index>(space_.logit_rows)) {
      const Index left = n_ - first;
      const Index count =
          left < static_cast<Index>(space_.logit_rows) ? left : static_cast<Index>(space_.logit_rows);
      Rows<S> normed(at(space_.normed_final) + first * dim_, count, dim_);
      Rows<S> logits(at(space_.logit_block), count, vocab);
      logits.noalias() = normed * classifier.transpose();
      if (pass_.logits != nullptr) Rows<S>(pass_.logits + first * vocab, count, vocab) = logits;
      for (Index i = 0; i < count; ++i) {
        Array<S> row(logits.data() + i * vocab, vocab);
        const S top = row.maxCoeff();
        const S of_target = row[batch_.targets[first + i]];
        row = (row - top).exp();
        const S sum = row.sum();
        loss += static_cast<double>(Eigen::numext::log(sum) + top - of_target);
        row *= pass_.gradient_scale / sum;
        row[batch_.targets[first + i]] -= pass_.gradient_scale;
      }
      if (pass_.gradient == nullptr) continue;
      Rows<S>(at(space_.d_normed) + first * dim_, count, dim_).noalias() = logits * classifier;
      d_matrix(layout_.wcls, 0).noalias() += logits.transpose() * normed;
    }
    return loss;
  }

  // ---- backward: d_x is the gradient of the residual stream ----

  void backward() {
    Array<S>(at(space_.d_x), n_ * dim_).setZero();
    d_rmsnorm(at(space_.x_out), layout_.rms_final, 0, at(space_.inv_final));
    for (int l = config_.n_layers - 1; l >= 0; --l) backward_layer(l);
    Rows<S> d_table = d_matrix(layout_.token_embedding, 0);
    const Rows<S> d_x = rows(at(space_.d_x), dim_);
    for (Index t = 0; t < n_; ++t) d_table.row(batch_.tokens[t]) += d_x.row(t);
  }

  /// d_x += the gradient of the norm's input, computed from d_normed.
  void d_rmsnorm(const S* x, const TensorKind& norm, int layer, const S* inverse) const {
    const ConstArray<S> w(weight(norm, layer), dim_);
    Array<S> d_w(gradient(norm, layer), dim_);
    for (Index t = 0; t < n_; ++t) {
      const ConstArray<S> row(x + t * dim_, dim_);
      const ConstArray<S> d_out(at(space_.d_normed) + t * dim_, dim_);
      const S r = inverse[t];
      d_w += d_out * row * r;
      const S along = (d_out * w * row).sum() * r * r * r / static_cast<S>(dim_);
      Array<S>(at(space_.d_x) + t * dim_, dim_) += d_out * w * r - row * along;
    }
  }

  void backward_layer(int l) {
    const Rows<S> d_x = rows(at(space_.d_x), dim_);
    Rows<S> d_normed = rows(at(space_.d_normed), dim_);

    // feed-forward
    swiglu(l);
    d_matrix(layout_.w2, l).noalias() += d_x.transpose() * rows(at(space_.hidden_act), hidden_);
    rows(at(space_.d_hidden), hidden_).noalias() = d_x * matrix(layout_.w2, l);
    for (Index t = 0; t < n_; ++t) {
      const ConstArray<S> g(kept(space_.gate, l) + t * hidden_, hidden_);
      const ConstArray<S> up(kept(space_.up, l) + t * hidden_, hidden_);
      const ConstArray<S> d_h(at(space_.d_hidden) + t * hidden_, hidden_);
      Array<S> d_gate(at(space_.d_gate) + t * hidden_, hidden_);
      Array<S> d_up(at(space_.d_up) + t * hidden_, hidden_);
      d_gate = S{1} / (S{1} + (-g).exp());  // temporarily the sigmoid
      d_up = d_h * g * d_gate;
      d_gate = d_h * up * d_gate * (S{1} + g * (S{1} - d_gate));
    }
    const Rows<S> d_gate = rows(at(space_.d_gate), hidden_);
    const Rows<S> d_up = rows(at(space_.d_up), hidden_);
    const Rows<S> normed_ffn = rows(kept(space_.normed_ffn, l), dim_);
    d_matrix(layout_.w1, l).noalias() += d_gate.transpose() * normed_ffn;
    d_matrix(layout_.w3, l).noalias() += d_up.transpose() * normed_ffn;
    d_normed.noalias() = d_gate * matrix(layout_.w1, l);
    d_normed.noalias() += d_up * matrix(layout_.w3, l);
    d_rmsnorm(kept(space_.x_mid, l), layout_.rms_ffn, l, kept(space_.inv_ffn, l));

    // attention
    d_matrix(layout_.wo, l).noalias() += d_x.transpose() * rows(kept(space_.attended, l), dim_);
    rows(at(space_.d_attended), dim_).noalias() = d_x * matrix(layout_.wo, l);
    d_attention(l);
    rope(at(space_.d_q), dim_, S{-1});
    rope(at(space_.d_k), kv_dim_, S{-1});
    const Rows<S> d_q = rows(at(space_.d_q), dim_);
    const Rows<S> d_k = rows(at(space_.d_k), kv_dim_);
    const Rows<S> d_v = rows(at(space_.d_v), kv_dim_);
    const Rows<S> normed_att = rows(kept(space_.normed_att, l), dim_);
    d_matrix(layout_.wq, l).noalias() += d_q.transpose() * normed_att;
    d_matrix(layout_.wk, l).noalias() += d_k.transpose() * normed_att;
    d_matrix(layout_.wv, l).noalias() += d_v.transpose() * normed_att;
    d_normed.noalias() = d_q * matrix(layout_.wq, l);
    d_normed.noalias() += d_k * matrix(layout_.wk, l);
    d_normed.noalias() += d_v * matrix(layout_.wv, l);
    d_rmsnorm(kept(space_.x_in, l), layout_.rms_att, l, kept(space_.inv_att, l));
  }

  /// Recomputes the scores (cheaper than storing them), then backpropagates through softmax and both
  /// products.
  void d_attention(int l) const {
    const auto head_size = static_cast<size_t>(head_size_);
    Array<S>(at(space_.d_k), n_ * kv_dim_).setZero();
    Array<S>(at(space_.d_v), n_ * kv_dim_).setZero();
    for_each_head(
        [&](Index start, Index length, int kv, size_t stride) {
          transpose_head(of_head(kept(space_.k, l), kv_dim_, start, kv), kv_dim_, length, at(space_.keys_t),
                         stride);
          transpose_head(of_head(kept(space_.v, l), kv_dim_, start, kv), kv_dim_, length, at(space_.values_t),
                         stride);
          Array<S>(at(space_.d_keys_t), static_cast<Index>(head_size * stride)).setZero();
          Array<S>(at(space_.d_values_t), static_cast<Index>(head_size * stride)).setZero();
        },
        [&](const QueryBlock& b) {
          copy_queries(of_head(kept(space_.q, l), dim_, b.token, b.head), dim_, b.count, at(space_.queries));
          copy_queries(of_head(at(space_.d_attended), dim_, b.token, b.head), dim_, b.count,
                       at(space_.d_outs));
          S* p = at(space_.scores);
          S* d_s = at(space_.d_scores);
          block_times_columns(at(space_.queries), at(space_.keys_t), p, head_size, b.keys, b.stride);
          block_times_columns(at(space_.d_outs), at(space_.values_t), d_s, head_size, b.keys, b.stride);
          for (Index i = 0; i < static_cast<Index>(Workspace::kQueryBlock); ++i) {
            const Index visible = i < b.count ? b.first_visible + i : 0;
            S* p_row = p + static_cast<size_t>(i) * b.stride;
            S* d_row = d_s + static_cast<size_t>(i) * b.stride;
            if (visible > 0) {
              Array<S> weights(p_row, visible);
              Array<S> d_weights(d_row, visible);
              const S log_sum = kept(space_.log_sum, l)[(b.token + i) * config_.n_heads + b.head];
              weights = (weights * score_scale() - log_sum).exp();
              const S* out = of_head(kept(space_.attended, l), dim_, b.token + i, b.head);
              const S* d_out = at(space_.d_outs) + i * head_size_;
              S mean = 0;
              for (Index d = 0; d < head_size_; ++d) mean += d_out[d] * out[d];
              d_weights = weights * (d_weights - mean) * score_scale();
            }
            for (auto j = static_cast<size_t>(visible); j < b.keys; ++j) p_row[j] = d_row[j] = 0;
          }
          block_times_rows(d_s, at(space_.keys_t), at(space_.results), head_size, b.keys, b.stride);
          for (Index i = 0; i < b.count; ++i) {
            Array<S>(of_head(at(space_.d_q), dim_, b.token + i, b.head), head_size_) =
                ConstArray<S>(at(space_.results) + i * head_size_, head_size_);
          }
          add_outer_product(d_s, at(space_.queries), at(space_.d_keys_t), head_size, b.keys, b.stride);
          add_outer_product(p, at(space_.d_outs), at(space_.d_values_t), head_size, b.keys, b.stride);
        },
        [&](Index start, Index length, int kv, size_t stride) {
          add_transposed_head(at(space_.d_keys_t), stride, of_head(at(space_.d_k), kv_dim_, start, kv),
                              kv_dim_, length);
          add_transposed_head(at(space_.d_values_t), stride, of_head(at(space_.d_v), kv_dim_, start, kv),
                              kv_dim_, length);
        });
  }

  const Pass<S>& pass_;
  const Batch& batch_;
  const Config& config_;
  const Layout& layout_;
  const Workspace space_;
  const Index n_, dim_, kv_dim_, hidden_, head_size_;
};

double run(const Pass<float>& pass, const Batch& batch) { return Runner<float>(pass, batch).run(); }

void adamw(float* parameters, const float* gradient, float* first, float* second, size_t begin, size_t end,
           float learning_rate, float correction1, float correction2, float decay, float gradient_scale) {
  const auto count = static_cast<Index>(end - begin);
  Array<float> p(parameters + begin, count);
  const ConstArray<float> g(gradient + begin, count);
  Array<float> m(first + begin, count);
  Array<float> v(second + begin, count);
  m = kBeta1 * m + (1 - kBeta1) * gradient_scale * g;
  v = kBeta2 * v + (1 - kBeta2) * (gradient_scale * g).square();
  p -= learning_rate * ((m * correction1) / ((v * correction2).sqrt() + 1e-8f) + decay * p);
}

void add(float* sum, const float* other, size_t begin, size_t end) {
  Array<float>(sum + begin, static_cast<Index>(end - begin)) +=
      ConstArray<float>(other + begin, static_cast<Index>(end - begin));
}

void multiply(const float* a, const float* b, float* c, int n) {
  Rows<float>(c, n, n).noalias() = ConstRows<float>(a, n, n) * ConstRows<float>(b, n, n);
}

}  // namespace

#ifdef PICO_LLAMA_MATH_DOUBLE
double run_in_double(const Pass<double>& pass, const Batch& batch);
double run_in_double(const Pass<double>& pass, const Batch& batch) {
  return Runner<double>(pass, batch).run();
}
#endif

extern const Math kMath;
const Math kMath = {PICO_LLAMA_MATH_TITLE, run, adamw, add, multiply};

}  // namespace pico_llama::trainer::PICO_LLAMA_MATH_NAMESPACE
