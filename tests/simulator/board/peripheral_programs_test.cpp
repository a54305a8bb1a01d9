// SDK programs that use the chip's peripherals, with a part of the outside world on their pins.
#include "sdk_program.h"
#include "simulator/devices/i2c_devices.h"
#include "simulator/devices/spi_flash_on_pins.h"

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

TEST_F(PeripheralProgram, AdcSamplesThreeInputsByDma) {
  START_OR_SKIP("adc_dma");
  board->adc.set_microvolts(0, 825'000);
  board->adc.set_microvolts(1, 1'650'000);
  board->adc.set_microvolts(2, 3'299'999);
  board->adc.set_temperature(41'000);
  run_until_printed("done\n");
  EXPECT_EQ(printed,
            "once 2048\ntemperature 41\ninput 0 mean 1024\ninput 1 mean 2048\ninput 2 mean 4095\n"
            "60 samples in 5.9 ms\ndone\n");
}

TEST_F(PeripheralProgram, AnUnconnectedAdcInputStopsByName) {
  START_OR_SKIP("adc_dma");
  const RunResult result = run(0.5);
  EXPECT_EQ(result.end, RunEnd::kStop);
  EXPECT_NE(result.message.find("ADC CS (offset 0x0000): input 1"), std::string::npos) << result.message;
  EXPECT_NE(result.message.find("GPIO41"), std::string::npos) << result.message;
}

TEST_F(PeripheralProgram, PwmFadesAndMeasures) {
  constexpr unsigned kLed = 6, kMeasured = 9;
  START_OR_SKIP("pwm_fade");
  std::vector<Picoseconds> on;
  Picoseconds rose = 0;
  board->gpio.watch_levels(1U << kLed, [&] {
    if (board->gpio.level(kLed))
      rose = pin_time();
    else
      on.push_back(pin_time() - rose);
  });
  // 30 % of a signal of 1 kHz.
  std::function<void(Picoseconds, bool)> wave = [&](Picoseconds at, bool level) {
    board->events.at_time(at, [&, at, level] {
      board->gpio.drive(kMeasured, level);
      wave(at + (level ? 300 : 700) * kPicosecondsPerMicrosecond, !level);
    });
  };
  wave(board->time(), true);
  run_until_printed("done\n");
  EXPECT_EQ(printed, "faded\nduty 30%\ndone\n");
  // A count takes 250 ns; each wrap makes the pulse one count longer.
  ASSERT_GE(on.size(), 99U);
  for (std::size_t i = 0; i < 99; ++i)
    EXPECT_NEAR(static_cast<double>(on[i]), 250'000.0 * static_cast<double>(i + 1), 7'000.0) << i;
}

TEST_F(PeripheralProgram, Sha256OfTheStandardsMessages) {
  START_OR_SKIP("sha256");
  run_until_printed("done\n");
  EXPECT_EQ(printed,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1\n"
            "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5\ndone\n");
}

TEST_F(PeripheralProgram, UartByDma) {
  START_OR_SKIP("uart_dma");
  std::string heard;
  board->set_uart_sink([&](unsigned uart, std::uint8_t byte) {
    (uart == 1 ? heard : printed).push_back(static_cast<char>(byte));
    if (!awaited.empty() && printed.find(awaited) != std::string::npos) board->request_stop();
  });
  run_until_printed("ready\r\n");
  run(0.001);
  EXPECT_EQ(heard, "forty characters, more than a FIFO has.\n");
  for (const char c : std::string("0123456789")) board->uart_receive(1, static_cast<std::uint8_t>(c));
  run_until_printed("done\r\n");
  EXPECT_EQ(heard.substr(40), "0123456789");
}

TEST_F(PeripheralProgram, SpiReadsAndWritesAFlashChip) {
  START_OR_SKIP("spi_flash");
  FlashChip chip(1 << 20, 7);
  const SpiFlashOnPins wiring(chip, board->gpio, {.select = 17, .clock = 18, .in = 19, .out = 16},
                              [this] { return pin_time(); });
  run_until_printed("done\n");
  EXPECT_EQ(printed, "id ef 40 14\nprocessor same\ndma same\ndone\n");
  for (std::uint32_t i = 0; i < 256; ++i) ASSERT_EQ(chip.peek(0x3000 + i), (i * 37 + 5) & 255) << i;
  EXPECT_EQ(chip.peek(0x3100), 0xff);
}

TEST_F(PeripheralProgram, I2cScansAndUsesTheBus) {
  START_OR_SKIP("i2c_scan");
  I2cRegisters sensor(0x2a);
  sensor.registers[0x10] = 0xde;
  sensor.registers[0x11] = 0x00;
  sensor.registers[0x12] = 0x7f;
  I2cEeprom eeprom(0x50, [this] { return pin_time(); });
  I2cWires wires(board->gpio, 12, 13);
  wires.add(sensor);
  wires.add(eeprom);
  run_until_printed("done\n", 2.0);
  EXPECT_EQ(printed,
            "baud 400k\nfound 2a\nfound 50\nregisters de 00 7f\nwrote 3\npage 34\n"
            "eeprom same after acknowledge polling\nnobody -1\ndone\n");
  EXPECT_EQ(sensor.registers[0x80], 0xa5);
  EXPECT_EQ(sensor.registers[0x81], 0x5a);
  for (unsigned i = 0; i < 32; ++i) EXPECT_EQ(eeprom.memory[0x1240 + i], (i * i) & 255) << i;
}

}  // namespace
}  // namespace pico_llama::simulator
