#include "tools/board_fit.h"

#include "engine/check.h"
#include "engine/session.h"
#include "firmware/app/placement.h"
#include "firmware/chips/rp2350.h"
#include "tools/support/failure.h"

namespace pico_llama {
namespace {

constexpr std::uint64_t kSramForModel = chips::ModelMemory::kPromisedSramBytes;
constexpr int kCores = 2;
constexpr std::uint64_t kPsramBytes = 8 * 1024 * 1024;  // APS6404L-3SQR: 64 Mbit
constexpr std::uint64_t kFlashForModel = chips::Rp2350::kChipSelect1Offset - chips::Cartridge::kFlashOffset;

/// The longest context whose working memory and `fixed` bytes fit into `memory`; 0 if none does.
int longest_context(const ModelImage& image, std::uint64_t fixed, std::uint64_t memory) {
  int low = 0, high = image.config().seq_len;
  while (low < high) {
    const int middle = low + (high - low + 1) / 2;
    if (fixed + working_bytes(image, middle) <= memory)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

/// What to do about a model that fits nowhere.
const char* too_large(Profile profile) {
  if (profile == Profile::kF32) return "; try --profile q8";
  return profile == Profile::kQ8 ? "; try --profile q4" : "; the model is too large";
}

Placement place(const ModelImage& image, std::string memory, std::uint64_t fixed, std::uint64_t room) {
  const std::uint64_t needed = fixed + working_bytes(image, image.config().seq_len);
  Placement placement{std::move(memory), needed <= room, fmt::format("{} bytes of {}", needed, room)};
  if (placement.fits) return placement;
  if (const int longest = longest_context(image, fixed, room); longest > 0)
    placement.reason += fmt::format("; fits with a context of {}", longest);
  else
    placement.reason += too_large(image.profile());
  return placement;
}

}  // namespace

ImageSizes sizes_of(const ModelImage& image) {
  ImageSizes sizes;
  sizes.image = image.bytes().size();
  sizes.tokenizer = image.header().tokenizer_bytes;
  for (std::uint32_t i = 0; i < image.tensor_count(); ++i) {
    const bool rope = image.entry(i).kind == static_cast<std::uint32_t>(TensorKind::kRope);
    (rope ? sizes.rope : sizes.weights) += image.entry(i).bytes;
  }
  return sizes;
}

std::uint64_t working_bytes(const ModelImage& image, int context) {
  const Result<std::size_t> bytes = Session::bytes_needed(image, context, kCores);
  CHECK(bytes.ok());
  return bytes.value();
}

std::vector<Placement> placements(const ModelImage& image) {
  const ImageSizes sizes = sizes_of(image);
  // The firmware's loader leaves RoPE's rows in flash, one a token; it keeps a list of the tensors.
  const std::uint64_t in_sram = sizes.weights + image.tensor_count() * sizeof(app::PlacementItem);
  std::vector<Placement> list = {place(image, "SRAM", in_sram, kSramForModel),
                                 place(image, "PSRAM", sizes.image, kPsramBytes)};
  Placement flash = place(image, "flash", 0, kPsramBytes);
  flash.reason =
      fmt::format("{} bytes of {}, working memory in PSRAM {}", sizes.image, kFlashForModel, flash.reason);
  if (sizes.image > kFlashForModel) {
    flash.fits = false;
    flash.reason += too_large(image.profile());
  }
  list.push_back(flash);
  return list;
}

}  // namespace pico_llama
