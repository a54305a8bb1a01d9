#include "simulator/cpu/rcp.h"

#include <bit>
#include <string>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kTrue = 0xa500'a500, kFalse = 0x00c3'00c3, kIntXor = 0x9600'9600;
/// The number of ones is odd in every encoding of hardware/rcp.h, which runs on silicon; section 3.6.3.3 of
/// the datasheet says even.
bool has_right_parity(const Coprocessor::Op& op, unsigned parity) {
  return ((static_cast<unsigned>(std::popcount(op.opc1)) + parity) & 1) != 0;
}
bool is_boolean(std::uint32_t value) { return value == kTrue || value == kFalse; }
}  // namespace

void Rcp::reset() {
  salt_ = 0x5a17'c0de'9e37'79b9 + core_.number;
  count_ = 0;
  random_ = static_cast<std::uint32_t>(salt_ >> 40);
}

void Rcp::fault(const char* why) { stop_at(core_, std::string("RCP fault: ") + why); }

void Rcp::delay(const Op& op) {
  if (!op.second_form) core_.clock += timing::kRcpDelay.cycles;
}

void Rcp::require_parity(const Op& op, unsigned parity) {
  if (!has_right_parity(op, parity)) fault("bad parity of an instruction");
}

std::uint32_t Rcp::canary(unsigned tag) const {
  std::uint32_t expanded = tag | (~tag & 0xff) << 8 | tag << 16;
  expanded &= 0xff'0000u | (static_cast<std::uint32_t>(salt_ >> 24) & 0xffff);
  return (expanded ^ static_cast<std::uint32_t>(salt_)) << 8;
}

bool Rcp::mcr(const Op& op, std::uint32_t value) {
  if (!core_.secure) return has_right_parity(op, op.opc2 & 1) && op.opc1 <= 6;
  require_parity(op, op.opc2 & 1);
  delay(op);
  const unsigned tag = op.crn << 4 | op.crm;
  switch (op.opc1) {
    case 0:
      if (value != canary(tag)) fault("canary check: the stack was overwritten, or control flow went astray");
      return true;
    case 4:
      count_ = static_cast<std::uint8_t>(tag);
      return true;
    case 5:
      if (count_++ != tag) fault("count check: steps of a sequence were left out");
      return true;
    default:
      break;
  }
  if (tag != 0 || op.opc1 > 6) fault("invalid instruction");
  if (op.opc1 == 1 && !is_boolean(value)) fault("bvalid: not a valid boolean");
  if (op.opc1 == 2 && value != kTrue) fault("btrue: not true");
  if (op.opc1 == 3 && value != kFalse) fault("bfalse: not false");
  if (op.opc1 == 6) fault("invalid instruction");
  return true;
}

bool Rcp::mrc(const Op& op, std::uint32_t& value) {
  if (!core_.secure) {
    value = 0;
    return has_right_parity(op, op.opc2 & 1) && op.opc1 <= 2;
  }
  require_parity(op, op.opc2 & 1);
  const unsigned tag = op.crn << 4 | op.crm;
  if (op.opc1 == 1) {
    value = kTrue;  // the salt is valid
    delay(op);
    return true;
  }
  delay(op);
  if (op.opc1 == 0) {
    value = canary(tag);
    return true;
  }
  if (op.opc1 != 2 || tag != 0) fault("invalid instruction");
  random_ = random_ * 1664525u + 1013904223u;
  value = random_ >> 24;
  return true;
}

bool Rcp::mcrr(const Op& op, std::uint32_t low, std::uint32_t high) {
  if (!core_.secure) return has_right_parity(op, op.crm >> 3) && op.opc1 <= 8;
  require_parity(op, op.crm >> 3);
  const unsigned which = op.crm & 7;
  if (op.opc1 == 8) {
    if (which > 1) fault("invalid instruction");
    // Core 0 salts both; here each core's RCP is its own, and the other's salt is valid already.
    if (which == core_.number) fault("a second salt");
    delay(op);
    return true;
  }
  if (which != 0 || op.opc1 > 8) fault("invalid instruction");
  delay(op);
  switch (op.opc1) {
    case 0:
      if (!is_boolean(low) || !is_boolean(high)) fault("b2valid: not two valid booleans");
      break;
    case 1:
      if (low != kTrue || high != kTrue) fault("b2and: not both true");
      break;
    case 2:
      if (!is_boolean(low) || !is_boolean(high) || (low != kTrue && high != kTrue))
        fault("b2or: none is true");
      break;
    case 3:
      if (!is_boolean(low ^ high)) fault("bxorvalid: not a valid boolean");
      break;
    case 4:
      if ((low ^ high) != kTrue) fault("bxortrue: not true");
      break;
    case 5:
      if ((low ^ high) != kFalse) fault("bxorfalse: not false");
      break;
    case 6:
      if ((low ^ high) != kIntXor) fault("ivalid: value and parity disagree");
      break;
    default:
      if (low != high) fault("iequal: the values differ");
      break;
  }
  return true;
}

bool Rcp::mrrc(const Op&, std::uint32_t&, std::uint32_t&) { fault("invalid instruction (MRRC)"); }

bool Rcp::cdp(const Op& op) {
  if (!core_.secure) stop_at(core_, "rcp_panic in Non-secure state");
  require_parity(op, op.opc2 & 1);
  fault("rcp_panic: the program gave up");
}

}  // namespace pico_llama::simulator
