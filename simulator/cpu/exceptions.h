#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// Exception numbers of the Armv8-M Architecture Reference Manual, section B3.8.
namespace exception {
inline constexpr unsigned kReset = 1;
inline constexpr unsigned kNmi = 2;
inline constexpr unsigned kHardFault = 3;
inline constexpr unsigned kMemManage = 4;
inline constexpr unsigned kBusFault = 5;
inline constexpr unsigned kUsageFault = 6;
inline constexpr unsigned kSecureFault = 7;
inline constexpr unsigned kSvCall = 11;
inline constexpr unsigned kDebugMonitor = 12;
inline constexpr unsigned kPendSv = 14;
inline constexpr unsigned kSysTick = 15;
}  // namespace exception

/// Bits of CFSR (Armv8-M ARM, D1.2.11 BFSR, MMFSR and UFSR together).
namespace cfsr {
inline constexpr std::uint32_t kBfsr = 0xff00;  ///< the part that is not banked between security states
inline constexpr std::uint32_t kIaccviol = 1u << 0, kDaccviol = 1u << 1, kMunstkerr = 1u << 3,
                               kMstkerr = 1u << 4, kMlsperr = 1u << 5, kMmarvalid = 1u << 7;
inline constexpr std::uint32_t kIbuserr = 1u << 8, kPreciserr = 1u << 9, kUnstkerr = 1u << 11,
                               kStkerr = 1u << 12, kLsperr = 1u << 13, kBfarvalid = 1u << 15;
inline constexpr std::uint32_t kUndefinstr = 1u << 16, kInvstate = 1u << 17, kInvpc = 1u << 18,
                               kNocp = 1u << 19, kStkof = 1u << 20, kUnaligned = 1u << 24,
                               kDivbyzero = 1u << 25;
}  // namespace cfsr

namespace hfsr {
inline constexpr std::uint32_t kVecttbl = 1u << 1, kForced = 1u << 30;
}  // namespace hfsr

/// An exception and the security state that takes it.
struct Target {
  unsigned number = 0;
  bool secure = true;
};

/// A synchronous fault: thrown by the instruction that causes it, caught by the core's loop, which takes the
/// exception. Rare by nature, and so the fast path of memory accesses carries no check for it.
struct Fault {
  unsigned exception = exception::kUsageFault;
  std::uint32_t cfsr = 0;     ///< of SecureFault: SFSR
  std::uint32_t address = 0;  ///< for MMFAR, BFAR and SFAR, where cfsr has the VALID bit
};

inline Fault usage_fault(std::uint32_t bits) { return {exception::kUsageFault, bits, 0}; }

}  // namespace pico_llama::simulator
