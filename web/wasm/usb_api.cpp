// The other end of the virtual board's USB cable for JavaScript: the operations of WebUSB and Web Serial on
// the simulator's host. They finish while the board runs; usb_finished() returns them in the order of their
// ends.
#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "simulator/usb/host.h"
#include "web/wasm/board_api.h"

using namespace pico_llama;
using simulator::Picoseconds;
using simulator::TransferEnd;
using web::the_board;

namespace {

struct Finished {
  std::uint32_t id;
  TransferEnd end;
  std::vector<std::uint8_t> data;
};
std::deque<Finished> finished;
Finished current;
std::string answer;

auto finish(std::uint32_t id) {
  return [id](TransferEnd end, const std::vector<std::uint8_t>& data, Picoseconds) {
    finished.push_back({id, end, data});
  };
}

std::vector<std::uint8_t> bytes_at(const std::uint8_t* data, std::uint32_t length) {
  return data == nullptr ? std::vector<std::uint8_t>() : std::vector<std::uint8_t>(data, data + length);
}

simulator::UsbHost& host() { return the_board().host(); }
Picoseconds now() { return the_board().board().time(); }

}  // namespace

/// The board stays in BOOTSEL mode and serves its USB device there, instead of ending the run.
PICO_LLAMA_EXPORT(board_serve_bootsel) void board_serve_bootsel() {
  the_board().board().stop_in_bootsel = false;
}
/// Power off and on, with the BOOT button held or not. Flash that is being written is torn.
PICO_LLAMA_EXPORT(board_power_on) void board_power_on(int button_held) {
  the_board().board().reset(button_held != 0 ? simulator::ResetKind::kBootsel
                                             : simulator::ResetKind::kPowerOn);
}
PICO_LLAMA_EXPORT(usb_plug) void usb_plug(int plugged) {
  plugged != 0 ? host().plug(now()) : host().unplug(now());
}
PICO_LLAMA_EXPORT(usb_open_port) void usb_open_port(int open) { host().set_port_wanted(open != 0, now()); }

/// The device that the host has configured, as JSON; empty without one.
PICO_LLAMA_EXPORT(usb_device) const char* usb_device() {
  answer.clear();
  if (host().state() != simulator::UsbHost::State::kReady) return answer.c_str();
  const simulator::UsbHost::Device& device = host().device();
  nlohmann::json interfaces = nlohmann::json::array();
  for (const simulator::UsbInterface& interface : host().configuration().interfaces) {
    nlohmann::json endpoints = nlohmann::json::array();
    for (const simulator::UsbEndpoint& endpoint : interface.endpoints)
      endpoints.push_back({{"number", endpoint.number}, {"in", endpoint.in}, {"type", endpoint.type}});
    interfaces.push_back({{"number", interface.number},
                          {"class", interface.interface_class},
                          {"subclass", interface.subclass},
                          {"protocol", interface.protocol},
                          {"endpoints", endpoints}});
  }
  answer = nlohmann::json{{"vendorId", device.vendor_id},
                          {"productId", device.product_id},
                          {"product", device.product},
                          {"serial", device.serial},
                          {"interfaces", interfaces}}
               .dump();
  return answer.c_str();
}

/// A transfer on a bulk endpoint: IN of at most `length` bytes, or OUT of the `length` bytes at `data`.
PICO_LLAMA_EXPORT(usb_transfer)
void usb_transfer(std::uint32_t id, int endpoint, int in, const std::uint8_t* data, std::uint32_t length) {
  simulator::BulkTransfer transfer;
  transfer.endpoint = static_cast<unsigned>(endpoint);
  transfer.in = in != 0;
  transfer.length = length;
  if (!transfer.in) transfer.data = bytes_at(data, length);
  transfer.done = finish(id);
  host().transfer(std::move(transfer), now());
}
/// A request on endpoint 0. `request_type`: bmRequestType; bit 7 set: IN, `data` is not read.
PICO_LLAMA_EXPORT(usb_control)
void usb_control(std::uint32_t id, int request_type, int request, int value, int index,
                 const std::uint8_t* data, std::uint32_t length) {
  simulator::ControlTransfer transfer;
  transfer.request_type = static_cast<std::uint8_t>(request_type);
  transfer.request = static_cast<std::uint8_t>(request);
  transfer.value = static_cast<std::uint16_t>(value);
  transfer.index = static_cast<std::uint16_t>(index);
  transfer.length = static_cast<std::uint16_t>(length);
  if ((request_type & 0x80) == 0) transfer.data = bytes_at(data, length);
  transfer.done = finish(id);
  host().control(std::move(transfer), now());
}
PICO_LLAMA_EXPORT(usb_clear_halt) void usb_clear_halt(std::uint32_t id, int endpoint, int in) {
  const auto done = [id](TransferEnd end, Picoseconds) { finished.push_back({id, end, {}}); };
  host().clear_halt(static_cast<unsigned>(endpoint), in != 0, now(), done);
}

/// The next operation that has ended: its id, or 0 for none. The functions below are about it.
PICO_LLAMA_EXPORT(usb_finished) std::uint32_t usb_finished() {
  if (finished.empty()) return 0;
  current = std::move(finished.front());
  finished.pop_front();
  return current.id;
}
/// A TransferEnd.
PICO_LLAMA_EXPORT(usb_finished_end) int usb_finished_end() { return static_cast<int>(current.end); }
PICO_LLAMA_EXPORT(usb_finished_data) const std::uint8_t* usb_finished_data() { return current.data.data(); }
PICO_LLAMA_EXPORT(usb_finished_bytes) std::uint32_t usb_finished_bytes() { return current.data.size(); }
