#include "simulator/devices/gpio.h"

#include "bench.h"
#include "simulator/devices/io_bank0.h"
#include "simulator/devices/sio.h"

namespace pico_llama::simulator {
namespace {

struct GpioTest : testing::Test {
  Bench bench;
  Gpio gpio;
  Sio sio{gpio, bench.ticks, bench.timebase, bench.events, bench.interrupts};
  IoBank0 io{gpio, bench.interrupts};
  PadsBank0 pads{gpio};
  GpioTest() {
    io.reset();
    pads.reset();
  }
  void init(unsigned pin, std::uint32_t pad = 0x56) {
    bench.write(pads, 4 + 4 * pin, pad);
    bench.write(io, 8 * pin + 4, Gpio::kFunctionSio);
  }
  bool irq(unsigned core) { return (bench.interrupts.levels(core) >> 21 & 1U) != 0; }
};

TEST_F(GpioTest, OutputNeedsFunctionEnableAndAnOpenPad) {
  bench.write(sio, 0x18, 1U << 3);  // OUT_SET
  bench.write(sio, 0x38, 1U << 3);  // OE_SET
  EXPECT_FALSE(gpio.level(3));
  bench.write(io, 8 * 3 + 4, Gpio::kFunctionSio);
  EXPECT_FALSE(gpio.level(3));  // still isolated, as after reset
  bench.write(pads, 4 + 4 * 3, 0x100, AtomicOp::kClear);
  EXPECT_TRUE(gpio.level(3));
  bench.write(pads, 4 + 4 * 3, 0x80, AtomicOp::kSet);  // OD
  EXPECT_FALSE(gpio.level(3));
}

TEST_F(GpioTest, InputReadsPullsAndTheWorld) {
  init(45, 0x48);  // input enable, pull up: the button
  EXPECT_NE(bench.read(sio, 0x08) >> 13 & 1, 0U);
  gpio.drive(45, false);
  EXPECT_EQ(bench.read(sio, 0x08) >> 13 & 1, 0U);
  gpio.release(45);
  EXPECT_NE(bench.read(sio, 0x08) >> 13 & 1, 0U);
}

TEST_F(GpioTest, HighPinsAndOverrides) {
  init(40);
  bench.write(sio, 0x1c, 1U << 8);
  bench.write(sio, 0x3c, 1U << 8);
  EXPECT_TRUE(gpio.level(40));
  bench.write(io, 8 * 40 + 4, Gpio::kFunctionSio | 1U << 12);  // OUTOVER: invert
  EXPECT_FALSE(gpio.level(40));
  EXPECT_NE(bench.read(io, 8 * 40) & 1U << 13, 0U);
}

TEST_F(GpioTest, EdgesAndLevelsInterruptTheCoreThatAsked) {
  init(10, 0x44);
  bench.write(io, 0x248 + 4, 8U << 8, AtomicOp::kSet);  // PROC0_INTE1: GPIO10 rising
  gpio.drive(10, true);
  EXPECT_TRUE(irq(0));
  EXPECT_FALSE(irq(1));
  gpio.drive(10, false);
  EXPECT_TRUE(irq(0));  // latched
  EXPECT_EQ(bench.read(io, 0x278 + 4), 8U << 8);
  bench.write(io, 0x230 + 4, 8U << 8);
  EXPECT_FALSE(irq(0));
  bench.write(io, 0x290 + 4, 1U << 8);  // PROC1: level low
  EXPECT_TRUE(irq(1));
  EXPECT_EQ(bench.read(io, 0x210), 1U << 10);  // IRQSUMMARY_PROC1_SECURE0
  gpio.drive(10, true);
  EXPECT_FALSE(irq(1));
}

}  // namespace
}  // namespace pico_llama::simulator
