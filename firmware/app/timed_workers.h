/// Workers that measure each part of forward(): parts end at barriers, where core 0's cycle counter is read.
#pragma once

#include <array>
#include <string_view>

#include "engine/workers.h"
#include "hal/board.h"

namespace pico_llama::app {

/// Cycles on core 0, including waits for the other core, summed over passes.
struct PassCycles {
  /// In the order of forward(): the embedding, then these for each layer, then the classifier.
  static constexpr std::array<std::string_view, 6> kLayerParts = {
      "query, key, value", "attention", "output", "feed forward up", "hidden input", "feed forward down"};
  uint32_t embedding = 0;
  std::array<uint32_t, kLayerParts.size()> layers{};
  uint32_t classifier = 0;  ///< with its norm; almost 0 in passes without logits
  /// Barriers passed. The parts are valid only if this is 1 + 6 per layer (q8 or q4, one token) or 1 + 5 per
  /// layer (f32).
  uint32_t barriers = 0;

  uint32_t sum() const {
    uint32_t total = embedding + classifier;
    for (const uint32_t part : layers) total += part;
    return total;
  }
};

class TimedWorkers final : public Workers {
 public:
  /// hidden_input: whether passes have a barrier after quantising the hidden vector (q8 and q4 over one
  /// token; not f32).
  TimedWorkers(Workers& crew, hal::Board& board, bool hidden_input = true)
      : crew_(crew), board_(board), hidden_input_(hidden_input) {}

  int count() const override { return crew_.count(); }
  void run(Task task, void* context) override;
  void barrier() override;
  void meet() override { crew_.meet(); }

  /// Number of parts in a layer.
  uint32_t parts() const { return hidden_input_ ? 6 : 5; }
  /// The cycles of all passes since the last call.
  PassCycles take();

 private:
  uint32_t lap();

  Workers& crew_;
  hal::Board& board_;
  bool hidden_input_;
  PassCycles cycles_;
  uint32_t passed_ = 0;  ///< barriers of the current pass
  uint32_t last_ = 0;
};

}  // namespace pico_llama::app
