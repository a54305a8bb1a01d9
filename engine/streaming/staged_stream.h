// A WeightStream over a ring buffer, without the hardware that copies.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/streaming/stream_schedule.h"
#include "engine/streaming/weight_stream.h"

namespace pico_llama {

/// The copier: a DMA channel and its interrupt, or a thread. It calls copied() and more() of its stream from
/// one context, never concurrently.
class StreamCopier {
 public:
  /// Starts to copy; copied() is to be called when that has ended.
  virtual void copy(std::byte* to, const std::byte* from, uint32_t bytes) = 0;
  /// Halts a copy under way, if there is one, for good.
  virtual void halt() = 0;
  /// Has more() called soon. From any worker.
  virtual void wake() = 0;
  /// A worker waits until something may have come: until announce(), at least.
  virtual void wait() = 0;
  virtual void announce() = 0;
  /// Blocks and unblocks the copier's context.
  virtual void lock() = 0;
  virtual void unlock() = 0;

 protected:
  ~StreamCopier() = default;
};

/// Keeps a copier busy: it fills the ring with one run of the schedule after the other as long as there is
/// room, while the workers use what has come.
///
/// Each worker writes its own counts, the copier's context everything else, so there are no locks; only
/// begin() blocks the copier briefly.
class StagedStream final : public WeightStream {
 public:
  explicit StagedStream(StreamCopier& copier) : copier_(copier) {}

  /// Runs in the ring or on their way, at most.
  static constexpr uint32_t kMostRuns = 16;

  /// Starts to read ahead. Requires: memory is aligned to kStreamAlignment and holds table_bytes() and the
  /// longest run; stop() before the schedule's items or memory go away.
  void open(const StreamSchedule& schedule, std::span<std::byte> memory);
  /// Nothing is copied after this until open().
  void stop();

  void begin(int pos, int tokens, bool want_logits) override;
  StreamPiece next(int worker) override;
  void done(int worker) override;
  bool brings_cache() const override { return schedule_.brings_cache(); }
  void cache_written(int worker) override;

  // In the copier's context.
  void copied();
  void more();

 private:
  // These lie at the start of the memory, so that a board whose model needs no stream gives them none. Their
  // words that two contexts use are reached through std::atomic_ref.
  struct Slot {
    uint32_t begin;
    uint32_t bytes;
    const std::byte* source;
    uint16_t worker;
    uint16_t blocks;
  };
  struct Queue {
    StreamPiece pieces[kMostRuns];
    uint32_t filled;   ///< pieces brought; written by the copier's context
    uint32_t done;     ///< pieces used; written by the worker
    uint32_t taken;    ///< pieces handed out; the worker's
    uint32_t freed;    ///< pieces whose memory is free again; the copier's
    uint32_t written;  ///< layers' caches; written by the worker
  };
  struct Tables {
    Queue queues[kMaxStreamWorkers];
    Slot slots[kMostRuns];  ///< the copier's
  };

 public:
  /// What of the memory is not ring.
  static constexpr uint32_t table_bytes() { return stream_room(sizeof(Tables)); }

 private:
  void report(uint32_t& count);
  bool prepare();
  bool find_room(uint32_t room, uint32_t& begin);
  void start();

  StreamCopier& copier_;
  StreamSchedule schedule_{};
  std::span<std::byte> ring_{};
  Tables* tables_ = nullptr;
  std::atomic<bool> starved_{false};  ///< the copier wants to hear of anything that changes

  // The copier's. Slots are counted from 0 without end: freed, brought, started, prepared.
  uint32_t oldest_ = 0;
  uint32_t brought_ = 0;
  uint32_t started_ = 0;
  uint32_t prepared_ = 0;
  uint32_t head_ = 0;  ///< where the next run may go
  StreamRun waiting_{};
  bool has_waiting_ = false;
  bool open_ = false;
};

}  // namespace pico_llama
