#pragma once
#include <array>
#include <cstdint>

#include "simulator/clock/event_queue.h"
#include "simulator/cpu/exceptions.h"

/// The private peripheral bus, 0xe0000000 to 0xe00fffff, which each core has for itself: interrupt
/// controller, MPU, SysTick, system control block, debug and trace registers.
namespace pico_llama::simulator {

class Core;

/// Exceptions by number: pending, active, enabled, priority. 52 interrupts and 4
/// priority bits on RP2350 (datasheet section 3.7.2; the SDK's CMSIS header).
struct Nvic {
  static constexpr unsigned kIrqs = 52;
  static constexpr unsigned kExceptions = 16 + kIrqs;
  static constexpr std::uint8_t kPriorityMask = 0xf0;
  static constexpr std::uint64_t kIrqMask = (std::uint64_t{1} << kIrqs) - 1;

  std::uint64_t irq_enabled = 0, irq_pending = 0, irq_active = 0;
  std::uint64_t irq_lines = 0;  ///< levels of the wires
  /// Bit n: exception n < 16. The second of each pair: those that target Non-secure state.
  std::uint16_t sys_pending = 0, sys_pending_ns = 0;
  std::uint16_t sys_active = 0, sys_active_ns = 0;
  std::uint64_t irq_nonsecure = 0;  ///< ITNS: the interrupts that target Non-secure state
  std::uint64_t nmi_mask = 0;       ///< interrupts that the EPPB turns into NMI
  std::array<std::uint8_t, kExceptions> priority{};
  std::array<std::uint8_t, 16> priority_ns{};

  bool pending(Target of) const {
    const std::uint16_t system = of.secure ? sys_pending : sys_pending_ns;
    return of.number < 16 ? (system >> of.number & 1) != 0 : (irq_pending >> (of.number - 16) & 1) != 0;
  }
  bool active(Target of) const {
    const std::uint16_t system = of.secure ? sys_active : sys_active_ns;
    return of.number < 16 ? (system >> of.number & 1) != 0 : (irq_active >> (of.number - 16) & 1) != 0;
  }
  void set_pending(Target of, bool on) {
    set(of.secure ? sys_pending : sys_pending_ns, irq_pending, of.number, on);
  }
  void set_active(Target of, bool on) {
    set(of.secure ? sys_active : sys_active_ns, irq_active, of.number, on);
  }
  bool any_active() const { return sys_active != 0 || sys_active_ns != 0 || irq_active != 0; }
  /// The interrupts that software in a security state sees.
  std::uint64_t visible(bool to_secure) const { return to_secure ? kIrqMask : irq_nonsecure; }
  bool targets_secure(unsigned irq) const { return (irq_nonsecure >> irq & 1) == 0; }
  std::uint8_t& priority_of(Target of) {
    return of.secure || of.number >= 16 ? priority[of.number] : priority_ns[of.number];
  }
  std::uint8_t priority_of(Target of) const {
    return of.secure || of.number >= 16 ? priority[of.number] : priority_ns[of.number];
  }

 private:
  static void set(std::uint16_t& sys, std::uint64_t& irq, unsigned number, bool on) {
    if (number < 16) {
      const auto bit = static_cast<std::uint16_t>(1u << number);
      sys = static_cast<std::uint16_t>(on ? sys | bit : sys & ~bit);
    } else {
      const std::uint64_t bit = std::uint64_t{1} << (number - 16);
      irq = on ? irq | bit : irq & ~bit;
    }
  }
};

/// Memory protection unit, PMSAv8 with 8 regions (Armv8-M ARM, B8 and D1.2; RP2350 datasheet 3.7.2).
struct Mpu {
  static constexpr unsigned kRegions = 8;
  enum class Use : std::uint8_t { kRead, kWrite, kExecute };

  std::uint32_t ctrl = 0;  ///< ENABLE, HFNMIENA, PRIVDEFENA
  std::uint32_t rnr = 0;
  std::uint32_t rbar[kRegions] = {};
  std::uint32_t rlar[kRegions] = {};
  std::uint32_t mair[2] = {};

  bool enabled() const { return (ctrl & 1) != 0; }
  /// Whether the access is allowed. `below_zero`: execution priority is negative (HardFault, NMI, FAULTMASK).
  bool allows(std::uint32_t address, Use use, bool privileged, bool below_zero) const;
  static constexpr int kNoRegion = -1;
  static constexpr int kOverlap = -2;  ///< several regions: a fault
  /// The region that holds `address`, or one of the above.
  int region_of(std::uint32_t address) const;
};

/// The 24-bit SysTick timer (Armv8-M ARM, B11). Counts clk_sys, or the external reference that the TICKS
/// block makes. Its value is computed when asked for; an event marks the moment at which it reaches 0.
class SysTick {
 public:
  /// Each security state has its own.
  SysTick(Core& core, bool secure) : core_(core), secure_(secure) {}

  std::uint32_t read_csr();
  void write_csr(std::uint32_t value);
  std::uint32_t rvr() const { return reload_; }
  void write_rvr(std::uint32_t value);
  std::uint32_t read_cvr();
  void write_cvr();
  std::uint32_t calib() const;
  void set_reference(Picoseconds period);
  void clock_changed();
  void reset();

 private:
  bool enabled() const { return (control_ & 1) != 0; }
  bool core_clock() const { return (control_ & 4) != 0; }
  /// Ticks since the counter was last set (to `value_`).
  std::uint64_t elapsed() const;
  std::uint32_t value_now() const;
  /// Takes the present value as the new starting point, noting a passage through 0 on the way.
  void rebase();
  void schedule();
  void reached_zero();

  Core& core_;
  const bool secure_;
  std::uint32_t control_ = 0;
  bool count_flag_ = false;
  std::uint32_t reload_ = 0;
  std::uint32_t value_ = 0;
  Cycle origin_cycle_ = 0;
  Picoseconds origin_time_ = 0;
  Picoseconds reference_ = 0;
  EventQueue::Id event_ = 0;
};

/// The registers that only hold a value: system control space, debug and trace blocks, RP2350's EPPB.
struct Scs {
  std::uint32_t vtor = 0;
  std::uint32_t aircr_prigroup = 0;
  std::uint32_t scr = 0;
  static constexpr std::uint32_t kCcrReset = 0x0000'0201;  ///< STKALIGN is RES1; bit 0 reads as 1
  std::uint32_t ccr = kCcrReset;
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
  std::uint32_t sfsr = 0, sfar = 0;
  bool pris = false;  ///< AIRCR.PRIS: Non-secure exceptions have the lower half of the priorities

  static constexpr std::uint32_t kCcrDiv0Trp = 1u << 4, kCcrUnalignTrp = 1u << 3;
  static constexpr std::uint32_t kScrSevonpend = 1u << 4, kScrSleeponexit = 1u << 1;
  static constexpr std::uint32_t kMemfaultena = 1u << 16, kBusfaultena = 1u << 17, kUsgfaultena = 1u << 18,
                                 kSecurefaultena = 1u << 19;
};

/// Registers at 0xe0000000..0xe00fffff, those of the core's security state; Secure software sees the other
/// state's System Control Space at +0x20000. Narrow accesses are served where the architecture allows them.
/// Errors: throws Fault (BusFault) for unprivileged access, Stop for registers that the model lacks.
std::uint32_t ppb_read(Core& core, std::uint32_t address, unsigned size);
void ppb_write(Core& core, std::uint32_t address, std::uint32_t value, unsigned size);

}  // namespace pico_llama::simulator
