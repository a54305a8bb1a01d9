#pragma once
#include <cstdint>

namespace pico_llama::simulator {

struct Cpu;
struct Insn;

/// Executes one decoded instruction. Registers, memory and flags change; `Cpu::next` moves if it branches.
using Handler = void (*)(Cpu&, const Insn&);

/// Bits of Insn::reads and Insn::late: what an instruction waits for, and what it delivers late.
/// Register n (0..14) is bit n for results of the second ALU stage and bit 16 + n for those of a load, so
/// that an accumulator can accept one and not the other. The flags take the place of pc, s0..s31 are
/// bits 32..63.
namespace hazard {
inline constexpr std::uint64_t kFlags = std::uint64_t{1} << 15;
inline constexpr std::uint64_t reg_by_alu(unsigned n) { return n < 15 ? std::uint64_t{1} << n : 0; }
inline constexpr std::uint64_t reg_by_load(unsigned n) { return n < 15 ? std::uint64_t{0x10000} << n : 0; }
inline constexpr std::uint64_t reg(unsigned n) { return reg_by_alu(n) | reg_by_load(n); }
inline constexpr std::uint64_t single(unsigned n) { return std::uint64_t{1} << (32 + n); }
}  // namespace hazard

/// How the limited dual issue pairs instructions: the older gives, the younger wants.
namespace pairing {
inline constexpr std::uint8_t kNone = 0;
inline constexpr std::uint8_t kPlain = 1;      ///< gives: a 16-bit instruction that leaves the flags alone
inline constexpr std::uint8_t kSetsFlags = 2;  ///< gives: a 16-bit instruction that sets them
inline constexpr std::uint8_t kAny = 3;        ///< wants: NOP, IT, B, CBZ of 16 bits, issued with either
}  // namespace pairing

/// One instruction, decoded: everything about it that does not depend on the state of the core.
struct alignas(64) Insn {
  /// What must happen before `run`; kReady nothing. One test in the main loop covers all of it.
  enum class Kind : std::uint8_t {
    kReady,
    kFetched,    ///< lies in an XIP window: every word is fetched through the bus, with its time
    kUndecoded,  ///< not decoded yet, or its memory changed
    kPageEnd,    ///< behind the last slot of a page of the cache: go on in the next page
    kRom,        ///< in the boot ROM, which is modelled at a high level
  };

  Handler run = nullptr;
  Handler inner = nullptr;  ///< what a wrapping handler (`run`) executes
  std::uint64_t reads = 0;
  std::uint64_t late = 0;
  std::uint32_t pc = 0;
  std::uint32_t opcode = 0;  ///< 16-bit: the half-word; 32-bit: first half-word in the upper half
  std::uint32_t imm = 0;     ///< immediate, branch target, literal's address or register list
  std::uint8_t rd = 0, rn = 0, rm = 0, ra = 0;
  std::uint8_t halfwords = 1;
  std::uint8_t cycles = 1;  ///< issue cycles, without stalls and branch refill
  std::uint8_t gives = pairing::kNone;
  std::uint8_t wants = pairing::kNone;
  Kind kind = Kind::kUndecoded;
  std::uint8_t shift = 0;         ///< operand 2: amount, 0..32
  bool keep_flags_in_it = false;  ///< 16-bit data processing sets flags only outside IT blocks
  std::uint8_t carry = 2;         ///< carry out of an immediate: 0, 1, or 2 for unchanged
  static constexpr std::uint8_t kNoBank = 0xff;
  /// The SRAM bank of the word that straight-line code fetches for this instruction; kNoBank if it lies in a
  /// word that its predecessor had fetched, or not in SRAM.
  std::uint8_t fetch_bank = kNoBank;

  bool wide() const { return halfwords == 2; }
};
static_assert(sizeof(Insn) == 64, "one line of the host's cache each");

}  // namespace pico_llama::simulator
