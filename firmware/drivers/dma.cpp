#include "firmware/drivers/dma.h"

#include "firmware/chips/rp2350.h"
#include "hardware/dma.h"
#include "hardware/timer.h"
#include "hardware/xip_cache.h"

namespace pico_llama::drivers {
namespace {

using chips::Rp2350;

/// The same address in the uncached window.
const std::byte* uncached(const std::byte* address) {
  const auto value = reinterpret_cast<uintptr_t>(address);
  const bool cached_xip = value >= Rp2350::kXipCachedBase && value < Rp2350::kXipUncachedBase;
  return cached_xip ? address + (Rp2350::kXipUncachedBase - Rp2350::kXipCachedBase) : address;
}

std::byte* uncached(std::byte* address) {
  return const_cast<std::byte*>(uncached(static_cast<const std::byte*>(address)));
}

/// Invalidates cache lines of memory that DMA has written.
void invalidate_cached(std::span<std::byte> bytes) {
  const auto address = reinterpret_cast<uintptr_t>(bytes.data());
  if (address < Rp2350::kXipCachedBase || address >= Rp2350::kXipUncachedBase) return;
  const uintptr_t begin = address - Rp2350::kXipCachedBase;
  const uintptr_t line = Rp2350::kXipLineBytes;
  xip_cache_invalidate_range(begin / line * line, (bytes.size() + begin % line + line - 1) / line * line);
}

class Channel {
 public:
  Channel() : number_(static_cast<unsigned>(dma_claim_unused_channel(true))) {}
  ~Channel() { dma_channel_unclaim(number_); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Runs to completion.
  void run(volatile void* to, bool advance_to, const volatile void* from, bool advance_from,
           dma_channel_transfer_size size, uint32_t count, bool sniff) {
    dma_channel_config config = dma_channel_get_default_config(number_);
    channel_config_set_transfer_data_size(&config, size);
    channel_config_set_read_increment(&config, advance_from);
    channel_config_set_write_increment(&config, advance_to);
    channel_config_set_sniff_enable(&config, sniff);
    dma_channel_configure(number_, &config, to, from, count, true);
    dma_channel_wait_for_finish_blocking(number_);
  }
  unsigned number() const { return number_; }

 private:
  unsigned number_;
};

}  // namespace

uint32_t dma_crc32(std::span<const std::byte> bytes) {
  Channel channel;
  // zlib's CRC32 is the sniffer's CRC32R with the result bit-reversed and inverted. RP2350
  // datasheet 12.6.8.2.
  dma_sniffer_enable(channel.number(), DMA_SNIFF_CTRL_CALC_VALUE_CRC32R, true);
  dma_sniffer_set_output_reverse_enabled(true);
  dma_sniffer_set_output_invert_enabled(true);
  dma_sniffer_set_data_accumulator(0xffffffffu);
  uint32_t sink;
  const std::byte* from = uncached(bytes.data());
  size_t left = bytes.size();
  // Aligned words (least significant byte first, as in zlib), and single bytes before and after them.
  const auto run = [&](dma_channel_transfer_size size, size_t count) {
    if (count == 0) return;
    channel.run(&sink, false, from, true, size, static_cast<uint32_t>(count), true);
    from += count << size;
    left -= count << size;
  };
  const size_t head = (4 - reinterpret_cast<uintptr_t>(from) % 4) % 4;
  run(DMA_SIZE_8, head < left ? head : left);
  run(DMA_SIZE_32, left / 4);
  run(DMA_SIZE_8, left);
  const uint32_t crc = dma_sniffer_get_data_accumulator();
  dma_sniffer_disable();
  return crc;
}

void dma_copy(std::span<std::byte> to, std::span<const std::byte> from) {
  Channel().run(uncached(to.data()), true, uncached(from.data()), true, DMA_SIZE_32,
                static_cast<uint32_t>(to.size() / 4), false);
  invalidate_cached(to);
}

uint64_t dma_fill(std::span<std::byte> to, uint32_t word) {
  const uint64_t start = time_us_64();
  Channel().run(uncached(to.data()), true, &word, false, DMA_SIZE_32, static_cast<uint32_t>(to.size() / 4),
                false);
  const uint64_t us = time_us_64() - start;
  invalidate_cached(to);
  return us;
}

uint64_t dma_read(std::span<const std::byte> from) {
  uint32_t sink;
  const uint64_t start = time_us_64();
  Channel().run(&sink, false, uncached(from.data()), true, DMA_SIZE_32,
                static_cast<uint32_t>(from.size() / 4), false);
  return time_us_64() - start;
}

}  // namespace pico_llama::drivers
