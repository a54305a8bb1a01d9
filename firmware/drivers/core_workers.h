/// The second core as a worker: fork, join and barriers through words in SRAM, tens of cycles each.
#pragma once

#include <atomic>

#include "engine/workers.h"

namespace pico_llama::drivers {

/// Both cores. Core 1 sleeps (WFE) between runs and never touches the XIP bus on its own: all it executes
/// here is in SRAM. Use one object; it must outlive the program.
class CoreWorkers final : public Workers {
 public:
  /// Starts core 1. Requires: called once, from core 0.
  void launch();

  int count() const override { return 2; }
  void run(Task task, void* context) override;
  void barrier() override;
  void meet() override { CoreWorkers::barrier(); }

 private:
  static void core1_main();
  void wait_for(const std::atomic<uint32_t>& word, uint32_t value);

  // Each word has one writer, so plain stores and loads are enough: no exclusive accesses, no bus lock.
  Task task_ = nullptr;
  void* context_ = nullptr;
  std::atomic<uint32_t> runs_{0};          ///< started; written by core 0
  std::atomic<uint32_t> finished_{0};      ///< written by core 1
  std::atomic<uint32_t> arrived_[2] = {};  ///< barriers reached, by core
};

}  // namespace pico_llama::drivers
