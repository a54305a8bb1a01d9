#pragma once
#include <cstdint>

namespace pico_llama::simulator {

struct Cpu;

/// The private peripheral bus: system control space, debug and trace blocks, and RP2350's EPPB. Registers
/// that only hold a value live here; those with a life of their own in Nvic, Mpu, SysTick and FpuState.
struct Scs {
  std::uint32_t vtor = 0;
  std::uint32_t aircr_prigroup = 0;
  std::uint32_t scr = 0;
  std::uint32_t ccr = 0x0000'0201;  ///< STKALIGN is RES1 in Armv8-M; bit 0 reads as 1
  std::uint32_t shcsr_enables = 0;  ///< MEMFAULTENA, BUSFAULTENA, USGFAULTENA, SECUREFAULTENA
  std::uint32_t cfsr = 0, hfsr = 0, dfsr = 0, mmfar = 0, bfar = 0, afsr = 0;
  std::uint32_t cpacr = 0, nsacr = 0;
  std::uint32_t actlr = 0;
  std::uint32_t demcr = 0;
  std::uint32_t dwt_ctrl = 0;
  std::uint32_t dwt_comparators[4][2] = {};  ///< COMPn, FUNCTIONn: kept, never match
  std::uint64_t cyccnt_origin = 0;           ///< cycle at which CYCCNT was 0 while it counts
  std::uint32_t cyccnt_stopped = 0;          ///< its value while it does not
  std::uint32_t eppb_sleepctrl = 0x0000'0002;

  static constexpr std::uint32_t kCcrDiv0Trp = 1u << 4, kCcrUnalignTrp = 1u << 3, kCcrBfhfnmign = 1u << 8;
  static constexpr std::uint32_t kScrSevonpend = 1u << 4, kScrSleeponexit = 1u << 1;
  static constexpr std::uint32_t kMemfaultena = 1u << 16, kBusfaultena = 1u << 17, kUsgfaultena = 1u << 18,
                                 kSecurefaultena = 1u << 19;
};

/// Registers at 0xe0000000..0xe00fffff. Narrow accesses are served where the architecture allows them.
/// Errors: throws Fault (BusFault) for unprivileged access, Stop for registers that the model lacks.
std::uint32_t ppb_read(Cpu& cpu, std::uint32_t address, unsigned size);
void ppb_write(Cpu& cpu, std::uint32_t address, std::uint32_t value, unsigned size);

}  // namespace pico_llama::simulator
