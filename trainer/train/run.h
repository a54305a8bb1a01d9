#pragma once
#include <atomic>
#include <functional>
#include <string>

#include "trainer/text/stories.h"
#include "trainer/train/optimizer.h"
#include "trainer/train/state_file.h"

namespace pico_llama::trainer {

/// The files that a run reads and writes.
struct RunFiles {
  std::string text;       ///< the stories
  std::string tokenizer;  ///< an existing tokenizer.bin; empty: train one for recipe.shape.vocab_size
  /// Writes output.bin (the model), output.tok.bin, output.csv, output.svg, and output.state, from which
  /// --resume goes on.
  std::string output;
  bool resume = false;
  /// Weights to start from instead of random ones: a legacy checkpoint of the same shape. Empty: random.
  std::string start = {};
  TextOptions text_options = {};
};

/// How often things happen, in steps. 0: only at the end.
struct RunPlan {
  int32_t measure_every = 100;     ///< held-out loss, a point of the curve
  int32_t checkpoint_every = 200;  ///< state, model, curve
  int32_t sample_every = 500;
  int32_t stop_after = 0;  ///< end this run early at that step, with a checkpoint; 0: never
  /// Limits recipe.steps to this many passes over the text, since more would only memorise it; 0: no limit.
  int32_t most_passes = 0;
  const std::atomic<bool>* cancel = nullptr;  ///< once true: a checkpoint, and the end of this run
};

struct RunProgress {
  int32_t step;
  int32_t steps;
  double loss;           ///< mean of the last steps, nats a token
  double held_out_loss;  ///< 0 until it is measured
  double tokens_per_second;
  double seconds_left;
};

/// Callbacks that show progress; each may be empty.
struct RunEvents {
  std::function<void(const std::string& line)> note;
  std::function<void(const RunProgress&)> progress;  ///< after every step
  /// The bytes of the model and of its tokenizer, to tell a story with.
  std::function<void(int32_t step, const std::string& model, const std::string& tokenizer)> sample;
};

struct RunResult {
  double held_out_loss;     ///< of the checkpoint as it was written
  double held_out_loss_q8;  ///< of the exact weights, rounded to q8
  int32_t steps;            ///< made so far
  bool finished;            ///< false after plan.cancel or plan.stop_after
};

/// Trains from start or checkpoint to the end. Killed at any moment and resumed, it writes the same model as
/// an uninterrupted run. Errors: Failure, with the last checkpoint whole.
RunResult run_training(Recipe recipe, const RunFiles& files, const RunPlan& plan, const RunEvents& events);

}  // namespace pico_llama::trainer
