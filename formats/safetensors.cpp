#include "formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "formats/failure.h"
#include "formats/json_text.h"
#include "formats/llama_builder.h"

namespace pico_llama::formats {
namespace {

using Json = nlohmann::json;

constexpr TensorNames kHuggingFaceNames = {
    .token_embedding = "model.embed_tokens.weight",
    .rms_att = "model.layers.{}.input_layernorm.weight",
    .wq = "model.layers.{}.self_attn.q_proj.weight",
    .wk = "model.layers.{}.self_attn.k_proj.weight",
    .wv = "model.layers.{}.self_attn.v_proj.weight",
    .wo = "model.layers.{}.self_attn.o_proj.weight",
    .rms_ffn = "model.layers.{}.post_attention_layernorm.weight",
    .w1 = "model.layers.{}.mlp.gate_proj.weight",
    .w2 = "model.layers.{}.mlp.down_proj.weight",
    .w3 = "model.layers.{}.mlp.up_proj.weight",
    .rms_final = "model.norm.weight",
    .wcls = "lm_head.weight",
};

Json parse_object(std::span<const std::uint8_t> bytes, const std::string& name, const char* what) {
  Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object())
    fail("{}: {} is not a JSON object; the file is damaged, download it again", name, what);
  return json;
}

/// A whole number of the configuration. Errors: Failure if it is something else, or absent without a default.
std::int64_t integer(const Json& config, const char* key, const std::string& name, std::int64_t absent = -1) {
  const auto at = config.find(key);
  if (at == config.end() || at->is_null()) {
    if (absent < 0) fail("{}: {} is missing; is this the config.json of a Llama model?", name, key);
    return absent;
  }
  if (!at->is_number_integer()) fail("{}: {} is not an integer", name, key);
  return at->get<std::int64_t>();
}

float number(const Json& config, const char* key, const std::string& name, double absent) {
  const auto at = config.find(key);
  if (at == config.end() || at->is_null()) return static_cast<float>(absent);
  if (!at->is_number()) fail("{}: {} is not a number", name, key);
  return at->get<float>();
}

bool flag(const Json& config, const char* key) {
  const auto at = config.find(key);
  return at != config.end() && at->is_boolean() && at->get<bool>();
}

void refuse_partial_rotation(const Json& object, const std::string& name) {
  if (const float factor = number(object, "partial_rotary_factor", name, 1); factor != 1)
    fail("{}: partial_rotary_factor {}: partial rotation of heads is not supported", name, factor);
}

/// Rejects configuration features that the engine does not support, by name.
void refuse_other_architectures(const Json& config, const std::string& name) {
  const std::string model_type = text(config, "model_type");
  if (model_type != "llama")
    fail("{}: is a model of type {}; only llama (LlamaForCausalLM) runs here", name,
         model_type.empty() ? "unknown" : model_type);
  if (const auto at = config.find("architectures"); at != config.end() && at->is_array() && !at->empty())
    if (at->front() != "LlamaForCausalLM")
      fail("{}: unsupported architecture {}; only LlamaForCausalLM is supported", name, at->front().dump());
  const std::string activation = text(config, "hidden_act");
  if (!activation.empty() && activation != "silu")
    fail("{}: hidden_act {} is not supported; only silu is", name, activation);
  for (const char* key : {"attention_bias", "mlp_bias"})
    if (flag(config, key)) fail("{}: {}: biases are not supported", name, key);
  if (const auto at = config.find("sliding_window"); at != config.end() && at->is_number())
    fail("{}: sliding_window {}: sliding-window attention is not supported", name, at->dump());
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto at = config.find(key);
    if (at == config.end() || !at->is_object()) continue;
    const std::string type = at->contains("rope_type") ? text(*at, "rope_type") : text(*at, "type");
    if (!type.empty() && type != "default") fail("{}: {} {}: RoPE scaling is not supported", name, key, type);
    refuse_partial_rotation(*at, name);
  }
  if (const auto at = config.find("layer_types"); at != config.end() && at->is_array())
    for (const Json& type : *at)
      if (type != "full_attention") fail("{}: layer_types {} is not supported", name, type.dump());
  refuse_partial_rotation(config, name);
  if (config.contains("quantization_config"))
    fail(
        "{}: quantization_config: quantised safetensors cannot be read; take the model's f32, f16 or bf16 "
        "files",
        name);
}

Config shape_of(const Json& json, const std::string& name) {
  Config config;
  const auto set = [&](std::int32_t& field, const char* key, std::int64_t absent = -1) {
    const std::int64_t value = integer(json, key, name, absent);
    field = static_cast<std::int32_t>(std::clamp<std::int64_t>(
        value, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
  };
  set(config.dim, "hidden_size");
  set(config.hidden_dim, "intermediate_size");
  set(config.n_layers, "num_hidden_layers");
  set(config.n_heads, "num_attention_heads");
  set(config.n_kv_heads, "num_key_value_heads", std::max(config.n_heads, 0));
  set(config.vocab_size, "vocab_size");
  set(config.seq_len, "max_position_embeddings", 2048);
  if (const Status status = config.validate(); !status.ok()) fail("{}: {}", name, text_of(status));
  const std::int64_t head_size = integer(json, "head_dim", name, config.head_size());
  if (head_size != config.head_size())
    fail("{}: head_dim {} is not hidden_size / num_attention_heads, {}; such heads are not supported", name,
         head_size, config.head_size());
  return config;
}

struct Found {
  const NamedBytes* file;
  Encoding encoding;
  std::vector<std::uint64_t> shape;
  const std::uint8_t* data;
};

/// Source: the header's keys that ModelSpec 1.0 defines.
void read_description(const Json& header, Checkpoint& checkpoint) {
  const auto metadata = header.find("__metadata__");
  if (metadata == header.end() || !metadata->is_object()) return;
  const auto take = [&metadata](std::string& value, const char* key) {
    if (value.empty()) value = text(*metadata, key);
  };
  take(checkpoint.name, "modelspec.title");
  take(checkpoint.licence, "modelspec.license");
  take(checkpoint.authors, "modelspec.author");
}

/// The tensors of one file, and what its header says of the model.
/// Errors: Failure unless each tensor lies inside it with the size of its shape.
void add_tensors(std::map<std::string, Found>& tensors, const NamedBytes& file, Checkpoint& checkpoint) {
  std::uint64_t header_bytes = 0;
  if (file.bytes.size() < sizeof header_bytes) fail("{}: truncated; get the file again", file.name);
  std::memcpy(&header_bytes, file.bytes.data(), sizeof header_bytes);
  if (header_bytes > file.bytes.size() - sizeof header_bytes)
    fail("{}: truncated: its header alone has {} bytes, the file {}; get it again", file.name, header_bytes,
         file.bytes.size());
  const Json header =
      parse_object(file.bytes.subspan(sizeof header_bytes, header_bytes), file.name, "its header");
  read_description(header, checkpoint);
  const auto data = file.bytes.subspan(sizeof header_bytes + header_bytes);
  std::uint64_t total = 0;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const auto damaged = [&file, &name = name](const char* what) {
      fail("{}: the entry of tensor {} {}; the file is damaged, get it again", file.name, name, what);
    };
    if (!entry.is_object()) damaged("is not a JSON object");
    const std::string type = text(entry, "dtype");
    Found found{&file, Encoding::kF32, {}, nullptr};
    if (type == "F16")
      found.encoding = Encoding::kF16;
    else if (type == "BF16")
      found.encoding = Encoding::kBf16;
    else if (type != "F32")
      fail("{}: tensor {} is of type {}; F32, F16 and BF16 can be read", file.name, name,
           type.empty() ? "unknown" : type);
    const auto shape = entry.find("shape");
    const auto offsets = entry.find("data_offsets");
    if (shape == entry.end() || !shape->is_array()) damaged("has no shape");
    if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2)
      damaged("has no data_offsets");
    std::uint64_t bytes = block_bytes(found.encoding);
    for (const Json& size : *shape) {
      if (!size.is_number_unsigned()) damaged("has a shape that is not a list of sizes");
      found.shape.push_back(size.get<std::uint64_t>());
      if (__builtin_mul_overflow(bytes, found.shape.back(), &bytes)) damaged("has an impossible shape");
    }
    for (const Json& offset : *offsets)
      if (!offset.is_number_unsigned()) damaged("has data_offsets that are not numbers");
    const auto begin = (*offsets)[0].get<std::uint64_t>(), end = (*offsets)[1].get<std::uint64_t>();
    if (begin > end || end - begin != bytes) damaged("has another size than its shape");
    if (end > data.size())
      fail("{}: truncated: tensor {} ends at byte {} of the data, which has {}; get the file again",
           file.name, name, end, data.size());
    found.data = data.data() + begin;
    total += bytes;
    if (!tensors.emplace(name, std::move(found)).second)
      fail("{}: tensor {} is in another file too; give the files of one checkpoint", file.name, name);
  }
  // The format allows no gaps, so this finds two entries of one name too, of which the parser keeps the last.
  if (total != data.size())
    fail("{}: its tensors take {} bytes, and the file has {} for them; it is damaged, get it again",
         file.name, total, data.size());
}

/// Unknown tensors are an error: ignoring them would generate nonsense.
void refuse_unused(const std::map<std::string, Found>& tensors, const std::set<std::string>& used) {
  for (const auto& [name, found] : tensors) {
    if (used.contains(name) || name.ends_with("rotary_emb.inv_freq")) continue;
    fail("{}: tensor {} {}", found.file->name, name, why_unused(name));
  }
}

}  // namespace

bool looks_like_safetensors(std::span<const std::uint8_t> bytes) {
  return bytes.size() > 10 && bytes[8] == '{' && bytes[6] == 0 && bytes[7] == 0;
}

std::vector<std::string> shards_of_index(const NamedBytes& index_json) {
  const Json index = parse_object(index_json.bytes, index_json.name, "the index");
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object())
    fail("{}: has no weight_map; get the file again", index_json.name);
  std::set<std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) fail("{}: the file of tensor {} is not a name", index_json.name, tensor);
    const auto name = file.get<std::string>();
    if (name.empty() || name.find('/') != std::string::npos)
      fail("{}: {} is not a file next to it", index_json.name, file.dump());
    files.insert(name);
  }
  return {files.begin(), files.end()};
}

Checkpoint read_safetensors(const NamedBytes& config_json, std::span<const NamedBytes> files) {
  const Json json = parse_object(config_json.bytes, config_json.name, "it");
  refuse_other_architectures(json, config_json.name);
  Checkpoint checkpoint;
  checkpoint.format = Format::kSafetensors;
  checkpoint.config = shape_of(json, config_json.name);
  checkpoint.rms_eps = number(json, "rms_norm_eps", config_json.name, 1e-6);
  const auto rope = json.find("rope_parameters");
  checkpoint.rope_base =
      number(rope != json.end() && rope->is_object() && rope->contains("rope_theta") ? *rope : json,
             "rope_theta", config_json.name, 10000);
  require_numbers(checkpoint, config_json.name);

  std::map<std::string, Found> tensors;
  for (const NamedBytes& file : files) add_tensors(tensors, file, checkpoint);
  if (checkpoint.name.empty()) {
    const std::string path = text(json, "_name_or_path");
    checkpoint.name = path.substr(path.rfind('/') + 1);
  }
  // Some writers store the tied classifier again.
  checkpoint.shared_classifier =
      flag(json, "tie_word_embeddings") || !tensors.contains(kHuggingFaceNames.wcls);
  if (!flag(json, "tie_word_embeddings") && !tensors.contains(kHuggingFaceNames.wcls))
    fail("{}: tensor {} is missing, and {} does not tie it to the embedding; get all files of the checkpoint",
         files.empty() ? config_json.name : files.front().name, kHuggingFaceNames.wcls, config_json.name);
  std::set<std::string> used = {kHuggingFaceNames.wcls};
  find_weights(
      checkpoint, kHuggingFaceNames, [&](const std::string& name, std::uint64_t rows, std::uint64_t columns) {
        const auto at = tensors.find(name);
        if (at == tensors.end())
          fail("{}: tensor {} is missing; get all files of the checkpoint",
               files.empty() ? config_json.name : files.front().name, name);
        used.insert(name);
        const Found& found = at->second;
        const std::vector<std::uint64_t> wanted =
            rows == 1 ? std::vector<std::uint64_t>{columns} : std::vector<std::uint64_t>{rows, columns};
        if (found.shape != wanted)
          fail("{}: tensor {} has another shape than {} says ({} x {})", found.file->name, name,
               config_json.name, rows, columns);
        Tensor tensor;
        tensor.name = name;
        tensor.rows = rows;
        tensor.columns = columns;
        tensor.values = found.data;
        tensor.encoding = found.encoding;
        return tensor;
      });
  refuse_unused(tensors, used);
  const Config& config = checkpoint.config;
  const auto query_rows = rows_of_half_rotation(config.n_heads, config.head_size());
  const auto key_rows = rows_of_half_rotation(config.n_kv_heads, config.head_size());
  for (Layer& layer : checkpoint.weights.layers) {
    layer.wq.file_rows = query_rows;
    layer.wk.file_rows = key_rows;
  }
  checkpoint.bytes.push_back(config_json.bytes);
  for (const NamedBytes& file : files) {
    checkpoint.bytes.push_back(file.bytes);
  }
  check_finite(checkpoint.weights, files.front().name);
  return checkpoint;
}

}  // namespace pico_llama::formats
