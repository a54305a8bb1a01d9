#include "tools/checkpoint/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "tools/checkpoint/header.h"
#include "tools/support/failure.h"

namespace pico_llama::checkpoint {
namespace {

/// Hands out consecutive tensors of the file. It only adds up sizes (all within 64 bits by the header's
/// limits) and forms pointers: nothing is read before the total has been compared with the file's size.
class Layout {
 public:
  Layout(const std::uint8_t* base, std::uint64_t at) : base_(base), at_(at) {}

  std::uint64_t end() const { return at_; }
  void skip(std::uint64_t bytes) { at_ += bytes; }

  Tensor fp32(std::string name, std::uint64_t rows, std::uint64_t columns) {
    Tensor tensor{std::move(name), rows, columns, pointer(), nullptr, 0};
    at_ += tensor.elements() * sizeof(float);
    return tensor;
  }

  Tensor q80(std::string name, std::uint64_t rows, std::uint64_t columns, std::uint32_t group_size) {
    Tensor tensor{std::move(name), rows, columns, pointer(), nullptr, group_size};
    at_ += tensor.elements();
    tensor.scales = pointer();
    at_ += tensor.elements() / group_size * sizeof(float);
    return tensor;
  }

 private:
  // Integer arithmetic, because a damaged header can lead far outside the file.
  const std::uint8_t* pointer() const {
    return reinterpret_cast<const std::uint8_t*>(reinterpret_cast<std::uintptr_t>(base_) + at_);
  }

  const std::uint8_t* base_;
  std::uint64_t at_;
};

using Member = Tensor Layer::*;

/// A member of every layer with its shape: files store all layers of one kind one after the other.
struct Kind {
  Member member;
  const char* name;
  std::uint64_t rows;
  std::uint64_t columns;
};

struct Kinds {
  Kind rms_att, wq, wk, wv, wo, rms_ffn, w1, w2, w3;
};

Kinds kinds_of(const Config& config) {
  const auto dim = static_cast<std::uint64_t>(config.dim);
  const auto kv_dim = static_cast<std::uint64_t>(config.kv_dim());
  const auto hidden_dim = static_cast<std::uint64_t>(config.hidden_dim);
  return {{&Layer::rms_att, "rms_att", 1, dim}, {&Layer::wq, "wq", dim, dim},
          {&Layer::wk, "wk", kv_dim, dim},      {&Layer::wv, "wv", kv_dim, dim},
          {&Layer::wo, "wo", dim, dim},         {&Layer::rms_ffn, "rms_ffn", 1, dim},
          {&Layer::w1, "w1", hidden_dim, dim},  {&Layer::w2, "w2", dim, hidden_dim},
          {&Layer::w3, "w3", hidden_dim, dim}};
}

using MakeTensor = std::function<Tensor(std::string name, std::uint64_t rows, std::uint64_t columns)>;

void place_all_layers(Weights& weights, const Kind& kind, const MakeTensor& make) {
  for (std::size_t l = 0; l < weights.layers.size(); ++l)
    weights.layers[l].*kind.member = make(fmt::format("{}.{}", kind.name, l), kind.rows, kind.columns);
}

/// run.c: memory_map_weights. The two RoPE tables [seq_len, head_size / 2] are recomputed, so skipped.
std::uint64_t place_legacy(const Header& header, const std::uint8_t* base, Weights& weights) {
  Layout layout(base, kLegacyHeaderBytes);
  const MakeTensor make = [&layout](std::string name, std::uint64_t rows, std::uint64_t columns) {
    return layout.fp32(std::move(name), rows, columns);
  };
  const Kinds k = kinds_of(header.config);
  const auto dim = static_cast<std::uint64_t>(header.config.dim);
  const auto vocab_size = static_cast<std::uint64_t>(header.config.vocab_size);
  weights.token_embedding = make("token_embedding", vocab_size, dim);
  for (const Kind& kind : {k.rms_att, k.wq, k.wk, k.wv, k.wo, k.rms_ffn, k.w1, k.w2, k.w3})
    place_all_layers(weights, kind, make);
  weights.rms_final = make("rms_final", 1, dim);
  layout.skip(sizeof(float) * static_cast<std::uint64_t>(header.config.seq_len) *
              static_cast<std::uint64_t>(header.config.head_size()));
  if (!header.shared_classifier) weights.wcls = make("wcls", vocab_size, dim);
  return layout.end();
}

/// export.py: version1_export and version2_export differ only in how a matrix is stored.
std::uint64_t place_versioned(const Header& header, const std::uint8_t* base, const std::string& name,
                              Weights& weights) {
  Layout layout(base, kVersionedHeaderBytes);
  const MakeTensor make_vector = [&layout](std::string tensor, std::uint64_t rows, std::uint64_t columns) {
    return layout.fp32(std::move(tensor), rows, columns);
  };
  const MakeTensor make_matrix = [&](std::string tensor, std::uint64_t rows, std::uint64_t columns) {
    if (header.format == Header::Format::kVersion1) return layout.fp32(std::move(tensor), rows, columns);
    if (rows * columns % header.group_size != 0)
      fail("{}: q80 group size {} does not divide {} ({} x {} values); export it with a smaller group", name,
           header.group_size, tensor, rows, columns);
    return layout.q80(std::move(tensor), rows, columns, header.group_size);
  };
  const Kinds k = kinds_of(header.config);
  const auto dim = static_cast<std::uint64_t>(header.config.dim);
  const auto vocab_size = static_cast<std::uint64_t>(header.config.vocab_size);
  place_all_layers(weights, k.rms_att, make_vector);
  place_all_layers(weights, k.rms_ffn, make_vector);
  weights.rms_final = make_vector("rms_final", 1, dim);
  weights.token_embedding = make_matrix("token_embedding", vocab_size, dim);
  for (const Kind& kind : {k.wq, k.wk, k.wv, k.wo, k.w1, k.w2, k.w3})
    place_all_layers(weights, kind, make_matrix);
  if (!header.shared_classifier) weights.wcls = make_matrix("wcls", vocab_size, dim);
  return layout.end();
}

void check_size(std::uint64_t actual, std::uint64_t expected, const std::string& name) {
  if (actual < expected)
    fail("{}: truncated: {} bytes, and its header asks for {}; get the file again", name, actual, expected);
  if (actual > expected)
    fail(
        "{}: oversized: {} bytes, and its header asks for {}; the header or the file is damaged, get it "
        "again",
        name, actual, expected);
}

/// One NaN or infinity spreads to every logit: better said here, with its place, than met as silence.
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

Checkpoint Checkpoint::parse(std::span<const std::uint8_t> bytes, const std::string& name) {
  Checkpoint checkpoint;
  checkpoint.bytes_ = bytes;
  checkpoint.header_ = parse_header(bytes, name);
  const Header& header = checkpoint.header_;
  Weights& weights = checkpoint.weights_;
  weights.layers.resize(static_cast<std::size_t>(header.config.n_layers));
  const std::uint64_t expected = header.format == Header::Format::kLegacy
                                     ? place_legacy(header, bytes.data(), weights)
                                     : place_versioned(header, bytes.data(), name, weights);
  check_size(bytes.size(), expected, name);
  if (header.shared_classifier) weights.wcls = weights.token_embedding;
  for (const Tensor* tensor : weights.all()) check_finite(*tensor, name);
  return checkpoint;
}

Checkpoint Checkpoint::open(const std::string& path) {
  MappedFile file(path);
  Checkpoint checkpoint = parse(file.bytes(), path);
  checkpoint.file_ = std::move(file);
  return checkpoint;
}

}  // namespace pico_llama::checkpoint
