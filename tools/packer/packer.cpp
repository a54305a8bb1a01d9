#include "tools/packer/packer.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>

#include "engine/check.h"
#include "engine/forward/rope.h"
#include "engine/model/tensor_field.h"
#include "tools/packer/tensor_encoder.h"
#include "tools/support/failure.h"
#include "tools/support/sha256.h"

namespace pico_llama::packer {
namespace {

using formats::Checkpoint;
using formats::Layer;
using formats::Vocabulary;

/// Weight of the plain squared error, added to the error measured on few tokens (a ridge term).
constexpr double kQ4Identity = 0.03;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Where everything goes; 64-bit until it is known to fit.
struct Plan {
  struct Place {
    TensorShape shape;
    std::uint64_t offset;
    std::uint64_t bytes;
  };
  std::uint64_t tokenizer_offset = 0;
  std::uint64_t tokenizer_bytes = 0;
  std::uint64_t text_bytes = 0;
  std::vector<Place> tensors;
  std::uint64_t file_bytes = 0;
  bool shared_classifier = true;
};

constexpr std::uint64_t kTensorTableOffset =
    (sizeof(ImageHeader) + kImageAlignment - 1) / kImageAlignment * kImageAlignment;

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
}

/// Tensors that multiply the same input quantise it once.
TensorKind first_of_input(TensorKind kind) {
  if (kind == TensorKind::kWk || kind == TensorKind::kWv) return TensorKind::kWq;
  return kind == TensorKind::kW3 ? TensorKind::kW1 : kind;
}

bool keeps_q8(const Q4Options& q4, TensorKind kind, bool shared) {
  // An embedding that is not the classifier is read one row per token: 4 bits would only save flash.
  if (kind == TensorKind::kTokenEmbedding) {
    if (!shared) return true;
    kind = TensorKind::kWcls;
  }
  return std::ranges::any_of(
      q4.keep_q8, [kind](TensorKind kept) { return first_of_input(kept) == first_of_input(kind); });
}

Plan make_plan(const Checkpoint& checkpoint, const Vocabulary& tokenizer, Profile profile,
               const Q4Options& q4, bool shared) {
  Config config = checkpoint.config;
  tokenizer.require_size(config.vocab_size);
  config.n_logits = tokenizer.said;
  const std::uint32_t count = tensor_count(config, shared);
  Plan plan;
  plan.shared_classifier = shared;
  plan.tokenizer_offset = aligned(kTensorTableOffset + count * sizeof(TensorEntry));
  const std::uint64_t vocab_size = tokenizer.pieces.size();
  for (const std::string& piece : tokenizer.pieces) plan.text_bytes += piece.size();
  plan.tokenizer_bytes = sizeof(TokenizerHeader) + (3 * vocab_size + 1) * 4 + (plan.text_bytes + 3) / 4 * 4;
  std::uint64_t at = plan.tokenizer_offset + plan.tokenizer_bytes;
  for (std::uint32_t i = 0; i < count; ++i) {
    TensorShape shape = tensor_shape(config, profile, shared, i);
    if (shape.encoding == Encoding::kRowsQ4 && keeps_q8(q4, shape.kind, shared))
      shape.encoding = Encoding::kRowsQ8;
    at = aligned(at);
    plan.tensors.push_back({shape, at, tensor_bytes(shape.encoding, shape.rows, shape.columns)});
    at += plan.tensors.back().bytes;
  }
  plan.file_bytes = at;
  return plan;
}

Plan make_plan(const Checkpoint& checkpoint, const Vocabulary& tokenizer, Profile profile,
               const Q4Options& q4) {
  // A classifier of fewer tokens than the embedding has cannot be the same tensor.
  const bool shared = checkpoint.shared_classifier && tokenizer.said == 0;
  Plan plan = make_plan(checkpoint, tokenizer, profile, q4, shared);
  if (shared && profile == Profile::kQ4) {
    Plan unshared = make_plan(checkpoint, tokenizer, profile, q4, false);
    if (unshared.file_bytes < q4.own_embedding_below) plan = std::move(unshared);
  }
  if (const std::uint64_t at = plan.file_bytes; at > std::numeric_limits<std::uint32_t>::max())
    fail(
        "the image would be {} bytes, and the format reaches {}; pack it with --profile q8, or a smaller "
        "model",
        at, std::numeric_limits<std::uint32_t>::max());
  return plan;
}

const formats::Tensor& source_of(const Checkpoint& checkpoint, const TensorShape& shape) {
  return tensor_field(checkpoint.weights, shape.kind, shape.layer);
}

void encode_rope(const TensorShape& shape, float rope_base, std::span<std::byte> out) {
  const auto head_size = static_cast<int>(shape.columns);
  std::vector<float> frequencies(shape.columns / 2);
  for (int pair = 0; pair < head_size / 2; ++pair)
    frequencies[static_cast<std::size_t>(pair)] = rope_frequency(rope_base, pair, head_size);
  std::vector<float> row(shape.columns);
  for (std::uint32_t pos = 0; pos < shape.rows; ++pos) {
    rope_row(frequencies.data(), head_size, static_cast<int>(pos), row.data());
    std::memcpy(out.data() + pos * row.size() * sizeof(float), row.data(), row.size() * sizeof(float));
  }
}

/// Rows of the token embedding as the file has them; null where they are the tokens.
using FileRows = std::shared_ptr<const std::vector<std::uint32_t>>;

/// Writes a tensor and returns the limits of its activations.
Q8Limits encode(const Checkpoint& checkpoint, const FileRows& file_rows, const TensorShape& shape,
                const Moments* moments, std::span<std::byte> out) {
  if (shape.kind == TensorKind::kRope) {
    encode_rope(shape, checkpoint.rope_base, out);
    return {};
  }
  formats::Tensor tensor = source_of(checkpoint, shape);
  // Their rows are tokens, which the image numbers as llama2.c does.
  if (shape.kind == TensorKind::kTokenEmbedding || shape.kind == TensorKind::kWcls)
    tensor.file_rows = file_rows;
  // A classifier of a part of the vocabulary takes the first rows.
  if (shape.kind == TensorKind::kWcls) tensor.rows = shape.rows;
  CHECK(tensor.rows == shape.rows && tensor.columns == shape.columns);
  switch (shape.encoding) {
    case Encoding::kPlainF32:
      encode_plain_f32(tensor, out);
      return {};
    case Encoding::kRowsF32:
      encode_rows_f32(tensor, out);
      return {};
    case Encoding::kRowsQ8:
      encode_rows_q8(tensor, out);
      return choose_q8_limits(out, shape.rows, shape.columns);
    case Encoding::kRowsQ4:
      return {encode_rows_q4(tensor, Q4Quantizer(shape.columns, moments, kQ4Identity), out), 0};
  }
  CHECK(!"an encoding");
  return {};
}

/// Tensors that multiply the same input (wq wk wv; w1 w3) get the lowest of their activation limits.
void share_limits(std::span<TensorEntry> table) {
  for (TensorEntry& a : table) {
    for (TensorEntry& b : table) {
      if (a.layer == b.layer &&
          first_of_input(static_cast<TensorKind>(a.kind)) == first_of_input(static_cast<TensorKind>(b.kind)))
        a.activation_limit = b.activation_limit = std::min(a.activation_limit, b.activation_limit);
    }
  }
}

void write_tokenizer(const Vocabulary& tokenizer, std::uint64_t text_bytes, std::span<std::byte> out) {
  const std::vector<std::string>& pieces = tokenizer.pieces;
  const auto vocab_size = static_cast<std::uint32_t>(pieces.size());
  TokenizerHeader header{};
  header.vocab_size = vocab_size;
  for (const std::string& piece : pieces)
    header.max_token_length = std::max(header.max_token_length, static_cast<std::uint32_t>(piece.size()));
  header.scores_offset = sizeof(TokenizerHeader);
  header.pieces_offset = header.scores_offset + vocab_size * 4;
  header.sorted_offset = header.pieces_offset + (vocab_size + 1) * 4;
  header.text_offset = header.sorted_offset + vocab_size * 4;
  header.text_bytes = static_cast<std::uint32_t>(text_bytes);
  header.flags = tokenizer.dummy_space ? 0 : kNoDummySpace;
  std::memcpy(out.data(), &header, sizeof(header));

  std::vector<std::uint32_t> sorted(vocab_size);
  std::iota(sorted.begin(), sorted.end(), 0u);
  // char_traits<char> compares as unsigned bytes, a prefix first; stable keeps equal pieces in order of id.
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&pieces](std::uint32_t a, std::uint32_t b) { return pieces[a] < pieces[b]; });
  std::memcpy(out.data() + header.sorted_offset, sorted.data(), sorted.size() * 4);
  std::uint32_t start = 0;
  for (std::uint32_t i = 0; i <= vocab_size; ++i) {
    std::memcpy(out.data() + header.pieces_offset + i * 4, &start, 4);
    if (i == vocab_size) break;
    const std::string& piece = pieces[i];
    std::memcpy(out.data() + header.scores_offset + i * 4, &tokenizer.scores[i], 4);
    if (!piece.empty()) std::memcpy(out.data() + header.text_offset + start, piece.data(), piece.size());
    start += static_cast<std::uint32_t>(piece.size());
  }
}

}  // namespace

std::uint64_t image_bytes(const Checkpoint& checkpoint, const Vocabulary& tokenizer, Profile profile,
                          const Q4Options& q4) {
  return make_plan(checkpoint, tokenizer, profile, q4).file_bytes;
}

ImageBytes pack(const Checkpoint& checkpoint, const Vocabulary& tokenizer, Profile profile,
                const OnProgress& on_progress, const Q4Options& q4) {
  const Plan plan = make_plan(checkpoint, tokenizer, profile, q4);
  ImageBytes image(plan.file_bytes);
  const auto part = [&image](std::uint64_t offset, std::uint64_t bytes) {
    return std::span(image).subspan(offset, bytes);
  };

  write_tokenizer(tokenizer, plan.text_bytes, part(plan.tokenizer_offset, plan.tokenizer_bytes));
  const FileRows file_rows =
      tokenizer.file_ids.empty() ? nullptr : std::make_shared<std::vector<std::uint32_t>>(tokenizer.file_ids);
  std::vector<TensorEntry> table;
  for (const auto& [shape, offset, bytes] : plan.tensors) {
    const auto out = part(offset, bytes);
    const Q8Limits limits =
        encode(checkpoint, file_rows, shape,
               q4.moments != nullptr ? &q4.moments->of(shape.kind, shape.layer) : nullptr, out);
    table.push_back({static_cast<std::uint32_t>(shape.kind), shape.layer, shape.rows, shape.columns,
                     static_cast<std::uint32_t>(shape.encoding), static_cast<std::uint32_t>(offset),
                     static_cast<std::uint32_t>(bytes), limits.activation_limit, limits.chunk_pairs});
    if (on_progress) on_progress(bytes);
  }
  share_limits(table);
  std::memcpy(image.data() + kTensorTableOffset, table.data(), table.size() * sizeof(TensorEntry));

  const Config& c = checkpoint.config;
  ImageHeader header{};
  header.magic = kImageMagic;
  header.version = kImageVersion;
  header.file_bytes = static_cast<std::uint32_t>(image.size());
  header.profile = static_cast<std::uint32_t>(profile);
  header.dim = c.dim;
  header.hidden_dim = c.hidden_dim;
  header.n_layers = c.n_layers;
  header.n_heads = c.n_heads;
  header.n_kv_heads = c.n_kv_heads;
  header.vocab_size = c.vocab_size;
  header.seq_len = c.seq_len;
  header.shared_classifier = plan.shared_classifier ? 1 : 0;
  header.tensor_count = static_cast<std::uint32_t>(table.size());
  header.tensor_table_offset = kTensorTableOffset;
  header.tokenizer_offset = static_cast<std::uint32_t>(plan.tokenizer_offset);
  header.tokenizer_bytes = static_cast<std::uint32_t>(plan.tokenizer_bytes);
  header.rope_base = checkpoint.rope_base;
  header.rms_eps = checkpoint.rms_eps;
  std::ranges::copy(sha256(std::span(checkpoint.bytes)), header.checkpoint_sha256);
  std::ranges::copy(sha256(bytes_of(tokenizer.file)), header.tokenizer_sha256);
  std::memcpy(image.data(), &header, sizeof(header));
  header.crc32 = crc32(std::span(image).subspan(kCrcFrom));
  std::memcpy(image.data(), &header, sizeof(header));
  return image;
}

InputMoments input_moments(const Checkpoint& checkpoint, const Vocabulary& tokenizer, int tokens,
                           const OnProgress& on_progress) {
  const ImageBytes exact = pack(checkpoint, tokenizer, Profile::kF32);
  const Result<ModelImage> image = ModelImage::parse(exact);
  if (!image.ok()) fail("{}", text_of(image.status()));
  return InputMoments(image.value(), tokens, on_progress);
}

}  // namespace pico_llama::packer
