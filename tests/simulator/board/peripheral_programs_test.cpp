// SDK programs that use the chip's peripherals, with a part of the outside world on their pins.
#include "sdk_program.h"

namespace pico_llama::simulator {
namespace {

#define START_OR_SKIP(...) \
  if (!start(__VA_ARGS__)) GTEST_SKIP() << skip_reason

class PeripheralProgram : public SdkProgram {
 protected:
  /// The time of the change of a pin that is being reported.
  Picoseconds pin_time() const {
    return board->timebase.time_at(board->gpio.change_cycle().value_or(board->now()));
  }
};

TEST_F(PeripheralProgram, PioMakesThePulsesOfWs2812Leds) {
  constexpr unsigned kPin = 2;
  START_OR_SKIP("ws2812");
  std::vector<std::uint32_t> colours;
  std::uint32_t shift = 0;
  unsigned bits = 0;
  Picoseconds rose = 0;
  board->gpio.watch_levels(1U << kPin, [&] {
    if (board->gpio.level(kPin)) {
      rose = pin_time();
      return;
    }
    // The part's datasheet: T0H 0.4, T1H 0.8 us, each +- 0.15.
    const Picoseconds high = pin_time() - rose;
    const bool one = high > 650'000 && high < 950'000;
    EXPECT_TRUE(one || (high > 250'000 && high < 550'000)) << high;
    shift = shift << 1 | (one ? 1 : 0);
    if (++bits % 24 == 0) colours.push_back(shift & 0xffffff);
  });
  run_until_printed("done\n");
  EXPECT_EQ(colours,
            (std::vector<std::uint32_t>{0x102030, 0xff00aa, 0x000001, 0x800000, 0x55aa55, 0xffffff}));
}

TEST_F(PeripheralProgram, PioIsAUart) {
  constexpr unsigned kTx = 4, kRx = 5;
  constexpr Picoseconds kBit = kPicosecondsPerSecond / 115200;
  START_OR_SKIP("pio_uart");
  // A terminal on its pins: it samples each bit in the middle and sends a word after the first line.
  std::string heard;
  bool idle = true;
  std::function<void(Picoseconds, unsigned, unsigned)> sample = [&](Picoseconds at, unsigned bit,
                                                                    unsigned byte) {
    board->events.at_time(at, [&, at, bit, byte] {
      const bool level = board->gpio.level(kTx);
      if (bit == 0) {
        EXPECT_FALSE(level) << "start bit";
      }
      if (bit == 9) {
        EXPECT_TRUE(level) << "stop bit";
        heard.push_back(static_cast<char>(byte));
        idle = true;
        return;
      }
      sample(at + kBit, bit + 1, bit == 0 ? 0 : byte | (level ? 1U : 0U) << (bit - 1));
    });
  };
  board->gpio.drive(kRx, true);
  board->gpio.watch_levels(1U << kTx, [&] {
    if (!idle || board->gpio.level(kTx) || !board->gpio.is_output(kTx)) return;
    idle = false;
    sample(pin_time() + kBit / 2, 0, 0);
  });
  run_until_printed("ready\n");
  run(0.002);
  EXPECT_EQ(heard, "pio uart\n");
  heard.clear();
  Picoseconds at = board->time() + kBit;
  for (const char c : std::string("HAL90")) {
    const unsigned frame = static_cast<unsigned>(static_cast<unsigned char>(c)) << 1 | 1U << 9;
    for (unsigned bit = 0; bit < 10; ++bit, at += kBit)
      board->events.at_time(at, [this, level = (frame >> bit & 1) != 0] { board->gpio.drive(kRx, level); });
  }
  run_until_printed("done\n");
  run(0.001);
  EXPECT_EQ(heard, "IBM:1");
}

}  // namespace
}  // namespace pico_llama::simulator
