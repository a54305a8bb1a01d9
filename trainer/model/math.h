#pragma once
#include <cstddef>
#include <cstdint>

#include "engine/model/config.h"

namespace pico_llama::trainer {

struct Layout;

/// Concatenated token sequences; each starts at position 0 and attends only to itself.
struct Batch {
  const int32_t* tokens;   ///< [size]
  const int32_t* targets;  ///< [size]: the token after each
  const int32_t* starts;   ///< [sequences + 1]: where each sequence begins; the last is the size
  int32_t sequences;

  int32_t size() const { return starts[sequences]; }
};

/// Inputs of one pass besides the batch. The same for float (training) and double (run_in_double()).
template <typename Scalar>
struct Pass {
  const Config& config;
  const Layout& layout;
  const Scalar* parameters;
  const Scalar* rope_cos;  ///< [seq_len, head_size / 2]
  const Scalar* rope_sin;  ///< [seq_len, head_size / 2]
  Scalar* workspace;       ///< [workspace_elements()]
  Scalar* gradient;        ///< added to; nullptr: no backward pass
  Scalar gradient_scale;   ///< one over the tokens of the whole step, so that a gradient is that of a mean
  Scalar* logits;          ///< [size, vocab_size], or nullptr
};

/// The model's mathematics, compiled several times for several instruction sets. Equations: those of the
/// engine (llama2.c's run.c): rmsnorm with eps 1e-5, RoPE on neighbouring pairs, causal attention with shared
/// key/value heads, SwiGLU, softmax cross entropy.
/// Exact: the same bits for the same inputs on one machine; not across machines.
struct Math {
  const char* name;
  /// Runs a batch forward and, with a gradient, backward. Returns the sum of the tokens' losses in nats.
  /// Requires: every sequence is at most seq_len long, batch.size() at most max_tokens of the workspace.
  double (*run)(const Pass<float>&, const Batch&);
  /// AdamW on elements [begin, end). Source: Loshchilov, Hutter, "Decoupled weight decay", 2019, algorithm 2.
  void (*adamw)(float* parameters, const float* gradient, float* first, float* second, size_t begin,
                size_t end, float learning_rate, float correction1, float correction2, float decay,
                float gradient_scale);
  /// sum += other over [begin, end); returns nothing, keeps float order.
  void (*add)(float* sum, const float* other, size_t begin, size_t end);
  /// A square float matrix product of this size, for the measured peak: c = a * b, row major.
  void (*multiply)(const float* a, const float* b, float* c, int n);
};

/// Math::run in double precision, which the tests of the gradients use: the same code, for the baseline's
/// instructions.
double run_in_double(const Pass<double>& pass, const Batch& batch);

/// Elements of workspace for batches of up to max_tokens tokens.
size_t workspace_elements(const Config& config, size_t max_tokens);

/// The fastest that this machine runs.
const Math& fastest_math();

inline constexpr float kBeta1 = 0.9f;
inline constexpr float kBeta2 = 0.95f;
inline constexpr float kRmsEps = 1e-5f;

}  // namespace pico_llama::trainer
