#include "simulator/bus/qspi_pins.h"

namespace pico_llama::simulator {
namespace {

// The levels that the host drives for `lanes` bits.
Lines host_step(std::uint32_t bits, unsigned lanes) {
  return {.level = static_cast<std::uint8_t>(bits),
          .driven = static_cast<std::uint8_t>(lanes == 1 ? 1 : (1u << lanes) - 1)};
}

// The bits that the host samples: on one lane SD1.
std::uint8_t sample(std::uint8_t lines, unsigned lanes) {
  return static_cast<std::uint8_t>(lanes == 1 ? (lines >> 1) & 1 : lines & ((1u << lanes) - 1));
}

}  // namespace

void QspiPins::select(unsigned select, Picoseconds now) {
  low_[select] = true;
  if (chips_[select] == nullptr || !connected_[select]) return;
  chips_[select]->select(now);
  selected_[select] = true;
  previous_ = 0xf;
}

void QspiPins::deselect(unsigned select, Picoseconds now) {
  low_[select] = false;
  if (selected_[select]) chips_[select]->deselect(now);
  selected_[select] = false;
}

void QspiPins::set_clock(Picoseconds now, Picoseconds sck_period) {
  for (unsigned i = 0; i < chips_.size(); ++i) {
    if (selected_[i]) chips_[i]->set_clock(now, sck_period);
  }
}

SpiChip* QspiPins::only_chip() const {
  if (selected_[0] == selected_[1]) return nullptr;
  return selected_[0] ? chips_[0] : chips_[1];
}

std::uint8_t QspiPins::levels(Lines host) {
  unsigned level = host.level & host.driven;
  unsigned driven = host.driven;
  for (unsigned i = 0; i < chips_.size(); ++i) {
    if (!selected_[i]) continue;
    const Lines chip = chips_[i]->output();
    const unsigned both = driven & chip.driven;
    // Where two outputs drive a line against each other, low usually wins.
    level = (level & ~both) | (level & chip.level & both) | (chip.level & chip.driven & ~driven);
    driven |= chip.driven;
  }
  return static_cast<std::uint8_t>((level | ~driven) & 0xf);
}

std::uint8_t QspiPins::clock(Lines host) {
  const std::uint8_t before = levels(host);
  for (unsigned i = 0; i < chips_.size(); ++i) {
    if (selected_[i]) chips_[i]->clock(before);
  }
  return before;
}

void QspiPins::send(std::uint32_t value, unsigned bits, unsigned lanes, bool dtr) {
  for (unsigned left = bits; left != 0;) {
    left -= lanes;
    previous_ = clock(host_step((value >> left) & ((1u << lanes) - 1), lanes));
    if (dtr && left != 0) left -= lanes;  // on the falling edge, which a single-rate chip does not look at
  }
}

void QspiPins::dummy(unsigned bits, unsigned lanes) {
  const Lines host = lanes == 1 ? Lines{.level = 0, .driven = 1} : Lines{};
  for (unsigned left = bits; left != 0; left -= lanes) previous_ = clock(host);
}

void QspiPins::receive(std::uint8_t* bytes, unsigned n, unsigned lanes, Sampling when, bool dtr,
                       std::uint8_t* defined) {
  if (when == Sampling::kGood && !dtr) {
    if (SpiChip* chip = only_chip(); chip != nullptr && chip->stream_out(lanes, bytes, n, defined))
      return override_input(bytes, n, lanes);
  }
  *defined = 0xff;  // whatever is on the lines
  const Lines host = lanes == 1 ? Lines{.level = 0, .driven = 1} : Lines{};
  for (unsigned i = 0; i < n; ++i) {
    unsigned byte = 0;
    for (unsigned got = 0; got < 8;) {
      const std::uint8_t before = clock(host);
      const std::uint8_t after = when == Sampling::kTooLate ? levels(host) : before;
      const std::uint8_t lines = when == Sampling::kTooEarly ? previous_ : after;
      previous_ = before;
      // A single-rate chip holds its data for both edges of a double-rate clock.
      for (unsigned edge = 0; edge < (dtr ? 2u : 1u) && got < 8; ++edge) {
        byte = byte << lanes | sample(lines, lanes);
        got += lanes;
      }
    }
    bytes[i] = static_cast<std::uint8_t>(byte);
  }
  override_input(bytes, n, lanes);
}

void QspiPins::override_input(std::uint8_t* bytes, unsigned n, unsigned lanes) const {
  if (!sd1_reads_low_) return;
  const unsigned others = lanes == 1 ? 0 : lanes == 2 ? 0x55 : 0xdd;
  for (unsigned i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(bytes[i] & others);
}

void QspiPins::transmit(const std::uint8_t* bytes, unsigned n, unsigned lanes, bool dtr,
                        std::uint8_t defined) {
  if (!dtr) {
    if (SpiChip* chip = only_chip(); chip != nullptr && chip->stream_in(lanes, bytes, n, defined)) return;
  }
  for (unsigned i = 0; i < n; ++i) send(bytes[i], 8, lanes, dtr);
}

std::uint8_t QspiPins::exchange(std::uint8_t byte, unsigned lanes, bool drive, Sampling when) {
  unsigned in = 0;
  for (unsigned left = 8; left != 0;) {
    left -= lanes;
    const std::uint32_t bits = (static_cast<std::uint32_t>(byte) >> left) & ((1u << lanes) - 1);
    const Lines host = drive || lanes == 1 ? host_step(bits, lanes) : Lines{};
    const std::uint8_t before = clock(host);
    const std::uint8_t lines = when == Sampling::kTooEarly  ? previous_
                               : when == Sampling::kTooLate ? levels(host)
                                                            : before;
    previous_ = before;
    in = in << lanes | sample(lines, lanes);
  }
  auto received = static_cast<std::uint8_t>(in);
  override_input(&received, 1, lanes);
  return received;
}

}  // namespace pico_llama::simulator
