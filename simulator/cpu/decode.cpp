#include "simulator/cpu/decode.h"

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {

void decode16(Insn& i) {
  const std::uint32_t op = i.opcode;
  if (op < 0x4700) return decode_data_16(i);
  if (op < 0x4800) return decode_branch_16(i);
  if (op < 0xa000) return decode_load_store_16(i);
  if (op < 0xb000) return decode_data_16(i);
  if (op < 0xc000) {
    const std::uint32_t top = op >> 8 & 15;
    if (top == 0) return decode_data_16(i);          // ADD, SUB sp
    if ((top & 5) == 1) return decode_branch_16(i);  // CBZ, CBNZ
    if (top == 2) return decode_data_register(i);    // SXTH ..
    if ((top & 6) == 4) return decode_push_pop(i);
    if (top == 10 && (op & 0xc0) != 0x80) return decode_data_register(i);  // REV ..
    if (top == 15 && (op & 15) != 0) return decode_branch_16(i);           // IT
    return decode_misc_16(i);
  }
  if (op < 0xd000) return decode_load_store_multiple(i);
  if (op < 0xe000) {
    const std::uint32_t cond = op >> 8 & 15;
    if (cond == 14) {
      i.run = undefined;
      return;
    }
    return cond == 15 ? decode_misc_16(i) : decode_branch_16(i);
  }
  decode_branch_16(i);
}

void decode32(Insn& i) {
  const std::uint32_t op = i.opcode;
  const unsigned op1 = op >> 27 & 3, op2 = op >> 20 & 0x7f;
  if (op1 == 1) {
    if ((op2 & 0x40) != 0) return decode_coprocessor(i);
    if ((op2 & 0x20) != 0) return decode_data_shifted_register(i);
    return (op2 & 4) != 0 ? decode_load_store_dual(i) : decode_load_store_multiple(i);
  }
  if (op1 == 2) {
    if ((op & 0x8000) == 0)
      return (op2 & 0x20) != 0 ? decode_data_plain_immediate(i) : decode_data_modified_immediate(i);
    const bool conditional_space = (op & 0x5000) == 0 && (op >> 23 & 7) == 7;
    return conditional_space ? decode_system_32(i) : decode_branch_32(i);
  }
  if ((op2 & 0x40) != 0) return decode_coprocessor(i);
  if ((op2 & 0x20) == 0) return decode_load_store_single(i);
  if ((op2 & 0x10) == 0) return decode_data_register(i);
  return (op2 & 8) == 0 ? decode_multiply(i) : decode_long_multiply(i);
}

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

void DecodeCache::exchange_pages() {
  if (other_pages_.empty()) other_pages_.resize(pages_.size());
  pages_.swap(other_pages_);
}

void DecodeCache::invalidate(std::uint32_t address, std::uint32_t bytes) {
  invalidate(pages_, address, bytes);
  if (!other_pages_.empty()) invalidate(other_pages_, address, bytes);
}

void DecodeCache::invalidate(const std::vector<Page*>& pages, std::uint32_t address, std::uint32_t bytes) {
  const std::uint32_t first = address >= 2 ? (address - 2) & ~1u : 0;
  const std::uint32_t end = address + bytes;
  for (std::uint32_t at = first; at < end && at < kEnd; at += 2) {
    Page* page = pages[at >> kPageBits];
    if (page == nullptr) {
      at |= ((1u << kPageBits) - 1) & ~1u;
      continue;
    }
    drop(page->slots[(at & ((1u << kPageBits) - 1)) / 2]);
  }
  // Nothing continues in a dropped instruction: the one before it is one or two half-words away.
  for (unsigned before = 2; before <= 4 && before <= first && first < kEnd; before += 2)
    if (Page* page = pages[(first - before) >> kPageBits]; page != nullptr)
      page->slots[((first - before) & ((1u << kPageBits) - 1)) / 2].set_linked(false);
}

void DecodeCache::invalidate_all() {
  for (auto& page : owned_)
    for (unsigned i = 0; i < kSlots; ++i) drop(page->slots[i]);
}

void DecodeCache::link(Insn& first, Insn& second) {
  if (first.kind != Insn::Kind::kReady || second.kind != Insn::Kind::kReady) return;
  const std::uint8_t older = first.paired != pairing::kNone ? pairing::kNone : first.pair_older;
  const std::uint8_t paired = second.pairs_with(older, first.late);
  const bool joined = paired != pairing::kNone;
  // Code that overlaps: only one of the two that may lie before `second` is linked to it.
  const unsigned place = (second.pc & ((1u << kPageBits) - 1)) / 2;
  if (first.wide()) (&second - 1)->set_linked(false);
  if (!first.wide() && place >= 2) (&second - 2)->set_linked(false);
  if (second.paired != paired) second.set_linked(false);  // whether the next one pairs depends on it
  second.stall = u8(second.wait_for(first.late));
  second.paired = paired;
  second.cost = u8(second.cycles - std::uint32_t{joined});
  second.tally = tally::kInstruction + second.stall * tally::kStall + joined * tally::kPair;
  first.set_linked(true);
}

}  // namespace pico_llama::simulator
