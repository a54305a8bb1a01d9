#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/model/model_image.h"
#include "formats/checkpoint.h"
#include "formats/mapped_file.h"
#include "formats/vocabulary.h"
#include "tools/flash_models.h"
#include "tools/model_metadata.h"
#include "tools/packer/packer.h"

namespace pico_llama {

/// True if the file is there and begins with a model image's magic.
bool is_image(const std::string& path);
/// True if the file holds models that are packed already: a model image, or a UF2 or ELF for the board.
bool is_packed(const std::string& path);

/// Parses an image and checks its CRC; `name` stands for it in messages.
ModelImage parse_image(std::span<const std::byte> bytes, const std::string& name);

/// The tokenizer to use: `given`; otherwise the checkpoint's own (GGUF); otherwise the first of NAME.tok.bin,
/// tok<vocab_size>.bin, tokenizer.bin, tokenizer.model and tokenizer.json next to it, or ./tokenizer.bin.
/// Errors: Failure listing the places searched.
std::string find_tokenizer(const std::string& given, const std::string& checkpoint_path,
                           std::int32_t vocab_size);

/// The tokenizer of a checkpoint, from `path`; padded as formats::Vocabulary::pad_to() does where another
/// program than llama2.c made the checkpoint.
formats::Vocabulary open_tokenizer(const std::string& path, const formats::Checkpoint& checkpoint);

/// Command-line settings of profile q4.
struct Q4Settings {
  int calibration_tokens = packer::kCalibrationTokens;  ///< 0: each weight is rounded for itself
  /// Names of matrices as `info` shows them; "auto": what a model of this width needs; "none".
  std::vector<std::string> keep_q8 = {"auto"};
};
/// Names of matrices that Q4Settings::keep_q8 may hold.
std::vector<std::string> q4_matrix_names();

/// Bytes of the image that pack_with_progress() makes.
std::uint64_t packed_bytes(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer,
                           Profile profile, const Q4Settings& settings);

/// Packs with a progress bar.
packer::ImageBytes pack_with_progress(const formats::Checkpoint& checkpoint,
                                      const formats::Vocabulary& tokenizer, Profile profile,
                                      const Q4Settings& settings);

/// MODEL of the command line: an image, used in place; the first image of a UF2 or ELF file; or a checkpoint
/// with its tokenizer, packed in memory.
class ModelSource {
 public:
  /// Errors: Failure. An image holds its profile and tokenizer: asking for others is refused.
  static ModelSource open(const std::string& path, const std::string& tokenizer_path,
                          std::optional<Profile> profile, const Q4Settings& settings = {});

  /// A checkpoint that was read already, packed in memory.
  static ModelSource pack(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer,
                          Profile profile, const Q4Settings& settings = {},
                          const ModelMetadata& metadata = {});

  const ModelImage& image() const { return image_; }

 private:
  void check_request(const std::string& path, const std::string& tokenizer_path,
                     std::optional<Profile> profile) const;

  // What image_ looks into is one of these.
  std::unique_ptr<MappedFile> file_;
  std::unique_ptr<FlashModels> flash_;
  packer::ImageBytes packed_;
  ModelImage image_;
};

/// The profile of a name, such as --profile has; nothing for any other word.
std::optional<Profile> profile_of(const std::string& name);

}  // namespace pico_llama
