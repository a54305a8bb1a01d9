#pragma once
#include <cstdint>
#include <string_view>

#include "simulator/clock/timebase.h"

namespace pico_llama::simulator {

/// The bus fabric's masters, in the order of their arbitration here (core 0 first) [ASSUMED].
enum class Master : std::uint8_t { kCore0, kCore1, kDma, kDebugger };

enum class BusFault : std::uint8_t {
  kNone,
  kUnmapped,  ///< no device at this address
  kDenied,    ///< a device refuses the access (write to a read-only window, device held in reset)
};

/// How a write combines with the register's value: the atomic aliases at +0x1000, +0x2000, +0x3000 of APB and
/// AHB peripherals (datasheet section 2.1.3).
enum class AtomicOp : std::uint8_t { kWrite, kXor, kSet, kClear };

inline std::uint32_t apply(AtomicOp op, std::uint32_t old_value, std::uint32_t value) {
  switch (op) {
    case AtomicOp::kXor:
      return old_value ^ value;
    case AtomicOp::kSet:
      return old_value | value;
    case AtomicOp::kClear:
      return old_value & ~value;
    case AtomicOp::kWrite:
      break;
  }
  return value;
}

struct Access {
  Master master = Master::kCore0;
  std::uint8_t size = 4;  ///< bytes: 1, 2 or 4
  AtomicOp op = AtomicOp::kWrite;
  bool secure = true;  ///< the security state of the core that makes it
  bool privileged = true;
  Cycle now = 0;  ///< clk_sys cycle in which the address phase happens
};

/// The result of an access: a bus fault is a value, and so is time (docs/decisions/0013).
///
/// Each field is padded to eight bytes. Packed, the struct is returned in two registers that GCC 12 assembles
/// on the stack: narrow stores, then a wide load that waits for them, 4 % of the host's time for a story.
struct Reply {
  alignas(8) std::uint32_t value = 0;
  alignas(8) std::uint32_t stall = 0;  ///< cycles beyond those of a zero-wait access
  alignas(8) BusFault fault = BusFault::kNone;
};

/// ACCESSCTRL: who reaches which peripheral.
class AccessFilter {
 public:
  virtual ~AccessFilter() = default;
  /// Whether an access passes to the device at `base`.
  virtual bool admits(std::uint32_t base, const Access& access) const = 0;
  /// Secure accesses may be refused, too: otherwise the bus does not ask for them.
  bool restricts_secure = false;
};

/// A peripheral: a window of registers.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  virtual std::string_view name() const = 0;
  /// `offset` is relative to the window and has the atomic-alias bits removed; it is a multiple of
  /// access.size where byte_addressable(), of 4 elsewhere (the bus shifts the lane out).
  virtual Reply read(std::uint32_t offset, const Access& access) = 0;
  /// Where not byte_addressable(), a narrow write arrives as the hardware sends it: the byte or
  /// half-word repeated on all lanes, as one 32-bit write (datasheet section 2.1.5).
  virtual Reply write(std::uint32_t offset, std::uint32_t value, const Access& access) = 0;
  /// True for memories such as the USB DPRAM, which take byte writes.
  virtual bool byte_addressable() const { return false; }
  /// False for SIO, the USB DPRAM and others without the atomic aliases.
  virtual bool has_atomic_aliases() const { return true; }
};

}  // namespace pico_llama::simulator
