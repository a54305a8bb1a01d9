/// Where weights, key/value cache and activations live: decided once at load, from sizes alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "hal/board.h"

namespace pico_llama::app {

/// One thing to place.
struct PlacementItem {
  uint64_t bytes = 0;
  /// Bytes of it that one token reads, at half the context. Hot items go to SRAM first, per byte they take
  /// there.
  uint64_t bytes_per_token = 0;
  bool stays_in_flash =
      false;  ///< read so sparsely that a copy would waste SRAM: RoPE rows, an unshared embedding
  bool needs_sram = false;                   ///< small, and no stream brings it: norms
  hal::Memory memory = hal::Memory::kFlash;  ///< the answer
};

struct PlacementLimits {
  uint64_t sram_bytes = 0;
  uint64_t psram_bytes = 0;
  uint32_t psram_sck_hz = 0;
  uint32_t flash_sck_hz = 0;
  bool flash_is_dual = false;  ///< two data lines: half the speed at the same clock
  // SRAM that a stream takes as soon as anything is read from the bus: for weights alone, and for the cache
  // too.
  uint64_t stream_bytes = 0;
  uint64_t stream_bytes_with_cache = 0;
};

struct Placement {
  bool fits = false;
  int context = 0;  ///< positions; fewer than asked when the key/value cache had to shrink
  hal::Memory kv_memory = hal::Memory::kSram;
  uint64_t kv_bytes = 0;
  uint64_t state_bytes = 0;   ///< activations and views, always SRAM
  uint64_t stream_bytes = 0;  ///< of SRAM, for what is on its way from the bus
  uint64_t sram_used = 0;
  uint64_t psram_used = 0;
  uint64_t bus_bytes_per_token = 0;  ///< what a token reads over the QSPI bus, at half the context
  // What a refusal says.
  uint64_t sram_needed = 0;
};

/// Smallest context worth telling a story in.
inline constexpr int kMinContext = 64;
/// Every item starts at a multiple of this.
inline constexpr uint64_t kItemAlignment = 64;

constexpr uint64_t aligned(uint64_t bytes) {
  return (bytes + kItemAlignment - 1) / kItemAlignment * kItemAlignment;
}

/// Sets each item's memory and says where the rest goes. The rules, in order:
///  1. Activations are in SRAM, or nothing fits.
///  2. With PSRAM the key/value cache goes where a token then moves fewer bytes over the bus: into SRAM,
///  pushing weights
///     out, or into PSRAM. A shorter context is never the price.
///  3. Without PSRAM the cache is in SRAM, its context shortened if it must be, down to kMinContext.
///  4. If anything is read from the bus, a stream gets its SRAM. In PSRAM the cache is streamed too, where
///  there is room for that.
///  5. The hottest weights per byte fill what SRAM is left; the rest stay in flash, or go to PSRAM where that
///  is the faster reader: at one clock flash is, which needs no pauses for refresh.
/// kv_bytes_of: bytes of the cache for a number of positions.
Placement place(std::span<PlacementItem> items, uint64_t state_bytes, int context,
                uint64_t (*kv_bytes_of)(const void*, int), const void* kv_context,
                const PlacementLimits& limits);

}  // namespace pico_llama::app
