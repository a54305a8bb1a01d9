#include "tools/model_source.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>

#include "engine/check.h"
#include "firmware/chips/rp2350.h"
#include "formats/gguf.h"
#include "tools/packer/metadata.h"
#include "tools/support/failure.h"
#include "tools/support/progress.h"
#include "tools/support/sha256.h"

namespace pico_llama {

bool is_image(const std::string& path) {
  const std::optional<MappedFile> file = MappedFile::if_regular(path);
  std::uint32_t magic = 0;
  if (!file || file->bytes().size() < sizeof(magic)) return false;
  std::memcpy(&magic, file->bytes().data(), sizeof(magic));
  return magic == kImageMagic;
}

bool is_packed(const std::string& path) { return is_image(path) || is_memory_image(path); }

ModelImage parse_image(std::span<const std::byte> bytes, const std::string& name) {
  Result<ModelImage> image = ModelImage::parse(bytes);
  if (!image.ok()) fail("{}: {}; pack the checkpoint again", name, text_of(image.status()));
  if (const Status status = image.value().check_crc(); !status.ok())
    fail("{}: {}; get or pack the file again", name, text_of(status));
  return image.value();
}

std::string find_tokenizer(const std::string& given, const std::string& checkpoint_path,
                           std::int32_t vocab_size) {
  if (!given.empty()) return given;
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(checkpoint_path, ignored);
  if (!is_folder && formats::looks_like_gguf(MappedFile(checkpoint_path).bytes())) return checkpoint_path;
  const std::filesystem::path folder = is_folder ? std::filesystem::path(checkpoint_path)
                                                 : std::filesystem::path(checkpoint_path).parent_path();
  const std::string by_name = std::filesystem::path(checkpoint_path).stem().string() + ".tok.bin";
  const std::string by_size = fmt::format("tok{}.bin", vocab_size);
  const std::array candidates = {folder / by_name,          folder / by_size,
                                 folder / "tokenizer.bin",  folder / "tokenizer.model",
                                 folder / "tokenizer.json", std::filesystem::path("tokenizer.bin")};
  for (const auto& candidate : candidates) {
    if (std::filesystem::exists(candidate, ignored)) return candidate.string();
  }
  fail(
      "{}: a checkpoint needs its tokenizer; give it with -z (looked for {}, {}, tokenizer.bin, "
      "tokenizer.model "
      "and tokenizer.json beside it, and ./tokenizer.bin)",
      checkpoint_path, by_name, by_size);
}

formats::Vocabulary open_tokenizer(const std::string& path, const formats::Checkpoint& checkpoint) {
  using formats::Format;
  formats::Vocabulary vocabulary = formats::Vocabulary::open(path);
  if (checkpoint.format == Format::kSafetensors || checkpoint.format == Format::kGguf)
    vocabulary.pad_to(checkpoint.config.vocab_size);
  return vocabulary;
}

namespace {

struct NamedKind {
  const char* name;
  TensorKind kind;
};
/// Models narrower than this lose over 5 % of perplexity if all matrices are 4-bit (docs/decisions/0009).
constexpr std::int32_t kWideEnoughForQ4 = 256;
constexpr NamedKind kMatrices[] = {
    {"wq", TensorKind::kWq}, {"wk", TensorKind::kWk}, {"wv", TensorKind::kWv}, {"wo", TensorKind::kWo},
    {"w1", TensorKind::kW1}, {"w2", TensorKind::kW2}, {"w3", TensorKind::kW3}, {"wcls", TensorKind::kWcls}};

}  // namespace

std::vector<std::string> q4_matrix_names() {
  std::vector<std::string> names;
  for (const NamedKind& matrix : kMatrices) names.emplace_back(matrix.name);
  return names;
}

namespace {

packer::Q4Options q4_options(const formats::Checkpoint& checkpoint, const Q4Settings& settings) {
  packer::Q4Options q4;
  const auto named = [&settings](const char* name) {
    return std::ranges::find(settings.keep_q8, name) != settings.keep_q8.end();
  };
  if (named("auto") && checkpoint.config.dim < kWideEnoughForQ4)
    q4.keep_q8 = {TensorKind::kW1, TensorKind::kW2};
  for (const NamedKind& matrix : kMatrices)
    if (named(matrix.name)) q4.keep_q8.push_back(matrix.kind);
  // Stays in flash, so it costs no per-token memory.
  q4.own_embedding_below = chips::Rp2350::kChipSelect1Offset - chips::Cartridge::kFlashOffset;
  return q4;
}

}  // namespace

std::uint64_t packed_bytes(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer,
                           Profile profile, const Q4Settings& settings) {
  return packer::image_bytes(checkpoint, tokenizer, profile, q4_options(checkpoint, settings));
}

packer::ImageBytes pack_with_progress(const formats::Checkpoint& checkpoint,
                                      const formats::Vocabulary& tokenizer, Profile profile,
                                      const Q4Settings& settings) {
  packer::Q4Options q4 = q4_options(checkpoint, settings);
  std::optional<packer::InputMoments> moments;
  if (profile == Profile::kQ4 && settings.calibration_tokens > 0) {
    Progress progress("calibrating", static_cast<std::uint64_t>(settings.calibration_tokens));
    moments = packer::input_moments(checkpoint, tokenizer, settings.calibration_tokens,
                                    [&progress](std::uint64_t more) { progress.advance(more); });
    q4.moments = &*moments;
  }
  Progress progress("packing", packer::image_bytes(checkpoint, tokenizer, profile, q4));
  return packer::pack(
      checkpoint, tokenizer, profile, [&progress](std::uint64_t packed) { progress.advance(packed); }, q4);
}

ModelSource ModelSource::open(const std::string& path, const std::string& tokenizer_path,
                              std::optional<Profile> profile, const Q4Settings& settings) {
  ModelSource source;
  if (is_image(path)) {
    source.file_ = std::make_unique<MappedFile>(path);
    source.image_ = parse_image(std::as_bytes(source.file_->bytes()), path);
    source.check_request(path, tokenizer_path, profile);
    return source;
  }
  if (is_memory_image(path)) {
    source.flash_ = std::make_unique<FlashModels>(FlashModels::open(path));
    if (source.flash_->count() == 0)
      fail("{}: holds a program and no model; give a UF2 that pico-llama uf2 made with one", path);
    source.image_ = parse_image(source.flash_->image(0), path);
    source.check_request(path, tokenizer_path, profile);
    return source;
  }
  const auto checkpoint = formats::Checkpoint::open(path);
  const auto tokenizer =
      open_tokenizer(find_tokenizer(tokenizer_path, path, checkpoint.config.vocab_size), checkpoint);
  return pack(checkpoint, tokenizer, profile.value_or(Profile::kF32), settings,
              metadata_of(checkpoint, path));
}

ModelSource ModelSource::pack(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer,
                              Profile profile, const Q4Settings& settings, const ModelMetadata& metadata) {
  ModelSource source;
  source.packed_ = pack_with_progress(checkpoint, tokenizer, profile, settings);
  if (!metadata.empty()) packer::add_metadata(source.packed_, metadata.view());
  Result<ModelImage> image = ModelImage::parse(source.packed_);
  // A failure here is a bug in the packer: its inputs were validated.
  CHECK(image.ok());
  source.image_ = image.value();
  return source;
}

void ModelSource::check_request(const std::string& path, const std::string& tokenizer_path,
                                std::optional<Profile> profile) const {
  if (profile && *profile != image_.profile())
    fail("{}: is packed as {}; pack its checkpoint again with --profile {}", path,
         profile_name(image_.profile()), profile_name(*profile));
  if (tokenizer_path.empty()) return;
  const Sha256 given = sha256(MappedFile(tokenizer_path).bytes());
  if (!std::ranges::equal(given, image_.header().tokenizer_sha256))
    fail("{}: contains a different tokenizer than {}; omit -z, images include their tokenizer", path,
         tokenizer_path);
}

std::optional<Profile> profile_of(const std::string& name) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4})
    if (name == profile_name(profile)) return profile;
  return std::nullopt;
}

}  // namespace pico_llama
