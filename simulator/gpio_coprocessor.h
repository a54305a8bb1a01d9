#pragma once
#include "simulator/cpu/coprocessor.h"
#include "simulator/devices/sio.h"

namespace pico_llama::simulator {

/// CP0: SIO's pins through coprocessor instructions, which the SDK uses by default (datasheet section 3.6.1).
class GpioCoprocessor : public Coprocessor {
 public:
  explicit GpioCoprocessor(Sio& sio) : sio_(sio) {}
  bool mcr(const Op& op, std::uint32_t value) override;
  bool mrc(const Op& op, std::uint32_t& value) override;
  bool mcrr(const Op& op, std::uint32_t low, std::uint32_t high) override;
  bool mrrc(const Op& op, std::uint32_t& low, std::uint32_t& high) override;
  bool cdp(const Op&) override { return false; }

 private:
  /// `how`: 0 put, 1 xor, 2 set, 3 clear, on the bits in `mask`. `oe`: output enables, else output values.
  void change(bool oe, unsigned how, std::uint64_t bits, std::uint64_t mask);
  bool read(unsigned crm, std::uint64_t& pins) const;

  Sio& sio_;
};

}  // namespace pico_llama::simulator
