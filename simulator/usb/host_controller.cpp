#include "simulator/usb/host_controller.h"

#include <algorithm>
#include <utility>

namespace pico_llama::simulator {
namespace {

// USB 2.0 table 5-9: a bulk transaction costs 13 bytes beside its payload (SYNC, PID, address, CRC,
// handshake, turn-around), and 19 of 64 bytes fit a frame. Bit stuffing is left out (0.8 % on random data).
constexpr std::size_t kOverheadBytes = 13;
constexpr Picoseconds kPicosecondsPerByte = kPicosecondsPerSecond * 8 / 12'000'000;
// A start of frame is SYNC, PID, 2 bytes and its end (section 8.4.3).
constexpr Picoseconds kSofTime = 4 * kPicosecondsPerByte + kPicosecondsPerByte / 4;
// Section 9.2.6.4: the upper limit for a standard request without further limits.
constexpr Picoseconds kControlTimeout = 5 * kPicosecondsPerSecond;
// Section 10.2.6: a host gives up after three errors in a row.
constexpr unsigned kMaxSilences = 3;

}  // namespace

Picoseconds HostController::frame_start(Picoseconds now) const {
  return now < first_sof_ ? first_sof_
                          : first_sof_ + (now - first_sof_) / UsbController::kFrame * UsbController::kFrame;
}

void HostController::start(Picoseconds now) {
  running_ = true;
  address_ = 0;
  max_packet0_ = UsbPacket::kMaxBytes;
  first_sof_ = now;
  free_at_ = now;
  device_.start_frames(now);
}

void HostController::stop(Picoseconds now) {
  if (!running_) return;
  running_ = false;
  for (EventQueue::Id* id : {&transaction_, &wake_, &timeout_}) {
    events_.cancel(*id);
    *id = 0;
  }
  pipes_.clear();
  device_.stop_frames(now);
  std::deque<ControlTransfer> gone;
  gone.swap(controls_);
  for (ControlTransfer& transfer : gone) {
    if (transfer.done) transfer.done(TransferEnd::kGone, {}, now);
  }
}

void HostController::submit(ControlTransfer transfer, Picoseconds now) {
  controls_.push_back(std::move(transfer));
  if (controls_.size() == 1) {
    stage_ = Stage::kSetup;
    silences_ = 0;
  }
  pump(now);
}

void HostController::open_pipe(UsbPipe* pipe) {
  pipe->data1_ = false;
  pipe->not_before_ = 0;
  pipes_.push_back(pipe);
}

bool HostController::control_ready() const {
  switch (stage_) {
    case Stage::kSetup:
      return true;
    case Stage::kDataIn:
    case Stage::kStatusIn:
      return device_.ready(0, true);
    case Stage::kDataOut:
    case Stage::kStatusOut:
      return device_.ready(0, false);
  }
  return false;
}

void HostController::schedule(Picoseconds earliest, std::size_t payload,
                              std::function<void(Picoseconds)> transaction) {
  const Picoseconds duration = (kOverheadBytes + payload) * kPicosecondsPerByte;
  Picoseconds start = std::max({earliest, free_at_, first_sof_});
  const Picoseconds frame = frame_start(start);
  start = std::max(start, frame + kSofTime);
  // A transaction that would run past the end of the frame waits for the next one.
  if (start + duration > frame + UsbController::kFrame) start = frame + UsbController::kFrame + kSofTime;
  const Picoseconds end = start + duration;
  transaction_ = events_.at_time(end, [this, end, run = std::move(transaction)] {
    transaction_ = 0;
    free_at_ = end;
    run(end);
    pump(end);
  });
}

void HostController::pump(Picoseconds now) {
  if (!running_ || transaction_ != 0) return;
  if (!controls_.empty() && control_ready()) {
    const ControlTransfer& transfer = controls_.front();
    const bool data = stage_ == Stage::kDataIn || stage_ == Stage::kDataOut;
    const std::size_t payload = stage_ == Stage::kSetup ? 8
                                : data                  ? std::min<std::size_t>(transfer.length, max_packet0_)
                                                        : 0;
    schedule(now, payload, [this](Picoseconds at) { run_control(at); });
    return;
  }
  Picoseconds wake = 0;
  for (std::size_t i = 0; i < pipes_.size(); ++i) {
    UsbPipe* pipe = pipes_[(turn_ + i) % pipes_.size()];
    if (!pipe->wants(now) || !device_.ready(pipe->endpoint, pipe->in)) continue;
    if (pipe->not_before_ > now) {
      wake = wake == 0 ? pipe->not_before_ : std::min(wake, pipe->not_before_);
      continue;
    }
    turn_ = (turn_ + i + 1) % pipes_.size();
    UsbPacket packet;
    if (!pipe->in) pipe->fill(packet);
    schedule(now, pipe->in ? device_.waiting_bytes(pipe->endpoint) : packet.size,
             [this, pipe](Picoseconds at) { run_pipe(pipe, at); });
    return;
  }
  if (wake == 0) return;
  events_.cancel(wake_);
  wake_ = events_.at_time(wake, [this, wake] {
    wake_ = 0;
    pump(wake);
  });
}

void HostController::run_pipe(UsbPipe* pipe, Picoseconds now) {
  if (std::find(pipes_.begin(), pipes_.end(), pipe) == pipes_.end() || !pipe->wants(now)) return;
  UsbPacket packet;
  Handshake handshake = Handshake::kSilence;
  if (pipe->interval_frames != 0)
    pipe->not_before_ = frame_start(now) + pipe->interval_frames * UsbController::kFrame;
  if (pipe->in) {
    handshake = device_.in(address_, pipe->endpoint, packet, now);
    if (handshake == Handshake::kAck && packet.data1 != pipe->data1_) {
      ++repeated_packets_;
      return;
    }
  } else {
    pipe->fill(packet);
    packet.data1 = pipe->data1_;
    handshake = device_.out(address_, pipe->endpoint, packet, now);
  }
  if (handshake == Handshake::kStall) return pipe->stalled(now);
  if (handshake != Handshake::kAck) return;
  pipe->data1_ = !pipe->data1_;
  pipe->packet_done(packet, now);
}

void HostController::run_control(Picoseconds now) {
  if (controls_.empty()) return;
  ControlTransfer& transfer = controls_.front();
  if (stage_ != Stage::kSetup) {
    const bool in = stage_ == Stage::kDataIn || stage_ == Stage::kStatusIn;
    return in ? control_packet_in(now) : control_packet_out(now);
  }
  const bool in = (transfer.request_type & 0x80) != 0;
  if (!in) transfer.length = static_cast<std::uint16_t>(transfer.data.size());
  const std::uint8_t packet[8] = {transfer.request_type,
                                  transfer.request,
                                  static_cast<std::uint8_t>(transfer.value),
                                  static_cast<std::uint8_t>(transfer.value >> 8),
                                  static_cast<std::uint8_t>(transfer.index),
                                  static_cast<std::uint8_t>(transfer.index >> 8),
                                  static_cast<std::uint8_t>(transfer.length),
                                  static_cast<std::uint8_t>(transfer.length >> 8)};
  if (device_.setup(address_, packet, now) != Handshake::kAck) {
    if (++silences_ == kMaxSilences) finish_control(TransferEnd::kNoAnswer, now);
    return;
  }
  data1_ = true;
  sent_ = 0;
  if (transfer.length == 0) {
    stage_ = Stage::kStatusIn;
  } else {
    stage_ = in ? Stage::kDataIn : Stage::kDataOut;
  }
  events_.cancel(timeout_);
  timeout_ = events_.at_time(now + kControlTimeout, [this, at = now + kControlTimeout] {
    timeout_ = 0;
    finish_control(TransferEnd::kTimeout, at);
    pump(at);
  });
}

void HostController::control_packet_in(Picoseconds now) {
  ControlTransfer& transfer = controls_.front();
  UsbPacket packet;
  const Handshake handshake = device_.in(address_, 0, packet, now);
  if (handshake == Handshake::kStall) return finish_control(TransferEnd::kStalled, now);
  if (handshake != Handshake::kAck) return;
  if (packet.data1 != data1_) {
    ++repeated_packets_;
    return;
  }
  if (stage_ == Stage::kStatusIn) return finish_control(TransferEnd::kDone, now);
  data1_ = !data1_;
  transfer.data.insert(transfer.data.end(), packet.data().begin(), packet.data().end());
  if (packet.size < max_packet0_ || transfer.data.size() >= transfer.length) {
    stage_ = Stage::kStatusOut;
    data1_ = true;
  }
}

void HostController::control_packet_out(Picoseconds now) {
  const ControlTransfer& transfer = controls_.front();
  UsbPacket packet;
  packet.data1 = data1_;
  if (stage_ == Stage::kDataOut) {
    packet.size = std::min(transfer.data.size() - sent_, max_packet0_);
    std::copy_n(transfer.data.begin() + static_cast<std::ptrdiff_t>(sent_), packet.size,
                packet.bytes.begin());
  }
  const Handshake handshake = device_.out(address_, 0, packet, now);
  if (handshake == Handshake::kStall) return finish_control(TransferEnd::kStalled, now);
  if (handshake != Handshake::kAck) return;
  if (stage_ == Stage::kStatusOut) return finish_control(TransferEnd::kDone, now);
  data1_ = !data1_;
  sent_ += packet.size;
  if (sent_ == transfer.data.size()) {
    stage_ = Stage::kStatusIn;
    data1_ = true;
  }
}

void HostController::finish_control(TransferEnd end, Picoseconds now) {
  events_.cancel(timeout_);
  timeout_ = 0;
  ControlTransfer transfer = std::move(controls_.front());
  controls_.pop_front();
  stage_ = Stage::kSetup;
  silences_ = 0;
  if (transfer.done) transfer.done(end, transfer.data, now);
}

}  // namespace pico_llama::simulator
