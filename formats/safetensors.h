#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"

/// Hugging Face's checkpoints: LlamaForCausalLM in safetensors files, described by a config.json.
/// Source: the safetensors format's README (header length, JSON header, data), transformers' LlamaConfig and
/// the names of its modules.
namespace pico_llama::formats {

/// A file and its bytes, which outlive what is read from them.
struct NamedBytes {
  std::string name;
  std::span<const std::uint8_t> bytes;
};

/// True if the bytes begin as a safetensors file does: a length and a JSON object.
bool looks_like_safetensors(std::span<const std::uint8_t> bytes);

/// Shapes: any number of files (shards), each tensor in one of them.
/// Errors: Failure that names the file and what a Llama model of ours cannot have: another architecture,
/// biases, norms of queries and keys, sliding windows, RoPE scaling.
Checkpoint read_safetensors(const NamedBytes& config_json, std::span<const NamedBytes> files);

/// The names of the shards in a model.safetensors.index.json, each once. Errors: Failure.
std::vector<std::string> shards_of_index(const NamedBytes& index_json);

}  // namespace pico_llama::formats
