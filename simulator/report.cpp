#include "simulator/report.h"

#include <fmt/format.h>

#include <iterator>

#include "simulator/disassemble.h"

namespace pico_llama::simulator {
namespace {

// The fault registers and the meaning of their bits (Armv8-M Architecture Reference Manual, D1.2).
struct FaultBit {
  std::uint32_t bit;
  const char* meaning;
};
constexpr FaultBit kCfsrBits[] = {
    {1U << 0, "IACCVIOL: instruction fetch refused by the MPU or not executable"},
    {1U << 1, "DACCVIOL: load or store refused by the MPU"},
    {1U << 4, "MSTKERR: MPU fault while stacking an exception"},
    {1U << 8, "IBUSERR: bus fault on an instruction fetch"},
    {1U << 9, "PRECISERR: bus fault on a load or store"},
    {1U << 10, "IMPRECISERR: late bus fault on a store"},
    {1U << 12, "STKERR: bus fault while stacking an exception"},
    {1U << 16, "UNDEFINSTR: undefined instruction"},
    {1U << 17, "INVSTATE: branch to an address without the Thumb bit"},
    {1U << 18, "INVPC: bad exception return"},
    {1U << 19, "NOCP: coprocessor or FPU not enabled"},
    {1U << 20, "STKOF: stack overflow (stack limit passed)"},
    {1U << 24, "UNALIGNED: unaligned access"},
    {1U << 25, "DIVBYZERO: division by zero"},
};

}  // namespace

std::string describe_core(Core& core, unsigned number, const formats::SymbolTable& symbols) {
  std::string text = fmt::format("core {} at cycle {}: pc {:#010x} in {}\n", number, core.now(), core.reg(15),
                                 symbols.describe(core.reg(15)));
  for (unsigned i = 0; i < 13; ++i)
    text += fmt::format("  r{:<2} {:08x}{}", i, core.reg(i), i % 4 == 3 || i == 12 ? "\n" : "");
  text += fmt::format("  sp  {:08x}  lr  {:08x} ({})\n", core.reg(13), core.reg(14),
                      symbols.describe(core.reg(14)));
  text += fmt::format(
      "  xpsr {:08x}  msp {:08x} (limit {:08x})  psp {:08x}  control {:x}  primask {:x}  fpscr {:08x}\n",
      core.special(SpecialReg::kXpsr), core.special(SpecialReg::kMsp), core.special(SpecialReg::kMsplim),
      core.special(SpecialReg::kPsp), core.special(SpecialReg::kControl), core.special(SpecialReg::kPrimask),
      core.special(SpecialReg::kFpscr));
  if (!core.secure) text += "  in Non-secure state\n";
  const std::uint32_t cfsr = core.ppb(0xe000ed28), hfsr = core.ppb(0xe000ed2c);
  if (cfsr != 0 || hfsr != 0) {
    text += fmt::format("  cfsr {:08x}  hfsr {:08x}  mmfar {:08x}  bfar {:08x}\n", cfsr, hfsr,
                        core.ppb(0xe000ed34), core.ppb(0xe000ed38));
    for (const FaultBit& bit : kCfsrBits) {
      if ((cfsr & bit.bit) != 0) text += fmt::format("    {}\n", bit.meaning);
    }
  }
  constexpr std::size_t kShown = 32;
  const std::vector<TraceEntry> trace = core.trace();
  const std::size_t first = trace.size() > kShown ? trace.size() - kShown : 0;
  text += fmt::format("  last {} instructions:\n", trace.size() - first);
  for (std::size_t i = first; i < trace.size(); ++i) {
    const TraceEntry& entry = trace[i];
    text += fmt::format("    {:>12}  {:08x}  {:<32} {}\n", entry.cycle, entry.pc,
                        disassemble(entry.pc, entry.opcode), symbols.describe(entry.pc));
  }
  return text;
}

}  // namespace pico_llama::simulator
