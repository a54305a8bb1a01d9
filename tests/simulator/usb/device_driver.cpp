#include "tests/simulator/usb/device_driver.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "simulator/usb/registers.h"

namespace pico_llama::simulator {

using namespace usb_regs;

Bench::Bench() { interrupts.attach(0, this); }

std::uint32_t Bench::read(std::uint32_t offset) { return usb.read(offset, {.now = now}).value; }
void Bench::write(std::uint32_t offset, std::uint32_t value, AtomicOp op) {
  usb.write(offset, value, {.op = op, .now = now});
}
std::uint32_t Bench::dpram(std::uint32_t offset) { return usb.dpram().read(offset, {.now = now}).value; }
void Bench::set_dpram(std::uint32_t offset, std::uint32_t value, std::uint8_t size) {
  usb.dpram().write(offset, value, {.size = size, .now = now});
}
void Bench::set_irq_lines(std::uint64_t levels) { irq_ = (levels >> 14 & 1) != 0; }

bool Bench::run_until(const std::function<bool()>& done, Picoseconds limit) {
  const Cycle end = timebase.cycle_at(time() + limit);
  for (;;) {
    for (int storm = 0; irq_ && interrupt; ++storm) {
      interrupt();
      if (storm == 100) {
        ADD_FAILURE() << "interrupt line stays up";
        return false;
      }
    }
    if (done()) return true;
    if (events.horizon() > end) break;
    now = std::max(now, events.horizon());
    events.run_due(now);
    ++events_run;
  }
  now = end;
  return done();
}

namespace {

const std::vector<std::uint8_t> kDeviceDescriptor = {18,   1,    0x00, 0x02, 0xef, 2, 1, 64, 0x8a,
                                                     0x2e, 0x09, 0x00, 0x00, 0x01, 1, 2, 3,  1};
// Configuration 4: interface 0 vendor with an endpoint of its own, 1 + 2 the serial port, 3 the SDK's reset
// interface.
const std::vector<std::uint8_t> kConfiguration = {
    9, 2,    100,  0,    4,  4,    0,    0x80, 50,                              //
    9, 4,    0,    0,    1,  0xff, 0x42, 0x42, 0,  7,    5, 0x89, 2, 64, 0, 0,  // vendor, endpoint 9 IN bulk
    8, 11,   1,    2,    2,  2,    0,    0,                                     // association
    9, 4,    1,    0,    1,  2,    2,    0,    0,                               // CDC control
    5, 0x24, 0,    0x20, 1,  5,    0x24, 1,    0,  2,    4, 0x24, 2, 2,  5, 0x24,
    6, 1,    2,                                                          // functional descriptors
    7, 5,    0x85, 3,    8,  0,    16,                                   // notify
    9, 4,    2,    0,    2,  10,   0,    0,    0,                        // CDC data
    7, 5,    0x07, 2,    64, 0,    0,    7,    5,  0x83, 2, 64,   0, 0,  // 7 OUT, 3 IN
    9, 4,    3,    0,    0,  0xff, 0,    1,    0,                        // reset interface
};

std::vector<std::uint8_t> text_descriptor(std::string_view text) {
  std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(2 + 2 * text.size()), 3};
  for (const char c : text) bytes.insert(bytes.end(), {static_cast<std::uint8_t>(c), 0});
  return bytes;
}

}  // namespace

DeviceDriver::DeviceDriver(Bench& bench, Options options) : bench_(bench), options_(options) {
  bench_.interrupt = [this] { handle(); };
}

void DeviceDriver::start() {
  for (std::uint32_t at = 0; at < UsbDpram::kBytes; at += 4) bench_.set_dpram(at, 0);
  bench_.write(kUsbMuxing, kToPhy | 1u << 3);
  bench_.write(kUsbPwr, kVbusDetect | kVbusDetectOverrideEn);
  bench_.write(kMainCtrl, kControllerEn);
  bench_.write(kSieCtrl, kEp0Int1Buf);
  bench_.write(kInte, kIntBuffStatus | kIntBusReset | kIntSetupReq | kIntDevSuspend);
  bench_.write(kSieCtrl, kPullupEn, AtomicOp::kSet);
}

void DeviceDriver::print(std::string_view text) {
  to_host_.insert(to_host_.end(), text.begin(), text.end());
  feed_in();
}

void DeviceDriver::handle() {
  const std::uint32_t status = bench_.read(kInts);
  if ((status & kIntBusReset) != 0) {
    ++bus_resets;
    configured = dtr = false;
    control_ = Control::kIdle;
    in_busy_ = 0;
    bench_.write(kAddrEndp, 0);
    // Packets in flight belong to the session before.
    for (std::uint32_t at = kEp1InControl; at < kEp0Buffer; at += 4) bench_.set_dpram(at, 0);
    bench_.write(kSieStatus, kBusReset, AtomicOp::kClear);
  }
  if ((status & kIntDevSuspend) != 0) {
    ++suspends;
    bench_.write(kSieStatus, kSuspended);
  }
  if ((status & kIntBuffStatus) != 0) on_buffers();
  if ((status & kIntSetupReq) != 0) {
    bench_.write(kSieStatus, kSetupRec, AtomicOp::kClear);
    on_setup();
  }
}

/// Buffer control is written in two steps: AVAILABLE last (section 12.7.3.7.1).
void DeviceDriver::arm(unsigned line, std::uint32_t half, unsigned buffer, bool reset) {
  const std::uint32_t at = kEp0InBufferControl + 4 * line;
  const std::uint32_t other = buffer == 1 ? bench_.dpram(at) & 0xffff : bench_.dpram(at) & 0xffff'0000;
  const std::uint32_t word = other | half << (16 * buffer) | (reset ? kBufReset : 0);
  bench_.set_dpram(at, word);
  bench_.set_dpram(at, (word & ~kBufReset) | kBufAvailable << (16 * buffer));
}

void DeviceDriver::control_in(std::vector<std::uint8_t> data, unsigned length) {
  if (data.size() > length) data.resize(length);
  control_zero_packet_ = data.size() < length && data.size() % 64 == 0;
  control_data_ = std::move(data);
  control_sent_ = 0;
  control_ = Control::kDataIn;
  next_control_in();
}

void DeviceDriver::next_control_in() {
  const std::size_t size = std::min<std::size_t>(control_data_.size() - control_sent_, 64);
  for (std::size_t i = 0; i < size; ++i) {
    bench_.set_dpram(static_cast<std::uint32_t>(kEp0Buffer + i), control_data_[control_sent_ + i], 1);
  }
  control_sent_ += size;
  arm(0, kBufFull | (control_pid_ ? kBufPid : 0) | static_cast<std::uint32_t>(size));
  control_pid_ = !control_pid_;
}

void DeviceDriver::on_setup() {
  std::array<std::uint8_t, 8> s{};
  for (unsigned i = 0; i < 8; ++i) s[i] = static_cast<std::uint8_t>(bench_.dpram(i) & 0xff);
  setups.push_back(s);
  control_pid_ = true;
  const unsigned length = s[6] | s[7] << 8;
  if (s[0] == 0x80 && s[1] == 6 && s[3] == 1) return control_in(kDeviceDescriptor, length);
  if (s[0] == 0x80 && s[1] == 6 && s[3] == 2) return control_in(kConfiguration, length);
  if (s[0] == 0x80 && s[1] == 6 && s[3] == 3) {
    static const std::vector<std::uint8_t> languages = {4, 3, 9, 4};
    if (s[2] == 0) return control_in(languages, length);
    // The serial number's descriptor is 64 bytes: its end needs a zero-length packet.
    return control_in(text_descriptor(s[2] == 1   ? "Maker"
                                      : s[2] == 2 ? "Board"
                                                  : "0123456789ABCDEF0123456789ABCDE"),
                      length);
  }
  if (s[1] == 5) {
    new_address_ = s[2];
  } else if (s[1] == 9 && s[0] == 0) {
    EXPECT_EQ(s[2], 4) << "the configuration's own value";
    open_endpoints();
  } else if (s[0] == 0x21 && s[1] == 0x20) {
    control_ = Control::kDataOut;
    return arm(1, kBufPid | 64);
  } else if (s[0] == 0x21 && s[1] == 0x22) {
    EXPECT_EQ(s[4], 1) << "wIndex is the control interface";
    dtr = (s[2] & 1) != 0;
  } else {
    bench_.write(kEpStallArm, 3, AtomicOp::kSet);
    bench_.set_dpram(kEp0InBufferControl, kBufStall);
    return;
  }
  control_ = Control::kStatusIn;
  arm(0, kBufFull | kBufPid);
}

void DeviceDriver::on_buffers() {
  std::uint32_t waiting = bench_.read(kBuffStatus);
  const std::uint32_t second = bench_.read(kBuffCpuShouldHandle);
  for (unsigned line = 0; line < 32; ++line) {
    const std::uint32_t bit = 1u << line;
    if ((waiting & bit) == 0) continue;
    const unsigned buffer = (second & bit) != 0 ? 1 : 0;
    should_handle_1 += buffer;
    bench_.write(kBuffStatus, bit, AtomicOp::kClear);
    if (line == 0) {
      if (control_ == Control::kDataIn) {
        if (control_sent_ < control_data_.size() || std::exchange(control_zero_packet_, false)) {
          next_control_in();
        } else {
          control_ = Control::kStatusOut;
          arm(1, kBufPid);
        }
      } else if (control_ == Control::kStatusIn) {
        control_ = Control::kIdle;
        if (new_address_ >= 0)
          bench_.write(kAddrEndp, static_cast<std::uint32_t>(std::exchange(new_address_, -1)));
      }
    } else if (line == 1 && control_ == Control::kDataOut) {
      baud = bench_.dpram(kEp0Buffer);
      EXPECT_EQ(bench_.dpram(kEp0InBufferControl + 4) & kBufLength, 7u);
      control_ = Control::kStatusIn;
      arm(0, kBufFull | kBufPid);
    } else if (line == 2 * kIn) {
      in_busy_ -= options_.double_buffered_in && options_.per_double_buffer ? 2 : 1;
      feed_in();
    } else if (line == 2 * kOut + 1) {
      const std::uint32_t half = bench_.dpram(kEp0InBufferControl + 4 * line) >> (16 * buffer) & 0xffff;
      EXPECT_NE(half & kBufFull, 0u);
      std::string text;
      for (unsigned i = 0; i < (half & kBufLength); ++i) {
        text += static_cast<char>(bench_.dpram(kOutBuffer + 64 * buffer + i) & 0xff);
      }
      received += text;
      if (options_.double_buffered_out) {
        arm_out(buffer, false);
      } else {
        arm_out(0, true);
      }
      if (options_.echo) print(text);
    }
  }
}

void DeviceDriver::open_endpoints() {
  const std::uint32_t bulk = kEpEnable | 2u << kEpTypeLsb;
  std::uint32_t in = bulk | kInBuffer;
  if (options_.double_buffered_in) in |= kEpDoubleBuffered;
  in |= options_.per_double_buffer ? kEpInterruptPerDoubleBuff : kEpInterruptPerBuff;
  bench_.set_dpram(kEp1InControl + 8 * (kIn - 1), in);
  std::uint32_t out = bulk | kEpInterruptPerBuff | kOutBuffer;
  if (options_.double_buffered_out) out |= kEpDoubleBuffered;
  bench_.set_dpram(kEp1InControl + 8 * (kOut - 1) + 4, out);
  bench_.set_dpram(kEp1InControl + 8 * (kNotify - 1), kEpEnable | 3u << kEpTypeLsb | kNotifyBuffer);
  configured = true;
  in_pid_ = out_pid_ = false;
  in_busy_ = next_in_ = 0;
  arm_out(0, true);
  if (options_.double_buffered_out) arm_out(1, false);
  feed_in();
}

void DeviceDriver::arm_out(unsigned buffer, bool reset) {
  arm(2 * kOut + 1, (out_pid_ ? kBufPid : 0) | 64, buffer, reset);
  out_pid_ = !out_pid_;
}

void DeviceDriver::put_in(unsigned buffer, bool reset) {
  const std::size_t size = std::min<std::size_t>(to_host_.size(), 64);
  for (std::size_t i = 0; i < size; ++i) {
    bench_.set_dpram(static_cast<std::uint32_t>(kInBuffer + 64 * buffer + i), to_host_.front(), 1);
    to_host_.pop_front();
  }
  const bool pid = in_pid_ != std::exchange(break_pid, false);
  arm(2 * kIn, kBufFull | (pid ? kBufPid : 0) | static_cast<std::uint32_t>(size), buffer, reset);
  in_pid_ = !in_pid_;
  ++in_busy_;
}

void DeviceDriver::feed_in() {
  if (!configured) return;
  if (!options_.double_buffered_in) {
    if (in_busy_ == 0 && !to_host_.empty()) put_in(0, true);
    return;
  }
  if (options_.per_double_buffer) {
    if (in_busy_ != 0 || to_host_.empty()) return;
    put_in(0, true);
    put_in(1, false);  // of length zero where nothing is left
    return;
  }
  while (in_busy_ < 2 && !to_host_.empty()) {
    put_in(next_in_, false);
    next_in_ ^= 1;
  }
}

}  // namespace pico_llama::simulator
