#include "firmware/app/pass_cost.h"

namespace pico_llama::app {
namespace {

/// Core cycles of a multiply-accumulate, with its share of all that is no matrix product; measured on the
/// virtual board.
float cycles_per_mac(Profile profile) {
  switch (profile) {
    case Profile::kF32:
      return 4.4f;
    case Profile::kQ8:
      return 1.2f;
    case Profile::kQ4:
      return 1.2f;
  }
  return 1;
}
/// The same of attention.
float cycles_per_attention_mac(Profile profile) { return profile == Profile::kF32 ? 8.0f : 2.0f; }

/// A line of 8 bytes that continues the last read (docs/timing.md).
float cycles_per_byte(uint32_t divider) { return static_cast<float>(16 * divider + 2) / 8; }

float product(int a, int b) { return static_cast<float>(a) * static_cast<float>(b); }

}  // namespace

PassCost pass_cost(const ModelImage& image, const Placement& placement, const hal::BoardInfo& board,
                   int cores) {
  const Config& c = image.config();
  const bool cache_on_bus = placement.kv_memory != hal::Memory::kSram;
  const uint64_t half_cache = cache_on_bus ? placement.kv_bytes / 2 : 0;
  const float per_layer = product(c.dim, 2 * c.dim + 2 * c.kv_dim() + 3 * c.hidden_dim);
  const float macs = static_cast<float>(c.n_layers) * per_layer + product(c.logit_count(), c.dim);
  const auto both = static_cast<float>(cores);
  PassCost cost;
  cost.bus =
      static_cast<float>(placement.bus_bytes_per_token - half_cache) * cycles_per_byte(board.flash.divider);
  if (cache_on_bus)
    cost.bus_at_position = static_cast<float>(placement.kv_bytes) / static_cast<float>(placement.context) *
                           cycles_per_byte(board.psram.divider);
  cost.token = macs * cycles_per_mac(image.profile()) / both;
  cost.token_at_position = product(2 * c.n_layers, c.dim) * cycles_per_attention_mac(image.profile()) / both;
  return cost;
}

}  // namespace pico_llama::app
