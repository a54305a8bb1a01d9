/// A crew that says when core 0 gets from one part of forward() to the next: its barriers are where parts
/// meet.
#pragma once

#include <array>
#include <string_view>

#include "engine/workers.h"
#include "hal/board.h"

namespace pico_llama::app {

/// Cycles on core 0, waiting for the other core included, summed over passes; a part ends where all have met.
struct PassCycles {
  /// In the order of forward(): the embedding, then these for each layer, then the classifier.
  static constexpr std::array<std::string_view, 6> kLayerParts = {
      "query, key, value", "attention", "output", "feed forward up", "hidden input", "feed forward down"};
  uint32_t embedding = 0;
  std::array<uint32_t, kLayerParts.size()> layers{};
  uint32_t classifier = 0;  ///< and its norm; next to nothing where no logits were wanted
  /// Met: 1 + 6 for each layer of a pass of q8 or q4 over one token, or the parts are not what they are
  /// called.
  uint32_t barriers = 0;

  uint32_t sum() const {
    uint32_t total = embedding + classifier;
    for (const uint32_t part : layers) total += part;
    return total;
  }
};

class TimedWorkers final : public Workers {
 public:
  /// hidden_input: passes meet after it, as those of q8 and q4 over one token do; f32 has nothing to
  /// quantise.
  TimedWorkers(Workers& crew, hal::Board& board, bool hidden_input = true)
      : crew_(crew), board_(board), hidden_input_(hidden_input) {}

  int count() const override { return crew_.count(); }
  void run(Task task, void* context) override;
  void barrier() override;
  void meet() override { crew_.meet(); }

  /// Of kLayerParts, those that a layer has.
  uint32_t parts() const { return hidden_input_ ? 6 : 5; }
  /// What the passes since the last call took.
  PassCycles take();

 private:
  uint32_t lap();

  Workers& crew_;
  hal::Board& board_;
  bool hidden_input_;
  PassCycles cycles_;
  uint32_t passed_ = 0;  ///< barriers of the pass under way
  uint32_t last_ = 0;
};

}  // namespace pico_llama::app
