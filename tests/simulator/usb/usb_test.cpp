// Controller and host together, through a driver written from the datasheet.
#include <gtest/gtest.h>

#include <random>

#include "simulator/stop.h"
#include "simulator/usb/registers.h"
#include "tests/simulator/usb/device_driver.h"

namespace pico_llama::simulator {
namespace {

using namespace usb_regs;
constexpr Picoseconds kMillisecond = kPicosecondsPerSecond / 1000;

std::string random_text(std::size_t bytes, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random() & 0xff);
  return text;
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class Usb : public testing::Test {
 protected:
  void start(DeviceDriver::Options options = {}) {
    driver = std::make_unique<DeviceDriver>(bench, options);
    host.set_program(&sink);
    host.set_port_wanted(true, 0);
    driver->start();
  }
  void connect(DeviceDriver::Options options = {}) {
    start(options);
    ASSERT_TRUE(bench.run_until([&] { return host.port_open(); }, kPicosecondsPerSecond)) << host.problem();
  }
  void send(const std::string& text) { host.send(bytes_of(text), bench.time()); }

  Bench bench;
  UsbHost host{bench.usb, bench.events};
  Sink sink;
  std::unique_ptr<DeviceDriver> driver;
};

TEST_F(Usb, HostFindsTheSerialPortByDescriptors) {
  connect();
  EXPECT_EQ(host.state(), UsbHost::State::kReady);
  EXPECT_EQ(host.device().vendor_id, 0x2e8au);
  EXPECT_EQ(host.device().manufacturer, "Maker");
  EXPECT_EQ(host.device().product, "Board");
  EXPECT_EQ(host.device().serial, "0123456789ABCDEF0123456789ABCDE");
  ASSERT_TRUE(host.cdc());
  EXPECT_EQ(host.cdc()->in.number, 3u);
  EXPECT_EQ(host.cdc()->out.number, 7u);
  EXPECT_TRUE(driver->dtr);
  EXPECT_EQ(driver->baud, 115'200u);
  EXPECT_EQ(driver->bus_resets, 1u);
  EXPECT_EQ(driver->suspends, 1u) << "the bus is idle for longer than 3 ms before the host resets it";
  EXPECT_GE(bench.time(), 160 * kMillisecond);
}

TEST_F(Usb, AMegabyteEachWayIsCarriedWithNothingLost) {
  for (const bool double_buffered : {false, true}) {
    SCOPED_TRACE(double_buffered);
    if (driver) {
      driver->stop();
      bench.run_for(kMillisecond);
      sink.text.clear();
    }
    connect({.double_buffered_in = double_buffered, .double_buffered_out = double_buffered});
    const std::string text = random_text(1 << 20, 7);
    const Picoseconds begin = bench.time();
    send(text);
    ASSERT_TRUE(bench.run_until([&] { return sink.text.size() >= text.size(); }, 60 * kPicosecondsPerSecond));
    EXPECT_TRUE(sink.text == text);
    EXPECT_TRUE(driver->received == text);
    // Both ways share 19 packets of 64 bytes a frame (USB 2.0 table 5-9).
    const double frames = static_cast<double>(bench.time() - begin) / static_cast<double>(kMillisecond);
    const double packets = 2.0 * static_cast<double>(text.size()) / 64 / frames;
    EXPECT_LE(packets, 19.01);
    EXPECT_GE(packets, 18);
  }
}

TEST_F(Usb, BulkInReachesFullSpeedsBandwidth) {
  connect({.double_buffered_in = true, .per_double_buffer = true});
  const std::string text = random_text(100'000, 3);
  const Picoseconds begin = bench.time();
  driver->print(text);
  ASSERT_TRUE(bench.run_until([&] { return sink.text.size() == text.size(); }, kPicosecondsPerSecond));
  EXPECT_TRUE(sink.text == text);
  const double frames = static_cast<double>(bench.time() - begin) / static_cast<double>(kMillisecond);
  EXPECT_NEAR(static_cast<double>(text.size()) / 64 / frames, 19, 0.5);
}

TEST_F(Usb, BothBuffersAreReportedOneAfterTheOther) {
  connect({.double_buffered_in = true});
  driver->print(random_text(640, 1));
  ASSERT_TRUE(bench.run_until([&] { return sink.text.size() == 640; }, kPicosecondsPerSecond));
  EXPECT_EQ(driver->should_handle_1, 5u);
}

TEST_F(Usb, ASlowReaderBlocksTheBoard) {
  connect();
  sink.room_bytes = 200;  // three packets; the rest is less than one
  const std::string text = random_text(5000, 2);
  driver->print(text);
  bench.run_for(100 * kMillisecond);
  EXPECT_EQ(sink.text.size(), 192u);
  host.stop_reading_until(bench.time() + 50 * kMillisecond, bench.time());
  sink.room_bytes = 10'000;
  host.room_changed(bench.time());
  bench.run_for(49 * kMillisecond);
  EXPECT_EQ(sink.text.size(), 192u);
  bench.run_for(50 * kMillisecond);
  EXPECT_TRUE(sink.text == text);
}

TEST_F(Usb, AClosedPortIsNotRead) {
  connect();
  host.set_port_wanted(false, bench.time());
  bench.run_for(10 * kMillisecond);
  EXPECT_FALSE(driver->dtr);
  driver->print("kept in the board");
  bench.run_for(100 * kMillisecond);
  EXPECT_EQ(sink.text, "");
  host.set_port_wanted(true, bench.time());
  bench.run_for(10 * kMillisecond);
  EXPECT_TRUE(driver->dtr);
  EXPECT_EQ(sink.text, "kept in the board");
}

TEST_F(Usb, UnplugSuspendsAndReplugEnumeratesAnew) {
  connect();
  driver->suspends = 0;
  host.unplug(bench.time());
  driver->print("nobody reads this now");
  bench.run_for(2900'000'000);  // 2.9 ms
  EXPECT_EQ(driver->suspends, 0u);
  bench.run_for(200'000'000);
  EXPECT_EQ(driver->suspends, 1u);
  EXPECT_EQ(sink.text, "");
  bench.run_for(100 * kMillisecond);
  host.plug(bench.time());
  ASSERT_TRUE(bench.run_until([&] { return host.port_open(); }, kPicosecondsPerSecond)) << host.problem();
  EXPECT_EQ(driver->bus_resets, 2u);
  send("again");
  ASSERT_TRUE(bench.run_until([&] { return sink.text == "again"; }, kPicosecondsPerSecond)) << sink.text;
}

TEST_F(Usb, ADeviceThatSwitchesItsPullUpOffIsDetached) {
  connect();
  driver->stop();
  EXPECT_EQ(host.state(), UsbHost::State::kNoDevice);
  EXPECT_FALSE(host.port_open());
  driver->start();
  ASSERT_TRUE(bench.run_until([&] { return host.port_open(); }, kPicosecondsPerSecond));
}

TEST_F(Usb, AnIdleBusRunsNoEvents) {
  connect();
  bench.run_for(kMillisecond);
  bench.events_run = 0;
  bench.run_for(10 * kPicosecondsPerSecond);
  EXPECT_EQ(bench.events_run, 0u);
  EXPECT_EQ(bench.events.horizon(), kNever);
}

TEST_F(Usb, StartOfFrameInterruptsComeEachMillisecondWhileEnabled) {
  connect();
  unsigned frames = 0;
  std::uint32_t last = bench.read(kSofRd);
  auto driver_interrupt = bench.interrupt;
  bench.interrupt = [&] {
    if ((bench.read(kInts) & kIntDevSof) == 0) return driver_interrupt();
    const std::uint32_t frame = bench.read(kSofRd);
    EXPECT_EQ(frame, (last + 1) & 0x7ff);
    last = frame;
    ++frames;
  };
  bench.write(kInte, kIntDevSof, AtomicOp::kSet);
  bench.run_for(100 * kMillisecond);
  EXPECT_EQ(frames, 100u);
  bench.write(kInte, kIntDevSof, AtomicOp::kClear);
  bench.run_for(100 * kMillisecond);
  EXPECT_EQ(frames, 100u);
  EXPECT_NE(bench.read(kIntr) & kIntDevSof, 0u) << "raw status goes on";
  EXPECT_EQ(bench.read(kSofRd), (last + 100) & 0x7ff);
  EXPECT_EQ(bench.read(kIntr) & kIntDevSof, 0u) << "cleared by reading SOF_RD";
}

TEST_F(Usb, APacketWithTheWrongToggleIsDroppedAndCounted) {
  connect();
  driver->break_pid = true;
  driver->print("lost");
  bench.run_for(10 * kMillisecond);
  EXPECT_EQ(host.repeated_packets(), 1u);
  EXPECT_EQ(sink.text, "");
}

TEST_F(Usb, ResetRequestsOfTheUser) {
  connect();
  EXPECT_TRUE(host.request_reset(UsbHost::Reset::kBootsel, bench.time()));
  bench.run_for(10 * kMillisecond);
  const std::array<std::uint8_t, 8> expected = {0x21, 1, 0, 0, 3, 0, 0, 0};
  EXPECT_EQ(driver->setups.back(), expected);
  host.set_baud(1200, bench.time());
  bench.run_for(10 * kMillisecond);
  EXPECT_EQ(driver->baud, 1200u) << "a STALL of the request before does not harm this one";
}

TEST_F(Usb, ADeviceThatNeverAnswersIsReported) {
  start();
  bench.interrupt = [&] { bench.write(kInte, 0); };  // a driver that hangs
  bench.run_for(10 * kPicosecondsPerSecond);
  EXPECT_EQ(host.state(), UsbHost::State::kFailed);
  EXPECT_EQ(host.problem(), "USB: GET_DESCRIPTOR(1, 0) failed: the device answers NAK for 5 seconds");
}

}  // namespace
}  // namespace pico_llama::simulator
