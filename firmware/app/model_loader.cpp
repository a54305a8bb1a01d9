#include "firmware/app/model_loader.h"

#include "firmware/app/model_placement.h"
#include "firmware/app/pass_cost.h"

namespace pico_llama::app {
namespace {

using hal::Memory;

/// Least size of an image that can have a valid header.
constexpr size_t kSmallestImage = sizeof(ImageHeader);

bool erased(std::span<const std::byte> slot) {
  for (size_t i = 0; i < 64 && i < slot.size(); ++i) {
    if (slot[i] != std::byte{0xff}) return false;
  }
  return true;
}

/// Sizes are planned in 64 bits so that no model's size can wrap; placed sizes fit size_t.
constexpr size_t fitting(uint64_t bytes) { return static_cast<size_t>(bytes); }

/// Minimum number of pieces in a ring: for each worker one in use, one ready, one being read.
constexpr uint32_t kPieces = 6;

}  // namespace

ModelState ModelLoader::load(Workers* single, Workers* both) {
  const uint64_t start = board_.micros();
  crews_[0] = single;
  crews_[1] = both;
  cores_ = both != nullptr ? 2 : 1;
  psram_gave_up_ = false;
  board_.stream().stop();
  const Cartridge cartridge = Cartridge::in(board_.memory().model_slot);
  if (chosen_ >= cartridge.count()) chosen_ = 0;
  state_ = check(cartridge.slot(chosen_));
  if (state_ != ModelState::kReady) return state_;

  bool placed = plan(!board_.memory().psram.empty());
  if (placed && !copy_weights()) {
    // PSRAM passed its tests but corrupted the copy: try without PSRAM.
    psram_gave_up_ = true;
    placed = plan(false) && copy_weights();
  }
  if (!placed) return state_ = ModelState::kTooLarge;
  why_ = bind(*crews_[cores_ - 1]);
  if (!why_.ok()) return state_ = ModelState::kBroken;
  load_milliseconds_ = static_cast<uint32_t>((board_.micros() - start) / 1000);
  return state_;
}

ModelState ModelLoader::check(std::span<const std::byte> slot) {
  if (slot.size() < kSmallestImage || erased(slot)) return ModelState::kNone;
  const auto broken = [this](Status status) {
    why_ = status;
    return ModelState::kBroken;
  };
  const auto& header = *reinterpret_cast<const ImageHeader*>(slot.data());
  if (header.magic != kImageMagic) {
    return broken(
        {StatusCode::kCorruptImage, "the flash at the model's address does not contain a model image"});
  }
  if (header.file_bytes < kSmallestImage || header.file_bytes > slot.size()) {
    return broken({StatusCode::kCorruptImage,
                   "the model's header states {} bytes, but only {} are available in flash",
                   header.file_bytes, static_cast<int64_t>(slot.size())});
  }
  if (header.version == kImageVersion) {
    // The checksum comes first. An image of another version may keep its checksum elsewhere;
    // parse() reports the version.
    const std::span<const std::byte> covered = slot.subspan(kCrcFrom, header.file_bytes - kCrcFrom);
    uint32_t crc = board_.crc32(covered);
    // On a mismatch the core recomputes the checksum, so a wrong DMA sniffer rejects no model
    // (/selftest reports it).
    if (crc != header.crc32) crc = pico_llama::crc32(covered);
    if (crc != header.crc32) {
      return broken(
          {StatusCode::kCorruptImage,
           "the model's bytes changed since it was packed (CRC32 {}, should be {}): drag it on again", crc,
           header.crc32});
    }
  }
  const Result<ModelImage> image = ModelImage::parse(slot.first(header.file_bytes));
  if (!image.ok()) return broken(image.status());
  image_ = image.value();
  return ModelState::kReady;
}

bool ModelLoader::plan(bool with_psram) {
  const hal::BoardInfo& info = board_.info();
  const hal::MemoryMap& memory = board_.memory();
  const uint32_t clk = info.clocks.clk_sys_hz;
  Arena arena(memory.sram);
  const uint32_t count = image_.tensor_count();
  items_ = {arena.alloc<PlacementItem>(count, kItemAlignment), count};
  const PlacementLimits limits{
      .sram_bytes = memory.sram.size() - aligned(items_.size_bytes()),
      .psram_bytes = with_psram ? memory.psram.size() : 0,
      .psram_sck_hz = info.psram.divider ? clk / info.psram.divider : 0,
      .flash_sck_hz = info.flash.divider ? clk / info.flash.divider : 0,
      .flash_is_slow = !info.flash.continuous_quad,
  };
  placement_ = place_model(image_, items_, limits);
  if (!placement_.fits) return false;

  state_memory_ = {arena.alloc<std::byte>(fitting(placement_.state_bytes), kItemAlignment),
                   fitting(placement_.state_bytes)};
  std::byte* psram = memory.psram.data();
  if (placement_.kv_memory == Memory::kSram) {
    kv_memory_ = {arena.alloc<std::byte>(fitting(placement_.kv_bytes), kItemAlignment),
                  fitting(placement_.kv_bytes)};
  } else {
    kv_memory_ = {psram, fitting(placement_.kv_bytes)};
    psram += fitting(placement_.kv_bytes);
    board_.fill(kv_memory_, 0);
  }
  const uint64_t kv_in_sram = placement_.kv_memory == Memory::kSram ? placement_.kv_bytes : 0;
  sram_weights_ = arena.alloc<std::byte>(
      fitting(placement_.sram_used - placement_.state_bytes - kv_in_sram - placement_.stream_bytes),
      kItemAlignment);
  stream_memory_ = {};
  if (placement_.stream_bytes != 0) {
    // The rest of SRAM makes the ring longer.
    const uint64_t left =
        (memory.sram.size() - arena.used()) / kItemAlignment * kItemAlignment - kItemAlignment;
    placement_.sram_used += left - placement_.stream_bytes;
    placement_.stream_bytes = left;
    stream_memory_ = {arena.alloc<std::byte>(fitting(left), kItemAlignment), fitting(left)};
  }
  psram_weights_ = psram;
  placement_.sram_used += aligned(items_.size_bytes());
  return true;
}

bool ModelLoader::copy_weights() {
  std::byte* sram = sram_weights_;
  std::byte* psram = psram_weights_;
  for (uint32_t i = 0; i < items_.size(); ++i) {
    const PlacementItem& item = items_[i];
    if (item.memory == Memory::kFlash) continue;
    std::byte*& to = item.memory == Memory::kSram ? sram : psram;
    const std::span<const std::byte> from(image_.tensor(i).data, fitting(item.bytes));
    const std::span copy(to, fitting(item.bytes));
    board_.copy(copy, from);
    // Copies in SRAM are trusted; copies in PSRAM are verified once.
    if (item.memory == Memory::kPsram && board_.crc32(copy) != board_.crc32(from)) return false;
    to += fitting(aligned(item.bytes));
  }
  return true;
}

Status ModelLoader::bind(Workers& workers) {
  PICO_LLAMA_RETURN_IF_ERROR(
      session_.open(image_, placement_.context, state_memory_, kv_memory_, workers, placement_.most_logits));
  session_.set_pass_cost(pass_cost(image_, placement_, board_.info(), workers.count()));
  Transformer& transformer = session_.transformer();
  TransformerWeights& weights = transformer.weights();
  const std::byte* sram = sram_weights_;
  const std::byte* psram = psram_weights_;
  for (uint32_t i = 0; i < items_.size(); ++i) {
    const PlacementItem& item = items_[i];
    const auto kind = static_cast<TensorKind>(image_.entry(i).kind);
    const uint32_t layer = image_.entry(i).layer;
    if (item.memory != Memory::kFlash) {
      const std::byte*& at = item.memory == Memory::kSram ? sram : psram;
      weights.rebind(kind, layer, at);
      at += fitting(aligned(item.bytes));
    }
    const bool streamed = item.memory != Memory::kSram && !item.stays_in_flash;
    weights.tensor(kind, layer).streamed = streamed;
    if (kind == TensorKind::kTokenEmbedding && weights.shared_classifier) weights.wcls.streamed = streamed;
  }
  bind_stream(workers.count());
  return {};
}

void ModelLoader::bind_stream(int worker_count) {
  Transformer& transformer = session_.transformer();
  StagedStream& stream = board_.stream();
  transformer.set_stream(nullptr);
  stream.stop();
  if (stream_memory_.empty()) return;
  const size_t list_bytes = fitting(stream_list_bytes(image_.config()));
  const std::span memory = stream_memory_.subspan(list_bytes);
  const std::span list(reinterpret_cast<StreamItem*>(stream_memory_.data()), transformer.most_stream_items());
  for (StreamItem& item : list) item = {};
  const bool cache = placement_.kv_memory != Memory::kSram;
  const size_t count = transformer.stream_items(cache, list);
  const uint32_t ring_bytes = static_cast<uint32_t>(memory.size()) - StagedStream::table_bytes();
  const uint32_t piece_bytes = ring_bytes / kPieces;
  stream.open(StreamSchedule(list.first(count), cache ? transformer.cache_arrays() : CacheArrays{},
                             ring_bytes, piece_bytes, worker_count),
              memory);
  transformer.set_stream(&stream);
}

void ModelLoader::use_cores(int cores) {
  if (cores == cores_ || crews_[cores - 1] == nullptr) return;
  cores_ = cores;
  if (state_ != ModelState::kReady) return;
  const Status status = bind(*crews_[cores - 1]);
  CHECK(status.ok());  // the memory was sized for two workers
}

}  // namespace pico_llama::app
