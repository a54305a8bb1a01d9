/// Compares each kernel with its portable definition, and measures its cycles.
#pragma once

#include "engine/kernels/kernel_set.h"
#include "firmware/app/kernel_cases.h"
#include "hal/board.h"

namespace pico_llama::app {

inline constexpr int kKernelCount = 0
#define PICO_LLAMA_KERNEL(name, arguments, ...) +1  // NOLINT(bugprone-macro-parentheses)
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
    ;

/// Upper bound of the memory that a check needs.
inline constexpr size_t kKernelCheckBytes = 96 * 1024;

struct KernelCheck {
  std::string_view name;
  bool is_reference = false;  ///< this build runs the reference itself: no comparison, only a checksum
  bool same = true;
  int shapes = 0;
  uint32_t crc = 0;  ///< of all results, for comparison between machines
  // The first difference.
  std::span<const std::string_view> shape_names{};
  KernelShape shape{};
  uint32_t byte = 0;
  uint8_t expected = 0;
  uint8_t found = 0;
};

/// Runs every kernel of both sets on the same data. Requires: kKernelCheckBytes of memory, aligned to 64.
std::array<KernelCheck, kKernelCount> check_kernels(const KernelSet& subject, const KernelSet& reference,
                                                    std::span<std::byte> memory);

struct KernelCost {
  std::string_view name;
  std::span<const std::string_view> shape_names{};
  KernelShape shape{};
  uint32_t cycles = 0;  ///< minimum of three runs; 0: no room for the data
  int64_t work = 0;
  std::string_view unit{};
};

/// Cycles of each kernel on one core, with a model's shapes.
std::array<KernelCost, kKernelCount> time_kernels(const KernelSet& kernels, const KernelWidths& widths,
                                                  hal::Board& board, std::span<std::byte> memory);

}  // namespace pico_llama::app
