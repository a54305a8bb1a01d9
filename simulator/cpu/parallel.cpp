#include "simulator/cpu/parallel.h"

#include "simulator/cpu/alu.h"
#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {
namespace {

enum class Kind : unsigned { kS = 0, kQ = 1, kSh = 2, kU = 4, kUq = 5, kUh = 6 };

constexpr bool is_signed(Kind kind) { return kind < Kind::kU; }

template <Kind kKind, unsigned kBits>
std::int32_t lane(std::uint32_t word, unsigned index) {
  const std::uint32_t value = word >> (kBits * index) & ((1u << kBits) - 1);
  return static_cast<std::int32_t>(is_signed(kKind) ? sign_extend(value, kBits) : value);
}

/// One lane's result; for S and U also its GE flag.
template <Kind kKind, unsigned kBits>
std::uint32_t finish(std::int32_t sum, bool subtracts, bool& ge) {
  bool ignored = false;
  std::uint32_t result;
  if constexpr (kKind == Kind::kQ)
    result = saturate_signed(sum, kBits, ignored);
  else if constexpr (kKind == Kind::kUq)
    result = saturate_unsigned(sum, kBits, ignored);
  else if constexpr (kKind == Kind::kSh || kKind == Kind::kUh)
    result = static_cast<std::uint32_t>(sum >> 1);
  else
    result = static_cast<std::uint32_t>(sum);
  ge = is_signed(kKind) || subtracts ? sum >= 0 : sum >= (1 << kBits);
  return result & ((1u << kBits) - 1);
}

template <Kind kKind, unsigned kBits, bool kSubtract>
void lanes(Cpu& cpu, const Insn& i) {
  std::uint32_t result = 0;
  std::uint8_t ge = 0;
  for (unsigned index = 0; index < 32 / kBits; ++index) {
    const std::int32_t a = lane<kKind, kBits>(cpu.r[i.rn], index);
    const std::int32_t b = lane<kKind, kBits>(cpu.r[i.rm], index);
    bool at_least = false;
    result |= finish<kKind, kBits>(kSubtract ? a - b : a + b, kSubtract, at_least) << (kBits * index);
    if (at_least) ge = u8(ge | ((1u << (kBits / 8)) - 1) << (index * (kBits / 8)));
  }
  cpu.r[i.rd] = result;
  if constexpr (kKind == Kind::kS || kKind == Kind::kU) cpu.ge = ge;
}

/// ASX: low = low - high, high = high + low. SAX: the other way round.
template <Kind kKind, bool kAsx>
void exchanged(Cpu& cpu, const Insn& i) {
  const std::int32_t a_low = lane<kKind, 16>(cpu.r[i.rn], 0), a_high = lane<kKind, 16>(cpu.r[i.rn], 1);
  const std::int32_t b_low = lane<kKind, 16>(cpu.r[i.rm], 0), b_high = lane<kKind, 16>(cpu.r[i.rm], 1);
  bool ge_low = false, ge_high = false;
  const std::uint32_t low = finish<kKind, 16>(kAsx ? a_low - b_high : a_low + b_high, kAsx, ge_low);
  const std::uint32_t high = finish<kKind, 16>(kAsx ? a_high + b_low : a_high - b_low, !kAsx, ge_high);
  cpu.r[i.rd] = high << 16 | low;
  if constexpr (kKind == Kind::kS || kKind == Kind::kU) cpu.ge = u8((ge_low ? 3u : 0) | (ge_high ? 12u : 0));
}

template <Kind kKind>
Handler of_kind(unsigned operation) {
  switch (operation) {
    case 0:
      return lanes<kKind, 8, false>;
    case 1:
      return lanes<kKind, 16, false>;
    case 2:
      return exchanged<kKind, true>;
    case 4:
      return lanes<kKind, 8, true>;
    case 5:
      return lanes<kKind, 16, true>;
    case 6:
      return exchanged<kKind, false>;
    default:
      return undefined;
  }
}

}  // namespace

Handler parallel_handler(unsigned operation, unsigned kind) {
  switch (kind) {
    case 0:
      return of_kind<Kind::kS>(operation);
    case 1:
      return of_kind<Kind::kQ>(operation);
    case 2:
      return of_kind<Kind::kSh>(operation);
    case 4:
      return of_kind<Kind::kU>(operation);
    case 5:
      return of_kind<Kind::kUq>(operation);
    case 6:
      return of_kind<Kind::kUh>(operation);
    default:
      return undefined;
  }
}

}  // namespace pico_llama::simulator
