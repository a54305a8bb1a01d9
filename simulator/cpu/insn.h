#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "simulator/timing.h"

namespace pico_llama::simulator {

class Core;
struct Insn;

/// Executes one decoded instruction. Registers, memory and flags change; `Core::next` moves if it branches.
using Handler = void (*)(Core&, const Insn&);

/// Bits of Insn::reads and Insn::late: the operands an instruction waits for, and its results of latency 2.
/// Register n (0..14) is bit n for results of the second ALU stage and bit 16 + n for those of a load, so
/// that an accumulator can accept one and not the other. The flags take the place of pc, s0..s31 are
/// bits 32..63.
namespace hazard {
inline constexpr std::uint64_t kFlags = std::uint64_t{1} << 15;
inline constexpr std::uint64_t reg_by_alu(unsigned n) { return n < 15 ? std::uint64_t{1} << n : 0; }
inline constexpr std::uint64_t reg_by_load(unsigned n) { return n < 15 ? std::uint64_t{0x10000} << n : 0; }
inline constexpr std::uint64_t reg(unsigned n) { return reg_by_alu(n) | reg_by_load(n); }
inline constexpr std::uint64_t kLoads = 0x7fff'0000;
inline constexpr std::uint64_t single(unsigned n) { return std::uint64_t{1} << (32 + n); }
}  // namespace hazard

/// How the limited dual issue pairs an instruction with the one before it: Insn::pair_older says which kind
/// an instruction is as the older of a pair, Insn::pair_younger which kinds it may follow as the younger.
namespace pairing {
inline constexpr std::uint8_t kNone = 0;
inline constexpr std::uint8_t kPlain = 1;      ///< older: a 16-bit instruction that does not set flags
inline constexpr std::uint8_t kSetsFlags = 2;  ///< older: a 16-bit instruction that sets them
inline constexpr std::uint8_t kAny = 3;        ///< younger: NOP, IT, B, CBZ of 16 bits, issued with either
}  // namespace pairing

/// The commonest instructions of a model's inner loops, which Core::run_sequence() executes itself: two
/// thirds of a q8 story. The host predicts a few branches better than one call through a pointer with many
/// targets.
enum class Inlined : std::uint8_t {
  kNone,
  kDualMultiply,  ///< SMLAD, SMUAD
  kExtendBytes,   ///< SXTB16
  kLoadWord,      ///< LDR with an immediate offset
  kLoadTwo,       ///< LDRD
};

/// What run_sequence() counts, in one number: each field has room for the instructions of a page.
namespace tally {
inline constexpr unsigned kStallShift = 10, kPairShift = 20;
inline constexpr std::uint32_t kInstruction = 1, kStall = 1u << kStallShift, kPair = 1u << kPairShift;
inline constexpr std::uint32_t kField = kStall - 1;
}  // namespace tally

/// One instruction, decoded: everything about it that does not depend on the state of the core.
struct alignas(64) Insn {
  /// The work needed before `run`; kReady: none. One test in the main loop covers all kinds.
  enum class Kind : std::uint8_t {
    kReady,
    kFetched,    ///< lies in an XIP window: every word is fetched through the bus, with its time
    kUndecoded,  ///< not decoded yet, or its memory changed
    kPageEnd,    ///< after the last slot of a page of the cache: continue in the next page
  };

  Handler run = nullptr;
  Handler inner = nullptr;  ///< the handler that `run` wraps, if it wraps one
  std::uint64_t reads = 0;
  std::uint64_t late = 0;
  std::uint32_t pc = 0;
  std::uint32_t opcode = 0;  ///< 16-bit: the half-word; 32-bit: first half-word in the upper half
  std::uint32_t imm = 0;     ///< immediate, branch target, literal's address or register list
  std::uint8_t rd = 0, rn = 0, rm = 0, ra = 0;
  std::uint8_t halfwords = 1;
  std::uint8_t cycles = 1;  ///< issue cycles, without stalls and branch refill
  std::uint8_t pair_older = pairing::kNone;
  std::uint8_t pair_younger = pairing::kNone;
  Kind kind = Kind::kUndecoded;
  std::uint8_t shift = 0;  ///< operand 2: amount, 0..32; others use it as their handlers say
  /// What run_sequence() executes without `run`: `inlined` of an instruction that is linked, else kNone.
  Inlined inlined_here = Inlined::kNone;
  static constexpr std::uint8_t kNoBank = 0xff;
  /// The SRAM bank of the word that straight-line code fetches for this instruction; kNoBank if it lies in a
  /// word that its predecessor had fetched, or not in SRAM.
  std::uint8_t fetch_bank = kNoBank;

  // How it issues after the instruction before it in memory, see Core::run_sequence(). Without one before it
  // that is linked to it: after a branch.
  std::uint8_t stall = 0;                ///< cycles that it waits for a result of that instruction
  std::uint8_t paired = pairing::kNone;  ///< how it pairs with that instruction
  std::uint8_t cost = 1;                 ///< cycles, less one if it pairs
  /// The instruction behind it is kReady, and its four fields are for this one.
  bool linked : 1 = false;
  bool branches_to_register : 1 = false;  ///< BX, BLX: its operand is needed a cycle before an ALU's
  bool keep_flags_in_it : 1 = false;      ///< 16-bit data processing sets flags only outside IT blocks
  std::uint8_t carry : 2 = 2;             ///< carry out of an immediate: 0, 1, or 2 for unchanged
  Inlined inlined : 3 = Inlined::kNone;   ///< may be executed without `run`
  std::uint32_t tally = tally::kInstruction;

  bool wide() const { return halfwords == 2; }
  void set_linked(bool now_linked) {
    linked = now_linked;
    inlined_here = now_linked ? inlined : Inlined::kNone;
  }
  /// Cycles that it waits for `late` results of the instruction before it.
  unsigned wait_for(std::uint64_t late_before) const {
    const std::uint64_t missing = reads & late_before;
    if (missing == 0) return 0;
    return branches_to_register && (missing & hazard::kLoads) != 0 ? timing::kLoadToBranchStall.cycles
                                                                   : timing::kLateResultStall.cycles;
  }
  /// How it pairs with an instruction before it that is `older` (of pairing::) and has `late` results.
  std::uint8_t pairs_with(std::uint8_t older, std::uint64_t late_before) const {
    const bool target_unknown = branches_to_register && (reads & late_before) != 0;
    return target_unknown ? pairing::kNone : static_cast<std::uint8_t>(pair_younger & older);
  }
};
static_assert(sizeof(Insn) == 64, "one line of the host's cache each");

/// Decoded instructions by address: a slot for every half-word, in pages that are made when first executed
/// and live as long as the core, so that a pointer to a slot stays valid. Two extra slots at the end continue
/// in the next page, so that straight-line code only increments the pointer.
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
  /// Drops the decoded instructions in `bytes` bytes from `address`, and a 32-bit instruction that reaches
  /// in.
  void invalidate(std::uint32_t address, std::uint32_t bytes);
  void invalidate_all();
  /// Sets how `second` issues after `first`, if both are ready and `second` lies directly behind `first` in a
  /// page.
  static void link(Insn& first, Insn& second);

  /// The pages of the other security state: an instruction is decoded where it may be executed.
  void exchange_pages();

  DecodeCache() : pages_(kEnd >> kPageBits) {}

 private:
  struct Page {
    std::array<Insn, kSlots + 2> slots;
  };
  Page* make_page(std::uint32_t address);
  static void drop(Insn& slot) {
    slot.kind = Insn::Kind::kUndecoded;
    slot.set_linked(false);
  }

  static void invalidate(const std::vector<Page*>& pages, std::uint32_t address, std::uint32_t bytes);

  std::vector<Page*> pages_;
  std::vector<Page*> other_pages_;  ///< empty until Non-secure state is first entered
  std::vector<std::unique_ptr<Page>> owned_;
};

}  // namespace pico_llama::simulator
