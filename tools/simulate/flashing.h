#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/board.h"
#include "simulator/usb/host.h"
#include "simulator/usb/mass_storage_host.h"
#include "simulator/usb/picoboot_host.h"
#include "tools/simulate/picoboot_command.h"

namespace pico_llama::simulate {

/// The programs on the host that flash a board in BOOTSEL mode: a file manager that copies to the USB drive,
/// and a picotool. One job at a time; it begins once the device is there.
class Flashing {
 public:
  /// Empty, or one line about why it failed.
  using Done = std::function<void(const std::string& problem, simulator::Picoseconds now)>;
  using Say = std::function<void(const std::string&)>;
  Flashing(simulator::UsbHost& host, simulator::EventQueue& events, Say say)
      : host_(host), events_(events), say_(std::move(say)) {}

  /// Copies a file, and waits until the board restarts. Errors: throws Failure if it cannot be read.
  void drag(const std::string& path, simulator::Picoseconds now, Done done);
  /// Errors: throws Failure if its file cannot be read.
  void picoboot(const PicobootCommand& command, simulator::Picoseconds now, Done done);
  /// The host's state has changed.
  void host_changed(simulator::Picoseconds now);
  /// A job waits for the device, or is in progress.
  bool busy() const { return static_cast<bool>(begin_) || (job_ && !job_->done()); }
  /// Whether the device that the host has is a board in BOOTSEL mode.
  bool in_bootsel() const;

 private:
  using Problem = std::string;
  void start(simulator::Picoseconds now, Done done,
             std::function<simulator::HostTask<Problem>(simulator::HostProgram&)> job);
  simulator::HostTask<bool> run(simulator::HostTask<Problem> job);
  simulator::HostTask<Problem> copy(simulator::HostProgram& program, std::string path,
                                    std::vector<std::uint8_t> bytes);
  simulator::HostTask<Problem> perform(simulator::HostProgram& program, PicobootCommand command,
                                       formats::MemoryImage image);
  static simulator::HostTask<Problem> load(simulator::PicobootHost& rom, const formats::MemoryImage& image);
  simulator::HostTask<Problem> show_info(simulator::PicobootHost& rom);

  simulator::UsbHost& host_;
  simulator::EventQueue& events_;
  Say say_;
  Done done_;
  std::function<simulator::HostTask<Problem>(simulator::HostProgram&)> begin_;
  std::unique_ptr<simulator::HostProgram> program_;
  std::optional<simulator::HostTask<bool>> job_;
};

}  // namespace pico_llama::simulate
