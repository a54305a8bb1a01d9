// The DMA requests of UART, SPI and I2C: their levels, and that each rise is reported. A channel that waits
// for a rise that is not reported waits for ever.
#include "bench.h"
#include "simulator/devices/i2c.h"
#include "simulator/devices/i2c_devices.h"
#include "simulator/devices/io_bank0.h"
#include "simulator/devices/spi.h"
#include "simulator/devices/uart.h"

namespace pico_llama::simulator {
namespace {

/// The DMA's side of one peripheral's two requests.
struct Requests : DreqListener {
  static constexpr unsigned kTx = 0, kRx = 1;
  Requests(Bench& the_bench, DreqLine& tx, DreqLine& rx) : bench(the_bench), lines{&tx, &rx} {
    tx.attach(kTx, this);
    rx.attach(kRx, this);
  }
  void dreq_raised(unsigned dreq, Cycle now) override {
    EXPECT_LE(now, bench.now);
    EXPECT_GT(lines[dreq]->dreq_level(now), 0U);
    ++raised[dreq];
  }
  unsigned tx() { return lines[kTx]->dreq_level(bench.now); }
  unsigned rx() { return lines[kRx]->dreq_level(bench.now); }
  /// Whether a rise has been reported since the last call.
  bool reported(unsigned dreq) { return std::exchange(raised[dreq], 0U) != 0; }

  Bench& bench;
  DreqLine* lines[2];
  unsigned raised[2] = {};
};

/// Both requests enabled in the part's DMA control register: none before the part is, then `room` to send.
void expect_none_until_enabled(Bench& bench, Device& part, Requests& requests, std::uint32_t dma_control,
                               std::uint32_t control, std::uint32_t enable, unsigned room) {
  bench.write(part, dma_control, 3);
  EXPECT_EQ(requests.tx(), 0U);
  EXPECT_FALSE(requests.reported(Requests::kTx));
  bench.write(part, control, enable);
  EXPECT_TRUE(requests.reported(Requests::kTx));
  EXPECT_EQ(requests.tx(), room);
  EXPECT_EQ(requests.rx(), 0U);
  bench.write(part, dma_control, 1);
  EXPECT_EQ(requests.tx(), 0U);
}

struct UartDreqTest : testing::Test {
  Bench bench;
  Uart uart{"UART0", 33, bench.clocks, bench.timebase, bench.events, bench.interrupts};
  Requests requests{bench, uart.tx_dreq, uart.rx_dreq};
  UartDreqTest() {
    bench.start_clocks();
    bench.write(uart, 0x24, 81);  // 115200 baud from 150 MHz: 86.8 us a character
    bench.write(uart, 0x28, 24);
    bench.write(uart, 0x2c, 0x70);
  }
};

TEST_F(UartDreqTest, NoneUntilUartAndDmaAreEnabled) {
  expect_none_until_enabled(bench, uart, requests, 0x48, 0x30, 0x301, 32);
}

TEST_F(UartDreqTest, TransmitRequestsAreTheFifosRoom) {
  bench.write(uart, 0x30, 0x301);
  bench.write(uart, 0x48, 2);
  for (unsigned i = 0; i < 33; ++i) bench.write(uart, 0x00, 'x');  // one is in the shift register
  EXPECT_EQ(requests.tx(), 0U);
  requests.reported(Requests::kTx);
  bench.pass_microseconds(86);
  EXPECT_FALSE(requests.reported(Requests::kTx));
  bench.pass_microseconds(1);
  EXPECT_TRUE(requests.reported(Requests::kTx));
  EXPECT_EQ(requests.tx(), 1U);
}

TEST_F(UartDreqTest, TheFifoAddsRoomWhenItIsSwitchedOn) {
  bench.write(uart, 0x2c, 0x60);
  bench.write(uart, 0x30, 0x301);
  bench.write(uart, 0x48, 2);
  for (unsigned i = 0; i < 2; ++i) bench.write(uart, 0x00, 'x');
  EXPECT_EQ(requests.tx(), 0U);
  requests.reported(Requests::kTx);
  bench.write(uart, 0x2c, 0x70);
  EXPECT_TRUE(requests.reported(Requests::kTx));
  EXPECT_EQ(requests.tx(), 31U);
}

TEST_F(UartDreqTest, ReceiveRequestsAreTheCharactersThatHaveArrived) {
  bench.write(uart, 0x30, 0x301);
  bench.write(uart, 0x48, 1);
  for (const char c : std::string("ab")) uart.receive(static_cast<std::uint8_t>(c), bench.time());
  bench.pass_microseconds(86);
  EXPECT_EQ(requests.rx(), 0U);
  EXPECT_FALSE(requests.reported(Requests::kRx));
  bench.pass_microseconds(1);
  EXPECT_EQ(requests.rx(), 1U);
  EXPECT_TRUE(requests.reported(Requests::kRx));
  bench.pass_microseconds(87);
  EXPECT_EQ(requests.rx(), 2U);
  EXPECT_TRUE(requests.reported(Requests::kRx));
  bench.read(uart, 0x00);
  EXPECT_EQ(requests.rx(), 1U);
}

struct SpiDreqTest : testing::Test {
  Bench bench;
  Gpio gpio;
  Spi spi{0, gpio, bench.clocks, bench.timebase, bench.events, bench.interrupts};
  Requests requests{bench, spi.tx_dreq, spi.rx_dreq};
  SpiDreqTest() {
    bench.start_clocks();
    spi.reset();
    bench.write(spi, 0x10, 150);  // 1 MHz
    bench.write(spi, 0x00, 7);    // 8 bits
  }
};

TEST_F(SpiDreqTest, NoneUntilSpiAndDmaAreEnabled) {
  expect_none_until_enabled(bench, spi, requests, 0x24, 0x04, 2, 8);
}

TEST_F(SpiDreqTest, EachFrameTakesOneWordAndGivesOne) {
  bench.write(spi, 0x24, 3);
  bench.write(spi, 0x04, 3);                                               // loop-back
  for (std::uint32_t i = 0; i < 9; ++i) bench.write(spi, 0x08, 0x50 + i);  // one is in the shift register
  EXPECT_EQ(requests.tx(), 0U);
  requests.reported(Requests::kTx);
  bench.pass_microseconds(8);
  EXPECT_FALSE(requests.reported(Requests::kTx));
  EXPECT_FALSE(requests.reported(Requests::kRx));
  bench.pass_microseconds(2);  // a frame of 8 bits, and half a period on either side
  EXPECT_TRUE(requests.reported(Requests::kTx));
  EXPECT_TRUE(requests.reported(Requests::kRx));
  EXPECT_EQ(requests.tx(), 1U);
  EXPECT_EQ(requests.rx(), 1U);
  EXPECT_EQ(bench.read(spi, 0x08), 0x50U);
  EXPECT_EQ(requests.rx(), 0U);
  bench.pass_microseconds(100);
  EXPECT_EQ(requests.tx(), 8U);
  EXPECT_EQ(requests.rx(), 8U);
}

struct I2cDreqTest : testing::Test {
  Bench bench;
  Gpio gpio;
  IoBank0 io{gpio, bench.interrupts};
  PadsBank0 pads{gpio};
  I2c i2c{0, gpio, bench.events, bench.interrupts, [this] { return bench.now; }};
  I2cWires wires{gpio, 4, 5};
  I2cRegisters device{0x42};
  Requests requests{bench, i2c.tx_dreq, i2c.rx_dreq};
  I2cDreqTest() {
    bench.start_clocks();
    io.reset();
    pads.reset();
    i2c.reset();
    for (const unsigned pin : {4U, 5U}) {
      bench.write(pads, 4 + 4 * pin, 0x48);  // input, pull-up
      bench.write(io, 8 * pin + 4, Gpio::kFunctionI2c);
    }
    wires.add(device);
    device.registers = std::vector<std::uint8_t>(256);
    device.registers[7] = 0x5a;
    bench.write(i2c, 0x04, 0x42);
    bench.write(i2c, 0x1c, 500);  // about 150 kHz
    bench.write(i2c, 0x20, 500);
  }
};

TEST_F(I2cDreqTest, NoneUntilI2cAndDmaAreEnabled) {
  // In this order, as the SDK's i2c_init().
  expect_none_until_enabled(bench, i2c, requests, 0x88, 0x6c, 1, 16);
}

TEST_F(I2cDreqTest, EachCommandTakenAndEachByteReadIsARequest) {
  bench.write(i2c, 0x6c, 1);
  bench.write(i2c, 0x88, 3);
  bench.write(i2c, 0x10, 7);              // select register 7
  bench.write(i2c, 0x10, 0x100 | 0x400);  // restart, read
  bench.write(i2c, 0x10, 0x100 | 0x200);  // read, stop
  EXPECT_EQ(requests.tx(), 13U);
  requests.reported(Requests::kTx);
  bench.pass_microseconds(80);  // START and the address
  EXPECT_EQ(requests.tx(), 14U);
  EXPECT_TRUE(requests.reported(Requests::kTx));
  EXPECT_EQ(requests.rx(), 0U);
  bench.pass_microseconds(500);
  EXPECT_EQ(requests.tx(), 16U);
  EXPECT_EQ(requests.rx(), 2U);
  EXPECT_TRUE(requests.reported(Requests::kRx));
  EXPECT_EQ(bench.read(i2c, 0x10), 0x5aU);
  EXPECT_EQ(requests.rx(), 1U);
}

TEST_F(I2cDreqTest, AnAbortEmptiesTheFifo) {
  bench.write(i2c, 0x04, 0x43);  // nobody
  bench.write(i2c, 0x6c, 1);
  bench.write(i2c, 0x88, 2);
  for (unsigned i = 0; i < 4; ++i) bench.write(i2c, 0x10, i);
  EXPECT_EQ(requests.tx(), 12U);
  requests.reported(Requests::kTx);
  bench.pass_microseconds(200);
  EXPECT_EQ(bench.read(i2c, 0x80) & 1, 1U);  // ABRT_7B_ADDR_NOACK
  EXPECT_EQ(requests.tx(), 16U);
  EXPECT_TRUE(requests.reported(Requests::kTx));
}

}  // namespace
}  // namespace pico_llama::simulator
