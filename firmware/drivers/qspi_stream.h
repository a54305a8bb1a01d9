/// Reads flash or PSRAM ahead of the engine: the XIP stream FIFO, drained by one DMA channel.
#pragma once

#include "engine/streaming/staged_stream.h"

namespace pico_llama::drivers {

/// One run is one stream (STREAM_ADDR, STREAM_CTR) and one transfer of the DMA channel, whose interrupt on
/// core 0 starts the next. So the bus has one sequential reader, with a command and address only at the start
/// of a run. Misses of the XIP cache take priority, and the cache keeps the code that core 0 runs from flash.
/// Source: RP2350 datasheet 4.4.3 (streaming), 12.6 (DMA).
class QspiStream final : public StreamCopier {
 public:
  static constexpr unsigned kChannel = 15;  ///< of 16; claimed at start-up, since dma.cpp uses any free one

  /// Sets up the channel. Requires: called once, from core 0, with kChannel claimed and interrupt() installed
  /// on core 0 as the handler of DMA_IRQ_1, at the highest priority (the bus is idle between two runs).
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
