#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "simulator/usb/descriptors.h"
#include "simulator/usb/host_controller.h"

namespace pico_llama::simulator {

/// A transfer to or from a bulk endpoint, as libusb and WebUSB offer it.
struct BulkTransfer {
  unsigned endpoint = 0;
  bool in = false;
  std::size_t length = 0;          ///< IN: the most that is read; a short packet ends it sooner
  std::vector<std::uint8_t> data;  ///< OUT: to send; IN: received
  /// kDone, kStalled (the endpoint is halted), kGone or, after cancel(), kTimeout.
  std::function<void(TransferEnd, const std::vector<std::uint8_t>& data, Picoseconds now)> done;
};

/// The program on the host that has the serial port open.
class SerialProgram {
 public:
  virtual ~SerialProgram() = default;
  /// Bytes it can accept now. Below a packet (64) the host does not read: the board has to wait.
  virtual std::size_t room() const = 0;
  virtual void receive(std::span<const std::uint8_t> bytes, Picoseconds now) = 0;
};

/// A computer with a USB cable: debounces, resets and enumerates a device, finds its serial port
/// (CDC ACM) by descriptors and carries the bytes. The bulk endpoints of other interfaces are open to
/// programs that speak to the device themselves (transfer(), control()).
///
/// Flow control, as on a computer: data of the board waits in the board until the program has room, data for
/// the board is queued here until the board accepts it. Only unplugging (or a reset of the board) drops
/// queued data.
class UsbHost : public UsbWatcher {
 public:
  enum class State : std::uint8_t { kUnplugged, kNoDevice, kEnumerating, kReady, kFailed };
  struct Device {
    unsigned vendor_id = 0;
    unsigned product_id = 0;
    std::string manufacturer;
    std::string product;
    std::string serial;
  };
  enum class Reset : std::uint8_t { kBootsel, kFlash };

  /// Plugged in from the start. Requires: both outlive this.
  UsbHost(UsbController& device, EventQueue& events);
  ~UsbHost() override;
  UsbHost(const UsbHost&) = delete;
  UsbHost& operator=(const UsbHost&) = delete;

  void set_program(SerialProgram* program) { program_ = program; }
  /// Called whenever state() or port_open() has changed.
  void set_state_observer(std::function<void(Picoseconds)> observer) { observer_ = std::move(observer); }

  // --- the user ----------------------------------------------------------------------------------------
  void plug(Picoseconds now);
  void unplug(Picoseconds now);
  /// Whether a program holds the port open, and so whether the host reads. Initially not.
  void set_port_wanted(bool open, Picoseconds now);
  /// Whether DTR and RTS are asserted while the port is open. Default true, as operating systems do on open;
  /// some programs deassert them.
  void set_dtr(bool on, Picoseconds now);
  /// Line coding as a program's terminal settings would send it; 1200 baud is the touch that asks for
  /// BOOTSEL.
  void set_baud(std::uint32_t baud, Picoseconds now);
  /// picotool's request on the SDK's vendor reset interface. False if the device has none.
  bool request_reset(Reset reset, Picoseconds now);
  /// The program does not read until `until` (a stalled terminal).
  void stop_reading_until(Picoseconds until, Picoseconds now);

  // --- programs that use other interfaces ------------------------------------------------------------------
  /// The device's interfaces; empty until kReady.
  const UsbConfiguration& configuration() const { return configuration_; }
  /// Queues a transfer behind those of its endpoint. An endpoint that is not open: kGone, at once.
  void transfer(BulkTransfer transfer, Picoseconds now);
  void control(ControlTransfer transfer, Picoseconds now) { bus_.submit(std::move(transfer), now); }
  /// CLEAR_FEATURE(ENDPOINT_HALT).
  void clear_halt(unsigned endpoint, bool in, Picoseconds now,
                  std::function<void(TransferEnd, Picoseconds)> done);
  /// Ends the transfers that wait for this endpoint, with kTimeout.
  void cancel(unsigned endpoint, bool in, Picoseconds now);

  // --- the program ---------------------------------------------------------------------------------------
  /// Queues bytes for the board; sent when the port is open and the board accepts them.
  void send(std::span<const std::uint8_t> bytes, Picoseconds now);
  std::size_t unsent() const { return to_board_.size(); }
  /// The program has room again.
  void room_changed(Picoseconds now) { bus_.pump(now); }

  State state() const { return state_; }
  /// Configured, and a program reads.
  bool port_open() const { return port_open_; }
  const Device& device() const { return info_; }
  const std::optional<CdcFunction>& cdc() const { return cdc_; }
  /// The reason of kFailed: one line.
  const std::string& problem() const { return problem_; }
  std::uint64_t repeated_packets() const { return bus_.repeated_packets(); }

  // UsbWatcher
  void pull_up_changed(bool on, Picoseconds now) override;
  void endpoint_ready(unsigned endpoint, bool in, Picoseconds now) override;

 private:
  class InPipe;
  class OutPipe;
  class NotifyPipe;
  class BulkPipe;
  using Then = std::function<void(const std::vector<std::uint8_t>& data, Picoseconds now)>;

  void set_state(State state, Picoseconds now);
  void attached(Picoseconds now);
  void detached(State state, Picoseconds now);
  void after(Picoseconds delay, Picoseconds now, std::function<void(Picoseconds)> what);
  void begin_reset(Picoseconds now);
  void request(std::string what, ControlTransfer transfer, Picoseconds now, Then then);
  void get_descriptor(unsigned type, unsigned index, std::uint16_t length, Picoseconds now, Then then);
  void read_device(Picoseconds now);
  void read_configuration(Picoseconds now);
  void read_string(unsigned index, std::string* to, Picoseconds now, std::function<void(Picoseconds)> then);
  void read_strings(Picoseconds now);
  void configure(Picoseconds now);
  void send_line_coding(Picoseconds now, Then then);
  void send_control_lines(Picoseconds now);
  void fail(std::string problem, Picoseconds now);
  BulkPipe* find_pipe(unsigned endpoint, bool in) const;
  void open_bulk_pipes();

  UsbController& device_;
  EventQueue& events_;
  HostController bus_;
  SerialProgram* program_ = nullptr;
  std::function<void(Picoseconds)> observer_;
  State state_ = State::kNoDevice;
  std::string problem_;
  EventQueue::Id step_ = 0;  ///< the delay that enumeration waits for
  EventQueue::Id reading_ = 0;

  Device info_;
  std::uint8_t string_index_[3] = {};
  UsbConfiguration configuration_;
  std::optional<CdcFunction> cdc_;
  bool port_wanted_ = false;
  bool port_open_ = false;
  bool dtr_ = true;
  bool reading_stopped_ = false;
  std::uint32_t baud_ = 115'200;
  std::deque<std::uint8_t> to_board_;
  std::unique_ptr<InPipe> in_pipe_;
  std::unique_ptr<OutPipe> out_pipe_;
  std::unique_ptr<NotifyPipe> notify_pipe_;
  std::vector<std::unique_ptr<BulkPipe>> bulk_pipes_;
};

}  // namespace pico_llama::simulator
