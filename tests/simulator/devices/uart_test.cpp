#include "simulator/devices/uart.h"

#include <string>

#include "bench.h"

namespace pico_llama::simulator {
namespace {

struct UartTest : testing::Test {
  Bench bench;
  Uart uart{"UART0", 33, bench.clocks, bench.timebase, bench.events, bench.interrupts};
  std::string sent;
  UartTest() {
    uart.set_sink([this](std::uint8_t byte) { sent.push_back(static_cast<char>(byte)); });
    bench.start_clocks();
    bench.write(uart, 0x24, 81);  // 115200 baud from 150 MHz
    bench.write(uart, 0x28, 24);
    bench.write(uart, 0x2c, 0x70);
    bench.write(uart, 0x30, 0x301);
  }
  bool irq() { return (bench.interrupts.levels(0) >> 33 & 1U) != 0; }
};

TEST_F(UartTest, SendsAtItsBaudRate) {
  for (const char c : std::string("hello")) bench.write(uart, 0x00, static_cast<std::uint8_t>(c));
  EXPECT_NE(bench.read(uart, 0x18) & 8, 0U);  // busy
  bench.pass(86 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(sent, "");
  bench.pass(2 * kPicosecondsPerMicrosecond);  // 86.8 us a character
  EXPECT_EQ(sent, "h");
  bench.pass(5 * 87 * kPicosecondsPerMicrosecond);
  EXPECT_EQ(sent, "hello");
  EXPECT_EQ(bench.read(uart, 0x18) & 0x88, 0x80U);
}

TEST_F(UartTest, FifoHolds32AndReportsFull) {
  for (int i = 0; i < 33; ++i) bench.write(uart, 0x00, 'x');  // one is in the shift register
  EXPECT_NE(bench.read(uart, 0x18) & 0x20, 0U);
  EXPECT_THROW(bench.write(uart, 0x00, 'y'), Stop);
}

TEST_F(UartTest, ReceivesAndInterrupts) {
  bench.write(uart, 0x38, 0x50);  // RX and timeout
  for (const char c : std::string("abc")) uart.receive(static_cast<std::uint8_t>(c), bench.time());
  EXPECT_NE(bench.read(uart, 0x18) & 0x10, 0U);
  bench.pass(300 * kPicosecondsPerMicrosecond);
  EXPECT_FALSE(irq());  // below the level
  bench.pass(400 * kPicosecondsPerMicrosecond);
  EXPECT_TRUE(irq());  // timeout
  EXPECT_EQ(bench.read(uart, 0x00), static_cast<std::uint32_t>('a'));
  EXPECT_EQ(bench.read(uart, 0x00), static_cast<std::uint32_t>('b'));
  EXPECT_EQ(bench.read(uart, 0x00), static_cast<std::uint32_t>('c'));
  EXPECT_FALSE(irq());
}

TEST_F(UartTest, OverrunIsReported) {
  for (int i = 0; i < 40; ++i) uart.receive('z', bench.time());
  bench.pass(40 * 90 * kPicosecondsPerMicrosecond);
  EXPECT_NE(bench.read(uart, 0x3c) & 0x400, 0U);
}

}  // namespace
}  // namespace pico_llama::simulator
