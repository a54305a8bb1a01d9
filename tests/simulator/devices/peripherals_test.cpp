// ADC, PWM and SHA256, register by register.
#include "bench.h"
#include "simulator/devices/adc.h"
#include "simulator/devices/io_bank0.h"
#include "simulator/devices/pwm.h"
#include "simulator/devices/sha256.h"

namespace pico_llama::simulator {
namespace {

struct AdcTest : testing::Test {
  Bench bench;
  Adc adc{false, bench.clocks, bench.timebase, bench.events, bench.interrupts};
  AdcTest() {
    bench.start_clocks();
    bench.write(bench.clocks, 0x6c, 0x800);  // clk_adc: PLL_USB
    adc.set_microvolts(0, 1'000'000);
    adc.set_microvolts(2, 2'000'000);
  }
  std::uint32_t read(std::uint32_t offset) { return bench.read(adc, offset); }
  void write(std::uint32_t offset, std::uint32_t value) { bench.write(adc, offset, value); }
};

TEST_F(AdcTest, AConversionTakes96CyclesOf48MHz) {
  write(0x00, 1);
  EXPECT_EQ(read(0x00) & 0x100, 0x100U);
  write(0x00, 5);
  EXPECT_EQ(read(0x00) & 0x100, 0U);
  bench.pass(1'990'000);
  EXPECT_EQ(read(0x00) & 0x100, 0U);
  bench.pass(20'000);
  EXPECT_EQ(read(0x00) & 0x100, 0x100U);
  EXPECT_EQ(read(0x04), 1241U);  // 1 V of 3.3
  EXPECT_EQ(read(0x00) & 4, 0U);
}

TEST_F(AdcTest, RoundRobinFifoThresholdAndOverflow) {
  write(0x08, 1 | 4U << 24);
  write(0x18, 1);
  write(0x00, 1 | 8 | 5U << 16);  // free-running, inputs 0 and 2
  bench.pass_microseconds(7);
  EXPECT_EQ(read(0x08) >> 16 & 15, 3U);
  EXPECT_EQ(bench.interrupts.levels(0) >> Adc::kIrq & 1, 0U);
  bench.pass_microseconds(2);
  EXPECT_EQ(bench.interrupts.levels(0) >> Adc::kIrq & 1, 1U);
  bench.pass_microseconds(20);
  EXPECT_EQ(read(0x08) & 0xa00, 0xa00U);  // OVER, FULL
  write(0x00, 1);
  bench.pass_microseconds(3);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(read(0x0c), 1241U);
    EXPECT_EQ(read(0x0c), 2482U);
  }
  EXPECT_EQ(read(0x08) & 0x100, 0x100U);
  read(0x0c);
  EXPECT_EQ(read(0x08) & 0x400, 0x400U);  // UNDER
}

TEST_F(AdcTest, TheSensorFollowsTheDatasheetsLineAndMustBeOn) {
  adc.set_temperature(20'100);
  EXPECT_THROW(write(0x00, 5 | 8U << 12), Stop);
  adc.reset();
  write(0x00, 7 | 8U << 12);
  bench.pass_microseconds(3);
  EXPECT_NEAR(read(0x04), 891, 1);                // 12.4.6: 891 corresponds to 20.1 degrees
  EXPECT_THROW(write(0x00, 7 | 1U << 12), Stop);  // nothing is connected to input 1
}

struct PwmTest : testing::Test {
  Bench bench;
  Gpio gpio;
  IoBank0 io{gpio, bench.interrupts};
  PadsBank0 pads{gpio};
  Pwm pwm{gpio, bench.events, bench.interrupts, [this] { return bench.now; }};
  std::vector<Cycle> edges[2];
  PwmTest() {
    io.reset();
    pads.reset();
    pwm.reset();
    for (const unsigned pin : {0U, 1U}) {
      bench.write(pads, 4 + 4 * pin, 0x40);
      bench.write(io, 8 * pin + 4, Gpio::kFunctionPwm);
      gpio.watch_levels(1U << pin,
                        [this, pin] { edges[pin].push_back(gpio.change_cycle().value_or(bench.now)); });
    }
  }
  void write(std::uint32_t offset, std::uint32_t value) { bench.write(pwm, offset, value); }
  std::vector<Cycle> periods(unsigned pin, Cycle cycles) {
    edges[pin].clear();
    const Cycle end = bench.now + cycles;
    while (bench.events.horizon() <= end) {
      bench.now = bench.events.horizon();
      bench.events.run_due(bench.now);
    }
    bench.now = end;
    std::vector<Cycle> result;
    for (std::size_t i = 1; i < edges[pin].size(); ++i) result.push_back(edges[pin][i] - edges[pin][i - 1]);
    return result;
  }
};

TEST_F(PwmTest, TheDatasheetsExample) {
  write(0x10, 3);             // a period of 4
  write(0x0c, 3U << 16 | 1);  // A high for one cycle, B for three
  write(0x00, 1);
  const std::vector<Cycle> a = periods(0, 40);
  ASSERT_GE(a.size(), 10U);
  for (std::size_t i = 1; i < a.size(); ++i) EXPECT_EQ(a[i] + a[i - 1], 4U);
  EXPECT_EQ(std::min(a[0], a[1]), 1U);
  const std::vector<Cycle> b = periods(1, 40);
  EXPECT_EQ(std::max(b[0], b[1]), 3U);
}

TEST_F(PwmTest, PhaseCorrectHalvesTheFrequencyAndFullDutyHasNoEdges) {
  write(0x10, 9);
  write(0x0c, 4);
  write(0x00, 3);
  const std::vector<Cycle> a = periods(0, 100);
  ASSERT_GE(a.size(), 6U);
  for (std::size_t i = 1; i < a.size(); ++i) EXPECT_EQ(a[i] + a[i - 1], 20U);
  EXPECT_EQ(std::min(a[1], a[2]), 8U);
  write(0x00, 0);
  write(0x0c, 10);
  write(0x08, 0);
  write(0x00, 1);
  EXPECT_EQ(periods(0, 100).size(), 0U);
  EXPECT_TRUE(gpio.level(0));
}

TEST_F(PwmTest, CompareIsDoubleBufferedAndWrapsInterrupt) {
  write(0x10, 99);
  write(0x0c, 50);
  write(0xf8, 1);
  write(0xf0, 1);
  periods(0, 60);
  write(0x0c, 10);
  EXPECT_EQ(bench.interrupts.levels(0) >> Pwm::kFirstIrq & 1, 0U);
  periods(0, 50);
  EXPECT_EQ(bench.interrupts.levels(0) >> Pwm::kFirstIrq & 1, 1U);
  EXPECT_EQ(pwm.dreq(0).dreq_level(bench.now), 1U);
  write(0xf4, 1);
  EXPECT_EQ(bench.interrupts.levels(0) >> Pwm::kFirstIrq & 1, 0U);
  const std::vector<Cycle> a = periods(0, 300);
  ASSERT_GE(a.size(), 3U);
  EXPECT_EQ(std::min(a[1], a[2]), 10U);
}

TEST_F(PwmTest, CountsRisingEdgesOfB) {
  write(0x04, 2U << 4);
  write(0x00, 1 | 2U << 4);
  for (int i = 0; i < 10; ++i) {
    gpio.drive(1, true);
    gpio.drive(1, false);
  }
  EXPECT_EQ(bench.read(pwm, 0x08), 5U);
}

TEST(Sha256Test, BytesHalfwordsAndWordsGiveTheSameSum) {
  for (const unsigned size : {1U, 2U, 4U}) {
    Bench bench;
    Sha256 sha(bench.events);
    sha.reset();
    bench.write(sha, 0x00, 0x1201);
    std::uint8_t message[64] = {'a', 'b', 'c', 0x80};
    message[63] = 24;
    for (unsigned i = 0; i < 64; i += size) {
      std::uint32_t value = 0;
      for (unsigned b = 0; b < size; ++b) value |= std::uint32_t{message[i + b]} << 8 * b;
      sha.write(0x04, value, {.size = static_cast<std::uint8_t>(size), .now = bench.now});
    }
    EXPECT_EQ(bench.read(sha, 0x00) & 6, 0U);
    EXPECT_THROW(bench.read(sha, 0x08), Stop);
    bench.write(sha, 0x04, 0);
    EXPECT_EQ(bench.read(sha, 0x00) & 0x10, 0x10U);  // ERR_WDATA_NOT_RDY
    bench.now += 57;
    EXPECT_EQ(bench.read(sha, 0x00) & 6, 6U);
    EXPECT_EQ(bench.read(sha, 0x08), 0xba7816bfU);
    EXPECT_EQ(bench.read(sha, 0x24), 0xf20015adU);
    EXPECT_EQ(sha.dreq.dreq_level(bench.now), 16U);
  }
}

}  // namespace
}  // namespace pico_llama::simulator
