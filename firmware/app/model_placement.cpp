#include "firmware/app/model_placement.h"

#include "engine/check.h"
#include "engine/session.h"
#include "engine/streaming/staged_stream.h"

namespace pico_llama::app {
namespace {

/// Minimum ring size: the stream keeps reading while the workers do other work, as long as the ring has room.
constexpr uint64_t kRingBytes = 32 * 1024;
/// Size of one stream run, unless a row block is longer. Longer runs leave the bus idle less often.
constexpr uint32_t kPieceBytes = 4 * 1024;

/// Logits of more tokens a pass take SRAM from weights: as long as a pass reads no more than this part more
/// for it.
constexpr uint64_t kForLogits = 32;

bool streamable(Encoding encoding) { return encoding != Encoding::kPlainF32; }

/// The list, the stream's tables and a ring.
uint64_t stream_bytes(const ModelImage& image) {
  uint64_t longest = kPieceBytes;
  for (uint32_t i = 0; i < image.tensor_count(); ++i) {
    const Tensor tensor = image.tensor(i);
    if (!streamable(tensor.encoding)) continue;
    const uint64_t block = tensor_bytes(tensor.encoding, kBlockRows, tensor.columns);
    longest = block > longest ? block : longest;
  }
  const uint64_t ring = 4 * longest;
  return stream_list_bytes(image.config()) + StagedStream::table_bytes() +
         aligned(ring > kRingBytes ? ring : kRingBytes);
}

/// The same with the KV cache in the ring: two heads, so that one is read while the other is used, if they
/// take at most a quarter of SRAM; otherwise one.
uint64_t stream_bytes_with_cache(const ModelImage& image, uint64_t sram_bytes) {
  const Config& config = image.config();
  const uint64_t heads = static_cast<uint64_t>(config.n_layers) * static_cast<uint64_t>(config.n_kv_heads);
  const uint64_t head = kv_cache_bytes(config, image.profile(), config.seq_len) / heads +
                        uint64_t{CacheArrays::kMost} * kStreamAlignment;
  const uint64_t weights = stream_bytes(image);
  const uint64_t both = stream_list_bytes(config) + StagedStream::table_bytes() +
                        aligned(8 * head <= sram_bytes ? 2 * head : head + 2 * kPieceBytes);
  return both > weights ? both : weights;
}

uint64_t kv_bytes_of(const void* image, int context) {
  const auto& model = *static_cast<const ModelImage*>(image);
  return kv_cache_bytes(model.config(), model.profile(), context);
}

}  // namespace

uint64_t stream_list_bytes(const Config& config) {
  // Seven matrices and the cache in each layer, and the classifier.
  return aligned((static_cast<uint64_t>(config.n_layers) * 8 + 1) * sizeof(StreamItem));
}

Placement place_model(const ModelImage& image, std::span<PlacementItem> items, PlacementLimits board) {
  CHECK(items.size() == image.tensor_count());
  for (uint32_t i = 0; i < items.size(); ++i) {
    const Tensor tensor = image.tensor(i);
    const auto kind = static_cast<TensorKind>(image.entry(i).kind);
    PlacementItem& item = items[i];
    item = {};
    item.bytes = tensor.bytes();
    const bool one_row =
        kind == TensorKind::kRope || (kind == TensorKind::kTokenEmbedding && !image.shared_classifier());
    item.bytes_per_token = one_row ? item.bytes / tensor.rows : item.bytes;
    item.stays_in_flash = one_row;
    item.needs_sram = !one_row && !streamable(tensor.encoding);
  }
  const int context = image.config().seq_len;
  board.stream_bytes = stream_bytes(image);
  board.stream_bytes_with_cache = stream_bytes_with_cache(image, board.sram_bytes);
  const auto place_with = [&](int most_logits) -> Placement {
    constexpr int kCores = 2;
    const Result<size_t> state_bytes =
        Session::bytes_needed_without_cache(image, context, kCores, most_logits);
    if (!state_bytes.ok()) return {};
    Placement placement = place(items, state_bytes.value(), context, kv_bytes_of, &image, board);
    placement.most_logits = most_logits;
    return placement;
  };
  const Placement one = place_with(1);
  // In SRAM a pass costs as much as its tokens do: nothing to gain from several. Nor, on the whole, from
  // guesses out of the text alone, without a table (decision 0018).
  if (!one.fits || one.stream_bytes == 0 || image.drafts() == nullptr) return one;
  for (int most = kPrefillBlock; most > 1; --most) {
    const Placement several = place_with(most);
    const bool same = several.fits && several.context == one.context && several.kv_memory == one.kv_memory;
    if (same && several.bus_bytes_per_token <= one.bus_bytes_per_token + one.bus_bytes_per_token / kForLogits)
      return several;
  }
  return place_with(1);
}

}  // namespace pico_llama::app
