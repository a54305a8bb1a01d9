#include "simulator/cpu/core.h"

/// Data accesses beyond aligned SRAM: splitting of unaligned ones, the MPU, the private peripheral bus and
/// the rest of the bus.
namespace pico_llama::simulator {
namespace {

constexpr bool is_ppb(std::uint32_t address) { return address >> 20 == 0xe00; }

/// Peripherals are Device memory in the default map (Armv8-M ARM, B7.3): no unaligned accesses there. SIO is
/// in the 0xc0000000 region, which is Device, too.
bool is_device(std::uint32_t address) {
  return (address >= 0x4000'0000 && address < 0x6000'0000) || address >= 0xa000'0000;
}

}  // namespace

void Core::unaligned(std::uint32_t) { throw usage_fault(cfsr::kUnaligned); }

void Core::update_mpu_checks() { mpu_checks = mpu.enabled(); }

std::uint32_t Core::load_aligned(std::uint32_t address, unsigned size, std::uint32_t beat,
                                 bool privileged_access) {
  if (mpu.enabled() && !is_ppb(address) &&
      !mpu.allows(address, Mpu::Use::kRead, privileged_access, execution_priority() < 0))
    throw Fault{exception::kMemManage, cfsr::kDaccviol | cfsr::kMmarvalid, address};
  if (is_ppb(address)) {
    if (!privileged_access) throw Fault{exception::kBusFault, cfsr::kPreciserr | cfsr::kBfarvalid, address};
    return ppb_read(*this, address, size);
  }
  const Reply reply =
      bus.read(address, {.master = master, .size = static_cast<std::uint8_t>(size), .now = clock + beat});
  clock += reply.stall;
  counters.data_stalls += reply.stall;
  if (reply.fault != BusFault::kNone)
    throw Fault{exception::kBusFault, cfsr::kPreciserr | cfsr::kBfarvalid, address};
  return reply.value;
}

void Core::store_aligned(std::uint32_t address, std::uint32_t value, unsigned size, std::uint32_t beat,
                         bool privileged_access) {
  if (mpu.enabled() && !is_ppb(address) &&
      !mpu.allows(address, Mpu::Use::kWrite, privileged_access, execution_priority() < 0))
    throw Fault{exception::kMemManage, cfsr::kDaccviol | cfsr::kMmarvalid, address};
  if (is_ppb(address)) {
    if (!privileged_access) throw Fault{exception::kBusFault, cfsr::kPreciserr | cfsr::kBfarvalid, address};
    ppb_write(*this, address, value, size);
    return;
  }
  const Reply reply = bus.write(
      address, value, {.master = master, .size = static_cast<std::uint8_t>(size), .now = clock + beat});
  clock += reply.stall;
  counters.data_stalls += reply.stall;
  if (reply.fault != BusFault::kNone)
    throw Fault{exception::kBusFault, cfsr::kPreciserr | cfsr::kBfarvalid, address};
}

std::uint32_t Core::load_slow(std::uint32_t address, unsigned size, std::uint32_t beat) {
  const bool as_privileged = privileged();
  if ((address & (size - 1)) == 0) return load_aligned(address, size, beat, as_privileged);
  if ((scs.ccr & Scs::kCcrUnalignTrp) != 0 || is_device(address)) unaligned(address);
  clock += timing::kUnalignedExtra.cycles;
  // Bytes would do, but the aligned words around it are what the bus sees.
  std::uint32_t value = 0;
  for (unsigned done = 0; done < size;) {
    const std::uint32_t at = address + done;
    const unsigned part = (at & 1) == 0 && size - done >= 2 ? 2 : 1;
    value |= load_aligned(at, part, beat, as_privileged) << (8 * done);
    done += part;
  }
  return value;
}

void Core::store_slow(std::uint32_t address, std::uint32_t value, unsigned size, std::uint32_t beat) {
  const bool as_privileged = privileged();
  if ((address & (size - 1)) == 0) {
    store_aligned(address, value, size, beat, as_privileged);
    return;
  }
  if ((scs.ccr & Scs::kCcrUnalignTrp) != 0 || is_device(address)) unaligned(address);
  clock += timing::kUnalignedExtra.cycles;
  for (unsigned done = 0; done < size;) {
    const std::uint32_t at = address + done;
    const unsigned part = (at & 1) == 0 && size - done >= 2 ? 2 : 1;
    store_aligned(at, value >> (8 * done), part, beat, as_privileged);
    done += part;
  }
}

}  // namespace pico_llama::simulator
