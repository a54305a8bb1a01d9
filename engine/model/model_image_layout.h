// The bytes of a model image, exactly as SPEC.md has them: shared by the packer that writes and the parser
// that reads. Little-endian throughout; every offset counts from the first byte of the image.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/model/config.h"

namespace pico_llama {

inline constexpr uint32_t kImageMagic = 0x314d4c50;  ///< the bytes "PLM1"
inline constexpr uint32_t kImageVersion = 1;
/// Sections and tensors start at multiples of this.
inline constexpr uint32_t kImageAlignment = 64;
/// A cartridge may hold several images: each begins at the next multiple of this behind the one before
/// (SPEC.md, "Several images"). A flash sector, so that one can be written without its neighbour.
inline constexpr uint32_t kImageSpacing = 4096;
inline constexpr int kMostImages = 8;  ///< that are looked for
/// Bytes from the start of an image to the start of the next.
constexpr uint32_t image_span(uint32_t file_bytes) {
  return (file_bytes + kImageSpacing - 1) / kImageSpacing * kImageSpacing;
}
/// crc32 covers the image from this offset (the first field after it) to the end.
inline constexpr uint32_t kCrcFrom = 16;

struct ImageHeader {
  uint32_t magic;
  uint32_t version;
  uint32_t file_bytes;  ///< of the whole image
  uint32_t crc32;       ///< of bytes [kCrcFrom, file_bytes)
  uint32_t profile;     ///< Profile
  int32_t dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len;
  uint32_t shared_classifier;  ///< 1: the classifier is the token embedding table; 0: a tensor of its own
  uint32_t tensor_count;
  uint32_t tensor_table_offset;  ///< tensor_count x TensorEntry
  uint32_t tokenizer_offset;     ///< TokenizerHeader
  uint32_t tokenizer_bytes;
  float rope_base;                ///< 10000: RoPE frequencies are rope_base^(-2i/head_size)
  float rms_eps;                  ///< 1e-5
  uint32_t drafts_offset;         ///< DraftsHeader; 0: the image has no drafts
  uint8_t checkpoint_sha256[32];  ///< of the checkpoint the image was packed from
  uint8_t tokenizer_sha256[32];   ///< of the tokenizer file
  uint32_t metadata_offset;       ///< MetadataHeader; 0: the image has no metadata
  uint32_t reserved[3];           ///< 0
};
static_assert(sizeof(ImageHeader) == 160);

/// Tensors, named as in llama2.c. The values are those of TensorEntry::kind.
enum class TensorKind : uint32_t {
  kRope = 0,             ///< (seq_len, head_size): cos, sin, cos, sin, ... of one position in a row
  kRmsAtt = 1,           ///< (1, dim) per layer
  kWq = 2,               ///< (dim, dim)
  kWk = 3,               ///< (kv_dim, dim)
  kWv = 4,               ///< (kv_dim, dim)
  kWo = 5,               ///< (dim, dim)
  kRmsFfn = 6,           ///< (1, dim)
  kW1 = 7,               ///< (hidden_dim, dim)
  kW3 = 8,               ///< (hidden_dim, dim)
  kW2 = 9,               ///< (dim, hidden_dim)
  kRmsFinal = 10,        ///< (1, dim)
  kTokenEmbedding = 11,  ///< (vocab_size, dim)
  kWcls = 12,            ///< (logit_count(), dim), absent when shared
};

/// Storage formats of tensors.
enum class Encoding : uint32_t {
  kPlainF32 = 0,  ///< fp32, row after row: norms and RoPE tables
  kRowsF32 = 1,   ///< fp32 in blocks of 8 interleaved rows
  kRowsQ8 = 2,    ///< int8 in blocks of 8 interleaved rows, two rows in one operand, one fp32 scale per row
  kRowsQ4 = 5,    ///< int4 in blocks of 8 interleaved rows, a code for each group of columns (q4_layout.h)
};

struct TensorEntry {
  uint32_t kind;   ///< TensorKind
  uint32_t layer;  ///< 0 for tensors outside the layers
  uint32_t rows;
  uint32_t columns;
  uint32_t encoding;  ///< Encoding
  uint32_t offset;
  uint32_t bytes;
  uint16_t
      activation_limit;  ///< kRowsQ8, kRowsQ4: largest |quantised activation| that cannot overflow; else 0
  uint16_t chunk_pairs;  ///< kRowsQ8: column pairs summed before the two rows are told apart; else 0
};
static_assert(sizeof(TensorEntry) == 32);

// ---- Tensor order
// ----------------------------------------------------------------------------------------------

/// The image holds exactly these tensors in exactly this order, so that a model which is streamed is read
/// from front to back but for the embedding, rope and the norms: rope, then for each layer rms_att wq wk wv
/// wo rms_ffn w1 w3 w2, then rms_final, token_embedding[, wcls].
inline constexpr TensorKind kLayerTensors[] = {TensorKind::kRmsAtt, TensorKind::kWq, TensorKind::kWk,
                                               TensorKind::kWv,     TensorKind::kWo, TensorKind::kRmsFfn,
                                               TensorKind::kW1,     TensorKind::kW3, TensorKind::kW2};
inline constexpr int kTensorsPerLayer = 9;

constexpr uint32_t tensor_count(const Config& c, bool shared_classifier) {
  return 1u + static_cast<uint32_t>(c.n_layers * kTensorsPerLayer) + 2u + (shared_classifier ? 0u : 1u);
}

struct TensorShape {
  TensorKind kind;
  uint32_t layer;
  uint32_t rows;
  uint32_t columns;
  Encoding encoding;
};

/// What tensor number `index` of an image must be. kRowsQ4 stands for kRowsQ8 too.
/// Requires: c.validate() passed, index < tensor_count().
TensorShape tensor_shape(const Config& c, Profile profile, bool shared_classifier, uint32_t index);

/// Bytes of a tensor of this shape, 64-bit so that no shape overflows it.
uint64_t tensor_bytes(Encoding encoding, uint32_t rows, uint32_t columns);

// ---- Row blocks
// ------------------------------------------------------------------------------------------------

constexpr uint32_t block_count(uint32_t rows) { return (rows + kBlockRows - 1) / kBlockRows; }

/// kRowsF32: for each column the block's 8 rows side by side. Rows past the last are 0.
constexpr uint64_t f32_block_floats(uint32_t columns) { return uint64_t{columns} * kBlockRows; }
/// Index, in floats from the tensor's start, of element (row, column).
constexpr uint64_t f32_index(uint32_t row, uint32_t column, uint32_t columns) {
  return row / kBlockRows * f32_block_floats(columns) + uint64_t{column} * kBlockRows + row % kBlockRows;
}

/// kRowsQ8: columns are padded with 0 to a multiple of 4, i.e. to whole pairs of column pairs.
constexpr uint32_t q8_columns(uint32_t columns) { return (columns + 3) / 4 * 4; }
/// Scales of the 8 rows in front of each block's weights.
inline constexpr uint32_t kQ8ScaleBytes = kBlockRows * sizeof(float);
/// Bytes of one block: 8 fp32 scales, then 4 words of 4 bytes for each column pair.
constexpr uint64_t q8_block_bytes(uint32_t columns) {
  return kQ8ScaleBytes + uint64_t{q8_columns(columns)} * kBlockRows;
}
/// Offset, in bytes from the tensor's start, of the scale of a row.
constexpr uint64_t q8_scale_offset(uint32_t row, uint32_t columns) {
  return row / kBlockRows * q8_block_bytes(columns) + row % kBlockRows * sizeof(float);
}
/// Offset, in bytes from the tensor's start, of the 32-bit word that holds rows (2r, 2r+1) x columns (2c,
/// 2c+1).
constexpr uint64_t q8_word_offset(uint32_t row, uint32_t column, uint32_t columns) {
  return row / kBlockRows * q8_block_bytes(columns) + kQ8ScaleBytes + uint64_t{column / 2} * 16 +
         row % kBlockRows / 2 * 4;
}
/// The word of four weights: a = even row, b = odd row; 0 and 1 = the even and the odd column.
/// Requires: each in -127..127. Each half is 256*b + a as int16.
constexpr uint32_t q8_word(int a0, int b0, int a1, int b1) {
  return (static_cast<uint32_t>(256 * b0 + a0) & 0xffffu) | static_cast<uint32_t>(256 * b1 + a1) << 16;
}
/// The weights of a word's two columns, of its even row or its odd one.
struct Q8WeightPair {
  int even_column, odd_column;
};
constexpr Q8WeightPair q8_weight_pair(uint32_t word, bool odd_row) {
  int w0 = static_cast<int8_t>(word & 0xff);
  int w1 = static_cast<int8_t>(word >> 16 & 0xff);
  if (odd_row) {
    w0 = (static_cast<int16_t>(word & 0xffff) - w0) >> 8;
    w1 = (static_cast<int16_t>(word >> 16) - w1) >> 8;
  }
  return {w0, w1};
}
/// The weight at (row & 1, column & 1) of a word.
constexpr int q8_weight(uint32_t word, uint32_t row, uint32_t column) {
  const Q8WeightPair pair = q8_weight_pair(word, row % 2 != 0);
  return column % 2 == 0 ? pair.even_column : pair.odd_column;
}

/// Bounds on a tensor's quantised activations: computed by the packer, checked by the parser.
struct Q8Limits {
  uint16_t activation_limit;
  uint16_t chunk_pairs;
};
/// Bounds that keep every sum exact (proof in SPEC.md, "Why q8 sums do not overflow").
inline constexpr int64_t kQ8ChunkSumLimit = (int64_t{1} << 23) - 1;
inline constexpr int64_t kQ8RowSumLimit = (int64_t{1} << 31) - 1;
/// The largest x with max_chunk_l1 * x <= 2^23-1, max_row_l1 * x <= 2^31-1 and x <= 32767.
constexpr uint16_t q8_activation_limit(int64_t max_chunk_l1, int64_t max_row_l1) {
  int64_t x = 32767;
  if (max_chunk_l1 > 0 && kQ8ChunkSumLimit / max_chunk_l1 < x) x = kQ8ChunkSumLimit / max_chunk_l1;
  if (max_row_l1 > 0 && kQ8RowSumLimit / max_row_l1 < x) x = kQ8RowSumLimit / max_row_l1;
  return static_cast<uint16_t>(x);
}
/// Largest L1 norm of any row over any chunk of chunk_pairs column pairs, and of any whole row, of a kRowsQ8
/// tensor.
struct Q8Norms {
  int64_t max_chunk_l1;
  int64_t max_row_l1;
};
Q8Norms q8_norms(std::span<const std::byte> tensor, uint32_t rows, uint32_t columns, uint32_t chunk_pairs);

// ---- Tokenizer
// -------------------------------------------------------------------------------------------------

/// At tokenizer_offset; the four arrays follow at offsets counted from this header's first byte.
struct TokenizerHeader {
  uint32_t vocab_size;        ///< equals the model's
  uint32_t max_token_length;  ///< bytes of the longest piece
  uint32_t scores_offset;     ///< float[vocab_size]: merge priority, higher first
  uint32_t pieces_offset;     ///< uint32[vocab_size + 1]: where each piece starts in the text, and the end
  uint32_t sorted_offset;     ///< uint32[vocab_size]: ids in order of their pieces' bytes, then of id
  uint32_t text_offset;       ///< the bytes of all pieces, one after the other
  uint32_t text_bytes;
  uint32_t flags;  ///< kNoDummySpace or 0
};
static_assert(sizeof(TokenizerHeader) == 32);
/// A text is encoded as it is, without a space in front, and no leading space is dropped after BOS.
inline constexpr uint32_t kNoDummySpace = 1;

inline constexpr int32_t kTokenUnknown = 0;
inline constexpr int32_t kTokenBos = 1;
inline constexpr int32_t kTokenEos = 2;
/// A byte that no piece covers becomes the token byte + kFirstByteToken, or kTokenUnknown where that is
/// another.
inline constexpr int32_t kFirstByteToken = 3;

// ---- Drafts
// ----------------------------------------------------------------------------------------------------

/// At drafts_offset; buckets x kDraftBucketEntries entries follow. An entry is 0, or from the top a check of
/// the context, a confidence of 1 to 15 and the token that follows it.
struct DraftsHeader {
  uint32_t buckets;      ///< 1 or more
  uint32_t longest;      ///< tokens of the longest context, 1 to kDraftMostContext
  uint32_t reserved[2];  ///< 0
};
static_assert(sizeof(DraftsHeader) == 16);
inline constexpr uint32_t kDraftBucketEntries = 4;
inline constexpr uint32_t kDraftMostContext = 8;
inline constexpr int kDraftConfidenceBits = 4;
inline constexpr uint32_t kDraftMostConfidence = 15;

constexpr uint64_t drafts_bytes(uint32_t buckets) {
  return sizeof(DraftsHeader) + uint64_t{buckets} * kDraftBucketEntries * sizeof(uint32_t);
}
/// Bits of a token in an entry: the fewest that hold every one, and at least 1.
constexpr int draft_token_bits(int32_t vocab_size) {
  int bits = 1;
  while ((int64_t{1} << bits) < vocab_size) ++bits;
  return bits;
}
/// Hash of a context, from that of the context without its oldest token; 0 for none.
constexpr uint32_t draft_hash(uint32_t hash, int32_t oldest) {
  hash = (hash + static_cast<uint32_t>(oldest) + 1) * 0x9e3779b1u;
  return hash ^ hash >> 15;
}
constexpr uint32_t draft_bucket(uint32_t hash, uint32_t buckets) {
  return static_cast<uint32_t>(uint64_t{hash} * buckets >> 32);
}
/// The top bits of an entry.
constexpr uint32_t draft_check(uint32_t hash, int token_bits) {
  return (hash * 0x85ebca6bu) >> (token_bits + kDraftConfidenceBits);
}

// ---- Metadata
// ----------------------------------------------------------------------------------------------------

/// At metadata_offset; the bytes of name, template, licence and authors follow, one behind the other.
struct MetadataHeader {
  float temperature;  ///< 0 to 10; -1: none
  uint32_t name_bytes, template_bytes, licence_bytes, authors_bytes;
  uint32_t reserved;  ///< 0
};
static_assert(sizeof(MetadataHeader) == 24);
inline constexpr uint32_t kMostNameBytes = 40;
inline constexpr uint32_t kMostTemplateBytes = 256;
inline constexpr uint32_t kMostLicenceBytes = 120;
inline constexpr uint32_t kMostAuthorsBytes = 120;

// ---- CRC
// -------------------------------------------------------------------------------------------------------

/// CRC-32 as in zlib and PNG: polynomial 0xedb88320 reflected, start and final xor 0xffffffff. Pass the last
/// result as `crc` to go on with more bytes.
uint32_t crc32(std::span<const std::byte> bytes, uint32_t crc = 0);

}  // namespace pico_llama
