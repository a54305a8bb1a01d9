#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "simulator/usb/fat_volume.h"
#include "simulator/usb/host_program.h"

namespace pico_llama::simulator {

/// A bulk IN and a bulk OUT endpoint of one interface.
struct BulkInterface {
  unsigned number = 0, in = 0, out = 0;
};
/// The first interface of this class, subclass and protocol that has both.
std::optional<BulkInterface> find_interface(const UsbConfiguration& configuration, unsigned interface_class,
                                            unsigned subclass, unsigned protocol);
/// Mass storage, SCSI, bulk-only transport.
std::optional<BulkInterface> find_mass_storage(const UsbConfiguration& configuration);

/// The host's driver of a USB drive. Source: USB Mass Storage Class Bulk-Only Transport 1.0; SCSI SPC-2,
/// SBC-2.
class MassStorageHost {
 public:
  enum class End : std::uint8_t { kPassed, kFailed, kGone, kBroken };
  struct Result {
    End end = End::kGone;
    std::vector<std::uint8_t> data;
    std::uint32_t residue = 0;
    bool passed() const { return end == End::kPassed; }
  };
  struct Sense {
    std::uint8_t key = 0, code = 0;
  };

  MassStorageHost(HostProgram& program, BulkInterface interface) : program_(program), pipes_(interface) {}

  /// One SCSI command, with at most one of both data phases.
  HostTask<Result> command(std::vector<std::uint8_t> block, std::size_t in_bytes,
                           std::vector<std::uint8_t> out);
  HostTask<Result> read(std::uint32_t sector, std::uint32_t sectors);
  HostTask<Result> write(std::uint32_t sector, std::vector<std::uint8_t> bytes);
  HostTask<Sense> request_sense();
  /// Waits until the drive is ready, and reads the file system. Errors: a line in problem().
  HostTask<bool> mount();
  /// Copies a file. Errors: a line in problem(). A drive that goes away when all data of the file are
  /// written, but not all of the file system, has done its work: true.
  HostTask<bool> copy(std::string name, std::vector<std::uint8_t> bytes);

  const std::optional<FatVolume>& volume() const { return volume_; }
  const std::string& problem() const { return problem_; }

 private:
  HostTask<bool> reset_recovery();
  HostTask<std::string> describe(Result result);
  HostTask<std::optional<std::vector<std::uint8_t>>> read_extent(FatVolume::Extent extent);

  HostProgram& program_;
  BulkInterface pipes_;
  std::uint32_t tag_ = 0;
  std::optional<FatVolume> volume_;
  std::string problem_;
};

}  // namespace pico_llama::simulator
