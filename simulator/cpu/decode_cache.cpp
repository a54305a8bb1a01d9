#include "simulator/cpu/decode_cache.h"

namespace pico_llama::simulator {

DecodeCache::Page* DecodeCache::make_page(std::uint32_t address) {
  const std::uint32_t base = address & ~((1u << kPageBits) - 1);
  owned_.push_back(std::make_unique<Page>());
  Page* page = owned_.back().get();
  for (unsigned i = 0; i < kSlots + 2; ++i) {
    page->slots[i].pc = base + 2 * i;
    if (i >= kSlots) page->slots[i].kind = Insn::Kind::kPageEnd;
  }
  pages_[address >> kPageBits] = page;
  return page;
}

void DecodeCache::invalidate(std::uint32_t address, std::uint32_t bytes) {
  const std::uint32_t first = address >= 2 ? (address - 2) & ~1u : 0;
  const std::uint32_t end = address + bytes;
  for (std::uint32_t at = first; at < end && at < kEnd; at += 2) {
    Page* page = pages_[at >> kPageBits];
    if (page == nullptr) {
      at |= ((1u << kPageBits) - 1) & ~1u;
      continue;
    }
    page->slots[(at & ((1u << kPageBits) - 1)) / 2].kind = Insn::Kind::kUndecoded;
  }
}

void DecodeCache::invalidate_all() {
  for (auto& page : owned_)
    for (unsigned i = 0; i < kSlots; ++i) page->slots[i].kind = Insn::Kind::kUndecoded;
}

}  // namespace pico_llama::simulator
