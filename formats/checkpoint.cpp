#include "formats/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "formats/failure.h"
#include "formats/llama2c.h"

namespace pico_llama::formats {
namespace {

void check_finite(const Tensor& tensor, const std::string& name) {
  const bool q80 = tensor.quantized();
  const Tensor floats =
      q80 ? Tensor{"", 1, tensor.elements() / tensor.group_size, tensor.scales, nullptr, 0} : tensor;
  std::vector<float> block(std::min<std::uint64_t>(floats.elements(), 1 << 16));
  for (std::uint64_t first = 0; first < floats.elements(); first += block.size()) {
    block.resize(std::min<std::uint64_t>(block.size(), floats.elements() - first));
    floats.read(first, block);
    // A scale must also leave its largest weight, 128 scales, finite.
    const float largest_factor = q80 ? 128.0f : 1.0f;
    const auto bad = std::find_if_not(
        block.begin(), block.end(), [largest_factor](float x) { return std::isfinite(x * largest_factor); });
    if (bad == block.end()) continue;
    const std::uint64_t element = first + static_cast<std::uint64_t>(bad - block.begin());
    fail("{}: {} {} of {} is {}; the checkpoint is damaged or its training diverged", name,
         q80 ? "q80 scale" : "value", element, tensor.name, *bad);
  }
}

}  // namespace

const char* format_name(Format format) {
  switch (format) {
    case Format::kLlama2cLegacy:
      return "legacy fp32";
    case Format::kLlama2cVersion1:
      return "version 1 (fp32)";
    case Format::kLlama2cVersion2:
      return "version 2 (q80)";
  }
  std::abort();
}

std::vector<const Tensor*> Weights::all() const {
  std::vector<const Tensor*> tensors = {&token_embedding};
  for (const Layer& layer : layers) {
    tensors.insert(tensors.end(), {&layer.rms_att, &layer.wq, &layer.wk, &layer.wv, &layer.wo, &layer.rms_ffn,
                                   &layer.w1, &layer.w2, &layer.w3});
  }
  tensors.push_back(&rms_final);
  if (wcls.values != token_embedding.values) tensors.push_back(&wcls);
  return tensors;
}

void check_finite(const Weights& weights, const std::string& name) {
  for (const Tensor* tensor : weights.all()) check_finite(*tensor, name);
}

Checkpoint Checkpoint::open(const std::string& path) {
  MappedFile mapping(path);
  Checkpoint checkpoint = read_llama2c(mapping.bytes(), path);
  checkpoint.mapping = std::move(mapping);
  return checkpoint;
}

}  // namespace pico_llama::formats
