#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "trainer/text/stories.h"
#include "trainer/train/optimizer.h"

namespace pico_llama::trainer {

/// One line of the loss curve.
struct CurvePoint {
  int32_t step;
  float training_loss;  ///< mean since the point before, nats a token
  float held_out_loss;
  float learning_rate;
};

/// The inputs of a training run: enough to continue it.
struct StartedRun {
  Recipe recipe;
  std::string text;  ///< path of the stories
  TextOptions text_options;
};

/// A checkpoint of the training itself: everything that the next step depends on.
struct StateFile {
  StartedRun run;
  uint64_t fingerprint;  ///< of recipe and text; must match to resume
  TrainingState state;
  std::vector<CurvePoint> curve;
};

std::string to_bytes(const StateFile& file);
/// Errors: Failure if damaged. `name` stands for the file.
StartedRun started_run(std::string_view bytes, const std::string& name);
/// Errors: Failure if damaged, of another model's size, or of another recipe or text. `name` stands for it.
StateFile parse_state_file(std::string_view bytes, const std::string& name, uint64_t fingerprint,
                           size_t parameters);

}  // namespace pico_llama::trainer
