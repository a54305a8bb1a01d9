#include "tests/engine/support/test_image.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <numeric>
#include <random>
#include <stdexcept>

#include "engine/forward/rope.h"
#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"

namespace pico_llama::test_support {
namespace {

struct Quantised {
  std::vector<int> b;
  std::vector<float> scale;
};

Quantised quantise(const std::vector<float>& w, size_t rows, size_t columns) {
  Quantised q{std::vector<int>(w.size()), std::vector<float>(rows)};
  for (size_t r = 0; r < rows; ++r) {
    float max = 0;
    for (size_t c = 0; c < columns; ++c) max = std::max(max, std::fabs(w[r * columns + c]));
    q.scale[r] = max / 127.0f;
    for (size_t c = 0; c < columns && max > 0; ++c)
      q.b[r * columns + c] = static_cast<int>(std::lround(w[r * columns + c] / q.scale[r]));
  }
  return q;
}

template <typename T>
void put(std::vector<std::byte>& image, size_t at, const T& value) {
  std::memcpy(image.data() + at, &value, sizeof value);
}

size_t grow(std::vector<std::byte>& image, size_t bytes) {
  const size_t at = (image.size() + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
  image.resize(at + bytes);
  return at;
}

/// Codes and weights to nearest: each group's largest weight becomes 7 or -7.
void put_q4(std::span<std::byte> out, TensorEntry& e, const std::vector<float>& w) {
  const auto at = [&](uint32_t r, uint32_t c) {
    return r < e.rows && c < e.columns ? w[size_t{r} * e.columns + c] : 0.0f;
  };
  for (uint32_t r = 0; r < block_count(e.rows) * kBlockRows; ++r) {
    float of_block = 0;
    for (uint32_t other = r / 8 * 8; other < r / 8 * 8 + 8; ++other)
      for (uint32_t c = 0; c < e.columns; ++c) of_block = std::max(of_block, std::fabs(at(other, c)));
    const float scale = of_block / 7 / kQ4MaxCode;
    std::memcpy(out.data() + q4_scale_offset(r, e.columns), &scale, sizeof scale);
    for (uint32_t g = 0; g < q4_groups(e.columns); ++g) {
      float of_group = 0;
      for (uint32_t c = g * kQ4Group; c < (g + 1) * kQ4Group; ++c)
        of_group = std::max(of_group, std::fabs(at(r, c)));
      const long code = scale > 0 ? std::lround(of_group / 7 / scale) : 0;
      out[q4_code_offset(r, g, e.columns)] = static_cast<std::byte>(code);
      for (uint32_t c = g * kQ4Group; c < (g + 1) * kQ4Group; ++c) {
        const float step = static_cast<float>(code) * scale;
        const long b = code != 0 ? std::clamp(std::lround(at(r, c) / step), -8l, 7l) : 0;
        uint32_t word;
        std::byte* word_at = out.data() + q4_word_offset(r, c, e.columns);
        std::memcpy(&word, word_at, sizeof word);
        word |= q4_bits(static_cast<int>(b), r, c);
        std::memcpy(word_at, &word, sizeof word);
      }
    }
  }
  e.activation_limit = q4_activation_limit(q4_max_row_codes(out, e.rows, e.columns));
}

void put_tensor(std::vector<std::byte>& image, TensorEntry& e, const std::vector<float>& w, int chunk_pairs) {
  e.bytes = static_cast<uint32_t>(tensor_bytes(static_cast<Encoding>(e.encoding), e.rows, e.columns));
  e.offset = static_cast<uint32_t>(grow(image, e.bytes));
  if (w.size() != size_t{e.rows} * e.columns) throw std::logic_error("tensor of the wrong size");
  const auto encoding = static_cast<Encoding>(e.encoding);
  if (encoding == Encoding::kPlainF32) {
    std::memcpy(image.data() + e.offset, w.data(), e.bytes);
    return;
  }
  if (encoding == Encoding::kRowsF32) {
    for (uint32_t r = 0; r < e.rows; ++r)
      for (uint32_t c = 0; c < e.columns; ++c)
        put(image, e.offset + f32_index(r, c, e.columns) * 4, w[size_t{r} * e.columns + c]);
    return;
  }
  if (encoding == Encoding::kRowsQ4) {
    put_q4(std::span(image).subspan(e.offset, e.bytes), e, w);
    return;
  }
  const Quantised q = quantise(w, e.rows, e.columns);
  const auto at = [&](uint32_t r, uint32_t c) {
    return r < e.rows && c < e.columns ? q.b[size_t{r} * e.columns + c] : 0;
  };
  for (uint32_t r = 0; r < e.rows; ++r) put(image, e.offset + q8_scale_offset(r, e.columns), q.scale[r]);
  for (uint32_t r = 0; r < block_count(e.rows) * kBlockRows; r += 2)
    for (uint32_t c = 0; c < q8_columns(e.columns); c += 2)
      put(image, e.offset + q8_word_offset(r, c, e.columns),
          q8_word(at(r, c), at(r + 1, c), at(r, c + 1), at(r + 1, c + 1)));
  e.chunk_pairs = static_cast<uint16_t>(chunk_pairs);
  const Q8Norms norms =
      q8_norms(std::span(image).subspan(e.offset, e.bytes), e.rows, e.columns, e.chunk_pairs);
  e.activation_limit = q8_activation_limit(norms.max_chunk_l1, norms.max_row_l1);
}

}  // namespace

std::vector<std::byte> build_image(const RawModel& model, Profile profile, int chunk_pairs) {
  const Config& c = model.config;
  const uint32_t count = tensor_count(c, model.shared_classifier);
  ImageHeader h{};
  h.magic = kImageMagic;
  h.version = kImageVersion;
  h.profile = static_cast<uint32_t>(profile);
  h.dim = c.dim, h.hidden_dim = c.hidden_dim, h.n_layers = c.n_layers, h.n_heads = c.n_heads;
  h.n_kv_heads = c.n_kv_heads, h.vocab_size = c.vocab_size, h.seq_len = c.seq_len;
  h.shared_classifier = model.shared_classifier ? 1 : 0;
  h.tensor_count = count;
  h.rope_base = 10000.0f;
  h.rms_eps = 1e-5f;

  std::vector<std::byte> image(sizeof h);
  h.tensor_table_offset = static_cast<uint32_t>(grow(image, count * sizeof(TensorEntry)));

  const auto vocab = static_cast<size_t>(c.vocab_size);
  TokenizerHeader t{};
  std::string text;
  std::vector<uint32_t> starts{0};
  for (const std::string& piece : model.pieces) {
    text += piece;
    starts.push_back(static_cast<uint32_t>(text.size()));
    t.max_token_length = std::max(t.max_token_length, static_cast<uint32_t>(piece.size()));
  }
  std::vector<uint32_t> sorted(vocab);
  std::iota(sorted.begin(), sorted.end(), 0u);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](uint32_t a, uint32_t b) { return model.pieces[a] < model.pieces[b]; });
  t.vocab_size = static_cast<uint32_t>(vocab);
  t.scores_offset = sizeof t;
  t.pieces_offset = t.scores_offset + static_cast<uint32_t>(vocab * 4);
  t.sorted_offset = t.pieces_offset + static_cast<uint32_t>((vocab + 1) * 4);
  t.text_offset = t.sorted_offset + static_cast<uint32_t>(vocab * 4);
  t.text_bytes = static_cast<uint32_t>(text.size());
  h.tokenizer_bytes = t.text_offset + t.text_bytes;
  h.tokenizer_offset = static_cast<uint32_t>(grow(image, h.tokenizer_bytes));
  put(image, h.tokenizer_offset, t);
  std::memcpy(image.data() + h.tokenizer_offset + t.scores_offset, model.scores.data(), vocab * 4);
  std::memcpy(image.data() + h.tokenizer_offset + t.pieces_offset, starts.data(), (vocab + 1) * 4);
  std::memcpy(image.data() + h.tokenizer_offset + t.sorted_offset, sorted.data(), vocab * 4);
  std::memcpy(image.data() + h.tokenizer_offset + t.text_offset, text.data(), text.size());

  std::vector<TensorEntry> table(count);
  for (uint32_t i = 0; i < count; ++i) {
    const TensorShape s = tensor_shape(c, profile, model.shared_classifier, i);
    TensorEntry& e = table[i];
    e = {static_cast<uint32_t>(s.kind),
         s.layer,
         s.rows,
         s.columns,
         static_cast<uint32_t>(s.encoding),
         0,
         0,
         0,
         0};
    if (s.kind == TensorKind::kRope) {
      const auto head_size = static_cast<size_t>(c.head_size());
      std::vector<float> frequencies(head_size / 2);
      for (size_t k = 0; k < frequencies.size(); ++k)
        frequencies[k] = rope_frequency(h.rope_base, static_cast<int>(k), c.head_size());
      std::vector<float> rope(static_cast<size_t>(c.seq_len) * head_size);
      for (int pos = 0; pos < c.seq_len; ++pos)
        rope_row(frequencies.data(), c.head_size(), pos, rope.data() + static_cast<size_t>(pos) * head_size);
      put_tensor(image, e, rope, 0);
    } else {
      put_tensor(image, e, model.tensors[i - 1], chunk_pairs);
    }
  }
  for (uint32_t i = 1; i < count; ++i) {
    const auto kind = static_cast<TensorKind>(table[i].kind);
    const uint32_t group = kind == TensorKind::kWq ? 3 : kind == TensorKind::kW1 ? 2 : 1;
    uint16_t limit = table[i].activation_limit;
    for (uint32_t k = 1; k < group; ++k) limit = std::min(limit, table[i + k].activation_limit);
    for (uint32_t k = 0; group > 1 && k < group; ++k) table[i + k].activation_limit = limit;
  }
  std::memcpy(image.data() + h.tensor_table_offset, table.data(), count * sizeof(TensorEntry));
  h.file_bytes = static_cast<uint32_t>(image.size());
  put(image, 0, h);
  seal(image);
  return image;
}

void seal(std::vector<std::byte>& image) {
  put(image, offsetof(ImageHeader, crc32), crc32(std::span<const std::byte>(image).subspan(kCrcFrom)));
}

RawModel load_legacy(const std::string& checkpoint, const std::string& tokenizer) {
  std::ifstream file(checkpoint, std::ios::binary);
  int32_t head[7];
  file.read(reinterpret_cast<char*>(head), sizeof head);
  if (!file || head[5] <= 0)
    throw std::runtime_error("not a legacy checkpoint with a shared classifier: " + checkpoint);
  RawModel m;
  m.config = {head[0], head[1], head[2], head[3], head[4], head[5], head[6]};
  const auto layers = static_cast<uint32_t>(m.config.n_layers);
  m.tensors.resize(tensor_count(m.config, true) - 1);
  const auto read = [&](TensorKind kind, uint32_t layer) {
    for (uint32_t i = 1; i < tensor_count(m.config, true); ++i) {
      const TensorShape s = tensor_shape(m.config, Profile::kF32, true, i);
      if (s.kind != kind || s.layer != layer) continue;
      m.tensors[i - 1].resize(size_t{s.rows} * s.columns);
      file.read(reinterpret_cast<char*>(m.tensors[i - 1].data()),
                static_cast<std::streamsize>(m.tensors[i - 1].size() * 4));
    }
  };
  read(TensorKind::kTokenEmbedding, 0);
  for (TensorKind kind :
       {TensorKind::kRmsAtt, TensorKind::kWq, TensorKind::kWk, TensorKind::kWv, TensorKind::kWo,
        TensorKind::kRmsFfn, TensorKind::kW1, TensorKind::kW2, TensorKind::kW3})
    for (uint32_t l = 0; l < layers; ++l) read(kind, l);
  read(TensorKind::kRmsFinal, 0);
  if (!file) throw std::runtime_error("cut off: " + checkpoint);

  std::ifstream tok(tokenizer, std::ios::binary);
  int32_t longest;
  tok.read(reinterpret_cast<char*>(&longest), 4);
  for (int i = 0; i < m.config.vocab_size; ++i) {
    float score;
    int32_t length;
    tok.read(reinterpret_cast<char*>(&score), 4);
    tok.read(reinterpret_cast<char*>(&length), 4);
    std::string piece(static_cast<size_t>(length), '\0');
    tok.read(piece.data(), length);
    m.pieces.push_back(piece);
    m.scores.push_back(score);
  }
  if (!tok) throw std::runtime_error("cut off: " + tokenizer);
  return m;
}

RawModel random_model(const Config& config, bool shared_classifier, uint32_t seed) {
  // minstd and our own arithmetic: the same numbers with every standard library.
  std::minstd_rand random(seed);
  const auto uniform = [&random] { return static_cast<float>(random() % 65536) / 32768.0f - 1.0f; };
  RawModel m{config, shared_classifier, {}, {}, {}};
  for (uint32_t i = 1; i < tensor_count(config, shared_classifier); ++i) {
    const TensorShape s = tensor_shape(config, Profile::kF32, shared_classifier, i);
    std::vector<float> w(size_t{s.rows} * s.columns);
    const float size = s.rows == 1 ? 0.25f : 1.7f / std::sqrt(static_cast<float>(s.columns));
    for (float& v : w) v = uniform() * size + (s.rows == 1 ? 1.0f : 0.0f);
    m.tensors.push_back(std::move(w));
  }
  static const char kHex[] = "0123456789ABCDEF";
  for (int i = 0; i < config.vocab_size; ++i) {
    std::string piece;
    if (i < 3) {
      piece = i == 0 ? "<unk>" : i == 1 ? "\n<s>\n" : "\n</s>\n";
    } else if (i < 259) {
      piece = std::string("<0x") + kHex[(i - 3) / 16] + kHex[(i - 3) % 16] + ">";
    } else if (i < 259 + 27) {
      piece = i == 259 ? " " : std::string(1, static_cast<char>('a' + i - 260));
    } else {
      const int n = i - 286;
      piece = {static_cast<char>('a' + n % 26), static_cast<char>('a' + n / 26 % 26)};
      for (int rest = n / 676; rest > 0; rest /= 26) piece += static_cast<char>('a' + rest % 26);
    }
    m.pieces.push_back(piece);
    m.scores.push_back(-static_cast<float>(i));
  }
  return m;
}

}  // namespace pico_llama::test_support
