#include "engine/model/model_image.h"

#include <bit>
#include <string_view>

#include "engine/check.h"
#include "engine/model/q4_layout.h"

namespace pico_llama {
namespace {

static_assert(std::endian::native == std::endian::little,
              "images are read in place, so the machine must be little-endian");

bool finite(float value) { return (std::bit_cast<uint32_t>(value) & 0x7f800000u) != 0x7f800000u; }

/// Index of the first non-finite float, or n.
uint64_t first_not_finite(const float* values, uint64_t n) {
  for (uint64_t i = 0; i < n; ++i)
    if (!finite(values[i])) return i;
  return n;
}

/// [offset, offset + bytes) lies inside `size`, aligned.
bool inside(uint64_t offset, uint64_t bytes, uint64_t size, uint32_t alignment) {
  return offset % alignment == 0 && offset <= size && bytes <= size - offset;
}

Status check_q8(std::span<const std::byte> tensor, const TensorEntry& e, uint32_t index) {
  if (e.activation_limit < 1 || e.activation_limit > 32767)
    return corrupt("image: tensor {} has activation limit {}, must be 1 to 32767", index, e.activation_limit);
  if (e.chunk_pairs < 2 || e.chunk_pairs % 2 != 0)
    return corrupt("image: tensor {} has chunks of {} column pairs, must be even and not 0", index,
                   e.chunk_pairs);
  for (uint32_t row = 0; row < block_count(e.rows) * kBlockRows; ++row) {
    const float scale = *reinterpret_cast<const float*>(tensor.data() + q8_scale_offset(row, e.columns));
    if (!finite(scale) || scale < 0)
      return corrupt("image: tensor {}, row {}: the scale is not a number >= 0; pack the model again", index,
                     row);
  }
  const Q8Norms norms = q8_norms(tensor, e.rows, e.columns, e.chunk_pairs);
  const int limit = q8_activation_limit(norms.max_chunk_l1, norms.max_row_l1);
  if (e.activation_limit > limit)
    return corrupt("image: tensor {} could overflow: its activation limit must be at most {}", index, limit);
  return {};
}

Status check_q4(std::span<const std::byte> tensor, const TensorEntry& e, uint32_t index) {
  if (e.chunk_pairs != 0) return corrupt("image: tensor {} is not q8 but has chunks", index);
  for (uint32_t row = 0; row < e.rows; row += kBlockRows) {
    const float scale = *reinterpret_cast<const float*>(tensor.data() + q4_scale_offset(row, e.columns));
    if (!finite(scale) || scale < 0)
      return corrupt(
          "image: tensor {}, rows from {} on: the scale is not a number >= 0; pack the model again", index,
          row);
  }
  const int limit = q4_activation_limit(q4_max_row_codes(tensor, e.rows, e.columns));
  if (e.activation_limit < 1 || e.activation_limit > limit)
    return corrupt("image: tensor {} could overflow: its activation limit must be 1 to {}", index, limit);
  return {};
}

Status check_tensor(std::span<const std::byte> bytes, const TensorEntry& e, const TensorShape& want,
                    uint32_t index, uint64_t& end) {
  if (e.kind != static_cast<uint32_t>(want.kind) || e.layer != want.layer)
    return corrupt("image: tensor {} is of kind {}, out of order", index, e.kind);
  if (e.rows != want.rows || e.columns != want.columns)
    return corrupt(
        "image: tensor {} has {} rows or another number of columns than the model's shape requires", index,
        e.rows);
  // A q4 image may keep sensitive tensors in 8 bits.
  const bool kept =
      want.encoding == Encoding::kRowsQ4 && e.encoding == static_cast<uint32_t>(Encoding::kRowsQ8);
  if (e.encoding != static_cast<uint32_t>(want.encoding) && !kept)
    return corrupt("image: tensor {} has encoding {}, not its profile's", index, e.encoding);
  const auto encoding = static_cast<Encoding>(e.encoding);
  const uint64_t want_bytes = tensor_bytes(encoding, e.rows, e.columns);
  if (e.bytes != want_bytes)
    return corrupt("image: tensor {} should have {} bytes", index, static_cast<int64_t>(want_bytes));
  if (!inside(e.offset, e.bytes, bytes.size(), kImageAlignment) || e.offset < end)
    return corrupt("image: tensor {} is misplaced at offset {}", index, e.offset);
  end = uint64_t{e.offset} + e.bytes;

  const auto tensor = bytes.subspan(e.offset, e.bytes);
  if (encoding == Encoding::kRowsQ8) return check_q8(tensor, e, index);
  if (encoding == Encoding::kRowsQ4) return check_q4(tensor, e, index);
  if (e.activation_limit != 0 || e.chunk_pairs != 0)
    return corrupt("image: tensor {} is of floats but has limits for integers", index);
  const uint64_t floats = e.bytes / sizeof(float);
  const uint64_t bad = first_not_finite(reinterpret_cast<const float*>(tensor.data()), floats);
  if (bad != floats)
    return corrupt("image: tensor {}: value {} is infinite or not a number; the checkpoint is damaged", index,
                   static_cast<int64_t>(bad));
  return {};
}

Result<TokenizerView> parse_tokenizer(std::span<const std::byte> section, const Config& config) {
  const auto& h = *reinterpret_cast<const TokenizerHeader*>(section.data());
  const auto vocab = static_cast<uint64_t>(config.vocab_size);
  if (h.vocab_size != vocab)
    return corrupt("image: the tokenizer has {} tokens, the model {}", h.vocab_size, config.vocab_size);
  if (!inside(h.scores_offset, vocab * 4, section.size(), 4) ||
      !inside(h.pieces_offset, (vocab + 1) * 4, section.size(), 4) ||
      !inside(h.sorted_offset, vocab * 4, section.size(), 4) ||
      !inside(h.text_offset, h.text_bytes, section.size(), 4))
    return corrupt("image: the tokenizer's arrays do not fit its {} bytes",
                   static_cast<int64_t>(section.size()));
  if (h.flags > kNoDummySpace)
    return Status{StatusCode::kUnsupported, "image: tokenizer flags {} are unknown to this build", h.flags};
  TokenizerView v;
  v.dummy_space = h.flags == 0;
  v.vocab_size = config.vocab_size;
  v.max_token_length = static_cast<int32_t>(h.max_token_length);
  v.scores = reinterpret_cast<const float*>(section.data() + h.scores_offset);
  v.pieces = reinterpret_cast<const uint32_t*>(section.data() + h.pieces_offset);
  v.sorted = reinterpret_cast<const uint32_t*>(section.data() + h.sorted_offset);
  v.text = reinterpret_cast<const char*>(section.data() + h.text_offset);

  if (const uint64_t bad = first_not_finite(v.scores, vocab); bad != vocab)
    return corrupt("image: the score of token {} is not a number", static_cast<int64_t>(bad));
  if (v.pieces[0] != 0 || v.pieces[vocab] != h.text_bytes)
    return corrupt("image: the tokenizer's pieces do not cover its {} bytes of text", h.text_bytes);
  uint32_t longest = 0;
  for (uint64_t i = 0; i < vocab; ++i) {
    if (v.pieces[i + 1] < v.pieces[i] || v.pieces[i + 1] > h.text_bytes)
      return corrupt("image: the piece of token {} is out of range", static_cast<int64_t>(i));
    if (const uint32_t length = v.pieces[i + 1] - v.pieces[i]; length > longest) longest = length;
  }
  if (h.max_token_length != longest)
    return corrupt("image: the longest piece has {} bytes, the header states {}", longest,
                   h.max_token_length);
  const auto piece = [&v](uint32_t id) {
    return std::string_view(v.text + v.pieces[id], v.pieces[id + 1] - v.pieces[id]);
  };
  // Strictly increasing in (bytes, id) and in range: hence a permutation, and binary search is valid.
  for (uint64_t i = 0; i < vocab; ++i) {
    if (v.sorted[i] >= vocab)
      return corrupt("image: the tokenizer's index names token {} of {}", v.sorted[i], config.vocab_size);
    if (i == 0) continue;
    const int order = piece(v.sorted[i - 1]).compare(piece(v.sorted[i]));
    if (order > 0 || (order == 0 && v.sorted[i - 1] >= v.sorted[i]))
      return corrupt("image: the tokenizer's index is not in order at {}", static_cast<int64_t>(i));
  }
  return v;
}

/// Not inlined, so that parse() has no frame for it.
[[gnu::noinline]] Status check_metadata(std::span<const std::byte> bytes) {
  return Metadata::read(bytes).status();
}

/// `end`: of the last tensor.
Status check_drafts(std::span<const std::byte> bytes, uint64_t end, const Config& config) {
  const auto& header = *reinterpret_cast<const ImageHeader*>(bytes.data());
  const uint32_t offset = header.drafts_offset;
  if (!inside(offset, sizeof(DraftsHeader), bytes.size(), kImageAlignment) || offset < end)
    return corrupt("image: the drafts are misplaced at offset {}", offset);
  const auto& h = *reinterpret_cast<const DraftsHeader*>(bytes.data() + offset);
  if (h.longest < 1 || h.longest > kDraftMostContext)
    return corrupt("image: contexts of drafts have up to {} tokens, must be 1 to {}", h.longest,
                   kDraftMostContext);
  if (h.reserved[0] != 0 || h.reserved[1] != 0)
    return corrupt("image: a reserved field of the drafts is not 0");
  if (h.buckets < 1 || !inside(offset, drafts_bytes(h.buckets), bytes.size(), kImageAlignment))
    return corrupt("image: {} buckets of drafts do not fit the {} bytes", h.buckets,
                   static_cast<int64_t>(bytes.size()));
  const int token_bits = draft_token_bits(config.vocab_size);
  const auto* const entries = reinterpret_cast<const uint32_t*>(&h + 1);
  const uint64_t count = uint64_t{h.buckets} * kDraftBucketEntries;
  for (uint64_t i = 0; i < count; ++i) {
    const uint32_t entry = entries[i];
    if (entry == 0) continue;
    if (i % kDraftBucketEntries != 0 && entries[i - 1] == 0)
      return corrupt("image: draft {} follows an empty one in its bucket", static_cast<int64_t>(i));
    const uint32_t token = entry & ((uint32_t{1} << token_bits) - 1);
    if (token >= static_cast<uint32_t>(config.vocab_size))
      return corrupt("image: draft {} names token {}, which is not in the vocabulary",
                     static_cast<int64_t>(i), token);
    if ((entry >> token_bits & kDraftMostConfidence) == 0)
      return corrupt("image: draft {} has the confidence 0, must be 1 to 15", static_cast<int64_t>(i));
  }
  return {};
}

}  // namespace

Result<ModelImage> ModelImage::parse(std::span<const std::byte> bytes) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(ImageHeader) != 0)
    return Status{StatusCode::kInvalidArgument, "image: its address is not a multiple of {}",
                  alignof(ImageHeader)};
  const auto size = static_cast<int64_t>(bytes.size());
  if (bytes.size() < sizeof(ImageHeader))
    return corrupt("image: {} bytes are too few for a model image; the file is cut off", size);
  const auto& h = *reinterpret_cast<const ImageHeader*>(bytes.data());
  if (h.magic != kImageMagic)
    return corrupt("image: this is not a model image (it does not begin with PLM1)");
  if (h.version != kImageVersion)
    return Status{StatusCode::kUnsupported,
                  "image: version {}, this build reads version {}; pack the model again", h.version,
                  kImageVersion};
  if (h.file_bytes != bytes.size())
    return corrupt(
        "image: its header says {} bytes, there are {}; the file is cut off or has something appended",
        h.file_bytes, size);
  if (h.profile > static_cast<uint32_t>(Profile::kQ4))
    return Status{StatusCode::kUnsupported, "image: profile {} is unknown to this build", h.profile};
  if (h.shared_classifier > 1)
    return corrupt("image: shared_classifier is {}, must be 0 or 1", h.shared_classifier);
  if (!finite(h.rope_base) || !(h.rope_base > 0) || !finite(h.rms_eps) || !(h.rms_eps >= 0))
    return corrupt("image: rope_base or rms_eps is no positive number");

  ModelImage image;
  image.bytes_ = bytes;
  image.config_ = {h.dim, h.hidden_dim, h.n_layers, h.n_heads, h.n_kv_heads, h.vocab_size, h.seq_len};
  image.profile_ = static_cast<Profile>(h.profile);
  image.shared_classifier_ = h.shared_classifier == 1;
  PICO_LLAMA_RETURN_IF_ERROR(image.config_.validate());

  const uint32_t count = pico_llama::tensor_count(image.config_, image.shared_classifier_);
  if (h.tensor_count != count)
    return corrupt("image: {} tensors, the model's shape needs {}", h.tensor_count, count);
  if (!inside(h.tensor_table_offset, uint64_t{count} * sizeof(TensorEntry), bytes.size(), kImageAlignment) ||
      h.tensor_table_offset < sizeof(ImageHeader))
    return corrupt("image: the tensor table at {} does not fit the {} bytes", h.tensor_table_offset, size);
  if (!inside(h.tokenizer_offset, h.tokenizer_bytes, bytes.size(), kImageAlignment) ||
      h.tokenizer_bytes < sizeof(TokenizerHeader))
    return corrupt("image: the tokenizer at {} does not fit the {} bytes", h.tokenizer_offset, size);

  if (!image.shared_classifier_) {
    const uint32_t rows = image.entry(count - 1).rows;
    if (rows < 1 || rows > static_cast<uint32_t>(h.vocab_size))
      return corrupt("image: the classifier has {} rows, must be 1 to the {} of the vocabulary", rows,
                     h.vocab_size);
    if (rows < static_cast<uint32_t>(h.vocab_size)) image.config_.n_logits = static_cast<int32_t>(rows);
  }

  uint64_t end = 0;
  uint16_t limit_of_group = 0;
  uint32_t encoding_of_group = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const TensorEntry& e = image.entry(i);
    const TensorShape want = tensor_shape(image.config_, image.profile_, image.shared_classifier_, i);
    PICO_LLAMA_RETURN_IF_ERROR(check_tensor(bytes, e, want, i, end));
    // wq wk wv read one quantised vector, as do w1 w3.
    const bool shares_input =
        want.kind == TensorKind::kWk || want.kind == TensorKind::kWv || want.kind == TensorKind::kW3;
    if (shares_input && (e.activation_limit != limit_of_group || e.encoding != encoding_of_group))
      return corrupt(
          "image: tensor {} must have the encoding and activation limit {} of others with its input", i,
          limit_of_group);
    encoding_of_group = e.encoding;
    limit_of_group = e.activation_limit;
  }
  if (h.drafts_offset != 0) PICO_LLAMA_RETURN_IF_ERROR(check_drafts(bytes, end, image.config_));
  PICO_LLAMA_RETURN_IF_ERROR(check_metadata(bytes));
  Result<TokenizerView> tokenizer =
      parse_tokenizer(bytes.subspan(h.tokenizer_offset, h.tokenizer_bytes), image.config_);
  if (!tokenizer.ok()) return tokenizer.status();
  image.tokenizer_ = tokenizer.value();
  return image;
}

Status ModelImage::check_crc() const {
  const uint32_t crc = crc32(bytes_.subspan(kCrcFrom));
  if (crc != header().crc32)
    return corrupt("image: its bytes have CRC {}, its header states {}; the file is corrupt", crc,
                   header().crc32);
  return {};
}

const TensorEntry& ModelImage::entry(uint32_t index) const {
  return reinterpret_cast<const TensorEntry*>(bytes_.data() + header().tensor_table_offset)[index];
}

Tensor ModelImage::tensor(uint32_t index) const {
  CHECK(index < tensor_count());
  const TensorEntry& e = entry(index);
  return {bytes_.data() + e.offset, e.rows,       e.columns, static_cast<Encoding>(e.encoding),
          e.activation_limit,       e.chunk_pairs};
}

uint32_t ModelImage::index_of(TensorKind kind, uint32_t layer) const {
  if (kind == TensorKind::kRope) return 0;
  for (uint32_t i = 0; i < kTensorsPerLayer; ++i)
    if (kLayerTensors[i] == kind) return 1 + layer * kTensorsPerLayer + i;
  const uint32_t after_layers = 1 + static_cast<uint32_t>(config_.n_layers) * kTensorsPerLayer;
  return after_layers + (static_cast<uint32_t>(kind) - static_cast<uint32_t>(TensorKind::kRmsFinal));
}

}  // namespace pico_llama
