#include "formats/gguf.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <variant>
#include <vector>

#include "formats/failure.h"
#include "formats/llama_builder.h"
#include "formats/raw_vocabulary.h"
#include "formats/tokenizer_bin.h"

namespace pico_llama::formats {
namespace {

constexpr TensorNames kGgufNames = {
    .token_embedding = "token_embd.weight",
    .rms_att = "blk.{}.attn_norm.weight",
    .wq = "blk.{}.attn_q.weight",
    .wk = "blk.{}.attn_k.weight",
    .wv = "blk.{}.attn_v.weight",
    .wo = "blk.{}.attn_output.weight",
    .rms_ffn = "blk.{}.ffn_norm.weight",
    .w1 = "blk.{}.ffn_gate.weight",
    .w2 = "blk.{}.ffn_down.weight",
    .w3 = "blk.{}.ffn_up.weight",
    .rms_final = "output_norm.weight",
    .wcls = "output.weight",
};

/// The types of a metadata value.
enum class ValueType : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

/// Arrays hold strings, or numbers as doubles (token scores, types: small ones).
using Strings = std::vector<std::string_view>;
using Numbers = std::vector<double>;
using Value = std::variant<std::int64_t, double, std::string_view, Strings, Numbers>;

struct TensorInfo {
  std::uint32_t type;
  std::vector<std::uint64_t> shape;  // the fastest dimension first
  std::uint64_t offset;              // from the start of the data
};

/// A bounds-checked forward reader.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::uint64_t at() const { return at_; }

  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, need(sizeof value), sizeof value);
    return value;
  }
  std::string_view take_string() {
    const auto length = take<std::uint64_t>();
    return {reinterpret_cast<const char*>(need(length)), static_cast<std::size_t>(length)};
  }
  /// A count of items of at least `least` bytes each (bounded by the remaining size).
  std::uint64_t take_count(std::uint64_t least) {
    const auto count = take<std::uint64_t>();
    if (count > (bytes_.size() - at_) / least) fail_truncated();
    return count;
  }

  Value take_value(ValueType type) {
    switch (type) {
      case ValueType::kUint8:
        return std::int64_t{take<std::uint8_t>()};
      case ValueType::kInt8:
        return std::int64_t{take<std::int8_t>()};
      case ValueType::kUint16:
        return std::int64_t{take<std::uint16_t>()};
      case ValueType::kInt16:
        return std::int64_t{take<std::int16_t>()};
      case ValueType::kUint32:
        return std::int64_t{take<std::uint32_t>()};
      case ValueType::kInt32:
        return std::int64_t{take<std::int32_t>()};
      case ValueType::kFloat32:
        return static_cast<double>(take<float>());
      case ValueType::kBool:
        return std::int64_t{take<std::uint8_t>() != 0};
      case ValueType::kString:
        return take_string();
      case ValueType::kUint64:
        return static_cast<std::int64_t>(take<std::uint64_t>());
      case ValueType::kInt64:
        return take<std::int64_t>();
      case ValueType::kFloat64:
        return take<double>();
      case ValueType::kArray:
        return take_array();
    }
    fail("{}: a metadata value is of the unknown type {}; the file is damaged or newer than this program",
         name_, static_cast<std::uint32_t>(type));
  }

 private:
  Value take_array() {
    const auto type = static_cast<ValueType>(take<std::uint32_t>());
    if (type == ValueType::kArray) fail("{}: contains arrays of arrays, which no Llama model needs", name_);
    if (type == ValueType::kString) {
      Strings strings(take_count(sizeof(std::uint64_t)));
      for (std::string_view& string : strings) string = take_string();
      return strings;
    }
    Numbers numbers(take_count(1));
    for (double& number : numbers) {
      const Value value = take_value(type);
      number = std::holds_alternative<double>(value) ? std::get<double>(value)
                                                     : static_cast<double>(std::get<std::int64_t>(value));
    }
    return numbers;
  }

  const std::uint8_t* need(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail_truncated();
    const std::uint8_t* here = bytes_.data() + at_;
    at_ += count;
    return here;
  }
  [[noreturn]] void fail_truncated() const {
    fail("{}: truncated at byte {}; get the file again", name_, at_);
  }

  std::span<const std::uint8_t> bytes_;
  const std::string& name_;
  std::uint64_t at_ = 0;
};

struct File {
  std::map<std::string, Value, std::less<>> metadata;
  std::map<std::string, TensorInfo, std::less<>> tensors;
  std::span<const std::uint8_t> data;
  const std::string& name;

  /// Nothing where the key is absent or of another type.
  template <typename T>
  const T* find(std::string_view key) const {
    const auto at = metadata.find(key);
    return at == metadata.end() ? nullptr : std::get_if<T>(&at->second);
  }
  std::int64_t integer(std::string_view key, std::int64_t absent) const {
    const auto* value = find<std::int64_t>(key);
    return value != nullptr ? *value : absent;
  }
  std::int64_t need_integer(std::string_view key) const {
    const auto* value = find<std::int64_t>(key);
    if (value == nullptr) fail("{}: its metadata lacks {}; get the file again", name, key);
    return *value;
  }
  double real(std::string_view key, double absent) const {
    const auto* value = find<double>(key);
    return value != nullptr ? *value : absent;
  }
  std::string text(std::string_view key) const {
    const auto* value = find<std::string_view>(key);
    return value != nullptr ? std::string(*value) : std::string();
  }
};

File parse(std::span<const std::uint8_t> bytes, const std::string& name) {
  Reader reader(bytes, name);
  File file{{}, {}, {}, name};
  if (reader.take<std::uint32_t>() != 0x46554747) fail("{}: is not a GGUF file", name);
  const auto version = reader.take<std::uint32_t>();
  if (version != 2 && version != 3)
    fail("{}: is GGUF version {}; versions 2 and 3 (little-endian) can be read", name, version);
  const std::uint64_t tensor_count = reader.take<std::uint64_t>();
  const std::uint64_t value_count = reader.take<std::uint64_t>();
  for (std::uint64_t i = 0; i < value_count; ++i) {
    const std::string key(reader.take_string());
    const auto type = static_cast<ValueType>(reader.take<std::uint32_t>());
    if (!file.metadata.emplace(key, reader.take_value(type)).second)
      fail("{}: holds {} twice; the file is damaged, get it again", name, key);
  }
  for (std::uint64_t i = 0; i < tensor_count; ++i) {
    const std::string tensor(reader.take_string());
    TensorInfo info{};
    const auto dimensions = reader.take<std::uint32_t>();
    if (dimensions > 4)
      fail("{}: tensor {} has {} dimensions; the file is damaged", name, tensor, dimensions);
    for (std::uint32_t d = 0; d < dimensions; ++d) info.shape.push_back(reader.take<std::uint64_t>());
    info.type = reader.take<std::uint32_t>();
    info.offset = reader.take<std::uint64_t>();
    if (!file.tensors.emplace(tensor, std::move(info)).second)
      fail("{}: holds tensor {} twice; the file is damaged, get it again", name, tensor);
  }
  const std::int64_t alignment = file.integer("general.alignment", 32);
  if (alignment < 1 || alignment > 1 << 20)
    fail("{}: general.alignment is {}; the file is damaged", name, alignment);
  const auto step = static_cast<std::uint64_t>(alignment);
  const std::uint64_t begin = (reader.at() + step - 1) / step * step;
  if (begin < bytes.size()) file.data = bytes.subspan(begin);
  return file;
}

Encoding encoding_of(const File& file, const std::string& tensor, std::uint32_t type) {
  switch (type) {
    case 0:
      return Encoding::kF32;
    case 1:
      return Encoding::kF16;
    case 2:
      return Encoding::kQ4_0;
    case 6:
      return Encoding::kQ5_0;
    case 8:
      return Encoding::kQ8_0;
    case 12:
      return Encoding::kQ4_K;
    case 14:
      return Encoding::kQ6_K;
    case 30:
      return Encoding::kBf16;
    default:
      break;
  }
  static const std::map<std::uint32_t, const char*> kOthers = {
      {3, "Q4_1"}, {7, "Q5_1"}, {9, "Q8_1"}, {10, "Q2_K"}, {11, "Q3_K"}, {13, "Q5_K"}, {15, "Q8_K"}};
  const auto other = kOthers.find(type);
  fail(
      "{}: tensor {} is of type {}; F32, F16, BF16, Q8_0, Q5_0, Q4_0, Q4_K and Q6_K can be read; convert it "
      "to F16",
      file.name, tensor, other != kOthers.end() ? other->second : std::to_string(type));
}

std::int32_t to_int32(std::int64_t value) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, std::numeric_limits<std::int32_t>::min(),
                                                            std::numeric_limits<std::int32_t>::max()));
}

void refuse_what_cannot_run(const File& file) {
  const std::string architecture = file.text("general.architecture");
  if (architecture != "llama")
    fail("{}: is of architecture {}; only llama runs here", file.name,
         architecture.empty() ? "unknown" : architecture);
  if (const std::int64_t experts = file.integer("llama.expert_count", 0); experts > 0)
    fail("{}: has {} experts; mixture-of-experts models are not supported", file.name, experts);
  const std::string scaling = file.text("llama.rope.scaling.type");
  if (!scaling.empty() && scaling != "none")
    fail("{}: llama.rope.scaling.type {}: RoPE scaling is not supported", file.name, scaling);
  if (file.real("llama.rope.scale_linear", 1) != 1)
    fail("{}: llama.rope.scale_linear: RoPE scaling is not supported", file.name);
  if (file.tensors.contains("rope_freqs.weight"))
    fail("{}: tensor rope_freqs.weight: RoPE scaling is not supported", file.name);
  if (file.find<std::int64_t>("llama.attention.sliding_window") != nullptr)
    fail("{}: sliding-window attention is not supported", file.name);
}

Config shape_of(const File& file) {
  Config config;
  config.dim = to_int32(file.need_integer("llama.embedding_length"));
  config.hidden_dim = to_int32(file.need_integer("llama.feed_forward_length"));
  config.n_layers = to_int32(file.need_integer("llama.block_count"));
  config.n_heads = to_int32(file.need_integer("llama.attention.head_count"));
  config.n_kv_heads = to_int32(file.integer("llama.attention.head_count_kv", config.n_heads));
  config.seq_len = to_int32(file.need_integer("llama.context_length"));
  const auto embedding = file.tensors.find(kGgufNames.token_embedding);
  if (embedding == file.tensors.end() || embedding->second.shape.size() != 2)
    fail("{}: tensor {} is missing; get the file again", file.name, kGgufNames.token_embedding);
  config.vocab_size = to_int32(static_cast<std::int64_t>(
      std::min<std::uint64_t>(embedding->second.shape[1], std::numeric_limits<std::int32_t>::max())));
  if (const Status status = config.validate(); !status.ok()) fail("{}: {}", file.name, text_of(status));
  const std::int64_t rotated = file.integer("llama.rope.dimension_count", config.head_size());
  if (rotated != config.head_size())
    fail("{}: rotates {} of {} elements of a head, which cannot be run", file.name, rotated,
         config.head_size());
  for (const char* key : {"llama.attention.key_length", "llama.attention.value_length"})
    if (const std::int64_t length = file.integer(key, config.head_size()); length != config.head_size())
      fail("{}: {} {} is not embedding_length / head_count, {}; such heads cannot be run", file.name, key,
           length, config.head_size());
  return config;
}

}  // namespace

bool looks_like_gguf(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
}

Checkpoint read_gguf(std::span<const std::uint8_t> bytes, const std::string& name) {
  const File file = parse(bytes, name);
  refuse_what_cannot_run(file);
  Checkpoint checkpoint;
  checkpoint.format = Format::kGguf;
  checkpoint.name = file.text("general.name");
  checkpoint.licence = file.text("general.license");
  checkpoint.authors = file.text("general.author");
  checkpoint.config = shape_of(file);
  checkpoint.rope_base = static_cast<float>(file.real("llama.rope.freq_base", 10000));
  checkpoint.rms_eps = static_cast<float>(file.real("llama.attention.layer_norm_rms_epsilon", 1e-5));
  require_numbers(checkpoint, name);
  checkpoint.shared_classifier = !file.tensors.contains(kGgufNames.wcls);
  checkpoint.bytes.push_back(bytes);

  std::set<std::string> used;
  find_weights(
      checkpoint, kGgufNames, [&](const std::string& tensor_name, std::uint64_t rows, std::uint64_t columns) {
        const auto at = file.tensors.find(tensor_name);
        if (at == file.tensors.end()) fail("{}: tensor {} is missing; get the file again", name, tensor_name);
        used.insert(tensor_name);
        const TensorInfo& info = at->second;
        const std::vector<std::uint64_t> wanted =
            rows == 1 ? std::vector<std::uint64_t>{columns} : std::vector<std::uint64_t>{columns, rows};
        if (info.shape != wanted)
          fail("{}: tensor {} has another shape than its metadata says ({} x {})", name, tensor_name, rows,
               columns);
        Tensor tensor;
        tensor.name = tensor_name;
        tensor.rows = rows;
        tensor.columns = columns;
        tensor.encoding = encoding_of(file, tensor_name, info.type);
        if (columns % block_elements(tensor.encoding) != 0)
          fail("{}: tensor {} is of type {} and its rows of {} are no whole blocks; the file is damaged",
               name, tensor_name, encoding_name(tensor.encoding), columns);
        if (info.offset > file.data.size() || tensor.bytes() > file.data.size() - info.offset)
          fail("{}: truncated: tensor {} ends beyond the file; get it again", name, tensor_name);
        tensor.values = file.data.data() + info.offset;
        return tensor;
      });
  for (const auto& [tensor_name, info] : file.tensors)
    if (!used.contains(tensor_name)) fail("{}: tensor {} {}", name, tensor_name, why_unused(tensor_name));
  check_finite(checkpoint.weights, name);
  return checkpoint;
}

Vocabulary read_gguf_tokenizer(std::span<const std::uint8_t> bytes, const std::string& name) {
  const File file = parse(bytes, name);
  const auto* tokens = file.find<Strings>("tokenizer.ggml.tokens");
  if (tokens == nullptr) fail("{}: holds no tokenizer; give one with -z", name);
  const std::string model = file.text("tokenizer.ggml.model");
  RawVocabulary raw;
  raw.unknown = file.integer("tokenizer.ggml.unknown_token_id", -1);
  raw.begin = file.integer("tokenizer.ggml.bos_token_id", -1);
  raw.end = file.integer("tokenizer.ggml.eos_token_id", -1);
  const auto* types = file.find<Numbers>("tokenizer.ggml.token_type");
  const auto type_of = [types](std::size_t id) {
    return types != nullptr && id < types->size() ? (*types)[id] : 1.0;
  };
  if (model == "llama") {
    const auto* scores = file.find<Numbers>("tokenizer.ggml.scores");
    if (scores == nullptr || scores->size() != tokens->size())
      fail("{}: its tokenizer has no score for each token; get the file again", name);
    raw.dummy_space = file.integer("tokenizer.ggml.add_space_prefix", 1) != 0;
    for (std::size_t id = 0; id < tokens->size(); ++id) {
      constexpr double kByte = 6;
      raw.add(spaces_of_underlines((*tokens)[id]), static_cast<float>((*scores)[id]),
              type_of(id) == kByte ? byte_of_hex((*tokens)[id]) : -1);
    }
  } else if (model == "gpt2") {
    const auto* merges = file.find<Strings>("tokenizer.ggml.merges");
    if (merges == nullptr) fail("{}: its tokenizer has no merges; get the file again", name);
    raw.dummy_space = file.integer("tokenizer.ggml.add_space_prefix", 0) != 0;
    MergeScores scores;
    for (const std::string_view merge : *merges) scores.add(merge);
    for (std::size_t id = 0; id < tokens->size(); ++id) {
      constexpr double kNormal = 1;
      const std::string piece =
          type_of(id) == kNormal ? bytes_of_letters((*tokens)[id]) : std::string((*tokens)[id]);
      raw.add(piece, scores.of((*tokens)[id]),
              type_of(id) == kNormal && piece.size() == 1 ? static_cast<unsigned char>(piece[0]) : -1);
    }
  } else {
    fail(
        "{}: its tokenizer is of kind {}{}; only llama (SentencePiece BPE) and gpt2 (byte-level BPE) can be "
        "run: train such a tokenizer, and the model with it",
        name, model.empty() ? "unknown" : model, model == "t5" ? " (SentencePiece unigram)" : "");
  }
  Vocabulary vocabulary = canonical(raw, name);
  vocabulary.file = to_tokenizer_bin(vocabulary);  // synthesised: GGUF has no separate tokenizer file
  return vocabulary;
}

}  // namespace pico_llama::formats
