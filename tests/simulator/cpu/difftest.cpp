#include "tests/simulator/cpu/difftest.h"

#include <gtest/gtest.h>
#include <unicorn/unicorn.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "simulator/cpu/core.h"
#include "simulator/cpu/decode.h"
#include "simulator/stop.h"

/// Unicorn 2.1 does not free all of its own memory when it is closed: that is no leak of this test's.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libunicorn"; }

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kSram = Bus::kSramBase, kCode = 0x2001'0000, kCodeBytes = 0x4000;
constexpr std::uint32_t kData = 0x2004'0000, kDataBytes = 0x4000, kMiddle = kData + kDataBytes / 2;
constexpr std::uint32_t kStack = kData + 0x3400;

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9e37'79b9'7f4a'7c15 + 1) {}
  std::uint32_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::uint32_t>(state_ >> 16);
  }
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(std::uint64_t{next()} * bound >> 32);
  }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

struct State {
  std::array<std::uint32_t, 15> r{};
  std::uint32_t apsr = 0, fpscr = 0;
  std::array<std::uint32_t, 32> s{};
  bool operator==(const State&) const = default;
};

/// A family of encodings: `value` with the bits of ~`mask` random.
struct Family {
  std::uint32_t mask, value;
  unsigned weight;
  enum Kind { kPlain, kMemory, kAlignedMemory, kFloat, kBranch } kind;
};
// The encodings of chapter C2.2 that compute, load, store or branch; 16-bit ones have an upper half of 0.
constexpr Family kFamilies[] = {
    {0xffff'e000, 0x0000'0000, 4, Family::kPlain},  // shifts, ADD, SUB
    {0xffff'e000, 0x0000'2000, 4, Family::kPlain},  // MOV, CMP, ADD, SUB imm8
    {0xffff'fc00, 0x0000'4000, 6, Family::kPlain},  // data processing
    {0xffff'fc00, 0x0000'4400, 2, Family::kPlain},  // high registers
    {0xffff'f800, 0x0000'4800, 1, Family::kPlain},  // LDR literal
    {0xffff'f000, 0x0000'5000, 3, Family::kMemory},
    {0xffff'e000, 0x0000'6000, 3, Family::kMemory},
    {0xffff'e000, 0x0000'8000, 3, Family::kMemory},
    {0xffff'f000, 0x0000'a000, 2, Family::kPlain},   // ADR, ADD sp
    {0xffff'ff00, 0x0000'b000, 1, Family::kPlain},   // ADD, SUB sp
    {0xffff'ff00, 0x0000'b200, 2, Family::kPlain},   // extensions
    {0xffff'ff00, 0x0000'ba00, 2, Family::kPlain},   // REV
    {0xffff'fe00, 0x0000'b400, 1, Family::kMemory},  // PUSH
    {0xffff'ff00, 0x0000'bc00, 1, Family::kMemory},  // POP
    {0xffff'f000, 0x0000'c000, 2, Family::kAlignedMemory},
    {0xffff'f0ff, 0x0000'd000, 3, Family::kBranch},  // B<c> over one instruction
    {0xffff'fff8, 0x0000'b100, 1, Family::kBranch},  // CBZ
    {0xffff'fff8, 0x0000'b900, 1, Family::kBranch},  // CBNZ
    {0xffff'ff00, 0x0000'bf00, 8, Family::kPlain},   // IT, NOP
    {0xfa00'8000, 0xf000'0000, 14, Family::kPlain},  // data processing, modified immediate
    {0xfa00'8000, 0xf200'0000, 8, Family::kPlain},   // data processing, plain immediate
    {0xfe00'0000, 0xea00'0000, 14, Family::kPlain},  // data processing, shifted register
    {0xff00'f000, 0xfa00'f000, 14, Family::kPlain},  // data processing, register; DSP
    {0xff80'0000, 0xfb00'0000, 10, Family::kPlain},  // multiply
    {0xff80'0000, 0xfb80'0000, 10, Family::kPlain},  // long multiply, divide
    {0xfe00'0000, 0xf800'0000, 14, Family::kMemory},
    {0xfe40'0000, 0xe800'0000, 5, Family::kAlignedMemory},  // LDM, STM
    {0xfe40'0000, 0xe840'0000, 6, Family::kAlignedMemory},  // LDRD, STRD, exclusives
    {0xff00'0e10, 0xee00'0a00, 30, Family::kFloat},         // FP data processing
    {0xffb0'0ed0, 0xeeb0'0ac0, 8, Family::kFloat},          // conversions and the like
    {0xff00'0e10, 0xfe00'0a00, 10, Family::kFloat},         // VSEL, VMAXNM, VCVTA, VRINTA
    {0xff00'0e10, 0xee00'0a10, 3, Family::kFloat},          // moves
    {0xfe00'0e00, 0xec00'0a00, 8, Family::kAlignedMemory},  // VLDR, VLDM, pairs of moves
};

class Difftest {
 public:
  explicit Difftest(std::uint64_t seed) : random_(seed), core_(0, bus_, events_) {
    require(uc_open(UC_ARCH_ARM, static_cast<uc_mode>(UC_MODE_THUMB | UC_MODE_MCLASS), &uc_), "uc_open");
    require(uc_ctl_set_cpu_model(uc_, UC_CPU_ARM_CORTEX_M33), "cpu model");
    require(uc_mem_map(uc_, kSram, 0x8'2000, UC_PROT_ALL), "map");
    // Unicorn's first FP instruction creates an FP context and resets FPSCR; execute it here.
    constexpr std::uint16_t kVmov[] = {0xeeb0, 0x0a40};
    require(uc_mem_write(uc_, kCode, kVmov, sizeof kVmov), "write code");
    require(uc_emu_start(uc_, kCode | 1, kCode + 4, 0, 1), "first FP instruction");
    core_.start(kSram, kStack, kCode);
    core_.set_ppb(0xe000'ed88, 0x00f0'0000);
    core_.set_ppb(0xe000'ef34, 0);  // neither automatic nor lazy FP state: Unicorn takes no exceptions here
    for (unsigned i = 0; i < 13; ++i) ids_.push_back(UC_ARM_REG_R0 + static_cast<int>(i));
    for (int id : {UC_ARM_REG_SP, UC_ARM_REG_LR, UC_ARM_REG_XPSR, UC_ARM_REG_FPSCR}) ids_.push_back(id);
    for (int i = 0; i < 32; ++i) ids_.push_back(UC_ARM_REG_S0 + i);
    for (const auto& f : kFamilies) weights_ += f.weight;
  }
  ~Difftest() { uc_close(uc_); }
  Difftest(const Difftest&) = delete;
  Difftest& operator=(const Difftest&) = delete;

  DifftestResult run(std::uint64_t instructions) {
    DifftestResult result;
    while (result.compared < instructions && result.different < 10) batch(result);
    return result;
  }

 private:
  static void require(uc_err error, const char* what) {
    if (error != UC_ERR_OK) throw std::runtime_error(std::string(what) + ": " + uc_strerror(error));
  }

  // --- making instructions
  // -----------------------------------------------------------------------------------

  void emit(std::uint32_t opcode, bool wide) {
    if (wide) code_.push_back(static_cast<std::uint16_t>(opcode >> 16));
    code_.push_back(static_cast<std::uint16_t>(opcode));
    ++count_;
  }
  void emit_constant(unsigned reg, std::uint32_t value) {
    for (const std::uint32_t op : {0xf240'0000u, 0xf2c0'0000u}) {
      const std::uint32_t half = op == 0xf240'0000u ? value & 0xffff : value >> 16;
      emit(
          op | (half >> 12) << 16 | (half >> 11 & 1) << 26 | (half >> 8 & 7) << 12 | reg << 8 | (half & 0xff),
          true);
    }
  }
  bool decodes(std::uint32_t opcode, bool wide, Insn& insn) const {
    insn = Insn{};
    insn.pc = kCode + 2 * static_cast<std::uint32_t>(code_.size());
    insn.opcode = opcode;
    insn.halfwords = wide ? 2 : 1;
    if (wide)
      decode32(insn);
    else
      decode16(insn);
    return insn.run != undefined && insn.run != unpredictable;
  }

  /// Appends one random instruction of a family, after the instructions that set up its operands. False if
  /// none fits.
  bool generate(bool in_it) {
    std::uint32_t pick = random_.below(weights_);
    const Family* family = kFamilies;
    while (pick >= family->weight) pick -= family++->weight;
    const bool wide = family->value > 0xffff;
    std::uint32_t opcode = family->value | (random_.next() & ~family->mask);
    Insn insn;
    if (!decodes(opcode, wide, insn)) return false;
    if (excluded(opcode, wide)) return false;
    if (family->kind == Family::kBranch) {
      if (in_it) return false;
      if (opcode >= 0xde00 && opcode < 0xe000) return false;
      emit(opcode, false);
      emit(0x3000 | (random_.next() & 0x7ff), false);  // the instruction that it may skip: ADDS
      --count_;
      return true;
    }
    if (!wide && (opcode & 0xff00) == 0xbf00) {
      if (in_it) return false;
      if ((opcode & 15) == 0) {
        emit(0xbf00, false);
        return true;
      }
      emit(opcode, false);
      unsigned left = 4;
      while ((opcode >> (4 - left) & 1) == 0) --left;
      while (left > 0) left -= generate(true);
      return true;
    }
    const bool memory = family->kind == Family::kMemory || family->kind == Family::kAlignedMemory;
    if (memory) {
      if (in_it && random_.one_in(2)) return false;
      const bool aligned = family->kind == Family::kAlignedMemory || !random_.one_in(4);
      const bool sp_only = !wide && opcode >= 0x9000 && opcode < 0xc000;
      unsigned rn = !wide ? (opcode >= 0xc000 ? opcode >> 8 & 7 : opcode >> 3 & 7) : opcode >> 16 & 15;
      if (sp_only) rn = 13;
      const bool by_register =
          wide ? (opcode & 0xfe80'0fc0) == 0xf800'0000 && rn != 15 : opcode >= 0x5000 && opcode < 0x6000;
      const unsigned rm = wide ? opcode & 15 : opcode >> 6 & 7;
      if (by_register && rm == rn) return false;
      const bool fp_pair = wide && (opcode & 0xffe0'0e00) == 0xec40'0a00;
      if (rn < 13 || rn == 14) {
        // Inside an IT block the constants are conditional as the access is.
        if (in_it) return false;
        if (!fp_pair)
          emit_constant(
              rn, kMiddle + (random_.below(1024) & (aligned ? ~3u : ~0u)) - (random_.one_in(2) ? 512 : 0));
      } else if (in_it && by_register) {
        return false;
      }
      if (by_register) emit_constant(rm, random_.below(256) & (aligned ? ~3u : ~0u));
      if (!decodes(opcode, wide, insn)) return false;
    }
    emit(opcode, wide);
    return true;
  }

  /// Results that are not compared, and why.
  static bool excluded(std::uint32_t op, bool wide) {
    if (!wide) {
      if ((op & 0xff00) == 0x4700) return true;  // BX, BLX jump anywhere
      if ((op & 0xffc0) == 0xba80) return true;  // HLT
      const bool high = op >= 0x4400 && op < 0x4700;
      const unsigned rd = (op & 7) | (op >> 4 & 8);
      // A jump to wherever a register points; and sp, which must stay a valid stack (directed tests).
      if (high && (rd == 15 || rd == 13)) return true;
      if (high && (op >> 3 & 15) == 15 && (op >> 8 & 3) == 1) return true;
      if ((op & 0xff00) == 0xbf00 && (op & 15) == 0 && (op & 0xf0) != 0) return true;  // WFE, WFI, SEV
      return false;
    }
    const bool load_store = (op & 0xfe00'0000) == 0xf800'0000;
    if (load_store && (op >> 12 & 15) == 15) return true;  // LDR pc: jumps anywhere (directed tests)
    if (load_store && (op >> 12 & 15) == 13) return true;  // LDR sp
    if (load_store && (op >> 16 & 15) == 13 && (op & 0x0080'0900) == 0x0000'0900)
      return true;  // sp writeback far
    const bool multiple = (op & 0xfe40'0000) == 0xe800'0000;
    if (multiple && (op & 0x8000) != 0) return true;  // LDM with pc
    const bool dual = (op & 0xfe40'0000) == 0xe840'0000;
    if (dual) {
      const bool exclusive = (op & 0x0120'0000) == 0;
      // TBB and TBH jump by memory; TT is answered by MPU and SAU, which Unicorn has none of; a STREX passes
      // only after its LDREX (directed tests). LDA and STL are compared.
      if (exclusive && ((op & 0x0080'0000) == 0 || (op & 0xf0) < 0x80 || (op & 0xf0) >= 0xc0)) return true;
      if ((op >> 16 & 15) == 13 && !exclusive) return true;
      if (op == 0xe97f'e97f) return true;
    }
    // sp as a destination of 32-bit data processing: see above.
    const bool data = (op & 0xfa00'8000) == 0xf000'0000 || (op & 0xfe00'0000) == 0xea00'0000 ||
                      (op & 0xfa00'8000) == 0xf200'0000;
    if (data && (op >> 8 & 15) == 13) return true;
    if ((op & 0xfe00'0e00) == 0xec00'0a00) {
      if ((op & 0x0fc0'0000) == 0x0c00'0000) return true;                                     // VLSTM, VLLDM
      if ((op >> 16 & 15) == 13 && (op & 0x0020'0000) != 0 && (op & 0xff) > 16) return true;  // sp far
      if ((op >> 16 & 15) == 15 && (op & 0x0f20'0000) != 0x0d00'0000) return true;
    }
    // Fixed point to floating point rounds to nearest whatever FPSCR says (Armv8-M ARM, VCVT between
    // floating-point and fixed-point); the QEMU that Unicorn comes from uses FPSCR's mode. Directed test.
    if ((op & 0xffbe'0e50) == 0xeeba'0a40) return true;
    // VMRS, VMSR: FPSCR is read and set around every batch. VMSR would switch modes with random bits.
    if ((op & 0xfff0'0e10) == 0xeee0'0a10) return true;
    return false;
  }

  // --- running them
  // ------------------------------------------------------------------------------------------

  std::uint32_t random_float() {
    switch (random_.below(8)) {
      case 0: {
        constexpr std::uint32_t kSpecial[] = {0,           0x8000'0000, 0x7f80'0000, 0xff80'0000,
                                              0x7fc0'0000, 0x7f80'0001, 0x0000'0001, 0x807f'ffff,
                                              0x0080'0000, 0x7f7f'ffff, 0x3f80'0000, 0xbf00'0000,
                                              0x4f00'0000, 0xcf00'0000, 0x4f80'0000};
        return kSpecial[random_.below(15)];
      }
      case 1:
        return random_.next();
      case 2:
        return (random_.next() & 0x807f'ffff) | (random_.below(40)) << 23;
      default:
        return (random_.next() & 0x807f'ffff) | (110 + random_.below(34)) << 23;
    }
  }

  State random_state() {
    State state;
    for (auto& r : state.r) r = random_.one_in(4) ? random_.below(64) - 16 : random_.next();
    if (random_.one_in(4)) state.r[random_.below(13)] = 0x8000'0000;
    state.r[0] = random_.next() & 0xf80f'0000;
    state.r[13] = kStack;
    state.apsr = 0;
    for (auto& s : state.s) s = random_float();
    // The modes of FPSCR: mostly nearest, with IXC set or not.
    state.fpscr = random_.one_in(2) ? (random_.next() & 0x10) : (random_.next() & 0x07c0'009f);
    return state;
  }

  void put(const State& state) {
    std::array<std::uint64_t, 64> values{};
    std::array<void*, 64> pointers{};
    for (unsigned i = 0; i < 15; ++i) values[i] = state.r[i];
    values[15] = state.apsr | 1u << 24;
    values[16] = state.fpscr;
    for (unsigned i = 0; i < 32; ++i) values[17 + i] = state.s[i];
    for (unsigned i = 0; i < 64; ++i) pointers[i] = &values[i];
    require(uc_reg_write_batch(uc_, ids_.data(), pointers.data(), static_cast<int>(ids_.size())),
            "reg write");
    for (unsigned i = 0; i < 15; ++i) core_.set_reg(i, state.r[i]);
    core_.set_special(SpecialReg::kXpsr, state.apsr | (core_.special(SpecialReg::kXpsr) & 0x000f'0000));
    core_.set_special(SpecialReg::kFpscr, state.fpscr);
    for (unsigned i = 0; i < 32; ++i) core_.set_single(i, state.s[i]);
  }
  State theirs() {
    std::array<std::uint64_t, 64> values{};
    std::array<void*, 64> pointers{};
    for (unsigned i = 0; i < 64; ++i) pointers[i] = &values[i];
    require(uc_reg_read_batch(uc_, ids_.data(), pointers.data(), static_cast<int>(ids_.size())), "reg read");
    State state;
    for (unsigned i = 0; i < 15; ++i) state.r[i] = static_cast<std::uint32_t>(values[i]);
    state.apsr = static_cast<std::uint32_t>(values[15]) & 0xf800'0000;
    state.fpscr = static_cast<std::uint32_t>(values[16]) & 0xf7c0'009f;
    for (unsigned i = 0; i < 32; ++i) state.s[i] = static_cast<std::uint32_t>(values[17 + i]);
    return state;
  }
  State ours() const {
    State state;
    for (unsigned i = 0; i < 15; ++i) state.r[i] = core_.reg(i);
    state.apsr = core_.special(SpecialReg::kXpsr) & 0xf800'0000;
    state.fpscr = core_.special(SpecialReg::kFpscr) & 0xf7c0'009f;
    for (unsigned i = 0; i < 32; ++i) state.s[i] = core_.single(i);
    return state;
  }

  void put_memory() {
    std::memcpy(memory_before_.data(), bus_.sram() + (kData - kSram), kDataBytes);
    require(uc_mem_write(uc_, kData, memory_before_.data(), kDataBytes), "write data");
  }

  std::string run_both(std::uint32_t end) {
    std::string trouble;
    core_.set_reg(15, kCode);
    try {
      for (int steps = 0; core_.reg(15) != end && steps < 1000; ++steps) core_.run_until(core_.now() + 1);
      if (core_.reg(15) != end) trouble = "our core did not get to the end";
    } catch (const Stop& stop) {
      trouble = stop.what();
    }
    const uc_err error = uc_emu_start(uc_, kCode | 1, end, 0, 1000);
    if (error != UC_ERR_OK) trouble += std::string(" unicorn: ") + uc_strerror(error);
    return trouble;
  }

  void batch(DifftestResult& result) {
    code_.clear();
    count_ = 0;
    const unsigned length = 4 + random_.below(12);
    const State start = random_state();
    // GE is not among Unicorn's registers: the code sets all of APSR from r0, and saves it at the end.
    emit(0xf380'8c00, true);  // MSR APSR_nzcvqg, r0
    emit_constant(0, random_.next());
    while (count_ < length) generate(false);
    emit(0xb401, false);      // PUSH {r0}
    emit(0xf3ef'8000, true);  // MRS r0, APSR
    emit(0xb401, false);
    const std::uint32_t end = kCode + 2 * static_cast<std::uint32_t>(code_.size());
    code_.push_back(0xbf00);
    code_.push_back(0xbf00);
    const auto bytes = static_cast<std::uint32_t>(code_.size() * 2);
    bus_.poke(kCode, code_.data(), bytes);
    core_.invalidate(kCode, bytes);
    require(uc_mem_write(uc_, kCode, code_.data(), bytes), "write code");
    require(uc_ctl_remove_cache(uc_, kCode, kCode + bytes), "remove cache");

    put(start);
    put_memory();
    const std::string trouble = run_both(end);
    result.compared += count_;
    const State mine = ours(), their = theirs();
    require(uc_mem_read(uc_, kData, memory_after_.data(), kDataBytes), "read data");
    const bool same_memory =
        std::memcmp(memory_after_.data(), bus_.sram() + (kData - kSram), kDataBytes) == 0;
    if (trouble.empty() && mine == their && same_memory) return;
    ++result.different;
    std::string text = trouble;
    if (!same_memory) text += " memory differs";
    for (unsigned i = 0; i < 15; ++i)
      if (mine.r[i] != their.r[i]) text += " r" + std::to_string(i);
    for (unsigned i = 0; i < 32; ++i)
      if (mine.s[i] != their.s[i]) text += " s" + std::to_string(i);
    if (mine.apsr != their.apsr) text += " APSR";
    if (mine.fpscr != their.fpscr) text += " FPSCR";
    report(start, text);
  }

  /// Finds the first instruction of the batch after which the states differ.
  void report(const State& start, const std::string& trouble) {
    std::string text = trouble + "\n";
    for (const auto hw : code_) {
      char word[8];
      std::snprintf(word, sizeof word, "%04x ", hw);
      text += word;
    }
    text += "\n";
    std::memcpy(bus_.sram() + (kData - kSram), memory_before_.data(), kDataBytes);
    put(start);
    put_memory();
    char line[160];
    const std::uint32_t end = kCode + 2 * static_cast<std::uint32_t>(code_.size() - 2);
    core_.set_reg(15, kCode);
    std::uint32_t at = kCode;
    State before = start;
    for (int steps = 0; at != end && steps < 100; ++steps) {
      const std::uint32_t hw = code_[(at - kCode) / 2];
      const std::uint32_t opcode = hw >= 0xe800 ? hw << 16 | code_[(at - kCode) / 2 + 1] : hw;
      try {
        core_.run_until(core_.now() + 1);
      } catch (const Stop& stop) {
        text += stop.what();
        break;
      }
      if ((core_.special(SpecialReg::kXpsr) & 0x1ff) != 0) {
        std::snprintf(line, sizeof line, "opcode %08x: our core takes exception %u, CFSR %08x\n", opcode,
                      core_.special(SpecialReg::kXpsr) & 0x1ff, core_.ppb(0xe000'ed28));
        text += line;
        core_.start(kSram, kStack, kCode);
        core_.set_ppb(0xe000'ed88, 0x00f0'0000);
        core_.set_ppb(0xe000'ef34, 0);
        break;
      }
      // Unicorn cannot stop inside an IT block and go on: it runs from the start up to here.
      const std::uint32_t here = core_.reg(15);
      const State mine = ours();
      if ((core_.special(SpecialReg::kXpsr) & 0x0600'fc00) == 0) {
        std::vector<std::uint8_t> ours_now(bus_.sram() + (kData - kSram),
                                           bus_.sram() + (kData - kSram) + kDataBytes);
        const auto pc = core_.reg(15);
        put(start);
        require(uc_mem_write(uc_, kData, memory_before_.data(), kDataBytes), "write data");
        uc_ctl_remove_cache(uc_, kCode, kCode + 2 * static_cast<std::uint32_t>(code_.size()));
        const uc_err error = uc_emu_start(uc_, kCode | 1, here, 0, 1000);
        if (error != UC_ERR_OK) {
          std::snprintf(line, sizeof line, "opcode %08x: unicorn: %s\n", opcode, uc_strerror(error));
          text += line;
          break;
        }
        const State their = theirs();
        put(mine);
        core_.set_reg(15, pc);
        require(uc_mem_read(uc_, kData, memory_after_.data(), kDataBytes), "read data");
        const bool same = std::memcmp(memory_after_.data(), ours_now.data(), kDataBytes) == 0;
        if (!(mine == their) || !same) {
          std::snprintf(line, sizeof line, "opcode %08x%s\n", opcode, same ? "" : " memory differs");
          text += line;
          for (unsigned i = 0; i < 15; ++i)
            if (mine.r[i] != their.r[i]) {
              std::snprintf(line, sizeof line, "  r%u ours %08x theirs %08x\n", i, mine.r[i], their.r[i]);
              text += line;
            }
          for (unsigned i = 0; i < 32; ++i)
            if (mine.s[i] != their.s[i]) {
              std::snprintf(line, sizeof line, "  s%u ours %08x theirs %08x\n", i, mine.s[i], their.s[i]);
              text += line;
            }
          std::snprintf(line, sizeof line, "  apsr %08x %08x fpscr %08x %08x (before %08x %08x)\n", mine.apsr,
                        their.apsr, mine.fpscr, their.fpscr, before.apsr, before.fpscr);
          text += line;
          for (unsigned i = 0; i < 15; ++i) {
            std::snprintf(line, sizeof line, " r%u=%08x", i, before.r[i]);
            text += line;
          }
          text += "\n";
          const unsigned sd = (opcode >> 12 & 15) << 1 | (opcode >> 22 & 1),
                         sn = (opcode >> 16 & 15) << 1 | (opcode >> 7 & 1),
                         sm = (opcode & 15) << 1 | (opcode >> 5 & 1);
          std::snprintf(line, sizeof line, " sd=s%u %08x sn %08x sm %08x\n", sd, before.s[sd], before.s[sn],
                        before.s[sm]);
          text += line;
          break;
        }
      }
      before = mine;
      at = here;
    }
    ADD_FAILURE() << text;
  }

  Random random_;
  Timebase timebase_{150'000'000};
  EventQueue events_{timebase_};
  Bus bus_;
  Core core_;
  uc_engine* uc_ = nullptr;
  std::vector<int> ids_;
  std::uint32_t weights_ = 0;
  std::vector<std::uint16_t> code_;
  unsigned count_ = 0;
  std::array<std::uint8_t, kDataBytes> memory_before_{}, memory_after_{};
};

}  // namespace

DifftestResult difftest(std::uint64_t seed, std::uint64_t instructions) {
  return Difftest(seed).run(instructions);
}

}  // namespace pico_llama::simulator
