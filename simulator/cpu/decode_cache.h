#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "simulator/cpu/insn.h"

namespace pico_llama::simulator {

/// Decoded instructions by address: a slot for every half-word, in pages that are made when first executed
/// and live as long as the core, so that a pointer to a slot stays valid. Two slots behind the last one lead
/// to the next page, so straight-line code just counts up.
class DecodeCache {
 public:
  static constexpr unsigned kPageBits = 10;
  static constexpr unsigned kSlots = (1u << kPageBits) / 2;
  /// ROM, XIP windows and SRAM lie below; code elsewhere (peripherals, PPB) cannot be fetched.
  static constexpr std::uint32_t kEnd = 0x2040'0000;

  /// Requires: address is even and below kEnd.
  Insn* slot(std::uint32_t address) {
    Page* page = pages_[address >> kPageBits];
    if (page == nullptr) [[unlikely]]
      page = make_page(address);
    return &page->slots[(address & ((1u << kPageBits) - 1)) / 2];
  }
  /// Forgets what was decoded in `bytes` bytes from `address`, and a 32-bit instruction that reaches in.
  void invalidate(std::uint32_t address, std::uint32_t bytes);
  void invalidate_all();

  DecodeCache() : pages_(kEnd >> kPageBits) {}

 private:
  struct Page {
    std::array<Insn, kSlots + 2> slots;
  };
  Page* make_page(std::uint32_t address);

  std::vector<Page*> pages_;
  std::vector<std::unique_ptr<Page>> owned_;
};

}  // namespace pico_llama::simulator
