// A board and a terminal made of plain memory, for the application's tests.
#pragma once

#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/model/config.h"
#include "engine/model/model_image_layout.h"
#include "firmware/app/application.h"
#include "hal/board.h"
#include "hal/console.h"
#include "tests/engine/support/inline_copier.h"

namespace pico_llama::app::test_support {

constexpr Config kSmall{.dim = 32,
                        .hidden_dim = 64,
                        .n_layers = 2,
                        .n_heads = 4,
                        .n_kv_heads = 2,
                        .vocab_size = 300,
                        .seq_len = 96};

class FakeConsole final : public hal::Console {
 public:
  bool connected() override { return host_listens; }
  int read() override {
    host_listens = host_listens || opened_by_read;
    if (input.empty()) return -1;
    const auto byte = static_cast<unsigned char>(input.front());
    input.pop_front();
    return byte;
  }
  void write(std::string_view text) override {
    if (host_listens) output += text;
  }
  void flush() override {
    if (watching) flushed_at.push_back(output.size());
  }
  void watch_for_cancel(bool on) override {
    watching = on;
    polls = 0;
  }
  bool cancelled() override { return cancel_after >= 0 && polls++ >= cancel_after; }
  unsigned take_lost_input() override {
    const unsigned lost = lost_input;
    lost_input = 0;
    return lost;
  }
  void idle() override { ++idles; }

  void type(std::string_view text) { input.insert(input.end(), text.begin(), text.end()); }
  std::string take_output() { return std::exchange(output, {}); }

  std::deque<char> input;
  std::string output;
  bool host_listens = true;
  bool opened_by_read = false;  ///< the port is opened just before a read
  bool watching = false;
  int cancel_after = -1;  ///< polls during a story before Ctrl-C is seen; negative: never
  int polls = 0;
  int idles = 0;
  std::vector<size_t> flushed_at;  ///< bytes of output before each flush of a story
  unsigned lost_input = 0;
};

struct RebootRequested {
  bool bootsel;
};

class FakeBoard final : public hal::Board {
 public:
  FakeBoard(size_t sram_bytes, size_t psram_bytes, size_t flash_bytes)
      : sram_(sram_bytes + 64), psram_(psram_bytes + 64), flash_(flash_bytes + 64, std::byte{0xff}) {
    info_.board_name = "fake";
    info_.version = "0";
    info_.clocks = {150'000'000, 1100};
    info_.led = hal::LedState::kRadioReady;
    info_.flash = {16u << 20, 0xef4018, true, true, 2, 3};
    if (psram_bytes != 0) {
      info_.psram.verdict = hal::PsramVerdict::kReady;
      info_.psram.bytes = static_cast<uint32_t>(psram_bytes);
      info_.psram.divider = 2;
    }
    memory_.sram = aligned_part(sram_, sram_bytes);
    memory_.psram = aligned_part(psram_, psram_bytes);
    slot_ = aligned_part(flash_, flash_bytes);
    memory_.model_slot = slot_;
  }

  void insert(std::span<const std::byte> image) { std::memcpy(slot_.data(), image.data(), image.size()); }
  /// Behind the images that are there.
  void append(std::span<const std::byte> image) {
    const Cartridge there = Cartridge::in(slot_);
    const auto last = there.slot(there.count() - 1);
    const size_t at = static_cast<size_t>(last.data() - slot_.data()) +
                      image_span(there.header(there.count() - 1)->file_bytes);
    std::memcpy(slot_.data() + at, image.data(), image.size());
  }
  std::span<std::byte> slot() { return slot_; }

  const hal::BoardInfo& info() override { return info_; }
  const hal::MemoryMap& memory() override { return memory_; }
  uint64_t micros() override { return now_us += 100; }
  uint32_t cycles() override { return static_cast<uint32_t>(now_us * 150); }
  int core() override { return 0; }
  uint64_t entropy() override { return ++entropy_; }
  bool button_pressed() override { return button; }
  void led(bool on) override {
    if (on != lit) led_changes.emplace_back(now_us, on);
    lit = on;
  }
  hal::LedState check_led() override { return led_found_now; }
  uint32_t crc32(std::span<const std::byte> bytes) override {
    return pico_llama::crc32(bytes) ^ (crc_engine_is_wrong ? 1u : 0u);
  }
  void copy(std::span<std::byte> to, std::span<const std::byte> from) override {
    require_aligned(to.data());
    std::memcpy(to.data(), from.data(), from.size());
    if (psram_loses_bits && !memory_.psram.empty() && to.data() >= memory_.psram.data() &&
        to.data() < memory_.psram.data() + memory_.psram.size()) {
      to[to.size() / 2] ^= std::byte{1};
    }
  }
  void fill(std::span<std::byte> to, uint32_t word) override {
    std::memset(to.data(), static_cast<int>(word & 0xff), to.size());
  }
  uint32_t read_bandwidth(hal::Memory, int cores, uint32_t) override {
    return 30'000u * static_cast<uint32_t>(cores);
  }
  hal::PsramState test_psram() override {
    std::memset(memory_.psram.data(), 0xaa, memory_.psram.size());
    return info_.psram;
  }
  StagedStream& stream() override { return copier_.stream(); }
  uint32_t stack_used(int) override { return 1000; }
  uint32_t stack_bytes(int) override { return 4096; }
  std::span<const std::byte> boot_rom() override { return rom; }
  [[noreturn]] void reboot() override { throw RebootRequested{false}; }
  [[noreturn]] void reboot_to_bootsel() override { throw RebootRequested{true}; }

  hal::BoardInfo info_;
  hal::MemoryMap memory_;
  std::vector<std::byte> rom;
  uint64_t now_us = 0;
  bool button = false;
  bool psram_loses_bits = false;
  bool crc_engine_is_wrong = false;
  bool lit = true;
  std::vector<std::pair<uint64_t, bool>> led_changes;
  hal::LedState led_found_now = hal::LedState::kRadioReady;

 private:
  static void require_aligned(const void* p) {
    if (reinterpret_cast<uintptr_t>(p) % 4 != 0) throw std::runtime_error("a copy that DMA cannot do");
  }
  static std::span<std::byte> aligned_part(std::vector<std::byte>& bytes, size_t size) {
    const auto base = reinterpret_cast<uintptr_t>(bytes.data());
    return std::span(bytes).subspan((64 - base % 64) % 64, size);
  }
  std::vector<std::byte> sram_, psram_, flash_;
  pico_llama::test_support::InlineCopier copier_;
  std::span<std::byte> slot_;
  uint64_t entropy_ = 41;
};

}  // namespace pico_llama::app::test_support
