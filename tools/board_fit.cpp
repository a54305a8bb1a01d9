#include "tools/board_fit.h"

#include <fmt/format.h>

#include "engine/check.h"
#include "engine/session.h"
#include "firmware/app/model_placement.h"
#include "firmware/chips/rp2350.h"

namespace pico_llama {
namespace {

struct BoardKind {
  const char* name;
  std::uint64_t flash_bytes;
  std::uint64_t psram_bytes;
};
constexpr BoardKind kBoards[] = {{"Pico Plus 2 W", 16u << 20, 8u << 20}, {"Pico 2", 4u << 20, 0}};
/// Of flash and PSRAM at the default clocks (docs/timing.md).
constexpr std::uint32_t kSckHz = 75'000'000;

std::uint64_t sram_for(const ModelImage& image) {
  return chips::ModelMemory::kPromisedSramBytes -
         app::aligned(image.tensor_count() * sizeof(app::PlacementItem));
}

app::Placement placement_on(const BoardKind& board, const ModelImage& image) {
  std::vector<app::PlacementItem> items(image.tensor_count());
  return app::place_model(image, items,
                          {.sram_bytes = sram_for(image),
                           .psram_bytes = board.psram_bytes,
                           .psram_sck_hz = board.psram_bytes != 0 ? kSckHz : 0,
                           .flash_sck_hz = kSckHz});
}

BoardFit fit(const BoardKind& board, const ModelImage& image) {
  BoardFit fit{board.name, false, ""};
  const std::uint64_t slot = board.flash_bytes - chips::Cartridge::kFlashOffset;
  if (image.bytes().size() > slot) {
    fit.details = fmt::format("its flash has room for {} bytes of model", slot);
    return fit;
  }
  const std::uint64_t sram = sram_for(image);
  const app::Placement placement = placement_on(board, image);
  fit.fits = placement.fits;
  if (!fit.fits) {
    fit.details =
        placement.sram_needed > sram
            ? fmt::format("needs {} bytes of SRAM, there are {}", placement.sram_needed, sram)
            : fmt::format("key/value cache of {} bytes finds no memory; train with a shorter context",
                          placement.kv_bytes);
    return fit;
  }
  const bool cache_in_sram = placement.kv_memory == hal::Memory::kSram;
  fit.details = fmt::format("{} of {} bytes of SRAM, key/value cache in {}, context {}", placement.sram_used,
                            sram, cache_in_sram ? "SRAM" : "PSRAM", placement.context);
  if (placement.context < image.config().seq_len)
    fit.details += fmt::format(" of {}", image.config().seq_len);
  if (placement.stream_bytes != 0)
    fit.details += fmt::format("; streams {} bytes a token", placement.bus_bytes_per_token);
  return fit;
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
  constexpr int kCores = 2;
  const Result<std::size_t> bytes = Session::bytes_needed(image, context, kCores);
  CHECK(bytes.ok());
  return bytes.value();
}

bool streams_on_board(const ModelImage& image) {
  const app::Placement placement = placement_on(kBoards[0], image);
  return placement.fits && placement.stream_bytes != 0;
}

std::vector<BoardFit> board_fits(const ModelImage& image) {
  std::vector<BoardFit> fits;
  for (const BoardKind& board : kBoards) fits.push_back(fit(board, image));
  return fits;
}

}  // namespace pico_llama
