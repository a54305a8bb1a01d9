#include "formats/llama2c.h"

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string_view>
#include <utility>

#include "formats/failure.h"

namespace pico_llama::formats {
namespace {

std::int32_t read_int32(std::span<const std::uint8_t> bytes, std::uint64_t at) {
  std::int32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

/// Names common wrong file types, since the user picked the wrong file.
const char* other_kind(std::span<const std::uint8_t> bytes) {
  struct Signature {
    std::string_view start;
    const char* kind;
  };
  static constexpr Signature kSignatures[] = {
      {"PLM1", "a model image; give the checkpoint it was packed from"},
      {"GGUF", "a GGUF file"},
      {"PK\x03\x04", "a PyTorch or zip file; save it as safetensors, or export it with llama2.c's export.py"},
      {"UF2\n", "a UF2 file"},
      {"\x7f"
       "ELF",
       "a program"},
      {"version https://git-lfs", "a Git LFS pointer, not the file itself; run git lfs pull"},
      {"<", "a web page, not the file it was meant to download"},
  };
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (const auto& [start, kind] : kSignatures)
    if (text.starts_with(start)) return kind;
  if (text.size() > 10 && text.substr(8).starts_with("{\""))
    return "a safetensors file; export it with llama2.c's export.py";
  return nullptr;
}

/// Everything but the weights; every dimension within limits that keep 64-bit sizes exact, heads that divide.
Checkpoint read_header(std::span<const std::uint8_t> bytes, const std::string& name) {
  if (const char* kind = other_kind(bytes)) fail("{}: is not a llama2.c checkpoint but {}", name, kind);
  if (bytes.size() < kLegacyHeaderBytes)
    fail("{}: truncated: {} bytes are too few for a checkpoint's header ({}); get the file again", name,
         bytes.size(), kLegacyHeaderBytes);

  Checkpoint header;
  std::uint64_t at = 0;
  if (static_cast<std::uint32_t>(read_int32(bytes, 0)) == kLlama2cMagic) {
    if (bytes.size() < kVersionedHeaderBytes)
      fail("{}: truncated: {} bytes are too few for its header ({}); get the file again", name, bytes.size(),
           kVersionedHeaderBytes);
    const std::int32_t version = read_int32(bytes, 4);
    if (version != 1 && version != 2)
      fail("{}: checkpoint version {} is unknown; export it as version 0, 1 or 2", name, version);
    header.format = version == 1 ? Format::kLlama2cVersion1 : Format::kLlama2cVersion2;
    at = 8;
  }

  Config& config = header.config;
  for (std::int32_t* field : {&config.dim, &config.hidden_dim, &config.n_layers, &config.n_heads,
                              &config.n_kv_heads, &config.vocab_size, &config.seq_len}) {
    *field = read_int32(bytes, at);
    at += sizeof(std::int32_t);
  }
  const bool legacy = header.format == Format::kLlama2cLegacy;
  // The sign of a legacy vocab_size is the "unshared classifier" flag. INT32_MIN has no positive.
  const bool negative_vocab = config.vocab_size < 0;
  if (legacy && negative_vocab && config.vocab_size != INT32_MIN) config.vocab_size = -config.vocab_size;
  if (const Status status = config.validate(); !status.ok())
    fail("{}: {}; {}", name, text_of(status),
         legacy ? "its first bytes are not the magic ak42 either: is this a llama2.c checkpoint?"
                : "the header is damaged, get the file again");

  if (legacy) {
    header.shared_classifier = !negative_vocab;
  } else {
    const std::uint8_t shared = bytes[36];
    if (shared > 1)
      fail("{}: the shared-classifier byte is {}, and must be 0 or 1; the header is damaged", name, shared);
    header.shared_classifier = shared == 1;
  }
  if (header.format == Format::kLlama2cVersion2) {
    const std::int32_t group_size = read_int32(bytes, 37);
    if (group_size < 1)
      fail("{}: q80 group size is {}, and must be positive; the header is damaged", name, group_size);
    header.group_size = static_cast<std::uint32_t>(group_size);
  }

  return header;
}

/// Hands out consecutive tensors of the file. It only adds up sizes (all within 64 bits by the header's
/// limits) and forms pointers: nothing is read before the total has been compared with the file's size.
class Layout {
 public:
  Layout(const std::uint8_t* base, std::uint64_t at) : base_(base), at_(at) {}

  std::uint64_t end() const { return at_; }
  void skip(std::uint64_t bytes) { at_ += bytes; }

  Tensor fp32(std::string name, std::uint64_t rows, std::uint64_t columns) {
    Tensor tensor{.name = std::move(name), .rows = rows, .columns = columns, .values = pointer()};
    at_ += tensor.elements() * sizeof(float);
    return tensor;
  }

  Tensor q80(std::string name, std::uint64_t rows, std::uint64_t columns, std::uint32_t group_size) {
    Tensor tensor{.name = std::move(name), .rows = rows, .columns = columns, .values = pointer()};
    tensor.group_size = group_size;
    tensor.encoding = Encoding::kQ80;
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
std::uint64_t place_legacy(const Checkpoint& header, const std::uint8_t* base, Weights& weights) {
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
std::uint64_t place_versioned(const Checkpoint& header, const std::uint8_t* base, const std::string& name,
                              Weights& weights) {
  Layout layout(base, kVersionedHeaderBytes);
  const MakeTensor make_vector = [&layout](std::string tensor, std::uint64_t rows, std::uint64_t columns) {
    return layout.fp32(std::move(tensor), rows, columns);
  };
  const MakeTensor make_matrix = [&](std::string tensor, std::uint64_t rows, std::uint64_t columns) {
    if (header.format == Format::kLlama2cVersion1) return layout.fp32(std::move(tensor), rows, columns);
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

template <typename T>
void append(std::string& out, const T* values, std::size_t count) {
  out.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

}  // namespace

Checkpoint read_llama2c(std::span<const std::uint8_t> bytes, const std::string& name) {
  Checkpoint checkpoint = read_header(bytes, name);
  checkpoint.bytes.push_back(bytes);
  Weights& weights = checkpoint.weights;
  weights.layers.resize(static_cast<std::size_t>(checkpoint.config.n_layers));
  const std::uint64_t expected = checkpoint.format == Format::kLlama2cLegacy
                                     ? place_legacy(checkpoint, bytes.data(), weights)
                                     : place_versioned(checkpoint, bytes.data(), name, weights);
  check_size(bytes.size(), expected, name);
  if (checkpoint.shared_classifier) weights.wcls = weights.token_embedding;
  check_finite(weights, name);
  return checkpoint;
}

std::string to_llama2c_legacy(const Config& config, bool shared_classifier,
                              std::span<const float> parameters) {
  std::string out;
  // Legacy files mark an unshared classifier by a negative vocabulary size.
  const std::int32_t header[7] = {
      config.dim,     config.hidden_dim, config.n_layers,
      config.n_heads, config.n_kv_heads, shared_classifier ? config.vocab_size : -config.vocab_size,
      config.seq_len};
  append(out, header, 7);
  const std::size_t classifier =
      shared_classifier ? 0
                        : static_cast<std::size_t>(config.vocab_size) * static_cast<std::size_t>(config.dim);
  const std::size_t before_rope = parameters.size() - classifier;
  append(out, parameters.data(), before_rope);
  for (const bool sine : {false, true}) {
    for (int pos = 0; pos < config.seq_len; ++pos) {
      for (int i = 0; i < config.head_size(); i += 2) {
        const double angle = pos / std::pow(10000.0, static_cast<double>(i) / config.head_size());
        const auto value = static_cast<float>(sine ? std::sin(angle) : std::cos(angle));
        append(out, &value, 1);
      }
    }
  }
  append(out, parameters.data() + before_rope, classifier);
  return out;
}

}  // namespace pico_llama::formats
