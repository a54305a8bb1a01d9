#pragma once
#include <cstdint>

#include "simulator/cpu/coprocessor.h"

namespace pico_llama::simulator {

class Core;

/// The redundancy coprocessor, CP7 (datasheet section 3.6.3; encodings in the SDK's hardware/rcp.h). The boot
/// ROM is modelled at a high level, so the salt is valid from start() on, as the ROM leaves it.
/// In Non-secure state reads give 0 and writes check nothing (section 3.6.3.2).
/// Its faults (NMI, and then the ROM's handler stops the core for good) end the run with a Stop that says
/// which check failed. Random delays: every delayed instruction is charged timing::kRcpDelay.
class Rcp final : public Coprocessor {
 public:
  explicit Rcp(Core& core) : core_(core) {}
  void reset();

  bool mcr(const Op& op, std::uint32_t value) override;
  bool mrc(const Op& op, std::uint32_t& value) override;
  bool mcrr(const Op& op, std::uint32_t low, std::uint32_t high) override;
  bool mrrc(const Op& op, std::uint32_t& low, std::uint32_t& high) override;
  bool cdp(const Op& op) override;

 private:
  [[noreturn]] void fault(const char* why);
  void delay(const Op& op);
  void require_parity(const Op& op, unsigned parity);
  std::uint32_t canary(unsigned tag) const;

  Core& core_;
  std::uint64_t salt_ = 0;
  std::uint8_t count_ = 0;
  std::uint32_t random_ = 0;
};

}  // namespace pico_llama::simulator
