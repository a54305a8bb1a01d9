#pragma once
#include <cstdint>

#include "simulator/cpu/ppb.h"

/// The Armv8-M Security Extension, as far as this board has it: attribution of addresses, and the registers
/// that exist once for each security state. Sources: Armv8-M Architecture Reference Manual, B8 (attribution),
/// B3 (states, exceptions), D1.2 (registers); RP2350 datasheet, section 10.2.
///
/// Not modelled, and a Stop: a floating-point context across a change of state, AIRCR.BFHFNMINS.
namespace pico_llama::simulator {

/// What an address is attributed to. Of SAU and IDAU the higher counts.
enum class Attribution : std::uint8_t {
  kNonSecure,
  kCallable,  ///< Secure, and Non-secure code may enter it at an SG instruction
  kSecure,
  kExempt,  ///< as the state that the core is in
};

/// The chip's own map (RP2350 datasheet, section 10.2.2); fetches see a Non-secure part of the boot ROM.
Attribution rp2350_idau(std::uint32_t address, bool fetch);

/// Security attribution unit, 8 regions (Armv8-M ARM, B8.3; RP2350 datasheet, section 3.7.2).
struct Sau {
  static constexpr unsigned kRegions = 8;
  static constexpr int kNoRegion = -1;
  static constexpr int kOverlap = -2;  ///< several regions: Secure

  std::uint32_t ctrl = 0;  ///< ENABLE, ALLNS
  std::uint32_t rnr = 0;
  std::uint32_t rbar[kRegions] = {}, rlar[kRegions] = {};

  bool enabled() const { return (ctrl & 1) != 0; }
  /// The region that holds `address`, or one of the above. Requires: enabled().
  int region_of(std::uint32_t address) const;
  Attribution attribution(std::uint32_t address) const;
  /// All addresses from here on are Secure.
  std::uint64_t secure_from() const;
};

/// Bits of SFSR (Armv8-M ARM, D1.2).
namespace sfsr {
inline constexpr std::uint32_t kInvep = 1u << 0, kInvis = 1u << 1, kInver = 1u << 2, kAuviol = 1u << 3,
                               kInvtran = 1u << 4, kSfarvalid = 1u << 6;
}  // namespace sfsr

/// The registers of the security state that the core is not in. Those of the present state are members of
/// Core, so that instructions need not ask which it is; Core::switch_state() exchanges them.
struct BankedRegisters {
  std::uint32_t msp = 0, psp = 0, msplim = 0, psplim = 0;
  bool primask = false, faultmask = false;
  std::uint8_t basepri = 0;
  bool npriv = false, spsel = false;
  std::uint32_t vtor = 0, prigroup = 0, scr = 0, ccr = Scs::kCcrReset;
  std::uint32_t shcsr_enables = 0;
  std::uint32_t cfsr = 0;  ///< MMFSR and UFSR; BFSR is not banked
  std::uint32_t mmfar = 0;
  std::uint32_t cpacr = 0;
  std::uint32_t fpcar = 0, fpdscr = 0;
  Mpu mpu;
};

/// While it lives, Secure software has Non-secure state's registers before it, pc excepted.
class NonSecureView {
 public:
  /// Requires: the core is in Secure state.
  explicit NonSecureView(Core& core);
  ~NonSecureView();
  NonSecureView(const NonSecureView&) = delete;
  NonSecureView& operator=(const NonSecureView&) = delete;

 private:
  Core& core_;
};

}  // namespace pico_llama::simulator
