// The unmodified Pico SDK programs of tests/target/sdk on the virtual board.
#include "sdk_program.h"
#include "simulator/usb/host.h"

namespace pico_llama::simulator {
namespace {

#define START_OR_SKIP(...) \
  if (!start(__VA_ARGS__)) GTEST_SKIP() << skip_reason

TEST_F(SdkProgram, HelloOverUart) {
  START_OR_SKIP("hello_uart");
  run_until_printed("done\n");
  EXPECT_EQ(printed, "hello uart 0\nhello uart 1\nhello uart 2\ndone\n");
  EXPECT_EQ(board->timebase.clk_sys_hz(), 150'000'000U);
}

TEST_F(SdkProgram, TheSameRunTwiceTakesTheSameCycles) {
  START_OR_SKIP("hello_uart");
  run_until_printed("done\n");
  const Cycle first = board->now();
  const std::string text = printed;
  printed.clear();
  START_OR_SKIP("hello_uart");
  run_until_printed("done\n");
  EXPECT_EQ(board->now(), first);
  EXPECT_EQ(printed, text);
}

TEST_F(SdkProgram, BootsInDualModeWithoutQuadEnable) {
  BoardOptions options;
  options.faults.flash_no_qe = true;
  START_OR_SKIP("hello_uart", options);
  run_until_printed("done\n");
  EXPECT_EQ(board->bus.read(0x400d0014, {.master = Master::kCore0}).value, 0xbbU);  // QMI M0_RCMD
}

TEST_F(SdkProgram, FlashIsLeftAsTheRealBootRomLeavesIt) {
  START_OR_SKIP("hello_uart");
  EXPECT_EQ(board->bus.read(0x400d000c, {.master = Master::kCore0}).value, 0x60007203U);
  EXPECT_EQ(board->bus.read(0x400d0010, {.master = Master::kCore0}).value, 0x000492a8U);
  EXPECT_EQ(board->bus.read(0x400d0014, {.master = Master::kCore0}).value, 0x000000ebU);
}

TEST_F(SdkProgram, EntersTheImageAsTheRealBootRomDoes) {
  START_OR_SKIP("hello_uart");
  EXPECT_EQ(board->cores[0].ppb(0xe000ed88), 0xc000U);                                 // CPACR: CP7
  EXPECT_EQ(board->bus.read(0x400d0000, {.master = Master::kCore0}).value >> 30, 0U);  // DIRECT_CSR.RXDELAY
  EXPECT_EQ(board->bus.read(0xd0000050, {.master = Master::kCore0}).value & 1, 1U);    // FIFO_ST.VLD
  EXPECT_EQ(board->bus.read(0xd0000058, {.master = Master::kCore0}).value, 0U);        // core 1's zero
  EXPECT_EQ(board->bus.read(0xd0000050, {.master = Master::kCore0}).value & 1, 0U);
}

TEST_F(SdkProgram, BootsOnPico2) {
  BoardOptions options;
  options.kind = BoardKind::kPico2;
  START_OR_SKIP("hello_uart", options);
  run_until_printed("done\n");
}

TEST_F(SdkProgram, Core1AnswersThroughTheFifo) {
  START_OR_SKIP("core1_fifo");
  run_until_printed("done\n");
  EXPECT_EQ(printed, "ping-pong 1000\ncore 1 after reset\ndone\n");
}

TEST_F(SdkProgram, LocksAndQueues) {
  START_OR_SKIP("locks");
  run_until_printed("done\n");
  EXPECT_EQ(printed, "counts 1000 1000 1000\nqueue complete\ndone\n");
}

TEST_F(SdkProgram, AlarmsAndSleep) {
  START_OR_SKIP("alarms");
  run_until_printed("done\n");
  EXPECT_EQ(printed,
            "slept 25 ms\nalarm 0 on time\nalarm 1 on time\nalarm 2 on time\nticks 10\ntotal 39 ms\ndone\n");
}

TEST_F(SdkProgram, SystemClockAtEverySpeed) {
  START_OR_SKIP("clocks");
  run_until_printed("300000 kHz");
  run_until_printed("done\n");
  EXPECT_EQ(board->timebase.clk_sys_hz(), 300'000'000U);
  for (const char* line :
       {"150000 kHz set counted 150000 loop 200", "200000 kHz set counted 200000 loop 150",
        "250000 kHz set counted 250000 loop 120", "300000 kHz set counted 300000 loop 100"}) {
    EXPECT_NE(printed.find(line), std::string::npos) << line << "\n" << printed;
  }
}

TEST_F(SdkProgram, WatchdogReboots) {
  START_OR_SKIP("watchdog");
  int resets = 0;
  board->on_reset = ([&](ResetKind kind) {
    EXPECT_EQ(kind, ResetKind::kWatchdog);
    ++resets;
  });
  run_until_printed("done\n");
  EXPECT_EQ(resets, 2);
  EXPECT_EQ(printed,
            "boot 0 by power, enabled 0, type 0\nboot 1 by watchdog, enabled 0, type 0\nfed\n"
            "boot 2 by watchdog, enabled 1, type 0\ndone\n");
}

TEST_F(SdkProgram, BootsAnImageInRam) {
  START_OR_SKIP("hello_ram");
  run_until_printed("done\n");
  EXPECT_EQ(printed, "hello uart 0\nhello uart 1\nhello uart 2\ndone\n");
}

TEST_F(SdkProgram, RomFunctionsIdentityAndRandomness) {
  START_OR_SKIP("rom_functions");
  run_until_printed("done\n");
  // The board's id is the chip's, most significant byte first; the OTP rows hold the same number.
  const auto at = printed.find("id ");
  ASSERT_NE(at, std::string::npos);
  const std::string id = printed.substr(at + 3, 16);
  EXPECT_EQ(
      printed,
      "chip 2 rom 2\nid " + id + "\notp 0 " + id +
          "\npartitions 4 count 0 unpartitioned ffffe000 fc078000\nboot info 00fe00fe\nstorage 10012345\n"
          "outside -10\nflash_op 0 same\nno level -4 outside -4 -4\nsplit 0 same\nsecure call 00000000\n"
          "unknown 00000000\n"
          "random differs\nboot random 1\ndone\n");
  const std::string first = printed;
  BoardOptions other;
  other.seed = 2;
  printed.clear();
  START_OR_SKIP("rom_functions", other);
  run_until_printed("done\n");
  EXPECT_NE(printed, first);  // another chip
}

TEST_F(SdkProgram, ResetUsbBootEndsInBootsel) {
  START_OR_SKIP("bootsel");
  const RunResult result = run(1.0);
  EXPECT_EQ(result.end, RunEnd::kBootsel);
  EXPECT_EQ(result.message, "the program asked for BOOTSEL mode");
  EXPECT_TRUE(board->in_bootsel());
  EXPECT_EQ(printed, "to bootsel\n");
}

TEST_F(SdkProgram, HeldButtonEndsInBootsel) {
  START_OR_SKIP("hello_uart");
  board->set_button(true);
  board->reset();
  EXPECT_EQ(run(0.1).end, RunEnd::kBootsel);
  board->set_button(false);
  board->reset();
  run_until_printed("done\n");
}

class HardFault : public SdkProgram, public testing::WithParamInterface<std::pair<int, const char*>> {};

TEST_P(HardFault, NamesItsCause) {
  START_OR_SKIP("hard_fault");
  run_until_printed("ready\n");
  const auto [number, text] = GetParam();
  const std::uint32_t value = static_cast<std::uint32_t>(number);
  const std::uint32_t address = find_variable("hard_fault", "cause");
  ASSERT_NE(address, 0U);
  ASSERT_TRUE(board->bus.poke(address, &value, sizeof value));
  run_until_printed("done\n");
  EXPECT_EQ(printed, std::string("ready\n") + text + "\ndone\n");
}

INSTANTIATE_TEST_SUITE_P(Causes, HardFault,
                         testing::Values(std::pair{1, "HardFault: precise bus fault at 60000000"},
                                         std::pair{2, "HardFault: undefined instruction"},
                                         std::pair{3, "HardFault: division by zero"},
                                         std::pair{4, "HardFault: not Thumb"}));

TEST_F(SdkProgram, PowerCutDuringARunReboots) {
  START_OR_SKIP("hello_uart");
  board->events.at_time(board->time() + 5 * kPicosecondsPerSecond / 1000, [this] {
    printed += "|";
    board->reset(ResetKind::kPowerOn);
  });
  run_until_printed("done\n");
  EXPECT_NE(printed.find("|hello uart 0\nhello uart 1\nhello uart 2\ndone\n"), std::string::npos) << printed;
}

TEST_F(SdkProgram, IdleTimeCostsNothing) {
  START_OR_SKIP("alarms");
  run_until_printed("done\n");
  const std::uint64_t before = board->cores[0].stats().instructions;
  run(3600.0);  // an hour in WFI
  EXPECT_LT(board->cores[0].stats().instructions - before, 10'000U);
  EXPECT_GE(board->time(), 3600 * kPicosecondsPerSecond);
}

TEST_F(SdkProgram, ClockBeyondTheVoltageStops) {
  START_OR_SKIP("hello_uart");
  run_until_printed("done\n");
  // PLL_SYS to 375 MHz at 1.10 V, as a careless program would.
  try {
    board->bus.write(0x4005000c, 4U << 16 | 1U << 12, {.master = Master::kCore0, .now = board->now()});
    FAIL() << "no stop at " << board->timebase.clk_sys_hz();
  } catch (const Stop& stop) {
    EXPECT_NE(std::string(stop.what()).find("raise the voltage"), std::string::npos) << stop.what();
  }
}

TEST_F(SdkProgram, ResettingThePllUnderTheCoresStops) {
  START_OR_SKIP("hello_uart");
  run_until_printed("done\n");
  constexpr std::uint32_t kResetsSet = 0x40022000, kPllSys = 1U << 14;
  EXPECT_THROW(board->bus.write(kResetsSet, kPllSys, {.master = Master::kCore0, .now = board->now()}), Stop);
}

/// A terminal program that reads everything.
class Terminal : public SerialProgram {
 public:
  Terminal(Board& board, std::string until) : board_(board), until_(std::move(until)) {}
  std::size_t room() const override { return 4096; }
  void receive(std::span<const std::uint8_t> bytes, Picoseconds) override {
    for (const std::uint8_t byte : bytes) {
      if (byte != '\r') printed.push_back(static_cast<char>(byte));
    }
    if (printed.find(until_) != std::string::npos) board_.request_stop();
  }
  std::string printed;

 private:
  Board& board_;
  std::string until_;
};

TEST_F(SdkProgram, HelloOverUsb) {
  START_OR_SKIP("hello_usb");
  UsbHost host(board->usb, board->events);
  Terminal terminal(*board, "done\n");
  host.set_program(&terminal);
  host.set_port_wanted(true, board->time());
  const RunResult result = run(3.0);
  // The SDK's printf works doubles out to nine digits and pads with zeros.
  EXPECT_EQ(
      terminal.printed,
      "hello usb 0 0.000000000000000\nhello usb 1 0.333333333000000\nhello usb 2 0.666666667000000\ndone\n")
      << result.message << host.problem();
}

TEST_F(SdkProgram, TouchAt1200BaudEndsInBootsel) {
  START_OR_SKIP("hello_usb");
  UsbHost host(board->usb, board->events);
  Terminal terminal(*board, "done\n");
  host.set_program(&terminal);
  host.set_port_wanted(true, board->time());
  run(3.0);
  ASSERT_TRUE(host.port_open());
  host.set_baud(1200, board->time());
  EXPECT_EQ(run(1.0).end, RunEnd::kBootsel);
}

TEST_F(SdkProgram, PicotoolsRequestReboots) {
  START_OR_SKIP("hello_usb");
  UsbHost host(board->usb, board->events);
  Terminal terminal(*board, "done\n");
  host.set_program(&terminal);
  host.set_port_wanted(true, board->time());
  run(3.0);
  ASSERT_TRUE(host.request_reset(UsbHost::Reset::kFlash, board->time()));
  terminal.printed.clear();
  run(3.0);
  EXPECT_NE(terminal.printed.find("done"), std::string::npos) << terminal.printed;
}

}  // namespace
}  // namespace pico_llama::simulator
