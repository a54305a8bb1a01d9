#pragma once
#include <cstdint>
#include <vector>

#include "trainer/model/aligned.h"
#include "trainer/model/math.h"
#include "trainer/model/parameters.h"
#include "trainer/train/dataset.h"
#include "trainer/train/fake_quant.h"
#include "trainer/train/team.h"

namespace pico_llama::trainer {

/// The settings of a training run. With the text they determine the weights.
struct Recipe {
  Config shape{64, 172, 5, 8, 4, 512, 512};
  bool shared_classifier = true;
  Quantisation quantisation = Quantisation::kNone;
  uint64_t seed = 1;
  int32_t threads = 2;
  int32_t steps = 5000;
  int32_t batch_tokens = 16384;
  int32_t warmup_steps = 200;
  float learning_rate = 2e-3f;
  float final_learning_rate = 0;  ///< where the cosine ends
  float weight_decay = 0.1f;      ///< of matrices only
  float clip = 1.0f;              ///< largest norm of the whole gradient

  /// Errors: Failure that names the option to change.
  void validate() const;
  /// Warm-up is linear; then half a cosine down to final_learning_rate.
  float learning_rate_at(int32_t step) const;
  uint64_t fingerprint() const;
};

/// Calls f with each setting of a recipe, in a fixed order.
template <typename AnyRecipe, typename F>
void for_each_setting(AnyRecipe& recipe, F f) {
  auto& shape = recipe.shape;
  f(shape.dim), f(shape.hidden_dim), f(shape.n_layers), f(shape.n_heads), f(shape.n_kv_heads),
      f(shape.vocab_size), f(shape.seq_len);
  f(recipe.shared_classifier), f(recipe.quantisation), f(recipe.seed), f(recipe.threads), f(recipe.steps),
      f(recipe.batch_tokens), f(recipe.warmup_steps);
  f(recipe.learning_rate), f(recipe.final_learning_rate), f(recipe.weight_decay), f(recipe.clip);
}

/// The complete training state, as stored in a checkpoint.
struct TrainingState {
  int32_t step = 0;
  uint32_t epoch = 0;
  uint64_t position = 0;  ///< in the epoch's order of sequences
  AlignedVector<float> parameters, first_moment, second_moment;
};

/// Fresh weights for a seed.
TrainingState initial_state(const Recipe& recipe, const Layout& layout);

/// Runs training steps.
class Optimizer {
 public:
  Optimizer(const Recipe& recipe, const Layout& layout, const Dataset& data, TrainingState& state);

  struct Step {
    double loss;  ///< mean of the step's tokens, nats
    double gradient_norm;
    int32_t tokens;
  };
  Step step();

  /// Mean loss of the held-out sequences, with the weights rounded as `as` says.
  double held_out_loss(Quantisation as);

  /// The weights rounded as `as` says, all of the layout; until the next call or step.
  const float* forward_parameters(Quantisation as);

 private:
  void next_batch();
  const std::vector<uint32_t>& order_of_epoch();
  /// Runs sequences on all members; returns the summed loss. Gradients (unless only a loss is wanted) are
  /// left in each member's own array.
  double run_sequences(const std::vector<Dataset::Sequence>& sequences, const float* parameters,
                       int32_t tokens, bool with_gradient);

  const Recipe recipe_;
  const Layout& layout_;
  const Dataset& data_;
  TrainingState& state_;
  const Math& math_;
  Team team_;

  AlignedVector<float> rope_cos_, rope_sin_;
  AlignedVector<float> rounded_;  // empty without quantisation
  std::vector<uint32_t> order_;
  int64_t order_epoch_ = -1;
  std::vector<Dataset::Sequence> batch_;
  struct Member {
    AlignedVector<float> gradient, workspace;
    std::vector<int32_t> tokens, targets, starts;
    double loss = 0;
    double squares = 0;
  };
  std::vector<Member> members_;
  size_t micro_tokens_;
};

}  // namespace pico_llama::trainer
