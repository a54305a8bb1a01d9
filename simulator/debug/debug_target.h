#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace pico_llama::simulator {

enum class WatchKind : std::uint8_t { kWrite, kRead, kAccess };

/// Why the machine halted.
struct DebugStop {
  enum class Reason : std::uint8_t { kBreakpoint, kStep, kWatch, kInterrupt, kFault, kEnded };
  Reason reason = Reason::kInterrupt;
  unsigned core = 0;
  WatchKind watch = WatchKind::kWrite;
  std::uint32_t address = 0;  ///< kWatch: the address accessed
  std::string message{};      ///< kFault, kEnded: the board's message
};

/// The machine as a debugger sees it: cores that run and halt together.
class DebugTarget {
 public:
  /// Numbers of registers beyond r0..r15.
  enum Register : unsigned {
    kXpsr = 16,
    kSingle0 = 17,
    kFpscr = 49,
    kMsp,
    kPsp,
    kPrimask,
    kBasepri,
    kFaultmask,
    kControl,
    kMsplim,
    kPsplim
  };

  virtual ~DebugTarget() = default;
  virtual unsigned cores() const = 0;
  virtual std::uint32_t reg(unsigned core, unsigned number) = 0;
  virtual void set_reg(unsigned core, unsigned number, std::uint32_t value) = 0;
  /// False if one of the addresses is unmapped.
  virtual bool read(unsigned core, std::uint32_t address, std::span<std::uint8_t> bytes) = 0;
  virtual bool write(unsigned core, std::uint32_t address, std::span<const std::uint8_t> bytes) = 0;
  virtual void set_breakpoint(std::uint32_t address, bool on) = 0;
  virtual void set_watchpoint(WatchKind kind, std::uint32_t address, std::uint32_t bytes, bool on) = 0;
  /// Runs until something stops it. `step`: only one instruction of that core, while the other runs on.
  /// `interrupted` is polled.
  virtual DebugStop resume(std::optional<unsigned> step, const std::function<bool()>& interrupted) = 0;
  /// Power-on reset.
  virtual void reset() = 0;
  /// Both cores for a human.
  virtual std::string describe() = 0;
};

}  // namespace pico_llama::simulator
