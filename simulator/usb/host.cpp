#include "simulator/usb/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace pico_llama::simulator {
namespace {

constexpr Picoseconds kMillisecond = kPicosecondsPerSecond / 1000;
// USB 2.0 section 7.1.7.3: debounce after attach, 100 ms. Section 7.1.7.5: reset of a root port, 50 ms, then
// 10 ms recovery. Section 9.2.6.3: 2 ms after SET_ADDRESS.
constexpr Picoseconds kDebounce = 100 * kMillisecond;
constexpr Picoseconds kReset = 50 * kMillisecond;
constexpr Picoseconds kRecovery = 10 * kMillisecond;
constexpr Picoseconds kSetAddressRecovery = 2 * kMillisecond;

constexpr unsigned kOurAddress = 1;

// bmRequestType and bRequest, USB 2.0 section 9.4; CDC PSTN 1.2 section 6.3.
constexpr std::uint8_t kToHost = 0x80;
constexpr std::uint8_t kToInterface = 0x21;  // class request
constexpr std::uint8_t kSetAddress = 5;
constexpr std::uint8_t kGetDescriptor = 6;
constexpr std::uint8_t kSetConfiguration = 9;
constexpr std::uint8_t kSetLineCoding = 0x20;
constexpr std::uint8_t kSetControlLineState = 0x22;
constexpr std::uint16_t kDtrAndRts = 3;
constexpr unsigned kDeviceDescriptor = 1;
constexpr unsigned kConfigurationDescriptor = 2;
constexpr unsigned kStringDescriptor = 3;
constexpr std::uint16_t kEnglish = 0x0409;

// The SDK's reset interface (pico/usb_reset_interface.h).
constexpr unsigned kVendorClass = 0xff;
constexpr unsigned kResetSubclass = 0;
constexpr unsigned kResetProtocol = 1;
constexpr std::uint8_t kResetBootsel = 1;
constexpr std::uint8_t kResetFlash = 2;

const char* reason(TransferEnd end) {
  switch (end) {
    case TransferEnd::kStalled:
      return "the device answers STALL";
    case TransferEnd::kNoAnswer:
      return "the device does not answer";
    case TransferEnd::kTimeout:
      return "the device answers NAK for 5 seconds";
    case TransferEnd::kGone:
      return "the device was disconnected";
    case TransferEnd::kDone:
      break;
  }
  return "done";
}

}  // namespace

class UsbHost::InPipe : public UsbPipe {
 public:
  explicit InPipe(UsbHost& host) : host_(host) {}
  bool wants(Picoseconds) const override {
    return host_.port_open_ && !host_.reading_stopped_ && host_.program_ != nullptr &&
           host_.program_->room() >= UsbPacket::kMaxBytes;
  }
  void packet_done(const UsbPacket& packet, Picoseconds now) override {
    host_.program_->receive(packet.data(), now);
  }
  void stalled(Picoseconds now) override { host_.fail("the serial port's IN endpoint answers STALL", now); }

 private:
  UsbHost& host_;
};

class UsbHost::OutPipe : public UsbPipe {
 public:
  explicit OutPipe(UsbHost& host) : host_(host) {}
  bool wants(Picoseconds) const override { return host_.port_open_ && !host_.to_board_.empty(); }
  void fill(UsbPacket& packet) override {
    packet.size = std::min(host_.to_board_.size(), max_packet_bytes);
    std::copy_n(host_.to_board_.begin(), packet.size, packet.bytes.begin());
  }
  void packet_done(const UsbPacket& packet, Picoseconds) override {
    host_.to_board_.erase(host_.to_board_.begin(),
                          host_.to_board_.begin() + static_cast<std::ptrdiff_t>(packet.size));
  }
  void stalled(Picoseconds now) override { host_.fail("the serial port's OUT endpoint answers STALL", now); }

  std::size_t max_packet_bytes = UsbPacket::kMaxBytes;

 private:
  UsbHost& host_;
};

/// Serial state notifications (carrier detect and so on): read, as a host does, and ignored.
class UsbHost::NotifyPipe : public UsbPipe {
 public:
  bool wants(Picoseconds) const override { return !stalled_; }
  void packet_done(const UsbPacket&, Picoseconds) override {}
  void stalled(Picoseconds) override { stalled_ = true; }

 private:
  bool stalled_ = false;
};

/// The transfers of one bulk endpoint, in order.
class UsbHost::BulkPipe : public UsbPipe {
 public:
  bool wants(Picoseconds) const override { return !transfers_.empty(); }
  void fill(UsbPacket& packet) override {
    const std::vector<std::uint8_t>& data = transfers_.front().data;
    packet.size = std::min(data.size() - sent_, max_packet_bytes);
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(sent_), packet.size, packet.bytes.begin());
  }
  void packet_done(const UsbPacket& packet, Picoseconds now) override {
    BulkTransfer& transfer = transfers_.front();
    bool whole = false;
    if (in) {
      transfer.data.insert(transfer.data.end(), packet.data().begin(), packet.data().end());
      whole = packet.size < max_packet_bytes || transfer.data.size() >= transfer.length;
    } else {
      sent_ += packet.size;
      whole = sent_ == transfer.data.size();
    }
    if (whole) finish(TransferEnd::kDone, now);
  }
  void stalled(Picoseconds now) override { finish(TransferEnd::kStalled, now); }

  void add(BulkTransfer transfer) { transfers_.push_back(std::move(transfer)); }
  void cancel(TransferEnd end, Picoseconds now) {
    while (!transfers_.empty()) finish(end, now);
  }

  std::size_t max_packet_bytes = UsbPacket::kMaxBytes;

 private:
  void finish(TransferEnd end, Picoseconds now) {
    const BulkTransfer transfer = std::move(transfers_.front());
    transfers_.pop_front();
    sent_ = 0;
    if (transfer.done) transfer.done(end, transfer.data, now);
  }
  std::deque<BulkTransfer> transfers_;
  std::size_t sent_ = 0;
};

UsbHost::UsbHost(UsbController& device, EventQueue& events)
    : device_(device),
      events_(events),
      bus_(device, events),
      in_pipe_(std::make_unique<InPipe>(*this)),
      out_pipe_(std::make_unique<OutPipe>(*this)),
      notify_pipe_(std::make_unique<NotifyPipe>()) {
  device_.set_watcher(this);
  device_.set_plugged(true, 0);
}

UsbHost::~UsbHost() {
  observer_ = nullptr;
  bus_.stop(0);
  events_.cancel(step_);
  events_.cancel(reading_);
  device_.set_watcher(nullptr);
}

void UsbHost::set_state(State state, Picoseconds now) {
  state_ = state;
  if (observer_) observer_(now);
}

void UsbHost::after(Picoseconds delay, Picoseconds now, std::function<void(Picoseconds)> what) {
  events_.cancel(step_);
  step_ = events_.at_time(now + delay, [this, at = now + delay, run = std::move(what)] {
    step_ = 0;
    run(at);
  });
}

void UsbHost::plug(Picoseconds now) {
  if (state_ != State::kUnplugged) return;
  set_state(State::kNoDevice, now);
  device_.set_plugged(true, now);
  if (device_.pulled_up()) attached(now);
}

void UsbHost::unplug(Picoseconds now) {
  if (state_ == State::kUnplugged) return;
  detached(State::kUnplugged, now);
  device_.set_plugged(false, now);
}

void UsbHost::pull_up_changed(bool on, Picoseconds now) {
  if (state_ == State::kUnplugged) return;
  if (on) {
    attached(now);
  } else {
    detached(State::kNoDevice, now);
  }
}

void UsbHost::endpoint_ready(unsigned, bool, Picoseconds now) { bus_.pump(now); }

void UsbHost::detached(State state, Picoseconds now) {
  events_.cancel(step_);
  step_ = 0;
  port_open_ = false;
  cdc_.reset();
  configuration_ = {};
  info_ = {};
  to_board_.clear();
  bus_.stop(now);
  // The state before the callbacks, so that none of them starts a new transfer.
  std::vector<std::unique_ptr<BulkPipe>> gone;
  gone.swap(bulk_pipes_);
  set_state(state, now);
  for (const auto& pipe : gone) pipe->cancel(TransferEnd::kGone, now);
}

void UsbHost::attached(Picoseconds now) {
  problem_.clear();
  set_state(State::kEnumerating, now);
  after(kDebounce, now, [this](Picoseconds at) { begin_reset(at); });
}

void UsbHost::begin_reset(Picoseconds now) {
  device_.bus_reset(now);
  after(kReset, now, [this](Picoseconds end) {
    bus_.start(end);
    after(kRecovery, end, [this](Picoseconds at) { read_device(at); });
  });
}

void UsbHost::fail(std::string problem, Picoseconds now) {
  problem_ = std::move(problem);
  port_open_ = false;
  bus_.stop(now);
  set_state(State::kFailed, now);
}

void UsbHost::request(std::string what, ControlTransfer transfer, Picoseconds now, Then then) {
  transfer.done = [this, what = std::move(what), next = std::move(then)](
                      TransferEnd end, const std::vector<std::uint8_t>& data, Picoseconds at) {
    if (end == TransferEnd::kGone) return;
    if (end != TransferEnd::kDone) return fail(fmt::format("USB: {} failed: {}", what, reason(end)), at);
    next(data, at);
  };
  bus_.submit(std::move(transfer), now);
}

void UsbHost::get_descriptor(unsigned type, unsigned index, std::uint16_t length, Picoseconds now,
                             Then then) {
  ControlTransfer transfer;
  transfer.request_type = kToHost;
  transfer.request = kGetDescriptor;
  transfer.value = static_cast<std::uint16_t>(type << 8 | index);
  transfer.index = type == kStringDescriptor && index != 0 ? kEnglish : std::uint16_t{0};
  transfer.length = length;
  request(fmt::format("GET_DESCRIPTOR({}, {})", type, index), std::move(transfer), now, std::move(then));
}

void UsbHost::read_device(Picoseconds now) {
  get_descriptor(
      kDeviceDescriptor, 0, 64, now, [this](const std::vector<std::uint8_t>& first, Picoseconds at) {
        if (first.size() < 8) return fail("USB: the device descriptor is too short", at);
        bus_.set_max_packet0(first[7]);
        ControlTransfer address;
        address.request = kSetAddress;
        address.value = kOurAddress;
        request("SET_ADDRESS", std::move(address), at,
                [this](const std::vector<std::uint8_t>&, Picoseconds set) {
                  bus_.set_address(kOurAddress);
                  after(kSetAddressRecovery, set, [this](Picoseconds ready) { read_configuration(ready); });
                });
      });
}

void UsbHost::read_configuration(Picoseconds now) {
  get_descriptor(
      kDeviceDescriptor, 0, 18, now, [this](const std::vector<std::uint8_t>& device, Picoseconds at) {
        if (device.size() != 18) return fail("USB: the device descriptor is not 18 bytes", at);
        info_.vendor_id = device[8] | device[9] << 8;
        info_.product_id = device[10] | device[11] << 8;
        std::copy_n(device.begin() + 14, 3, string_index_);
        get_descriptor(kConfigurationDescriptor, 0, 9, at,
                       [this](const std::vector<std::uint8_t>& head, Picoseconds then) {
                         if (head.size() != 9)
                           return fail("USB: the configuration descriptor is too short", then);
                         const std::uint16_t total = static_cast<std::uint16_t>(head[2] | head[3] << 8);
                         get_descriptor(
                             kConfigurationDescriptor, 0, total, then,
                             [this](const std::vector<std::uint8_t>& all, Picoseconds end) {
                               const std::optional<UsbConfiguration> parsed = parse_configuration(all);
                               if (!parsed)
                                 return fail("USB: the configuration descriptor's lengths do not add up",
                                             end);
                               configuration_ = *parsed;
                               cdc_ = find_cdc(configuration_);
                               read_strings(end);
                             });
                       });
      });
}

void UsbHost::read_string(unsigned index, std::string* to, Picoseconds now,
                          std::function<void(Picoseconds)> then) {
  if (index == 0) return then(now);
  get_descriptor(kStringDescriptor, index, 255, now,
                 [to, next = std::move(then)](const std::vector<std::uint8_t>& bytes, Picoseconds at) {
                   *to = string_descriptor(bytes);
                   next(at);
                 });
}

void UsbHost::read_strings(Picoseconds now) {
  get_descriptor(kStringDescriptor, 0, 255, now, [this](const std::vector<std::uint8_t>&, Picoseconds at) {
    read_string(string_index_[0], &info_.manufacturer, at, [this](Picoseconds first) {
      read_string(string_index_[1], &info_.product, first, [this](Picoseconds second) {
        read_string(string_index_[2], &info_.serial, second, [this](Picoseconds third) { configure(third); });
      });
    });
  });
}

void UsbHost::configure(Picoseconds now) {
  ControlTransfer transfer;
  transfer.request = kSetConfiguration;
  transfer.value = static_cast<std::uint16_t>(configuration_.value);
  request("SET_CONFIGURATION", std::move(transfer), now,
          [this](const std::vector<std::uint8_t>&, Picoseconds at) {
            open_bulk_pipes();
            if (!cdc_) return set_state(State::kReady, at);
            in_pipe_->endpoint = cdc_->in.number;
            in_pipe_->in = true;
            out_pipe_->endpoint = cdc_->out.number;
            out_pipe_->max_packet_bytes =
                std::min<std::size_t>(cdc_->out.max_packet_bytes, UsbPacket::kMaxBytes);
            bus_.open_pipe(in_pipe_.get());
            bus_.open_pipe(out_pipe_.get());
            if (cdc_->notify) {
              notify_pipe_ = std::make_unique<NotifyPipe>();
              notify_pipe_->endpoint = cdc_->notify->number;
              notify_pipe_->in = true;
              notify_pipe_->interval_frames = std::max(cdc_->notify->interval_ms, 1u);
              bus_.open_pipe(notify_pipe_.get());
            }
            send_line_coding(at, [this](const std::vector<std::uint8_t>&, Picoseconds set) {
              set_state(State::kReady, set);
              if (port_wanted_) send_control_lines(set);
            });
          });
}

void UsbHost::open_bulk_pipes() {
  constexpr unsigned kBulk = 2;
  for (const UsbInterface& interface : configuration_.interfaces) {
    for (const UsbEndpoint& endpoint : interface.endpoints) {
      const bool of_port = cdc_ && endpoint.number == (endpoint.in ? cdc_->in : cdc_->out).number;
      if (endpoint.type != kBulk || of_port || interface.alternate != 0) continue;
      auto pipe = std::make_unique<BulkPipe>();
      pipe->endpoint = endpoint.number;
      pipe->in = endpoint.in;
      pipe->max_packet_bytes = std::min<std::size_t>(endpoint.max_packet_bytes, UsbPacket::kMaxBytes);
      bus_.open_pipe(pipe.get());
      bulk_pipes_.push_back(std::move(pipe));
    }
  }
}

UsbHost::BulkPipe* UsbHost::find_pipe(unsigned endpoint, bool in) const {
  for (const auto& pipe : bulk_pipes_)
    if (pipe->endpoint == endpoint && pipe->in == in) return pipe.get();
  return nullptr;
}

void UsbHost::transfer(BulkTransfer transfer, Picoseconds now) {
  BulkPipe* pipe = find_pipe(transfer.endpoint, transfer.in);
  if (pipe == nullptr) {
    if (transfer.done) transfer.done(TransferEnd::kGone, {}, now);
    return;
  }
  pipe->add(std::move(transfer));
  bus_.pump(now);
}

void UsbHost::cancel(unsigned endpoint, bool in, Picoseconds now) {
  if (BulkPipe* pipe = find_pipe(endpoint, in)) pipe->cancel(TransferEnd::kTimeout, now);
}

void UsbHost::clear_halt(unsigned endpoint, bool in, Picoseconds now,
                         std::function<void(TransferEnd, Picoseconds)> done) {
  constexpr std::uint8_t kToEndpoint = 0x02, kClearFeature = 1;
  ControlTransfer transfer;
  transfer.request_type = kToEndpoint;
  transfer.request = kClearFeature;
  transfer.index = static_cast<std::uint16_t>(endpoint | (in ? 0x80 : 0));
  transfer.done = [this, endpoint, in, then = std::move(done)](
                      TransferEnd end, const std::vector<std::uint8_t>&, Picoseconds at) {
    BulkPipe* pipe = find_pipe(endpoint, in);
    if (end == TransferEnd::kDone && pipe != nullptr) HostController::reset_toggle(*pipe);
    then(end, at);
  };
  control(std::move(transfer), now);
}

void UsbHost::send_line_coding(Picoseconds now, Then then) {
  ControlTransfer transfer;
  transfer.request_type = kToInterface;
  transfer.request = kSetLineCoding;
  transfer.index = static_cast<std::uint16_t>(cdc_->control_interface);
  for (unsigned shift = 0; shift < 32; shift += 8)
    transfer.data.push_back(static_cast<std::uint8_t>(baud_ >> shift));
  transfer.data.insert(transfer.data.end(), {0, 0, 8});  // 1 stop bit, no parity, 8 data bits
  request("SET_LINE_CODING", std::move(transfer), now, std::move(then));
}

void UsbHost::send_control_lines(Picoseconds now) {
  const bool open = port_wanted_;
  ControlTransfer transfer;
  transfer.request_type = kToInterface;
  transfer.request = kSetControlLineState;
  transfer.value = open && dtr_ ? kDtrAndRts : std::uint16_t{0};
  transfer.index = static_cast<std::uint16_t>(cdc_->control_interface);
  // A host stops reading when the port closes, and starts once it has set the lines.
  if (!open) port_open_ = false;
  request("SET_CONTROL_LINE_STATE", std::move(transfer), now,
          [this, open](const std::vector<std::uint8_t>&, Picoseconds at) {
            port_open_ = open && port_wanted_;
            if (observer_) observer_(at);
            bus_.pump(at);
          });
}

void UsbHost::set_port_wanted(bool open, Picoseconds now) {
  if (port_wanted_ == open) return;
  port_wanted_ = open;
  if (state_ == State::kReady && cdc_) send_control_lines(now);
}

void UsbHost::set_dtr(bool on, Picoseconds now) {
  if (dtr_ == on) return;
  dtr_ = on;
  if (state_ == State::kReady && cdc_ && port_wanted_) send_control_lines(now);
}

void UsbHost::set_baud(std::uint32_t baud, Picoseconds now) {
  baud_ = baud;
  if (state_ == State::kReady && cdc_)
    send_line_coding(now, [](const std::vector<std::uint8_t>&, Picoseconds) {});
}

bool UsbHost::request_reset(Reset reset, Picoseconds now) {
  if (state_ != State::kReady) return false;
  for (const UsbInterface& interface : configuration_.interfaces) {
    if (interface.interface_class != kVendorClass || interface.subclass != kResetSubclass ||
        interface.protocol != kResetProtocol) {
      continue;
    }
    ControlTransfer transfer;
    transfer.request_type = kToInterface;
    transfer.request = reset == Reset::kBootsel ? kResetBootsel : kResetFlash;
    transfer.value =
        reset == Reset::kBootsel ? std::uint16_t{0} : std::uint16_t{100};  // ms, as picotool sends
    transfer.index = static_cast<std::uint16_t>(interface.number);
    // The device resets instead of finishing this request: any result is accepted.
    bus_.submit(std::move(transfer), now);
    return true;
  }
  return false;
}

void UsbHost::stop_reading_until(Picoseconds until, Picoseconds now) {
  reading_stopped_ = true;
  events_.cancel(reading_);
  reading_ = events_.at_time(std::max(until, now), [this, at = std::max(until, now)] {
    reading_ = 0;
    reading_stopped_ = false;
    bus_.pump(at);
  });
}

void UsbHost::send(std::span<const std::uint8_t> bytes, Picoseconds now) {
  to_board_.insert(to_board_.end(), bytes.begin(), bytes.end());
  bus_.pump(now);
}

}  // namespace pico_llama::simulator
