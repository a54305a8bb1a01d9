/// Both cores as workers: fork, join and barriers through words in SRAM, tens of cycles each.
#pragma once

#include <atomic>

#include "engine/workers.h"

namespace pico_llama::drivers {

/// Core 1 sleeps (WFE) between runs. All code of this class is in SRAM, so waiting does not use the XIP bus.
/// Requires: one object of static lifetime.
class CoreWorkers final : public Workers {
 public:
  constexpr CoreWorkers() : Workers(2) {}
  /// Starts core 1. Requires: called once, from core 0.
  void launch();

  void run(Task task, void* context) override;
  void barrier() override;

 private:
  static void core1_main();
  void wait_for(const std::atomic<uint32_t>& word, uint32_t value);

  // One writer per word, so plain loads and stores suffice: no exclusive accesses, no bus lock.
  Task task_ = nullptr;
  void* context_ = nullptr;
  std::atomic<uint32_t> runs_{0};          ///< runs started; written by core 0
  std::atomic<uint32_t> finished_{0};      ///< runs finished; written by core 1
  std::atomic<uint32_t> arrived_[2] = {};  ///< barriers reached, by core
};

}  // namespace pico_llama::drivers
