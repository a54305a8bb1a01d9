#include "simulator/usb/host_program.h"

namespace pico_llama::simulator {
namespace {
constexpr Picoseconds kTimeout = 30 * kPicosecondsPerSecond;
}  // namespace

HostProgram::~HostProgram() { unwatch(); }

void HostProgram::unwatch() {
  events_.cancel(timer_);
  timer_ = 0;
}

void HostProgram::watch(unsigned endpoint, bool in) {
  const Picoseconds end = now_ + kTimeout;
  timer_ = events_.at_time(end, [this, endpoint, in, end] {
    timer_ = 0;
    host_.cancel(endpoint, in, end);
  });
}

HostProgram::Operation HostProgram::bulk(BulkTransfer transfer) {
  return {*this, [this, transfer = std::move(transfer)](Operation::Finish finish) mutable {
            transfer.done = [this, finish = std::move(finish)](
                                TransferEnd end, const std::vector<std::uint8_t>& data, Picoseconds at) {
              unwatch();
              finish({end, data}, at);
            };
            watch(transfer.endpoint, transfer.in);
            host_.transfer(std::move(transfer), now_);
          }};
}

HostProgram::Operation HostProgram::bulk_in(unsigned endpoint, std::size_t bytes) {
  BulkTransfer transfer;
  transfer.endpoint = endpoint;
  transfer.in = true;
  transfer.length = bytes;
  return bulk(std::move(transfer));
}

HostProgram::Operation HostProgram::bulk_out(unsigned endpoint, std::vector<std::uint8_t> data) {
  BulkTransfer transfer;
  transfer.endpoint = endpoint;
  transfer.data = std::move(data);
  return bulk(std::move(transfer));
}

HostProgram::Operation HostProgram::control(ControlTransfer transfer) {
  return {*this, [this, transfer = std::move(transfer)](Operation::Finish finish) mutable {
            using Data = const std::vector<std::uint8_t>&;
            transfer.done = [finish = std::move(finish)](TransferEnd end, Data data, Picoseconds at) {
              finish({end, data}, at);
            };
            host_.control(std::move(transfer), now_);
          }};
}

HostProgram::Operation HostProgram::clear_halt(unsigned endpoint, bool in) {
  return {*this, [this, endpoint, in](Operation::Finish finish) {
            const auto done = [finish = std::move(finish)](TransferEnd end, Picoseconds at) {
              finish({end, {}}, at);
            };
            host_.clear_halt(endpoint, in, now_, done);
          }};
}

HostProgram::Operation HostProgram::sleep(Picoseconds duration) {
  return {*this, [this, end = now_ + duration](Operation::Finish finish) {
            timer_ = events_.at_time(end, [this, end, finish = std::move(finish)] {
              timer_ = 0;
              finish({TransferEnd::kDone, {}}, end);
            });
          }};
}

}  // namespace pico_llama::simulator
