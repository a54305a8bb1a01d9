/// Assigns weights, KV cache and activations to memories; decided once at load, from sizes alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/board.h"

namespace pico_llama::app {

/// One tensor to place.
struct PlacementItem {
  uint64_t bytes = 0;
  /// Bytes of it that one token reads, at half the context. SRAM is given to the items with the most bytes
  /// read per byte of SRAM.
  uint64_t bytes_per_token = 0;
  bool stays_in_flash = false;  ///< one row per token, not worth SRAM: RoPE, an unshared embedding
  bool needs_sram = false;      ///< small and not streamed: norms
  hal::Memory memory = hal::Memory::kFlash;  ///< the result
};

struct PlacementLimits {
  uint64_t sram_bytes = 0;
  uint64_t psram_bytes = 0;
  uint32_t psram_sck_hz = 0;
  uint32_t flash_sck_hz = 0;
  bool flash_is_slow = false;  ///< no continuous quad reads: taken for half the speed at the same clock
  // SRAM that a stream takes if anything is read over the bus: for weights alone, and with the cache.
  uint64_t stream_bytes = 0;
  uint64_t stream_bytes_with_cache = 0;
};

struct Placement {
  bool fits = false;
  int context = 0;  ///< positions; fewer than requested if the KV cache had to shrink
  hal::Memory kv_memory = hal::Memory::kSram;
  uint64_t kv_bytes = 0;
  uint64_t state_bytes = 0;   ///< activations and views, always SRAM
  uint64_t stream_bytes = 0;  ///< of SRAM, for the stream's ring and tables
  uint64_t sram_used = 0;
  uint64_t psram_used = 0;
  int most_logits = 1;               ///< tokens that one pass generates at most
  uint64_t bus_bytes_per_token = 0;  ///< read by one token over the QSPI bus, at half the context
  // For the error message if it does not fit.
  uint64_t sram_needed = 0;
};

/// Smallest useful context.
inline constexpr int kMinContext = 64;
/// Every item starts at a multiple of this.
inline constexpr uint64_t kItemAlignment = 64;

constexpr uint64_t aligned(uint64_t bytes) {
  return (bytes + kItemAlignment - 1) / kItemAlignment * kItemAlignment;
}

/// Sets each item's memory and places cache and activations. The rules, in order:
///  1. Activations are in SRAM, or the model does not fit.
///  2. With PSRAM, the KV cache is in SRAM (displacing weights) or in PSRAM, whichever gives fewer bus bytes
///     per token. The context is not shortened for this.
///  3. Without PSRAM, the cache is in SRAM, with a shorter context if necessary, down to kMinContext.
///  4. If anything is read over the bus, SRAM is reserved for a stream. A cache in PSRAM is streamed too, if
///     there is room.
///  5. The remaining SRAM is filled with the weights that are read most often per byte. The rest stay in
///     flash, or go to PSRAM if that is faster (at one clock flash is: it needs no pauses for refresh).
/// kv_bytes_of: bytes of the cache for a number of positions.
Placement place(std::span<PlacementItem> items, uint64_t state_bytes, int context,
                uint64_t (*kv_bytes_of)(const void*, int), const void* kv_context,
                const PlacementLimits& limits);

}  // namespace pico_llama::app
