#include "simulator/bus/qmi_format.h"

#include <string>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

unsigned field(std::uint32_t value, unsigned low, unsigned bits) {
  return (value >> low) & ((1u << bits) - 1);
}

unsigned lanes(std::uint32_t fmt, unsigned low) {
  const unsigned width = field(fmt, low, 2);
  if (width == 3) throw Stop("QMI: width 3 in a format register is not defined (12.14.6)");
  return 1u << width;
}

}  // namespace

QmiFormat QmiFormat::decode(std::uint32_t fmt, std::uint32_t cmd) {
  QmiFormat f;
  f.prefix_lanes = lanes(fmt, 0);
  f.address_lanes = lanes(fmt, 2);
  f.suffix_lanes = lanes(fmt, 4);
  f.dummy_lanes = lanes(fmt, 6);
  f.data_lanes = lanes(fmt, 8);
  f.prefix_bits = 8 * field(fmt, 12, 1);
  f.suffix_bits = 4 * field(fmt, 14, 2);
  if (f.suffix_bits != 0 && f.suffix_bits != 8) throw Stop("QMI: a suffix has 0 or 8 bits (12.14.6)");
  f.dummy_bits = 4 * field(fmt, 16, 3);
  f.dtr = field(fmt, 28, 1) != 0;
  f.prefix = static_cast<std::uint8_t>(cmd);
  f.suffix = static_cast<std::uint8_t>(cmd >> 8);
  return f;
}

QmiTiming QmiTiming::decode(std::uint32_t value) {
  static constexpr unsigned kPageBreak[] = {0, 256, 1024, 4096};
  QmiTiming t;
  t.clkdiv = field(value, 0, 8) == 0 ? 256 : field(value, 0, 8);
  t.rxdelay = field(value, 8, 3);
  t.min_deselect = field(value, 12, 5);
  t.max_select = 64 * field(value, 17, 6);
  t.select_hold = field(value, 23, 2);
  t.select_setup = field(value, 25, 1);
  t.page_break = kPageBreak[field(value, 28, 2)];
  t.cooldown = 64 * field(value, 30, 2);
  return t;
}

Sampling sampling(unsigned clkdiv, unsigned rxdelay, Picoseconds cycle, RoundTrip trip) {
  const Picoseconds at = (clkdiv + rxdelay) * cycle / 2;
  if (at < trip.longest) return Sampling::kTooEarly;
  if (at > clkdiv * cycle + trip.shortest) return Sampling::kTooLate;
  return Sampling::kGood;
}

}  // namespace pico_llama::simulator
