#include "trainer/model/parameters.h"

#include <cmath>
#include <cstring>

#include "trainer/error.h"

namespace pico_llama::trainer {
namespace {

constexpr size_t kHeaderBytes = 7 * sizeof(int32_t);

size_t rope_table_elements(const Config& config) {
  return static_cast<size_t>(config.seq_len) * static_cast<size_t>(config.head_size() / 2);
}

void append(std::string& out, const void* data, size_t bytes) {
  out.append(static_cast<const char*>(data), bytes);
}

}  // namespace

Layout::Layout(const Config& config, bool shared) : shared_classifier(shared), total(0) {
  const auto dim = static_cast<size_t>(config.dim);
  const auto kv_dim = static_cast<size_t>(config.kv_dim());
  const auto hidden = static_cast<size_t>(config.hidden_dim);
  const auto layers = static_cast<size_t>(config.n_layers);
  const auto vocab = static_cast<size_t>(config.vocab_size);
  const auto place = [&](const char* name, size_t count, size_t rows, size_t columns) {
    const TensorKind kind{name, total, count, rows, columns};
    total += kind.elements();
    return kind;
  };
  token_embedding = place("token_embedding", 1, vocab, dim);
  rms_att = place("rms_att", layers, 1, dim);
  wq = place("wq", layers, dim, dim);
  wk = place("wk", layers, kv_dim, dim);
  wv = place("wv", layers, kv_dim, dim);
  wo = place("wo", layers, dim, dim);
  rms_ffn = place("rms_ffn", layers, 1, dim);
  w1 = place("w1", layers, hidden, dim);
  w2 = place("w2", layers, dim, hidden);
  w3 = place("w3", layers, hidden, dim);
  rms_final = place("rms_final", 1, 1, dim);
  wcls = shared ? token_embedding : place("wcls", 1, vocab, dim);
}

std::vector<TensorKind> Layout::all() const {
  std::vector<TensorKind> kinds{token_embedding, rms_att, wq, wk, wv, wo, rms_ffn, w1, w2, w3, rms_final};
  if (!shared_classifier) kinds.push_back(wcls);
  return kinds;
}

std::string to_checkpoint_file(const Config& config, const Layout& layout,
                               const AlignedVector<float>& parameters) {
  std::string out;
  // A negative vocabulary size is how the format says that the classifier is a tensor of its own.
  const int32_t header[7] = {
      config.dim,     config.hidden_dim, config.n_layers,
      config.n_heads, config.n_kv_heads, layout.shared_classifier ? config.vocab_size : -config.vocab_size,
      config.seq_len};
  append(out, header, sizeof header);
  const size_t before_rope = layout.rms_final.offset + layout.rms_final.elements();
  append(out, parameters.data(), before_rope * sizeof(float));
  for (const bool sine : {false, true}) {
    for (int pos = 0; pos < config.seq_len; ++pos) {
      for (int i = 0; i < config.head_size(); i += 2) {
        const double angle = pos / std::pow(10000.0, static_cast<double>(i) / config.head_size());
        const auto value = static_cast<float>(sine ? std::sin(angle) : std::cos(angle));
        append(out, &value, sizeof value);
      }
    }
  }
  append(out, parameters.data() + before_rope, (layout.total - before_rope) * sizeof(float));
  return out;
}

CheckpointFile parse_checkpoint_file(std::string_view bytes, const std::string& name) {
  int32_t header[7];
  const Error bad(
      name + ": is not a llama2.c checkpoint of the legacy format, which is what pico-llama train writes");
  if (bytes.size() < kHeaderBytes) throw bad;
  std::memcpy(header, bytes.data(), kHeaderBytes);
  CheckpointFile file;
  file.shared_classifier = header[5] > 0;
  if (header[5] < -kMaxVocab || header[5] == 0) throw bad;
  file.config = {header[0], header[1], header[2], header[3], header[4], std::abs(header[5]), header[6]};
  if (!file.config.validate().ok()) throw bad;
  const Layout layout(file.config, file.shared_classifier);
  const size_t rope_bytes = 2 * rope_table_elements(file.config) * sizeof(float);
  if (bytes.size() != kHeaderBytes + layout.total * sizeof(float) + rope_bytes) throw bad;
  const size_t before_rope = layout.rms_final.offset + layout.rms_final.elements();
  file.parameters.resize(layout.total);
  const char* data = bytes.data() + kHeaderBytes;
  std::memcpy(file.parameters.data(), data, before_rope * sizeof(float));
  std::memcpy(file.parameters.data() + before_rope, data + before_rope * sizeof(float) + rope_bytes,
              (layout.total - before_rope) * sizeof(float));
  return file;
}

}  // namespace pico_llama::trainer
