#include "simulator/devices/register_device.h"

#include <gtest/gtest.h>

#include "simulator/devices/resets.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

constexpr Register kRegisters[] = {
    {.offset = 0x0, .name = "CTRL", .reset = 0x10, .writable = 0xff},
    {.offset = 0x4, .name = "INTR", .reset = 0xf, .clear = 0xf},
    {.offset = 0x8, .name = "DATA", .writable = ~0U, .count = 2},
};
class Sample : public RegisterDevice {
 public:
  Sample() : RegisterDevice("SAMPLE", kRegisters) {}
};

std::string stop_text(const std::function<void()>& action) {
  try {
    action();
  } catch (const Stop& stop) {
    return stop.what();
  }
  return "no stop";
}

TEST(RegisterDevice, CombinesAtomicWritesWithTheStoredValue) {
  Sample device;
  EXPECT_EQ(device.read(0, {}).value, 0x10U);
  device.write(0, 0x03, {.op = AtomicOp::kSet});
  EXPECT_EQ(device.read(0, {}).value, 0x13U);
  device.write(0, 0x10, {.op = AtomicOp::kClear});
  device.write(0, 0xff, {.op = AtomicOp::kXor});
  EXPECT_EQ(device.read(0, {}).value, 0xfcU);
  device.reset();
  EXPECT_EQ(device.read(0, {}).value, 0x10U);
}

TEST(RegisterDevice, ClearsOnWrittenOnes) {
  Sample device;
  device.write(4, 0x5, {});
  EXPECT_EQ(device.read(4, {}).value, 0xaU);
  device.write(4, 0x2, {.op = AtomicOp::kClear});
  EXPECT_EQ(device.read(4, {}).value, 0x8U);
}

TEST(RegisterDevice, StopsOnUnknownRegistersAndBitsAndNamesThem) {
  Sample device;
  EXPECT_NE(stop_text([&] { device.read(0x10, {}); }).find("SAMPLE"), std::string::npos);
  const std::string text = stop_text([&] { device.write(0, 0x110, {}); });
  EXPECT_NE(text.find("SAMPLE CTRL"), std::string::npos) << text;
  EXPECT_NE(text.find("0x00000100"), std::string::npos) << text;
  EXPECT_NE(stop_text([&] { device.write(0x20, 1, {}); }).find("0x0020"), std::string::npos);
  Unmodelled pwm("PWM");
  EXPECT_NE(stop_text([&] { pwm.read(4, {}); }).find("PWM"), std::string::npos);
  EXPECT_EQ(device.read(0x10, {.master = Master::kDebugger}).fault, BusFault::kNone);  // a debugger may look
}

TEST(Resets, HoldsDevicesAndResetsThem) {
  Sample device;
  Resets resets;
  ResetGate gate(resets, Resets::kUart0, device);
  resets.attach(Resets::kUart0, [&] { device.reset(); });
  EXPECT_EQ(gate.read(0, {}).fault, BusFault::kDenied);
  resets.write(0, 1U << Resets::kUart0, {.op = AtomicOp::kClear});
  EXPECT_EQ(resets.read(8, {}).value, 1U << Resets::kUart0);
  EXPECT_EQ(gate.write(8, 7, {}).fault, BusFault::kNone);
  EXPECT_EQ(gate.read(8, {}).value, 7U);
  resets.write(0, 1U << Resets::kUart0, {.op = AtomicOp::kSet});
  resets.write(0, 1U << Resets::kUart0, {.op = AtomicOp::kClear});
  EXPECT_EQ(gate.read(8, {}).value, 0U);
}

}  // namespace
}  // namespace pico_llama::simulator
