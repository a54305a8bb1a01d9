/// Workers that measure the parts of forward() on core 0: each part ends at a barrier.
#pragma once

#include <array>
#include <string_view>

#include "engine/workers.h"
#include "hal/board.h"

namespace pico_llama::app {

/// Cycles on core 0, waiting for the other core included, summed over passes; a part ends at its last
/// barrier.
struct PassCycles {
  /// In the order of forward(): the embedding, then these for each layer, then the classifier.
  static constexpr std::array<std::string_view, 6> kLayerParts = {
      "query, key, value", "attention", "output", "feed forward up", "hidden input", "feed forward down"};
  uint32_t embedding = 0;
  std::array<uint32_t, kLayerParts.size()> layers{};
  uint32_t classifier = 0;  ///< with its norm; almost 0 in passes without logits
  uint32_t barriers = 0;    ///< passed: the parts are valid only if it is TimedWorkers::barriers_of_pass()

  uint32_t sum() const {
    uint32_t total = embedding + classifier;
    for (const uint32_t part : layers) total += part;
    return total;
  }
};

class TimedWorkers final : public Workers {
 public:
  /// layers: of the model. shared_input: forward() has a barrier after each matmul's input, as q8 and q4 do;
  /// f32 does not.
  TimedWorkers(Workers& crew, hal::Board& board, uint32_t layers, bool shared_input)
      : Workers(crew.count()), crew_(crew), board_(board), layers_(layers), shared_input_(shared_input) {}

  void run(Task task, void* context) override;
  void barrier() override;

  uint32_t barriers_of_pass() const { return 1 + barriers_of_layer() * layers_ + (shared_input_ ? 1 : 0); }
  /// The cycles of all passes since the last call.
  PassCycles take();

 private:
  uint32_t lap();
  uint32_t barriers_of_layer() const { return shared_input_ ? 9 : 5; }

  Workers& crew_;
  hal::Board& board_;
  uint32_t layers_;
  bool shared_input_;
  PassCycles cycles_;
  uint32_t passed_ = 0;  ///< barriers of the current pass
  uint32_t last_ = 0;
};

}  // namespace pico_llama::app
