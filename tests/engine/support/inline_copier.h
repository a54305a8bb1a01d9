// A single-threaded copier: copies immediately.
#pragma once
#include <cstring>

#include "engine/streaming/staged_stream.h"

namespace pico_llama::test_support {

class InlineCopier final : public StreamCopier {
 public:
  StagedStream& stream() { return stream_; }
  uint64_t bytes_copied() const { return bytes_copied_; }

 private:
  void copy(std::byte* to, const std::byte* from, uint32_t bytes) override {
    std::memcpy(to, from, bytes);
    bytes_copied_ += bytes;
    under_way_ = true;
  }
  void halt() override { under_way_ = false; }
  void wake() override {
    stream_.more();
    while (under_way_) {
      under_way_ = false;
      stream_.copied();
    }
  }
  void wait() override { wake(); }
  void announce() override {}
  void lock() override {}
  void unlock() override {}

  StagedStream stream_{*this};
  uint64_t bytes_copied_ = 0;
  bool under_way_ = false;
};

}  // namespace pico_llama::test_support
