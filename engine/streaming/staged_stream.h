// A WeightStream over a ring buffer, independent of the copying hardware.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/streaming/stream_schedule.h"
#include "engine/streaming/weight_stream.h"

namespace pico_llama {

/// Copies runs: a DMA channel with its interrupt, or a thread. Calls copied() and more() of its stream from a
/// single context.
class StreamCopier {
 public:
  /// Starts a copy and calls copied() when it has finished.
  virtual void copy(std::byte* to, const std::byte* from, uint32_t bytes) = 0;
  /// Aborts the copy in progress, if any.
  virtual void halt() = 0;
  /// Requests a call of more() from the copier's context. Callable from any worker.
  virtual void wake() = 0;
  /// Blocks a worker until announce() is called; may wake spuriously.
  virtual void wait() = 0;
  virtual void announce() = 0;
  /// Keeps the copier's context from running, and lets it run again.
  virtual void lock() = 0;
  virtual void unlock() = 0;

 protected:
  ~StreamCopier() = default;
};

/// Keeps the copier busy: copies one run of the schedule after the other into the ring while there is space,
/// and hands finished runs to the workers. Lock-free: each word has one writer (a worker or the copier's
/// context); only begin() blocks the copier briefly.
class StagedStream final : public WeightStream {
 public:
  explicit StagedStream(StreamCopier& copier) : copier_(copier) {}

  /// Maximum number of runs in the ring or in flight.
  static constexpr uint32_t kMostRuns = 16;

  /// Starts prefetching. Requires: memory is aligned to kStreamAlignment and holds table_bytes() and the
  /// longest run; stop() before the schedule's items or memory go away.
  void open(const StreamSchedule& schedule, std::span<std::byte> memory);
  /// Stops copying until the next open().
  void stop();

  void begin(int pos, int tokens, bool want_logits) override;
  StreamPiece next(int worker) override;
  void done(int worker) override;
  bool streams_cache() const override { return schedule_.streams_cache(); }

  // In the copier's context.
  void copied();
  void more();

 private:
  // Stored at the start of the stream's memory, so that a model without a stream pays nothing. Words shared
  // by two contexts are accessed through std::atomic_ref.
  struct Slot {
    uint32_t begin;
    uint32_t bytes;
    const std::byte* source;
    uint16_t worker;
    uint16_t blocks;
  };
  struct Queue {
    StreamPiece pieces[kMostRuns];
    uint32_t filled;  ///< pieces brought; written by the copier's context
    uint32_t done;    ///< pieces used; written by the worker
    uint32_t taken;   ///< pieces handed out; the worker's
    uint32_t freed;   ///< pieces whose memory is free again; the copier's
  };
  struct Tables {
    Queue queues[kMaxStreamWorkers];
    Slot slots[kMostRuns];  ///< the copier's
  };

 public:
  /// Bytes in front of the ring.
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
  std::atomic<bool> starved_{false};  ///< the copier has nothing to do: report() must wake it

  // Slot counters, never reset while open: oldest_ (first slot in use) <= brought_ (copied) <= started_ <=
  // prepared_ <= oldest_ + kMostRuns. The copier's.
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
