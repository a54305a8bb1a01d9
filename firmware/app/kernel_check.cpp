#include "firmware/app/kernel_check.h"

#include "engine/model/model_image_layout.h"

namespace pico_llama::app {
namespace {

template <typename Arguments>
using Kernel = void (*)(const Arguments&);

/// Upper bound of a timed problem's weights: for large models part of a tensor's rows is timed.
constexpr int64_t kLargestCostBytes = 128 * 1024;

uint32_t crc_of(const KernelOutputs& outputs, uint32_t crc) {
  for (const std::span<std::byte> part : outputs) crc = crc32(part, crc);
  return crc;
}

/// Runs both on separate copies of the same data and records the first difference in their results.
template <typename Arguments>
KernelCheck check(std::string_view name, Kernel<Arguments> subject, Kernel<Arguments> reference,
                  std::span<std::byte> memory) {
  using Cases = KernelCases<Arguments>;
  KernelCheck result{.name = name, .is_reference = subject == reference, .shape_names = Cases::kNames};
  const size_t half = memory.size() / 2 / Arena::kAlignment * Arena::kAlignment;
  for (const KernelShape& shape : Cases::kCheck) {
    Arguments arguments;
    const auto seed = static_cast<uint32_t>(++result.shapes);
    Arena first(memory.first(half));
    const KernelOutputs found = Cases::make(shape, seed, first, arguments);
    subject(arguments);
    result.crc = crc_of(found, result.crc);
    if (result.is_reference) continue;
    Arena second(memory.subspan(half));
    const KernelOutputs expected = Cases::make(shape, seed, second, arguments);
    reference(arguments);
    for (size_t part = 0; part < found.size() && result.same; ++part) {
      for (size_t i = 0; i < found[part].size() && result.same; ++i) {
        if (found[part][i] == expected[part][i]) continue;
        result.same = false;
        result.shape = shape;
        result.byte = static_cast<uint32_t>(i + (part == 0 ? 0 : found[0].size()));
        result.expected = std::to_integer<uint8_t>(expected[part][i]);
        result.found = std::to_integer<uint8_t>(found[part][i]);
      }
    }
  }
  return result;
}

template <typename Arguments>
KernelCost time(std::string_view name, Kernel<Arguments> kernel, const KernelWidths& widths,
                hal::Board& board, std::span<std::byte> memory) {
  using Cases = KernelCases<Arguments>;
  KernelShape shape = Cases::typical(widths);
  // Only the matmuls have tensors, of at most rows x columns floats.
  while (Cases::kUnit == "a MAC" && shape.a > kBlockRows &&
         int64_t{shape.a} * shape.b * 4 > kLargestCostBytes)
    shape.a = round_up(shape.a / 2, kBlockRows);
  KernelCost cost{.name = name,
                  .shape_names = Cases::kNames,
                  .shape = shape,
                  .work = Cases::work(shape),
                  .unit = Cases::kUnit};
  for (int run = 0; run < 3; ++run) {
    Arguments arguments;
    Arena arena(memory);
    Cases::make(shape, 1, arena, arguments);
    const uint32_t start = board.cycles();
    kernel(arguments);
    const uint32_t cycles = board.cycles() - start;
    if (run == 0 || cycles < cost.cycles) cost.cycles = cycles;
  }
  return cost;
}

}  // namespace

std::array<KernelCheck, kKernelCount> check_kernels(const KernelSet& subject, const KernelSet& reference,
                                                    std::span<std::byte> memory) {
  return {
#define PICO_LLAMA_KERNEL(name, arguments, ...) check<arguments>(#name, subject.name, reference.name, memory),
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
  };
}

std::array<KernelCost, kKernelCount> time_kernels(const KernelSet& kernels, const KernelWidths& widths,
                                                  hal::Board& board, std::span<std::byte> memory) {
  return {
#define PICO_LLAMA_KERNEL(name, arguments, ...) time<arguments>(#name, kernels.name, widths, board, memory),
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
  };
}

}  // namespace pico_llama::app
