/// Each kernel against the one that defines it, and what each costs.
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

/// Bytes of memory that the largest problem of a check needs, at most.
inline constexpr size_t kKernelCheckBytes = 96 * 1024;

struct KernelCheck {
  std::string_view name;
  bool is_reference = false;  ///< the reference itself runs here: nothing to compare, only a checksum
  bool same = true;
  int shapes = 0;
  uint32_t crc = 0;  ///< of all results, to compare with another machine
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
  uint32_t cycles = 0;  ///< least of three runs; 0: no room for the data
  int64_t work = 0;
  std::string_view unit{};
};

/// Cycles of each kernel on one core, on data of a model's widths. `cycles`: the board's counter.
std::array<KernelCost, kKernelCount> time_kernels(const KernelSet& kernels, const KernelWidths& widths,
                                                  hal::Board& board, std::span<std::byte> memory);

}  // namespace pico_llama::app
