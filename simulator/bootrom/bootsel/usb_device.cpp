#include "simulator/bootrom/bootsel/usb_device.h"

#include <algorithm>

#include "simulator/usb/registers.h"

namespace pico_llama::simulator::bootsel {
namespace {

using namespace usb_regs;
constexpr std::uint32_t kDpram = 0x50100000, kRegisters = 0x50110000, kResets = 0x40020000,
                        kResetUsbctrl = 1U << 28;
// Each bulk endpoint has one buffer; those of endpoint 0 are at a fixed place.
constexpr std::uint32_t buffer_of(unsigned endpoint) { return kDataBuffers + 64 * (endpoint - 1); }
constexpr std::uint32_t buffer_control(unsigned endpoint, bool in) {
  return kEp0InBufferControl + 8 * endpoint + (in ? 0 : 4);
}
constexpr std::uint32_t kTypeBulk = 2;

constexpr unsigned kDeviceDescriptor = 1, kConfigurationDescriptor = 2, kStringDescriptor = 3;
enum Request : std::uint8_t {
  kGetStatus = 0,
  kClearFeature = 1,
  kSetFeature = 3,
  kSetAddress = 5,
  kGetDescriptor = 6,
  kGetConfiguration = 8,
  kSetConfiguration = 9,
  kGetInterface = 10,
  kSetInterface = 11,
};

std::vector<std::uint8_t> string_descriptor_of(std::string_view text) {
  std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(2 + 2 * text.size()), kStringDescriptor};
  for (const char c : text) {
    bytes.push_back(static_cast<std::uint8_t>(c));
    bytes.push_back(0);
  }
  return bytes;
}

void store_packet(RomBus& bus, std::uint32_t at, std::span<const std::uint8_t> packet) {
  for (std::size_t i = 0; i < packet.size(); ++i)
    bus.store(kDpram + at + static_cast<std::uint32_t>(i), packet[i], 1);
}

}  // namespace

BulkEndpoints::BulkEndpoints(RomBus& bus, unsigned out, unsigned in) : bus_(bus), out_(out), in_(in) {}

void BulkEndpoints::set_buffer_control(bool in, std::uint32_t value) {
  const std::uint32_t at = kDpram + buffer_control(in ? in_ : out_, in);
  // Section 12.7.3.7.1: AVAILABLE after the rest, because the controller runs on another clock.
  bus_.store(at, value & ~kBufAvailable);
  if ((value & kBufAvailable) != 0) bus_.store(at, value);
}

void BulkEndpoints::enable() {
  for (const bool in : {false, true}) {
    const unsigned endpoint = in ? in_ : out_;
    data1_[in ? 1 : 0] = halted_[in ? 1 : 0] = false;
    set_buffer_control(in, 0);
    bus_.store(kDpram + kEp1InControl + 8 * (endpoint - 1) + (in ? 0 : 4),
               kEpEnable | kEpInterruptPerBuff | kTypeBulk << kEpTypeLsb | buffer_of(endpoint));
  }
}

void BulkEndpoints::send(std::span<const std::uint8_t> packet) {
  store_packet(bus_, buffer_of(in_), packet);
  set_buffer_control(
      true, static_cast<std::uint32_t>(packet.size()) | kBufFull | kBufAvailable | (data1_[1] ? kBufPid : 0));
  data1_[1] = !data1_[1];
}

void BulkEndpoints::receive() {
  set_buffer_control(false,
                     static_cast<std::uint32_t>(kPacketBytes) | kBufAvailable | (data1_[0] ? kBufPid : 0));
}

void BulkEndpoints::stall(bool in) {
  halted_[in ? 1 : 0] = true;
  set_buffer_control(in, kBufStall);
}

void BulkEndpoints::clear_halt(bool in) {
  halted_[in ? 1 : 0] = data1_[in ? 1 : 0] = false;
  set_buffer_control(in, 0);
}

void BulkEndpoints::cancel() {
  for (const bool in : {false, true}) {
    const std::uint32_t at = kDpram + buffer_control(in ? in_ : out_, in);
    const std::uint32_t control = bus_.load(at);
    // The next packet has the PID of one that the host has not fetched, but not of one that it has sent.
    if (in && (control & kBufAvailable) != 0) data1_[1] = !data1_[1];
    if (!in && (control & kBufFull) != 0) data1_[0] = !data1_[0];
    halted_[in ? 1 : 0] = false;
    set_buffer_control(in, 0);
  }
}

std::optional<std::vector<std::uint8_t>> BulkEndpoints::take_received() {
  const std::uint32_t control = bus_.load(kDpram + buffer_control(out_, false));
  if ((control & kBufFull) == 0) return std::nullopt;  // cancelled
  set_buffer_control(false, 0);
  data1_[0] = !data1_[0];
  const std::uint32_t bytes = control & kBufLength;
  std::vector<std::uint8_t> packet(bytes);
  for (std::uint32_t i = 0; i < bytes; ++i)
    packet[i] = static_cast<std::uint8_t>(bus_.load(kDpram + buffer_of(out_) + i, 1));
  return packet;
}

UsbDevice::UsbDevice(RomBus& bus, std::string serial_number, BulkFunction& mass_storage,
                     BulkFunction& picoboot)
    : bus_(bus), serial_number_(std::move(serial_number)), functions_{&mass_storage, &picoboot} {}

void UsbDevice::start() {
  bus_.set_bits(kResets, kResetUsbctrl);
  bus_.clear_bits(kResets, kResetUsbctrl);
  for (std::uint32_t at = 0; at < kEp0Buffer; at += 4) bus_.store(kDpram + at, 0);
  constexpr std::uint32_t kSoftCon = 1U << 3;
  bus_.store(kRegisters + kUsbMuxing, kToPhy | kSoftCon);
  bus_.store(kRegisters + kUsbPwr, kVbusDetect | kVbusDetectOverrideEn);
  bus_.store(kRegisters + kMainCtrl, kControllerEn);
  bus_.store(kRegisters + kSieCtrl, kEp0Int1Buf);
  bus_.set_bits(kRegisters + kSieCtrl, kPullupEn);
}

void UsbDevice::poll(bool control_only) {
  const std::uint32_t raised = bus_.load(kRegisters + kIntr);
  if ((raised & kIntBusReset) != 0) bus_reset();
  if ((raised & kIntBuffStatus) != 0) {
    const std::uint32_t done = bus_.load(kRegisters + kBuffStatus);
    bus_.store(kRegisters + kBuffStatus, done);
    pending_ |= done;
  }
  if (pending_ != 0) on_buffers(control_only);
  if ((raised & kIntSetupReq) != 0) on_setup();
}

void UsbDevice::bus_reset() {
  bus_.store(kRegisters + kSieStatus, kBusReset);
  bus_.store(kRegisters + kAddrEndp, 0);
  configuration_ = 0;
  new_address_.reset();
  pending_ = 0;
  for (std::uint32_t at = kEp1InControl; at < kEp0Buffer; at += 4) bus_.store(kDpram + at, 0);
}

void UsbDevice::set_control_buffer(bool in, std::uint32_t value) {
  const std::uint32_t at = kDpram + buffer_control(0, in);
  bus_.store(at, value & ~kBufAvailable);
  if ((value & kBufAvailable) != 0) bus_.store(at, value);
}

void UsbDevice::stall_control() {
  bus_.store(kRegisters + kEpStallArm, 3);
  set_control_buffer(true, kBufStall);
  set_control_buffer(false, kBufStall);
}

void UsbDevice::on_setup() {
  bus_.store(kRegisters + kSieStatus, kSetupRec);
  const std::uint32_t first = bus_.load(kDpram + kSetupPacket), second = bus_.load(kDpram + kSetupPacket + 4);
  Setup setup;
  setup.request_type = static_cast<std::uint8_t>(first);
  setup.request = static_cast<std::uint8_t>(first >> 8);
  setup.value = static_cast<std::uint16_t>(first >> 16);
  setup.index = static_cast<std::uint16_t>(second);
  setup.length = static_cast<std::uint16_t>(second >> 16);
  pending_ &= ~3U;
  set_control_buffer(true, 0);
  set_control_buffer(false, 0);
  std::optional<std::vector<std::uint8_t>> data = answer(setup);
  const bool in = (setup.request_type & 0x80) != 0;
  // There is no request that brings data for the device.
  if (!data || (!in && setup.length != 0)) return stall_control();
  if (data->size() > setup.length) data->resize(setup.length);
  to_host_ = std::move(*data);
  zero_packet_ = to_host_.size() < setup.length && to_host_.size() % 64 == 0;
  sent_ = 0;
  data1_ = true;
  send_control_packet();  // data, or the status stage of a request without any
}

void UsbDevice::send_control_packet() {
  const std::size_t bytes = std::min<std::size_t>(to_host_.size() - sent_, 64);
  store_packet(bus_, kEp0Buffer, std::span(to_host_).subspan(sent_, bytes));
  sent_ += bytes;
  set_control_buffer(true,
                     static_cast<std::uint32_t>(bytes) | kBufFull | kBufAvailable | (data1_ ? kBufPid : 0));
  data1_ = !data1_;
}

void UsbDevice::on_buffers(bool control_only) {
  if ((pending_ & 1) != 0) {  // endpoint 0 IN
    pending_ &= ~1U;
    if (new_address_) {
      bus_.store(kRegisters + kAddrEndp, *new_address_);
      new_address_.reset();
    }
    if (sent_ < to_host_.size()) {
      send_control_packet();
    } else if (zero_packet_) {
      zero_packet_ = false;
      send_control_packet();
    } else if (!to_host_.empty()) {
      to_host_.clear();
      sent_ = 0;
      set_control_buffer(false, kBufAvailable | kBufPid);  // status stage
    }
  }
  pending_ &= ~2U;  // endpoint 0 OUT: the status stage is over
  if (control_only) return;
  for (BulkFunction* function : functions_) {
    BulkEndpoints& endpoints = function->endpoints();
    const std::uint32_t in = 1U << 2 * endpoints.in(), out = 2U << 2 * endpoints.out();
    if ((pending_ & in) != 0) {
      pending_ &= ~in;
      function->sent();
    }
    if ((pending_ & out) != 0) {
      pending_ &= ~out;
      if (const auto packet = endpoints.take_received()) function->received(*packet);
    }
  }
}

std::optional<std::vector<std::uint8_t>> UsbDevice::answer(const Setup& setup) {
  using Bytes = std::vector<std::uint8_t>;
  const unsigned kind = setup.request_type >> 5 & 3, recipient = setup.request_type & 31;
  if (kind != 0) {  // class or vendor, to an interface
    const unsigned number = setup.index & 0xff;
    if (recipient != 1 || number >= functions_.size()) return std::nullopt;
    return functions_[number]->control(setup);
  }
  switch (setup.request) {
    case kGetDescriptor:
      return descriptor(setup.value >> 8, setup.value & 0xff);
    case kSetAddress:
      new_address_ = static_cast<std::uint8_t>(setup.value & 0x7f);
      return Bytes{};
    case kSetConfiguration:
      if (setup.value > 1) return std::nullopt;
      configuration_ = static_cast<std::uint8_t>(setup.value);
      for (BulkFunction* function : functions_) {
        if (configuration_ == 0) continue;
        function->endpoints().enable();
        function->configured();
      }
      return Bytes{};
    case kGetConfiguration:
      return Bytes{configuration_};
    case kGetInterface:
      return Bytes{0};
    case kSetInterface:
      if (setup.value != 0) return std::nullopt;
      return Bytes{};
    case kGetStatus:
      if (recipient == 2) {
        for (BulkFunction* function : functions_) {
          BulkEndpoints& endpoints = function->endpoints();
          const bool in = (setup.index & 0x80) != 0;
          if ((in ? endpoints.in() : endpoints.out()) == (setup.index & 0x0fU))
            return Bytes{static_cast<std::uint8_t>(endpoints.stalled(in)), 0};
        }
      }
      return Bytes{0, 0};
    case kClearFeature:
      if (recipient != 2 || setup.value != 0) return std::nullopt;
      return clear_endpoint_halt(setup.index);
    default:
      return std::nullopt;
  }
}

std::optional<std::vector<std::uint8_t>> UsbDevice::clear_endpoint_halt(unsigned address) {
  const bool in = (address & 0x80) != 0;
  for (BulkFunction* function : functions_) {
    BulkEndpoints& endpoints = function->endpoints();
    if ((in ? endpoints.in() : endpoints.out()) != (address & 0x0f)) continue;
    endpoints.clear_halt(in);
    function->halt_cleared(in);
    return std::vector<std::uint8_t>{};
  }
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> UsbDevice::descriptor(unsigned type, unsigned index) const {
  const auto u8 = [](unsigned value) { return static_cast<std::uint8_t>(value); };
  if (type == kDeviceDescriptor) {
    return std::vector<std::uint8_t>{
        18, kDeviceDescriptor, 0x10, 0x02, 0, 0, 0, 64, 0x8a, 0x2e, 0x0f, 0x00, 0x00, 0x01, 1, 2, 3, 1};
  }
  if (type == kConfigurationDescriptor) {
    std::vector<std::uint8_t> bytes{9, kConfigurationDescriptor, 0, 0, 2, 1, 0, 0x80, 0xfa};
    // Mass storage, SCSI, bulk-only; vendor.
    constexpr std::uint8_t kClasses[2][3] = {{0x08, 0x06, 0x50}, {0xff, 0, 0}};
    for (unsigned i = 0; i < functions_.size(); ++i) {
      BulkEndpoints& endpoints = functions_[i]->endpoints();
      bytes.insert(bytes.end(), {9, 4, u8(i), 0, 2, kClasses[i][0], kClasses[i][1], kClasses[i][2], 0});
      for (const unsigned address : {0x80 | endpoints.in(), endpoints.out()})
        bytes.insert(bytes.end(), {7, 5, u8(address), kTypeBulk, 64, 0, 0});
    }
    bytes[2] = u8(static_cast<unsigned>(bytes.size()));
    return bytes;
  }
  if (type != kStringDescriptor) return std::nullopt;
  switch (index) {
    case 0:
      return std::vector<std::uint8_t>{4, kStringDescriptor, 0x09, 0x04};
    case 1:
      return string_descriptor_of("Raspberry Pi");
    case 2:
      return string_descriptor_of("RP2350 Boot");
    case 3:
      return string_descriptor_of(serial_number_);
    default:
      return std::nullopt;
  }
}

}  // namespace pico_llama::simulator::bootsel
