// Arbitrary bytes as the config.json and the one safetensors file of a model are either rejected with a
// Failure or read whole.
#include <cstring>
#include <string>
#include <vector>

#include "formats/failure.h"
#include "formats/safetensors.h"
#include "fuzz_seeds.h"

using namespace pico_llama;

namespace {

constexpr std::size_t kConfigBytes = 512;

/// A config.json, padded with blanks, and behind it the tensors it asks for, all zero.
std::vector<std::uint8_t> seed(const std::string& type, std::size_t width) {
  std::string config =
      R"({"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":4,"intermediate_size":6,)"
      R"("num_hidden_layers":1,"num_attention_heads":2,"num_key_value_heads":1,"vocab_size":9,)"
      R"("max_position_embeddings":8,"rms_norm_eps":1e-5,"rope_theta":10000.0,"rope_scaling":null,)"
      R"("hidden_act":"silu","tie_word_embeddings":true})";
  config.resize(kConfigBytes, ' ');
  std::string header = "{";
  std::size_t at = 0;
  const auto tensor = [&](const std::string& name, std::size_t rows, std::size_t columns) {
    const std::size_t end = at + (rows == 0 ? 1 : rows) * columns * width;
    header += (at == 0 ? "\"" : ",\"") + name + R"(.weight":{"dtype":")" + type + R"(","shape":[)" +
              (rows == 0 ? "" : std::to_string(rows) + ",") + std::to_string(columns) +
              R"(],"data_offsets":[)" + std::to_string(at) + "," + std::to_string(end) + "]}";
    at = end;
  };
  tensor("model.embed_tokens", 9, 4);
  const std::string layer = "model.layers.0.";
  tensor(layer + "input_layernorm", 0, 4);
  tensor(layer + "self_attn.q_proj", 4, 4);
  tensor(layer + "self_attn.k_proj", 2, 4);
  tensor(layer + "self_attn.v_proj", 2, 4);
  tensor(layer + "self_attn.o_proj", 4, 4);
  tensor(layer + "post_attention_layernorm", 0, 4);
  tensor(layer + "mlp.gate_proj", 6, 4);
  tensor(layer + "mlp.down_proj", 4, 6);
  tensor(layer + "mlp.up_proj", 6, 4);
  tensor("model.norm", 0, 4);
  header += "}";
  const auto length = static_cast<std::uint64_t>(header.size());
  std::string all = config + std::string(reinterpret_cast<const char*>(&length), sizeof length) + header;
  all.resize(all.size() + at);
  return {all.begin(), all.end()};
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed_number) {
  static const std::vector<std::vector<std::uint8_t>> seeds = {seed("F32", 4), seed("BF16", 2)};
  return fuzz::mutate(seeds, data, size, max_size, seed_number);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::size_t split = size < kConfigBytes ? size : kConfigBytes;
  const std::vector<std::uint8_t> config(data, data + split), file(data + split, data + size);
  const std::vector<formats::NamedBytes> files = {{"fuzz.safetensors", file}};
  try {
    const auto checkpoint = formats::read_safetensors({"config.json", config}, files);
    for (const formats::Tensor* tensor : checkpoint.weights.all()) {
      std::vector<float> row(tensor->columns);
      tensor->read_row(tensor->rows - 1, row);
    }
  } catch (const Failure&) {
  }
  return 0;
}
