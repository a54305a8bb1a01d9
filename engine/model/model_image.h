// The parser of model images: untrusted bytes in, validated views out, no copies.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/kernels/shapes.h"
#include "engine/model/config.h"
#include "engine/model/metadata.h"
#include "engine/model/model_image_layout.h"
#include "engine/status.h"

namespace pico_llama {

/// One tensor of an image: its data and their encoding. The firmware may point `data` at a copy.
struct Tensor {
  const std::byte* data = nullptr;  ///< aligned to 4 at least; kImageAlignment inside an image
  uint32_t rows = 0;
  uint32_t columns = 0;
  Encoding encoding = Encoding::kPlainF32;
  uint16_t activation_limit = 0;
  uint16_t chunk_pairs = 0;
  RowShape row_shape = RowShape::kAny;  ///< set when the model is opened
  /// Read through a WeightStream; `data` is then used for single rows only.
  bool streamed = false;

  uint64_t bytes() const { return tensor_bytes(encoding, rows, columns); }
  uint32_t blocks() const { return block_count(rows); }
  const float* f32() const { return reinterpret_cast<const float*>(data); }
};

/// The tokenizer's arrays inside the image (TokenizerHeader).
struct TokenizerView {
  int32_t vocab_size = 0;
  int32_t max_token_length = 0;
  const float* scores = nullptr;
  const uint32_t* pieces = nullptr;
  const uint32_t* sorted = nullptr;
  const char* text = nullptr;
  bool dummy_space = true;  ///< see kNoDummySpace
};

class ModelImage {
 public:
  ModelImage() = default;

  /// Checks every byte's meaning except the CRC: after this, no view can point outside the image, no index is
  /// out of range, every float is finite and every q8 sum fits. The image must stay where it is. Requires:
  /// bytes.data() aligned to 4. Errors: kCorruptImage, kUnsupported; kInvalidArgument when misaligned. Cost:
  /// one read of the image.
  static Result<ModelImage> parse(std::span<const std::byte> bytes);

  /// One more read of the image: finds bytes that changed since they were packed.
  Status check_crc() const;

  const Config& config() const { return config_; }
  Profile profile() const { return profile_; }
  bool shared_classifier() const { return shared_classifier_; }
  float rms_eps() const { return header().rms_eps; }
  const ImageHeader& header() const { return *reinterpret_cast<const ImageHeader*>(bytes_.data()); }
  std::span<const std::byte> bytes() const { return bytes_; }
  const TokenizerView& tokenizer() const { return tokenizer_; }
  /// Null: the image has no drafts.
  const DraftsHeader* drafts() const {
    const uint32_t offset = header().drafts_offset;
    return offset == 0 ? nullptr : reinterpret_cast<const DraftsHeader*>(bytes_.data() + offset);
  }

  Metadata metadata() const { return Metadata::read(bytes_).value(); }

  uint32_t tensor_count() const { return header().tensor_count; }
  /// The tensor at place `index` of the table.
  Tensor tensor(uint32_t index) const;
  const TensorEntry& entry(uint32_t index) const;
  /// Place in the table. Requires: the tensor exists (no kWcls when shared).
  uint32_t index_of(TensorKind kind, uint32_t layer) const;
  Tensor tensor(TensorKind kind, uint32_t layer = 0) const { return tensor(index_of(kind, layer)); }

 private:
  std::span<const std::byte> bytes_{};
  Config config_{};
  TokenizerView tokenizer_{};
  Profile profile_ = Profile::kF32;
  bool shared_classifier_ = true;
};

}  // namespace pico_llama
