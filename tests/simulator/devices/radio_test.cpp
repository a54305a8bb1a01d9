// The radio's host bus against bit sequences put together by hand from the datasheet: 32-bit commands, MSB
// first, F0 and F1. No code of the firmware's driver.
#include "simulator/devices/radio.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

constexpr Picoseconds kMillisecond = kPicosecondsPerSecond / 1000;

// Commands as the datasheet's figure has them: write, incremental, function, address, bytes.
constexpr std::uint32_t kReadTest = 0x4000a004, kWriteControl = 0xc0000004, kWriteTest = 0xc000c004,
                        kReadTestWrite = 0x4000c004, kWriteDelayF1 = 0xc000e801, kWriteClock = 0xd8007001,
                        kReadClock = 0x58007001, kWriteWindowHigh = 0xd8006001, kWriteGpioOut = 0xd4032004,
                        kWriteGpioEnable = 0xd4034004, kReadGpioEnable = 0x54034004,
                        kReadGpioOut = 0x54032004;
// 32-bit words, high speed, interrupt active high, WAKE_UP; delay 4; status off.
constexpr std::uint32_t kControl = 0x000004b1;

struct RadioTest : testing::Test {
  Timebase timebase{150'000'000};
  EventQueue events{timebase};
  Gpio gpio;
  Led led;
  Picoseconds now = 0;
  std::optional<Radio> radio;
  std::uint64_t out = 0, enable = 0;
  Picoseconds half = 50'000;  // of a clock: 10 MHz

  explicit RadioTest(RadioFaults faults = {}) {
    const auto clock = [this] { return now; };
    radio.emplace(gpio, led, events, clock, faults);
    for (const unsigned pin : {Radio::kPowerPin, Radio::kDataPin, Radio::kSelectPin, Radio::kClockPin}) {
      gpio.set_ctrl(pin, Gpio::kFunctionSio);
      gpio.set_pad(pin, 0x46);  // input enabled, pulled down
      enable |= std::uint64_t{1} << pin;
    }
    put(Radio::kSelectPin, true);
  }
  void pass(Picoseconds time) {
    const Picoseconds end = now + time;
    while (events.horizon() <= timebase.cycle_at(end)) {
      now = std::max(now, timebase.time_at(events.horizon()));
      events.run_due(events.horizon());
    }
    now = end;
  }
  void put(unsigned pin, bool level) {
    const std::uint64_t bit = std::uint64_t{1} << pin;
    out = level ? out | bit : out & ~bit;
    gpio.set_sio(out, enable);
  }
  void data_is_output(bool output) {
    const std::uint64_t bit = std::uint64_t{1} << Radio::kDataPin;
    enable = output ? enable | bit : enable & ~bit;
    gpio.set_sio(out, enable);
  }
  /// Off, and all pins idle.
  void start_again() {
    put(Radio::kPowerPin, false);
    put(Radio::kClockPin, false);
    put(Radio::kSelectPin, true);
    data_is_output(true);
    put(Radio::kDataPin, false);
    half = 50'000;
  }
  void power_on() {
    put(Radio::kPowerPin, true);
    pass(51 * kMillisecond);
  }

  void select() {
    pass(half);
    put(Radio::kSelectPin, false);
    pass(half);
  }
  void deselect() {
    pass(half);
    put(Radio::kSelectPin, true);
    data_is_output(true);
    put(Radio::kDataPin, false);
  }
  void send(std::uint32_t word, unsigned bits = 32) {
    for (unsigned bit = bits; bit-- > 0;) {
      put(Radio::kDataPin, (word >> bit & 1) != 0);
      pass(half);
      put(Radio::kClockPin, true);
      pass(half);
      put(Radio::kClockPin, false);
    }
  }
  std::uint32_t receive() {
    data_is_output(false);
    std::uint32_t word = 0;
    for (unsigned bit = 0; bit < 32; ++bit) {
      pass(half);
      word = word << 1 | (gpio.level(Radio::kDataPin) ? 1U : 0U);
      put(Radio::kClockPin, true);
      pass(half);
      put(Radio::kClockPin, false);
    }
    return word;
  }
  void write(std::uint32_t command, std::uint32_t data) {
    select();
    send(command);
    send(data);
    deselect();
  }
  /// The word after `skipped` others.
  std::uint32_t read(std::uint32_t command, unsigned skipped = 0) {
    select();
    send(command);
    while (skipped-- > 0) receive();
    const std::uint32_t word = receive();
    deselect();
    return word;
  }
  static constexpr std::uint32_t halves(std::uint32_t word) { return word << 16 | word >> 16; }
  /// Up to the point where the backplane can be reached.
  void wake() {
    power_on();
    write(halves(kWriteControl), halves(kControl));
    write(kWriteClock, 0x08);
    pass(6 * kMillisecond);
    write(kWriteWindowHigh, 0x18);
  }
  /// The message that ended `action`.
  template <typename Action>
  std::string refused(Action action) {
    try {
      action();
    } catch (const Stop& stop) {
      return stop.what();
    }
    return "nothing was refused";
  }
};

TEST_F(RadioTest, PowerUpState) {
  put(Radio::kPowerPin, true);
  pass(49 * kMillisecond);
  EXPECT_EQ(read(0xa0044000), 0U);  // still in reset: nobody drives the line
  pass(2 * kMillisecond);
  EXPECT_EQ(read(0xa0044000), 0xbeadfeedU);  // 16-bit words, low half first
  // In the order of 32-bit words the same command is another one.
  EXPECT_NE(refused([&] { read(kReadTest); }).find("command a0044000 is for function 2"), std::string::npos);
}

TEST_F(RadioTest, WordsOf32BitsAfterTheControlWrite) {
  power_on();
  write(0x0004c000, 0x04b10000);
  EXPECT_EQ(read(kReadTest), 0xfeedbeadU);
  write(kWriteTest, 0x12345678);
  EXPECT_EQ(read(kReadTestWrite), 0x12345678U);
  EXPECT_EQ(read(0x40000004), kControl);
  EXPECT_EQ(read(0x4000d001), 0x34U);  // byte 1Ah
}

TEST_F(RadioTest, StatusWordFollowsWhereItIsEnabled) {
  power_on();
  write(halves(kWriteControl), halves(kControl | 0x10000));
  select();
  send(kReadTest);
  EXPECT_EQ(receive(), 0xfeedbeadU);
  EXPECT_EQ(receive(), 0U);
  deselect();
}

TEST_F(RadioTest, NormalModeLaunchesOnTheFallingEdge) {
  power_on();
  write(halves(kWriteControl), halves(kControl & ~0x10U));
  select();
  send(kReadTest, 32);
  data_is_output(false);
  EXPECT_TRUE(gpio.level(Radio::kDataPin));  // bit 31 of feedbead, since the command's last falling edge
  for (unsigned bit = 31; bit-- > 0;) {
    pass(half);
    put(Radio::kClockPin, true);
    const bool before = (0xfeedbead >> (bit + 1) & 1) != 0;
    EXPECT_EQ(gpio.level(Radio::kDataPin), before) << bit;
    pass(half);
    put(Radio::kClockPin, false);
    EXPECT_EQ(gpio.level(Radio::kDataPin), (0xfeedbead >> bit & 1) != 0) << bit;
  }
  deselect();
}

TEST_F(RadioTest, HighSpeedModeLaunchesOnTheRisingEdge) {
  power_on();
  write(halves(kWriteControl), halves(kControl));
  select();
  send(kReadTest);
  data_is_output(false);
  for (unsigned bit = 31; bit-- > 0;) {
    pass(half);
    put(Radio::kClockPin, true);
    EXPECT_EQ(gpio.level(Radio::kDataPin), (0xfeedbead >> bit & 1) != 0) << bit;
    pass(half);
    put(Radio::kClockPin, false);
  }
  deselect();
}

TEST_F(RadioTest, ClockWindowAndLed) {
  power_on();
  write(halves(kWriteControl), halves(kControl));
  EXPECT_EQ(read(kReadClock, 1), 0U);
  write(kWriteClock, 0x08);
  EXPECT_EQ(read(kReadClock, 1), 0x08U);
  pass(6 * kMillisecond);
  EXPECT_EQ(read(kReadClock, 1), 0x48U);
  write(kWriteWindowHigh, 0x18);
  write(kWriteGpioOut, 1);
  EXPECT_FALSE(led.lit());  // not an output yet
  write(kWriteGpioEnable, 1);
  EXPECT_TRUE(led.lit());
  EXPECT_EQ(read(kReadGpioEnable, 1), 1U);  // after a response delay of four bytes
  EXPECT_EQ(read(kReadGpioOut, 1), 1U);
  const Picoseconds on = now;
  pass(3 * kMillisecond);
  write(kWriteGpioOut, 0xfffffffe);
  EXPECT_FALSE(led.lit());
  EXPECT_EQ(led.changes(), 2U);
  EXPECT_GT(led.lit_time(now), now - on);
  write(kWriteGpioOut, 1);
  put(Radio::kPowerPin, false);
  EXPECT_FALSE(led.lit());
  power_on();
  EXPECT_EQ(read(0xa0044000), 0xbeadfeedU);  // all settings are gone
}

TEST_F(RadioTest, ResponseDelayOfFunction1) {
  wake();
  write(kWriteGpioEnable, 5);
  EXPECT_EQ(read(kReadGpioEnable, 1), 5U);  // by F0 register 1
  write(kWriteDelayF1, 12);
  EXPECT_EQ(read(kReadGpioEnable, 3), 5U);  // by its own, 1Dh
}

TEST_F(RadioTest, AReadThatBeginsInResetIsIgnoredToItsEnd) {
  put(Radio::kPowerPin, true);
  pass(50 * kMillisecond - 20 * half);
  EXPECT_EQ(read(0xa0044000), 0U);
  EXPECT_EQ(read(0xa0044000), 0xbeadfeedU);
}

TEST_F(RadioTest, HangsWithinATransfer) {
  wake();
  write(kWriteGpioEnable, 1);
  radio->hang_in_next_transfer();
  write(kWriteGpioOut, 1);
  EXPECT_FALSE(led.lit());
  EXPECT_EQ(read(kReadTest), 0U);  // it holds the line low
  put(Radio::kPowerPin, false);
  power_on();
  EXPECT_EQ(read(0xa0044000), 0xbeadfeedU);
}

struct RadioWithoutClock : RadioTest {
  RadioWithoutClock() : RadioTest(RadioFaults{.no_clock = true}) {}
};

TEST_F(RadioWithoutClock, NeverSaysAvailable) {
  wake();
  pass(1000 * kMillisecond);
  EXPECT_EQ(read(kReadClock, 1), 0x08U);
  EXPECT_NE(refused([&] { write(kWriteGpioOut, 1); }).find("without the ALP clock"), std::string::npos);
}

TEST_F(RadioTest, RefusesWhatTheDatasheetDoes) {
  const auto expect = [&](const char* message, auto action) {
    start_again();
    wake();
    const std::string text = refused(action);
    EXPECT_NE(text.find(message), std::string::npos) << message << "\n" << text;
  };
  expect("chip select rises after 8 of", [&] {
    select();
    send(0, 8);
    deselect();
  });
  expect("4 B and 7 bits of a write outstanding", [&] {
    select();
    send(kWriteGpioOut);
    send(0, 7);
    deselect();
  });
  expect("50 MHz", [&] {
    half = 9'000;
    read(kReadTest);
  });
  expect("DATA changed", [&] {
    select();
    out |= std::uint64_t{1} << Radio::kDataPin | std::uint64_t{1} << Radio::kClockPin;
    gpio.set_sio(out, enable);  // in one write
  });
  expect("T2 is 6.86", [&] {
    select();
    put(Radio::kClockPin, true);
    pass(6'000);
    put(Radio::kClockPin, false);
  });
  expect("7.86 ns after chip select", [&] {
    pass(half);
    put(Radio::kSelectPin, false);
    pass(7'000);
    put(Radio::kClockPin, true);
  });
  expect("the clock is high; it idles low", [&] {
    put(Radio::kClockPin, true);
    put(Radio::kSelectPin, false);
  });
  expect("the host drives DATA", [&] {
    select();
    send(kReadTest);
    send(0);
  });
  expect("for function 2", [&] { read(0x60000004); });
  expect("packets of 64", [&] { read(0x54034041); });
  expect("bus register 20", [&] { read(0x40010004); });
  expect("write of 01 to bus register 14", [&] { write(0xc000a001, 1); });
  expect("big-endian", [&] { write(kWriteControl, kControl | 2); });
  expect("backplane's reset", [&] { write(kWriteControl, kControl | 1U << 24); });
  expect("only the ALP clock", [&] { write(kWriteClock, 0x10); });
  expect("register 1000d", [&] { read(0x58006801); });
  expect("windows have 32 kB", [&] { write(0xd8005001, 0x40); });
  expect("read of backplane address 18000000", [&] { read(0x54000004); });
  expect("address bit 15", [&] { read(0x50032004); });
  expect("pins of other cores", [&] { write(0xd4036004, 1); });
  start_again();
  power_on();
  write(halves(kWriteControl), halves(kControl & ~0x80U));
  EXPECT_NE(refused([&] { write(kWriteClock, 0x08); }).find("before WAKE_UP"), std::string::npos);
}

}  // namespace
}  // namespace pico_llama::simulator
