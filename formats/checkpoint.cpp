#include "formats/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "formats/failure.h"
#include "formats/gguf.h"
#include "formats/llama2c.h"
#include "formats/safetensors.h"

namespace pico_llama::formats {
namespace {

void check_finite(const Tensor& tensor, const std::string& name) {
  const bool q80 = tensor.quantized();
  const Tensor floats = q80 ? Tensor{.name = {},
                                     .rows = 1,
                                     .columns = tensor.elements() / tensor.group_size,
                                     .values = tensor.scales}
                            : tensor;
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

/// `only`: one file of the folder; empty: the files listed in the index, or the single file.
Checkpoint open_safetensors(const std::filesystem::path& folder, const std::filesystem::path& only) {
  std::error_code ignored;
  const std::filesystem::path config = folder / "config.json";
  if (!std::filesystem::is_regular_file(config, ignored))
    fail("{}: needs the model's config.json beside it", (folder / only).string());
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  std::vector<std::filesystem::path> paths = {config};
  const auto index_names = [&] {
    const MappedFile file(index.string());
    return shards_of_index({index.string(), file.bytes()});
  };
  if (std::filesystem::is_regular_file(index, ignored)) {
    const std::vector<std::string> shards = index_names();
    // A file not listed in the index is a checkpoint by itself.
    if (only.empty() || std::ranges::find(shards, only.string()) != shards.end())
      for (const std::string& shard : shards) paths.push_back(folder / shard);
  }
  if (paths.size() == 1 && !only.empty()) paths.push_back(folder / only);
  if (paths.size() == 1) {
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
      if (entry.path().extension() == ".safetensors") paths.push_back(entry.path());
    if (paths.size() == 1)
      fail("{}: contains no .safetensors file; convert the model (save_pretrained) or specify its file",
           folder.string());
    if (paths.size() > 2)
      fail("{}: contains several .safetensors files and no model.safetensors.index.json; specify one of them",
           folder.string());
  }
  std::vector<MappedFile> files;
  std::vector<NamedBytes> named;
  for (const auto& path : paths) files.emplace_back(path.string());
  for (const MappedFile& file : files) named.push_back({file.path(), file.bytes()});
  Checkpoint checkpoint = read_safetensors(named.front(), std::span(named).subspan(1));
  checkpoint.files = std::move(files);
  return checkpoint;
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
    case Format::kSafetensors:
      return "safetensors (LlamaForCausalLM)";
    case Format::kGguf:
      return "GGUF (llama)";
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

void require_numbers(const Checkpoint& checkpoint, const std::string& name) {
  if (!(checkpoint.rope_base >= 1 && checkpoint.rope_base <= 1e9f))
    fail("{}: the RoPE base is {}; from 1 to 1e9 can be run", name, checkpoint.rope_base);
  if (!(checkpoint.rms_eps >= 0 && checkpoint.rms_eps <= 1))
    fail("{}: RMSNorm's epsilon is {}; from 0 to 1 can be run", name, checkpoint.rms_eps);
}

std::uint64_t Checkpoint::file_bytes() const {
  std::uint64_t total = 0;
  for (const auto& file : bytes) total += file.size();
  return total;
}

Checkpoint Checkpoint::open(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(std::filesystem::path(path) / "config.json", ignored))
    return open_safetensors(path, {});
  MappedFile file(path);
  if (looks_like_safetensors(file.bytes()))
    return open_safetensors(std::filesystem::path(path).parent_path(),
                            std::filesystem::path(path).filename());
  Checkpoint checkpoint =
      looks_like_gguf(file.bytes()) ? read_gguf(file.bytes(), path) : read_llama2c(file.bytes(), path);
  checkpoint.files.push_back(std::move(file));
  return checkpoint;
}

}  // namespace pico_llama::formats
