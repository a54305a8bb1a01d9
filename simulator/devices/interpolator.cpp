#include "simulator/devices/interpolator.h"

namespace pico_llama::simulator {
namespace {
// CTRL_LANEx, hardware/regs/sio.h.
constexpr std::uint32_t kSigned = 1U << 15, kCrossInput = 1U << 16, kCrossResult = 1U << 17,
                        kAddRaw = 1U << 18;
constexpr std::uint32_t kBlend = 1U << 21, kClamp = 1U << 22;
constexpr std::uint32_t kLane0Bits = 0x003fffff, kLane0ClampBits = 0x005fffff, kLane1Bits = 0x001fffff;

std::int32_t as_signed(std::uint32_t value) { return static_cast<std::int32_t>(value); }
}  // namespace

Interpolator::Results Interpolator::work_out() const {
  Results r;
  std::array<std::uint32_t, 2> input{};
  for (unsigned lane = 0; lane < 2; ++lane) {
    const std::uint32_t ctrl = ctrl_[lane];
    input[lane] = accum_[(ctrl & kCrossInput) != 0 ? 1 - lane : lane];
    const unsigned shift = ctrl & 31, low = ctrl >> 5 & 31, high = ctrl >> 10 & 31;
    // The shifter rotates (section 3.1.10.1), the mask then selects.
    const std::uint32_t rotated =
        shift == 0 ? input[lane] : input[lane] >> shift | input[lane] << (32 - shift);
    const std::uint32_t upto_high = high == 31 ? ~0U : (1U << (high + 1)) - 1;
    const std::uint32_t mask = upto_high & ~((1U << low) - 1);
    std::uint32_t value = rotated & mask;
    r.overflow[lane] = (input[lane] >> shift & ~upto_high) != 0;
    if ((ctrl & kSigned) != 0 && (value >> high & 1U) != 0) value |= ~upto_high;
    r.shifted[lane] = value;
  }
  const bool blend = can_blend_ && (ctrl_[0] & kBlend) != 0;
  const bool clamp = !can_blend_ && (ctrl_[0] & kClamp) != 0;
  for (unsigned lane = 0; lane < 2; ++lane) {
    const std::uint32_t addend = (ctrl_[lane] & kAddRaw) != 0 ? input[lane] : r.shifted[lane];
    r.value[lane] = base_[lane] + addend;
  }
  r.value[2] = base_[2] + r.shifted[0] + r.shifted[1];
  if (blend) {
    // Section 3.1.10.2: RESULT1 is BASE0 + alpha * (BASE1 - BASE0) / 256, alpha the low byte of lane 1; lane
    // 0 gives alpha itself; RESULT2 leaves out lane 1.
    const std::uint32_t alpha = r.shifted[1] & 0xff;
    std::int64_t from = as_signed(base_[0]), to = as_signed(base_[1]);
    if ((ctrl_[1] & kSigned) == 0) from = base_[0], to = base_[1];
    r.value[0] = alpha;
    r.value[1] = static_cast<std::uint32_t>(from + ((static_cast<std::int64_t>(alpha) * (to - from)) >> 8));
    r.value[2] = base_[2] + r.shifted[0];
  }
  if (clamp) {
    const std::uint32_t value = r.shifted[0];
    const bool is_signed = (ctrl_[0] & kSigned) != 0;
    const bool below = is_signed ? as_signed(value) < as_signed(base_[0]) : value < base_[0];
    const bool above = is_signed ? as_signed(value) > as_signed(base_[1]) : value > base_[1];
    r.value[0] = below ? base_[0] : above ? base_[1] : value;
  }
  for (unsigned lane = 0; lane < 2; ++lane) r.value[lane] |= (ctrl_[lane] >> 19 & 3U) << 28;  // FORCE_MSB
  return r;
}

void Interpolator::pop(const Results& r) {
  accum_[0] = r.value[(ctrl_[0] & kCrossResult) != 0 ? 1 : 0];
  accum_[1] = r.value[(ctrl_[1] & kCrossResult) != 0 ? 0 : 1];
}

std::uint32_t Interpolator::read(std::uint32_t offset) {
  const Results r = work_out();
  const unsigned word = offset / 4;
  switch (word) {
    case 0:
    case 1:
      return accum_[word];
    case 2:
    case 3:
    case 4:
      return base_[word - 2];
    case 5:
    case 6:
    case 7:
      pop(r);
      return r.value[word - 5];
    case 8:
    case 9:
    case 10:
      return r.value[word - 8];
    case 11:
      return ctrl_[0] | (r.overflow[0] ? 1U << 23 : 0) | (r.overflow[1] ? 1U << 24 : 0) |
             (r.overflow[0] || r.overflow[1] ? 1U << 25 : 0);
    case 12:
      return ctrl_[1];
    case 13:
    case 14:
      return r.shifted[word - 13] & 0x00ffffff;  // ACCUMx_ADD reads the lane's raw value, 24 bits of it
    default:
      return 0;  // BASE_1AND0 is write-only
  }
}

void Interpolator::write(std::uint32_t offset, std::uint32_t value) {
  const unsigned word = offset / 4;
  switch (word) {
    case 0:
    case 1:
      accum_[word] = value;
      break;
    case 2:
    case 3:
    case 4:
      base_[word - 2] = value;
      break;
    case 11:
      ctrl_[0] = value & (can_blend_ ? kLane0Bits : kLane0ClampBits);
      break;
    case 12:
      ctrl_[1] = value & kLane1Bits;
      break;
    case 13:
    case 14:
      accum_[word - 13] += value & 0x00ffffff;
      break;
    case 15: {
      // BASE_1AND0: 16 bits each, sign-extended where the lane is SIGNED (lane 1's flag decides for both in
      // blend mode).
      const bool blend = can_blend_ && (ctrl_[0] & kBlend) != 0;
      const std::array<std::uint32_t, 2> half{value & 0xffff, value >> 16};
      for (unsigned lane = 0; lane < 2; ++lane) {
        const bool extend = (ctrl_[blend ? 1 : lane] & kSigned) != 0;
        base_[lane] = extend && (half[lane] & 0x8000) != 0 ? half[lane] | 0xffff0000 : half[lane];
      }
      break;
    }
    default:
      break;  // POP and PEEK are read-only
  }
}

}  // namespace pico_llama::simulator
