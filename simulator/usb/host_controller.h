#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "simulator/clock/event_queue.h"
#include "simulator/usb/controller.h"

namespace pico_llama::simulator {

enum class TransferEnd : std::uint8_t { kDone, kStalled, kNoAnswer, kTimeout, kGone };

/// A request on endpoint 0 (USB 2.0 section 9.3).
struct ControlTransfer {
  std::uint8_t request_type = 0;
  std::uint8_t request = 0;
  std::uint16_t value = 0;
  std::uint16_t index = 0;
  std::uint16_t length = 0;        ///< of the data stage; for OUT that of `data`
  std::vector<std::uint8_t> data;  ///< to send, or received
  std::function<void(TransferEnd, const std::vector<std::uint8_t>& data, Picoseconds now)> done;
};

/// A stream of packets to or from one bulk or interrupt endpoint.
class UsbPipe {
 public:
  virtual ~UsbPipe() = default;
  /// True while the host would poll, or has data to send.
  virtual bool wants(Picoseconds now) const = 0;
  /// OUT: the next packet; called again for the same one until packet_done().
  virtual void fill(UsbPacket&) {}
  /// IN: a packet was received. OUT: it was acknowledged.
  virtual void packet_done(const UsbPacket& packet, Picoseconds now) = 0;
  virtual void stalled(Picoseconds now) = 0;

  unsigned endpoint = 0;
  bool in = false;
  unsigned interval_frames = 0;  ///< 0: bulk, whenever the bus is free

 private:
  friend class HostController;
  bool data1_ = false;
  Picoseconds not_before_ = 0;
};

/// A full-speed root port: frames, one transaction after the other, control transfers first, bulk pipes in
/// turn. Polls that the device would answer with NAK take no time and no events: on an idle bus nothing runs.
class HostController {
 public:
  HostController(UsbController& device, EventQueue& events) : device_(device), events_(events) {}

  /// Starts frames. Address 0 until set_address().
  void start(Picoseconds now);
  /// Ends frames; transfers in progress end with kGone.
  void stop(Picoseconds now);
  void set_address(unsigned address) { address_ = address; }
  /// bMaxPacketSize0 of the device descriptor; 64 until set.
  void set_max_packet0(std::size_t bytes) { max_packet0_ = bytes; }
  void submit(ControlTransfer transfer, Picoseconds now);
  /// The pipe starts with DATA0. Requires: lives until stop() or close_pipes().
  void open_pipe(UsbPipe* pipe);
  void close_pipes() { pipes_.clear(); }
  /// After CLEAR_FEATURE(ENDPOINT_HALT) the pipe continues with DATA0 (USB 2.0 section 9.4.5).
  static void reset_toggle(UsbPipe& pipe) { pipe.data1_ = false; }
  /// Something changed that may let a transaction happen.
  void pump(Picoseconds now);

  /// Packets with the data toggle of the one before: acknowledged and dropped (USB 2.0 section 8.6.4).
  std::uint64_t repeated_packets() const { return repeated_packets_; }

 private:
  enum class Stage : std::uint8_t { kSetup, kDataIn, kDataOut, kStatusIn, kStatusOut };
  bool control_ready() const;
  void schedule(Picoseconds earliest, std::size_t payload, std::function<void(Picoseconds)> transaction);
  void run_control(Picoseconds now);
  void run_pipe(UsbPipe* pipe, Picoseconds now);
  void control_packet_in(Picoseconds now);
  void control_packet_out(Picoseconds now);
  void finish_control(TransferEnd end, Picoseconds now);
  Picoseconds frame_start(Picoseconds now) const;

  UsbController& device_;
  EventQueue& events_;
  bool running_ = false;
  unsigned address_ = 0;
  std::size_t max_packet0_ = UsbPacket::kMaxBytes;
  Picoseconds first_sof_ = 0;
  Picoseconds free_at_ = 0;  ///< end of the last transaction
  EventQueue::Id transaction_ = 0;
  EventQueue::Id wake_ = 0;

  std::deque<ControlTransfer> controls_;
  Stage stage_ = Stage::kSetup;
  bool data1_ = false;
  std::size_t sent_ = 0;
  unsigned silences_ = 0;
  EventQueue::Id timeout_ = 0;

  std::vector<UsbPipe*> pipes_;
  std::size_t turn_ = 0;
  std::uint64_t repeated_packets_ = 0;
};

}  // namespace pico_llama::simulator
