#include "firmware/app/placement.h"

namespace pico_llama::app {
namespace {

using hal::Memory;

/// Greedy: repeatedly takes the item with the most bytes per token per byte of SRAM that still fits.
/// Quadratic, but there are few items and it runs once.
uint64_t fill_sram(std::span<PlacementItem> items, uint64_t room, Memory elsewhere) {
  uint64_t used = 0;
  for (PlacementItem& item : items) {
    item.memory = item.needs_sram ? Memory::kSram : item.stays_in_flash ? Memory::kFlash : elsewhere;
    if (item.needs_sram) used += aligned(item.bytes);
  }
  for (;;) {
    PlacementItem* best = nullptr;
    for (PlacementItem& item : items) {
      if (item.stays_in_flash || item.memory == Memory::kSram || used + aligned(item.bytes) > room) continue;
      // Ties: the largest first, which leaves the smallest gap at the end.
      const uint64_t heat = item.bytes_per_token * (best ? best->bytes : 0);
      const uint64_t best_heat = best ? best->bytes_per_token * item.bytes : 0;
      if (best == nullptr || heat > best_heat || (heat == best_heat && item.bytes > best->bytes))
        best = &item;
    }
    if (best == nullptr) return used;
    best->memory = Memory::kSram;
    used += aligned(best->bytes);
  }
}

uint64_t speed(uint32_t sck_hz, int lines) { return uint64_t{sck_hz} * static_cast<uint64_t>(lines); }

/// The plan for a given memory of the cache.
Placement plan_with(Memory kv_memory, std::span<PlacementItem> items, uint64_t state_bytes, int context,
                    uint64_t (*kv_bytes_of)(const void*, int), const void* kv_context,
                    const PlacementLimits& limits) {
  Placement placement;
  placement.state_bytes = aligned(state_bytes);
  placement.context = context;
  placement.kv_bytes = aligned(kv_bytes_of(kv_context, context));
  placement.kv_memory = kv_memory;
  const bool kv_in_sram = kv_memory == Memory::kSram;
  uint64_t all_weights = 0;
  uint64_t least_weights = 0;
  for (const PlacementItem& item : items) {
    all_weights += item.stays_in_flash ? 0 : aligned(item.bytes);
    least_weights += item.needs_sram ? aligned(item.bytes) : 0;
  }
  // Everything in SRAM if possible, otherwise with a stream.
  const uint64_t kv_in_room = kv_in_sram ? placement.kv_bytes : 0;
  const bool uses_bus = !kv_in_sram || placement.state_bytes + kv_in_room + all_weights > limits.sram_bytes;
  if (uses_bus) {
    placement.stream_bytes = aligned(limits.stream_bytes);
    const uint64_t with_cache = aligned(limits.stream_bytes_with_cache);
    if (!kv_in_sram && placement.state_bytes + least_weights + with_cache <= limits.sram_bytes)
      placement.stream_bytes = with_cache;
  }
  const uint64_t fixed = placement.state_bytes + placement.stream_bytes;
  placement.sram_needed =
      fixed + least_weights + (kv_in_sram ? aligned(kv_bytes_of(kv_context, kMinContext)) : 0);
  if (placement.sram_needed > limits.sram_bytes) return placement;
  const uint64_t kv_room = kv_in_sram ? limits.sram_bytes - fixed - least_weights : limits.psram_bytes;
  if (kv_in_sram && uses_bus) {
    while (placement.kv_bytes > kv_room && placement.context > kMinContext) {
      placement.context = placement.context - 8 > kMinContext ? placement.context - 8 : kMinContext;
      placement.kv_bytes = aligned(kv_bytes_of(kv_context, placement.context));
    }
  }
  if (placement.kv_bytes > kv_room) return placement;
  const uint64_t left = limits.sram_bytes - fixed - (kv_in_sram ? placement.kv_bytes : 0);

  // Weights that do not fit SRAM are copied to PSRAM only if that is read faster than flash.
  const bool psram_is_faster =
      limits.psram_bytes != 0 &&
      speed(limits.psram_sck_hz, 4) > speed(limits.flash_sck_hz, limits.flash_is_slow ? 2 : 4);
  const uint64_t used = fill_sram(items, left, psram_is_faster ? Memory::kPsram : Memory::kFlash);
  placement.psram_used = kv_in_sram ? 0 : placement.kv_bytes;
  for (PlacementItem& item : items) {
    if (item.memory != Memory::kPsram) continue;
    if (placement.psram_used + aligned(item.bytes) > limits.psram_bytes) {
      item.memory = Memory::kFlash;
    } else {
      placement.psram_used += aligned(item.bytes);
    }
  }
  placement.sram_used = fixed + (kv_in_sram ? placement.kv_bytes : 0) + used;
  for (const PlacementItem& item : items) {
    if (item.memory != Memory::kSram) placement.bus_bytes_per_token += item.bytes_per_token;
  }
  if (!kv_in_sram) placement.bus_bytes_per_token += placement.kv_bytes / 2;
  placement.fits = true;
  return placement;
}

}  // namespace

Placement place(std::span<PlacementItem> items, uint64_t state_bytes, int context,
                uint64_t (*kv_bytes_of)(const void*, int), const void* kv_context,
                const PlacementLimits& limits) {
  const auto plan = [&](Memory kv_memory) {
    return plan_with(kv_memory, items, state_bytes, context, kv_bytes_of, kv_context, limits);
  };
  if (limits.psram_bytes == 0) return plan(Memory::kSram);
  const Placement in_psram = plan(Memory::kPsram);
  const Placement in_sram = plan(Memory::kSram);  // planned last: the items are set for it
  const bool sram_is_better = in_sram.fits && in_sram.context >= in_psram.context &&
                              in_sram.bus_bytes_per_token <= in_psram.bus_bytes_per_token;
  if (sram_is_better || (in_sram.fits && !in_psram.fits)) return in_sram;
  return plan(Memory::kPsram);
}

}  // namespace pico_llama::app
