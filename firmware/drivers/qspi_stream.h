/// Reads flash or PSRAM ahead of the engine: the XIP stream FIFO, emptied by one DMA channel.
#pragma once

#include "engine/streaming/staged_stream.h"

namespace pico_llama::drivers {

/// One run is one stream (STREAM_ADDR, STREAM_CTR) and one transfer of the DMA channel, whose interrupt on
/// core 0 starts the next. So the bus has one reader, whose chained reads are broken only by the header at
/// the start of a run; misses of the XIP cache go first, and the cache keeps the code that core 0 runs from
/// flash. Source: RP2350 datasheet 4.4.3 (streaming), 12.6 (DMA).
class QspiStream final : public StreamCopier {
 public:
  static constexpr unsigned kChannel = 15;  ///< of 16; dma.cpp takes whichever is free, so it is claimed

  /// Sets the channel up. Requires: called once, from core 0, with kChannel claimed and interrupt() installed
  /// on core 0 as the handler of DMA_IRQ_1, at the highest priority: between two runs the bus is idle.
  void attach();
  static void interrupt();
  StagedStream& stream() { return stream_; }

 private:
  void copy(std::byte* to, const std::byte* from, uint32_t bytes) override;
  void halt() override;
  void wake() override;
  void wait() override;
  void announce() override;
  void lock() override;
  void unlock() override;

  StagedStream stream_{*this};
};

}  // namespace pico_llama::drivers
