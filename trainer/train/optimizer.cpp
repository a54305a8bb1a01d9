#include "trainer/train/optimizer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "formats/failure.h"
#include "trainer/random.h"

namespace pico_llama::trainer {
namespace {

/// Activations of this many tokens stay close to the core: a few MB for the small shapes.
constexpr size_t kMicroTokens = 512;

void require(bool holds, const std::string& message) {
  if (!holds) throw Failure(message);
}

}  // namespace

void Recipe::validate() const {
  const Config& s = shape;
  const auto text = [](int64_t value) { return std::to_string(value); };
  for (const auto& [value, option] : {std::pair{s.dim, "--dim"},
                                      {s.hidden_dim, "--hidden"},
                                      {s.n_layers, "--layers"},
                                      {s.n_heads, "--heads"},
                                      {s.n_kv_heads, "--kv-heads"},
                                      {s.vocab_size, "--vocab"},
                                      {s.seq_len, "--seq"}}) {
    require(value > 0, std::string(option) + " must be positive, not " + text(value));
  }
  require(s.dim % s.n_heads == 0, "--dim " + text(s.dim) + " is not divisible by --heads " + text(s.n_heads));
  require(s.dim / s.n_heads % 2 == 0, "--dim / --heads is " + text(s.dim / s.n_heads) +
                                          ", an odd head size; RoPE rotates pairs, so make it even");
  require(s.n_heads % s.n_kv_heads == 0,
          "--heads " + text(s.n_heads) + " is not divisible by --kv-heads " + text(s.n_kv_heads));
  require(s.validate().ok(), "this shape is beyond the engine's limits; make it smaller");
  require(threads >= 1 && threads <= 256, "--threads must be 1 to 256");
  require(steps >= 1, "--steps must be positive");
  require(batch_tokens >= 1, "--batch-tokens must be positive");
  require(learning_rate > 0 && std::isfinite(learning_rate), "--learning-rate must be a positive number");
  require(warmup_steps >= 0, "--warmup must not be negative");
  require(weight_decay >= 0 && std::isfinite(weight_decay), "--weight-decay must be a number from 0 up");
  require(clip > 0, "--clip must be positive");
}

float Recipe::learning_rate_at(int32_t step) const {
  if (step < warmup_steps)
    return learning_rate * static_cast<float>(step + 1) / static_cast<float>(warmup_steps);
  const double progress = static_cast<double>(step - warmup_steps) / std::max(1, steps - warmup_steps);
  const double share = 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, progress)));
  const double lowest = static_cast<double>(final_learning_rate);
  return static_cast<float>(lowest + share * (static_cast<double>(learning_rate) - lowest));
}

uint64_t Recipe::fingerprint() const {
  uint64_t hash = seed;
  const auto add = [&](auto value) { hash = mix64(hash ^ static_cast<uint64_t>(value)); };
  for (const int32_t number : {shape.dim, shape.hidden_dim, shape.n_layers, shape.n_heads, shape.n_kv_heads,
                               shape.vocab_size, shape.seq_len, threads, steps, batch_tokens, warmup_steps}) {
    add(number);
  }
  for (const float number : {learning_rate, final_learning_rate, weight_decay, clip})
    add(std::bit_cast<uint32_t>(number));
  add(shared_classifier);
  add(quantisation);
  return hash;
}

TrainingState initial_state(const Recipe& recipe, const Layout& layout) {
  TrainingState state;
  state.parameters.resize(layout.total);
  state.first_moment.resize(layout.total);
  state.second_moment.resize(layout.total);
  Random random(recipe.seed, 0x1217);
  for (const TensorKind& kind : layout.all()) {
    float* out = state.parameters.data() + kind.offset;
    if (!kind.is_matrix()) {
      std::fill_n(out, kind.elements(), 1.0f);
      continue;
    }
    const std::string name = kind.name;
    const bool is_table = name == "token_embedding" || name == "wcls";
    double deviation = is_table ? 0.02 : 0.6 / std::sqrt(static_cast<double>(kind.columns));
    // Outputs into the residual stream are initialised smaller in deeper models (as in GPT-2 and llama2.c).
    if (name == "wo" || name == "w2") deviation /= std::sqrt(2.0 * recipe.shape.n_layers);
    for (size_t i = 0; i < kind.elements(); ++i) out[i] = static_cast<float>(deviation * random.normal());
  }
  return state;
}

Optimizer::Optimizer(const Recipe& recipe, const Layout& layout, const Dataset& data, TrainingState& state)
    : recipe_(recipe),
      layout_(layout),
      data_(data),
      state_(state),
      math_(fastest_math()),
      team_(recipe.threads),
      members_(static_cast<size_t>(recipe.threads)),
      micro_tokens_(std::max(kMicroTokens, static_cast<size_t>(recipe.shape.seq_len))) {
  const Config& shape = recipe_.shape;
  for (int pos = 0; pos < shape.seq_len; ++pos) {
    for (int i = 0; i < shape.head_size(); i += 2) {
      const double angle = pos / std::pow(10000.0, static_cast<double>(i) / shape.head_size());
      rope_cos_.push_back(static_cast<float>(std::cos(angle)));
      rope_sin_.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  team_.run([&](int member) {  // by its own thread, so that the memory is close to it
    Member& m = members_[static_cast<size_t>(member)];
    m.gradient.resize(layout_.total);
    m.workspace.resize(workspace_elements(shape, micro_tokens_));
  });
}

const std::vector<uint32_t>& Optimizer::order_of_epoch() {
  if (order_epoch_ != state_.epoch) {
    order_.resize(data_.training().size());
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<uint32_t>(i);
    Random random(recipe_.seed, 0x0d0e + uint64_t{state_.epoch});
    random.shuffle(order_);
    order_epoch_ = state_.epoch;
  }
  return order_;
}

void Optimizer::next_batch() {
  batch_.clear();
  for (int32_t tokens = 0;;) {
    if (state_.position >= data_.training().size()) {
      state_.position = 0;
      ++state_.epoch;
    }
    const Dataset::Sequence& next = data_.training()[order_of_epoch()[state_.position]];
    if (!batch_.empty() && tokens + next.length > recipe_.batch_tokens) return;
    batch_.push_back(next);
    tokens += next.length;
    ++state_.position;
  }
}

const float* Optimizer::forward_parameters(Quantisation as) {
  if (as == Quantisation::kNone) return state_.parameters.data();
  rounded_.resize(layout_.total);
  fake_quantise(as, layout_, state_.parameters.data(), rounded_.data());
  return rounded_.data();
}

double Optimizer::run_sequences(const std::vector<Dataset::Sequence>& sequences, const float* parameters,
                                int32_t tokens, bool with_gradient) {
  team_.run([&](int member) {
    Member& m = members_[static_cast<size_t>(member)];
    if (with_gradient) std::fill(m.gradient.begin(), m.gradient.end(), 0.0f);
    m.loss = 0;
    m.tokens.clear();
    m.targets.clear();
    m.starts.assign(1, 0);
    const auto flush = [&] {
      if (m.tokens.empty()) return;
      const Batch batch{m.tokens.data(), m.targets.data(), m.starts.data(),
                        static_cast<int32_t>(m.starts.size()) - 1};
      const Pass<float> pass{recipe_.shape,
                             layout_,
                             parameters,
                             rope_cos_.data(),
                             rope_sin_.data(),
                             m.workspace.data(),
                             with_gradient ? m.gradient.data() : nullptr,
                             1.0f / static_cast<float>(tokens),
                             nullptr};
      m.loss += math_.run(pass, batch);
      m.tokens.clear();
      m.targets.clear();
      m.starts.assign(1, 0);
    };
    // A sequence goes to the member whose share of tokens contains its middle.
    int64_t before = 0;
    for (const Dataset::Sequence& sequence : sequences) {
      const int64_t middle = before + sequence.length / 2;
      before += sequence.length;
      if (std::min<int64_t>(middle * team_.size() / tokens, team_.size() - 1) != member) continue;
      if (m.tokens.size() + static_cast<size_t>(sequence.length) > micro_tokens_) flush();
      const auto from = data_.tokens().begin() + static_cast<std::ptrdiff_t>(sequence.begin);
      m.tokens.insert(m.tokens.end(), from, from + sequence.length);
      m.targets.insert(m.targets.end(), from + 1, from + 1 + sequence.length);
      m.starts.push_back(static_cast<int32_t>(m.tokens.size()));
    }
    flush();
  });
  double loss = 0;
  for (const Member& m : members_) loss += m.loss;
  return loss;
}

Optimizer::Step Optimizer::step() {
  next_batch();
  int32_t tokens = 0;
  for (const Dataset::Sequence& sequence : batch_) tokens += sequence.length;
  const double loss = run_sequences(batch_, forward_parameters(recipe_.quantisation), tokens, true);

  // Each member sums one share of the parameters over all members' gradients, always in the same order.
  team_.run([&](int member) {
    const auto [begin, end] = team_.share(member, layout_.total);
    float* sum = members_[0].gradient.data();
    for (size_t other = 1; other < members_.size(); ++other)
      math_.add(sum, members_[other].gradient.data(), begin, end);
    double squares = 0;
    for (size_t i = begin; i < end; ++i) squares += static_cast<double>(sum[i]) * static_cast<double>(sum[i]);
    members_[static_cast<size_t>(member)].squares = squares;
  });
  double squares = 0;
  for (const Member& m : members_) squares += m.squares;
  const double norm = std::sqrt(squares);
  const float clip_scale = norm > static_cast<double>(recipe_.clip)
                               ? static_cast<float>(static_cast<double>(recipe_.clip) / norm)
                               : 1.0f;

  const float rate = recipe_.learning_rate_at(state_.step);
  ++state_.step;
  const auto correction1 = static_cast<float>(1 / (1 - std::pow(static_cast<double>(kBeta1), state_.step)));
  const auto correction2 = static_cast<float>(1 / (1 - std::pow(static_cast<double>(kBeta2), state_.step)));
  team_.run([&](int member) {
    for (const TensorKind& kind : layout_.all()) {
      const auto [begin, end] = team_.share(member, kind.elements());
      math_.adamw(state_.parameters.data(), members_[0].gradient.data(), state_.first_moment.data(),
                  state_.second_moment.data(), kind.offset + begin, kind.offset + end, rate, correction1,
                  correction2, kind.is_matrix() ? recipe_.weight_decay : 0.0f, clip_scale);
    }
  });
  return {loss / tokens, norm, tokens};
}

double Optimizer::held_out_loss(Quantisation as) {
  int32_t tokens = 0;
  for (const Dataset::Sequence& sequence : data_.held_out()) tokens += sequence.length;
  return run_sequences(data_.held_out(), forward_parameters(as), tokens, false) / tokens;
}

}  // namespace pico_llama::trainer
