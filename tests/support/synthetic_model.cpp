#include "tests/support/synthetic_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <span>
#include <stdexcept>
#include <string_view>

#include "formats/llama2c.h"

namespace pico_llama::test_support {
namespace {

using formats::Format;

/// Marsaglia's xorshift64: one state word, every bit pattern but 0.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u | 1u) {}

  /// Uniform in [-1, 1), on a grid of 2^-23: exact in float.
  float next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 40) - (1 << 23)) /
           static_cast<float>(1 << 23);
  }

 private:
  std::uint64_t state_;
};

class Bytes {
 public:
  template <typename T>
  void put(T value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(T));
  }
  void put(std::string_view text) { bytes_.insert(bytes_.end(), text.begin(), text.end()); }
  void put(std::span<const float> floats) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(floats.data());
    bytes_.insert(bytes_.end(), bytes, bytes + floats.size_bytes());
  }
  void pad_to(std::size_t size) { bytes_.resize(size); }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

class Writer {
 public:
  explicit Writer(const SyntheticModel& model) : model_(model), random_(model.seed) {}

  std::vector<std::uint8_t> write() {
    put_header();
    if (model_.format == Format::kLlama2cLegacy)
      put_legacy();
    else
      put_versioned();
    return bytes_.take();
  }

 private:
  void put_header() {
    const Config& c = model_.config;
    const bool legacy = model_.format == Format::kLlama2cLegacy;
    if (!legacy) {
      bytes_.put(formats::kLlama2cMagic);
      bytes_.put(model_.format == Format::kLlama2cVersion1 ? 1 : 2);
    }
    const int vocab_size = legacy && !model_.shared_classifier ? -c.vocab_size : c.vocab_size;
    for (const int value : {c.dim, c.hidden_dim, c.n_layers, c.n_heads, c.n_kv_heads, vocab_size, c.seq_len})
      bytes_.put(value);
    if (legacy) return;
    bytes_.put(static_cast<std::uint8_t>(model_.shared_classifier));
    if (model_.format == Format::kLlama2cVersion2) bytes_.put(model_.group_size);
    bytes_.pad_to(formats::kVersionedHeaderBytes);
  }

  void put_legacy() {
    const Config& c = model_.config;
    put_matrix(c.vocab_size, c.dim);
    put_norms(c.n_layers);
    put_attention();
    put_norms(c.n_layers);
    put_feed_forward();
    put_norms(1);
    for (int i = 0; i < c.seq_len * c.head_size(); ++i) bytes_.put(0.0f);  // the RoPE tables nobody reads
    if (!model_.shared_classifier) put_matrix(c.vocab_size, c.dim);
  }

  void put_versioned() {
    const Config& c = model_.config;
    put_norms(2 * c.n_layers + 1);
    put_matrix(c.vocab_size, c.dim);
    put_attention();
    put_feed_forward();
    if (!model_.shared_classifier) put_matrix(c.vocab_size, c.dim);
  }

  void put_attention() {
    const Config& c = model_.config;
    for (const int rows : {c.dim, c.kv_dim(), c.kv_dim(), c.dim}) {
      for (int l = 0; l < c.n_layers; ++l) put_matrix(rows, c.dim);
    }
  }

  void put_feed_forward() {
    const Config& c = model_.config;
    for (int l = 0; l < c.n_layers; ++l) put_matrix(c.hidden_dim, c.dim);
    for (int l = 0; l < c.n_layers; ++l) put_matrix(c.dim, c.hidden_dim);
    for (int l = 0; l < c.n_layers; ++l) put_matrix(c.hidden_dim, c.dim);
  }

  void put_norms(int count) {
    for (int i = 0; i < count * model_.config.dim; ++i) bytes_.put(1.0f + 0.1f * random_.next());
  }

  void put_matrix(int rows, int columns) {
    std::vector<float> values(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    const float width = std::sqrt(3.0f / static_cast<float>(columns));
    for (float& value : values) value = width * random_.next();
    if (model_.format == Format::kLlama2cVersion2)
      put_quantized(values);
    else
      bytes_.put(std::span<const float>(values));
  }

  // export.py quantize_q80: each group's largest magnitude becomes 127.
  void put_quantized(std::span<const float> values) {
    std::vector<float> scales;
    for (std::size_t first = 0; first < values.size(); first += model_.group_size) {
      const auto group = values.subspan(first, model_.group_size);
      float largest = 0;
      for (const float value : group) largest = std::max(largest, std::fabs(value));
      scales.push_back(largest / 127.0f);
      for (const float value : group)
        bytes_.put(static_cast<std::int8_t>(std::lround(value / scales.back())));
    }
    bytes_.put(std::span<const float>(scales));
  }

  const SyntheticModel& model_;
  Random random_;
  Bytes bytes_;
};

}  // namespace

std::vector<std::uint8_t> make_checkpoint(const SyntheticModel& model) { return Writer(model).write(); }

std::vector<std::uint8_t> make_tokenizer(int vocab_size) {
  constexpr std::string_view kAlphabet = " abcdefghijklmnopqrstuvwxyz";
  std::vector<std::string> tokens = {"<unk>", "\n<s>\n", "\n</s>\n"};
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof(text), "<0x%02X>", static_cast<unsigned>(byte));
    tokens.emplace_back(text);
  }
  if (vocab_size < static_cast<int>(tokens.size())) throw std::invalid_argument("vocab_size below 259");
  // Every string of one letter more than the last round's, in order.
  std::vector<std::string> round = {""};
  while (static_cast<int>(tokens.size()) < vocab_size) {
    std::vector<std::string> longer;
    for (const std::string& start : round) {
      for (const char letter : kAlphabet) longer.push_back(start + letter);
    }
    tokens.insert(tokens.end(), longer.begin(), longer.end());
    round = std::move(longer);
  }
  tokens.resize(static_cast<std::size_t>(vocab_size));
  std::size_t longest = 0;
  for (const std::string& token : tokens) longest = std::max(longest, token.size());
  Bytes bytes;
  bytes.put(static_cast<std::int32_t>(longest));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    bytes.put(i < 259 ? 0.0f : -static_cast<float>(i));
    bytes.put(static_cast<std::int32_t>(tokens[i].size()));
    bytes.put(std::string_view(tokens[i]));
  }
  return bytes.take();
}

void write_file(const std::string& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

}  // namespace pico_llama::test_support
