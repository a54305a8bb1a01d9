/// Bulk copies and checksums by one DMA channel: no instruction fetches interrupt the transfer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pico_llama::drivers {

/// CRC32 (zlib's) of any memory. XIP memory is read through the uncached window, so the cache is not evicted.
uint32_t dma_crc32(std::span<const std::byte> bytes);

/// Copies whole words. Requires: both sides aligned to 4 and the same size.
void dma_copy(std::span<std::byte> to, std::span<const std::byte> from);

/// Fills with one word. Units: returns microseconds.
uint64_t dma_fill(std::span<std::byte> to, uint32_t word);

/// Reads words and discards them. Units: returns microseconds.
uint64_t dma_read(std::span<const std::byte> from);

}  // namespace pico_llama::drivers
