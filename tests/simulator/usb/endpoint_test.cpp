// The controller alone: single transactions against single register values.
#include <gtest/gtest.h>

#include "simulator/stop.h"
#include "simulator/usb/descriptors.h"
#include "simulator/usb/registers.h"
#include "tests/simulator/usb/device_driver.h"

namespace pico_llama::simulator {
namespace {

using namespace usb_regs;

constexpr std::uint32_t kIn1 = kEp0InBufferControl + 8;
constexpr std::uint32_t kOut1 = kEp0InBufferControl + 12;

class Endpoint : public testing::Test {
 protected:
  void SetUp() override {
    bench.usb.set_plugged(true, 0);
    bench.write(kUsbPwr, kVbusDetect | kVbusDetectOverrideEn);
    bench.write(kMainCtrl, kControllerEn);
    bench.write(kSieCtrl, kEp0Int1Buf | kPullupEn);
    bench.write(kAddrEndp, 5);
    bench.set_dpram(kEp1InControl, kEpEnable | kEpInterruptPerBuff | 2u << kEpTypeLsb | 0x180);
    bench.set_dpram(kEp1InControl + 4, kEpEnable | kEpInterruptPerBuff | 2u << kEpTypeLsb | 0x200);
    bench.write(kInte, kIntBuffStatus);
  }
  Handshake in(unsigned address = 5) { return bench.usb.in(address, 1, packet, bench.time()); }
  Handshake out(std::size_t size, bool data1) {
    UsbPacket p;
    p.size = size;
    p.data1 = data1;
    for (std::size_t i = 0; i < size; ++i) p.bytes[i] = static_cast<std::uint8_t>(i + 1);
    return bench.usb.out(5, 1, p, bench.time());
  }
  Bench bench;
  UsbPacket packet;
};

TEST_F(Endpoint, RegistersStartAsTheDatasheetSays) {
  Bench fresh;
  EXPECT_EQ(fresh.read(kMainCtrl), 4u);
  EXPECT_EQ(fresh.read(kSieCtrl), 0x8000u);
  EXPECT_EQ(fresh.read(kNakPoll), 0x0010'0010u);
  EXPECT_EQ(fresh.read(kUsbMuxing), 1u);
  EXPECT_EQ(fresh.read(kUsbphyTrim), 0x1f1fu);
  EXPECT_EQ(fresh.read(kLinestateTuning), 0xf8u);
  EXPECT_EQ(fresh.read(kSieStatus), 0u);
}

TEST_F(Endpoint, ThePullUpNeedsControllerPhyAndVbus) {
  EXPECT_TRUE(bench.usb.pulled_up());
  bench.write(kMainCtrl, kPhyIso, AtomicOp::kSet);
  EXPECT_FALSE(bench.usb.pulled_up());
  bench.write(kMainCtrl, kPhyIso, AtomicOp::kClear);
  bench.write(kUsbPwr, 0);
  EXPECT_FALSE(bench.usb.pulled_up());
  EXPECT_EQ(in(), Handshake::kSilence);
}

TEST_F(Endpoint, InIsNakedUntilAvailable) {
  bench.set_dpram(0x180, 0x6c6c6568);
  EXPECT_EQ(in(), Handshake::kNak);
  bench.set_dpram(kIn1, kBufFull | kBufPid | 4);
  EXPECT_EQ(in(), Handshake::kNak);
  bench.set_dpram(kIn1, kBufFull | kBufPid | 4 | kBufAvailable);
  EXPECT_EQ(in(6), Handshake::kSilence) << "not our address";
  EXPECT_FALSE(bench.irq());
  ASSERT_EQ(in(), Handshake::kAck);
  EXPECT_EQ(std::string(packet.bytes.begin(), packet.bytes.begin() + 4), "hell");
  EXPECT_EQ(packet.size, 4u);
  EXPECT_TRUE(packet.data1);
  EXPECT_TRUE(bench.irq());
  EXPECT_EQ(bench.read(kBuffStatus), 1u << 2);
  EXPECT_EQ(bench.dpram(kIn1), kBufPid | 4);
  EXPECT_EQ(in(), Handshake::kNak);
  bench.write(kBuffStatus, 1u << 2, AtomicOp::kClear);
  EXPECT_FALSE(bench.irq());
}

TEST_F(Endpoint, OutWritesLengthAndFull) {
  EXPECT_EQ(out(3, false), Handshake::kNak);
  bench.set_dpram(kOut1, 64 | kBufAvailable | kBufLast);
  ASSERT_EQ(out(3, false), Handshake::kAck);
  EXPECT_EQ(bench.dpram(kOut1), kBufFull | kBufLast | 3);
  EXPECT_EQ(bench.dpram(0x200) & 0xff'ffff, 0x030201u);
  EXPECT_EQ(bench.read(kBuffStatus), 1u << 3);
  const std::uint32_t status = bench.read(kSieStatus);
  EXPECT_NE(status & kRxShortPacket, 0u);
  EXPECT_NE(status & kTransComplete, 0u);
}

TEST_F(Endpoint, ARepeatedOutPacketIsAcknowledgedAndDropped) {
  bench.set_dpram(kOut1, 64 | kBufAvailable | kBufPid);
  EXPECT_EQ(out(3, false), Handshake::kAck);
  EXPECT_NE(bench.read(kSieStatus) & kDataSeqError, 0u);
  EXPECT_EQ(bench.read(kBuffStatus), 0u);
  EXPECT_EQ(bench.dpram(kOut1), 64 | kBufAvailable | kBufPid);
  EXPECT_EQ(out(3, true), Handshake::kAck);
  EXPECT_EQ(bench.read(kBuffStatus), 1u << 3);
}

TEST_F(Endpoint, APacketBeyondTheBufferIsAnError) {
  bench.set_dpram(kOut1, 8 | kBufAvailable);
  EXPECT_EQ(out(9, false), Handshake::kSilence);
  EXPECT_NE(bench.read(kSieStatus) & kRxOverflow, 0u);
  EXPECT_EQ(bench.dpram(0x208) & 0xff, 0u) << "nothing is written past the buffer";
}

TEST_F(Endpoint, StallStaysUntilSoftwareClearsIt) {
  bench.set_dpram(kIn1, kBufStall | kBufFull | kBufAvailable);
  EXPECT_EQ(in(), Handshake::kStall);
  EXPECT_EQ(in(), Handshake::kStall);
  bench.set_dpram(kIn1, kBufFull | kBufAvailable);
  EXPECT_EQ(in(), Handshake::kAck);
}

TEST_F(Endpoint, StallOfEndpoint0IsArmedAndEndsWithSetup) {
  bench.set_dpram(kEp0InBufferControl, kBufStall);
  EXPECT_EQ(bench.usb.in(5, 0, packet, 0), Handshake::kNak) << "not armed";
  bench.write(kEpStallArm, 1, AtomicOp::kSet);
  EXPECT_EQ(bench.usb.in(5, 0, packet, 0), Handshake::kStall);
  const std::array<std::uint8_t, 8> setup = {0x80, 6, 0, 1, 0, 0, 18, 0};
  EXPECT_EQ(bench.usb.setup(5, setup, 0), Handshake::kAck);
  EXPECT_EQ(bench.read(kEpStallArm), 0u);
  EXPECT_EQ(bench.dpram(0), 0x0100'0680u);
  EXPECT_EQ(bench.dpram(4), 0x0012'0000u);
  EXPECT_NE(bench.read(kIntr) & kIntSetupReq, 0u);
  EXPECT_EQ(bench.usb.in(5, 0, packet, 0), Handshake::kNak);
}

TEST_F(Endpoint, AbortTakesABufferBack) {
  bench.set_dpram(kIn1, kBufFull | kBufAvailable | 1);
  bench.write(kEpAbort, 1u << 2, AtomicOp::kSet);
  EXPECT_EQ(bench.read(kEpAbortDone), 1u << 2);
  EXPECT_NE(bench.read(kIntr) & kIntAbortDone, 0u);
  EXPECT_EQ(in(), Handshake::kNak);
  bench.set_dpram(kIn1, kBufReset | kBufPid);
  bench.write(kEpAbortDone, 1u << 2, AtomicOp::kClear);
  bench.write(kEpAbort, 1u << 2, AtomicOp::kClear);
  EXPECT_EQ(bench.read(kEpAbortDone), 0u);
  EXPECT_EQ(in(), Handshake::kNak) << "the buffer is no longer available";
}

TEST_F(Endpoint, TwoBuffersAlternateAndQueueTheirStatus) {
  bench.set_dpram(kEp1InControl,
                  kEpEnable | kEpDoubleBuffered | kEpInterruptPerBuff | 2u << kEpTypeLsb | 0x180);
  bench.set_dpram(0x180, 'a', 1);
  bench.set_dpram(0x1c0, 'b', 1);
  const std::uint32_t half = kBufFull | kBufAvailable | 1;
  bench.set_dpram(kIn1, half | (half | kBufPid) << 16 | kBufReset);
  ASSERT_EQ(in(), Handshake::kAck);
  EXPECT_EQ(packet.bytes[0], 'a');
  ASSERT_EQ(in(), Handshake::kAck);
  EXPECT_EQ(packet.bytes[0], 'b');
  EXPECT_TRUE(packet.data1);
  EXPECT_EQ(bench.read(kBuffCpuShouldHandle), 0u);
  bench.write(kBuffStatus, 1u << 2, AtomicOp::kClear);
  EXPECT_EQ(bench.read(kBuffStatus), 1u << 2) << "set again for the second buffer";
  EXPECT_EQ(bench.read(kBuffCpuShouldHandle), 1u << 2);
  bench.write(kBuffStatus, 1u << 2, AtomicOp::kClear);
  EXPECT_EQ(bench.read(kBuffStatus), 0u);
}

TEST_F(Endpoint, TheOtherBufferFollowsAShortPacket) {
  bench.set_dpram(kEp1InControl + 4,
                  kEpEnable | kEpDoubleBuffered | kEpInterruptPerBuff | 2u << kEpTypeLsb | 0x200);
  const std::uint32_t half = kBufAvailable | 64;
  bench.set_dpram(kOut1, half | (half | kBufPid) << 16 | kBufReset);
  ASSERT_EQ(out(31, false), Handshake::kAck);
  ASSERT_EQ(out(5, true), Handshake::kAck);
  EXPECT_EQ(bench.dpram(kOut1), (kBufFull | 31) | (kBufFull | kBufPid | 5) << 16);
}

TEST_F(Endpoint, InterruptPerTwoBuffersComesAfterTheSecond) {
  bench.set_dpram(kEp1InControl,
                  kEpEnable | kEpDoubleBuffered | kEpInterruptPerDoubleBuff | 2u << kEpTypeLsb | 0x180);
  const std::uint32_t half = kBufFull | kBufAvailable | 1;
  bench.set_dpram(kIn1, half | half << 16 | kBufReset);
  ASSERT_EQ(in(), Handshake::kAck);
  EXPECT_EQ(bench.read(kBuffStatus), 0u);
  ASSERT_EQ(in(), Handshake::kAck);
  EXPECT_EQ(bench.read(kBuffStatus), 1u << 2);
}

TEST_F(Endpoint, ResetOfTheBlockDetachesFromTheBus) {
  bench.usb.reset(0);
  EXPECT_FALSE(bench.usb.pulled_up());
  EXPECT_EQ(bench.read(kAddrEndp), 0u);
  EXPECT_EQ(bench.dpram(kEp1InControl) & kEpEnable, kEpEnable) << "the DPRAM is a memory";
}

TEST_F(Endpoint, UnmodelledFeaturesStopTheRun) {
  EXPECT_THROW(bench.write(kMainCtrl, kControllerEn | kHostNDevice), Stop);
  EXPECT_THROW(bench.write(kSieCtrl, kPullupEn | kResume), Stop);
  EXPECT_THROW(bench.read(0x9c), Stop);
  EXPECT_THROW(bench.set_dpram(kEp1InControl, kEpEnable | kEpTypeIsochronous << kEpTypeLsb), Stop);
  EXPECT_THROW(bench.write(kSieStatus, kSetupRec, AtomicOp::kXor), Stop);
  EXPECT_EQ(bench.usb.dpram().read(4096, {.now = 0}).fault, BusFault::kUnmapped);
}

TEST(Descriptors, BrokenConfigurationsAreRefused) {
  const std::vector<std::uint8_t> good = {9, 2, 18, 0, 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 0xff, 0, 0, 0};
  ASSERT_TRUE(parse_configuration(good));
  EXPECT_FALSE(find_cdc(*parse_configuration(good)));
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    EXPECT_FALSE(parse_configuration(std::span(good).first(cut))) << cut;
  }
  for (const unsigned length : {0, 1, 5, 10, 255}) {
    std::vector<std::uint8_t> bad = good;
    bad[9] = static_cast<std::uint8_t>(length);
    EXPECT_FALSE(parse_configuration(bad)) << length;
  }
}

}  // namespace
}  // namespace pico_llama::simulator
