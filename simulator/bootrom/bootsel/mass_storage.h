#pragma once
#include <functional>

#include "simulator/bootrom/bootsel/drive.h"
#include "simulator/bootrom/bootsel/flash_job.h"
#include "simulator/bootrom/bootsel/uf2_download.h"
#include "simulator/bootrom/bootsel/usb_device.h"

namespace pico_llama::simulator::bootsel {

/// Whether PICOBOOT has taken the drive from its host (datasheet section 5.6.4.1).
enum class Exclusive : std::uint8_t { kNo, kWriteProtected, kEjected };

/// The drive's USB side: bulk-only transport and SCSI commands. Sectors written go to the UF2 download.
/// Source: USB Mass Storage Class Bulk-Only Transport 1.0; SCSI SPC-2, SBC-2; datasheet section 5.7.7.
class MassStorage : public BulkFunction {
 public:
  /// `store_ram` writes a payload of a RAM image.
  MassStorage(RomBus& bus, std::uint32_t serial_number,
              std::function<void(std::uint32_t address, std::span<const std::uint8_t>)> store_ram);

  BulkEndpoints& endpoints() override { return endpoints_; }
  void configured() override;
  void received(std::span<const std::uint8_t> packet) override;
  void sent() override;
  void halt_cleared(bool in) override;
  std::optional<std::vector<std::uint8_t>> control(const Setup& setup) override;

  Uf2Download& download() { return download_; }
  void set_exclusive(Exclusive exclusive);
  Exclusive exclusive() const { return exclusive_; }
  /// PICOBOOT's INTERFACE_RESET: ends the command in progress.
  void abort();

  /// The flash work that the present sector asks for, once.
  std::optional<FlashJob> take_job();
  void job_done();

 private:
  enum class State : std::uint8_t { kCommand, kDataIn, kDataOut, kBusy, kStatus, kHalted, kBroken };
  struct Sense {
    std::uint8_t key = 0, code = 0;
  };
  void await_command();
  void on_command(std::span<const std::uint8_t> packet);
  void execute(std::span<const std::uint8_t> command);
  void reply(std::vector<std::uint8_t> data);
  void succeed();
  void fail(Sense sense);
  void send_data();
  void send_status();
  bool check_range(std::span<const std::uint8_t> command);
  void sector_complete();

  BulkEndpoints endpoints_;
  Drive drive_;
  Uf2Download download_;
  std::function<void(std::uint32_t, std::span<const std::uint8_t>)> store_ram_;
  Exclusive exclusive_ = Exclusive::kNo;
  bool ejected_by_host_ = false;

  State state_ = State::kCommand;
  std::uint32_t tag_ = 0, expected_ = 0, moved_ = 0;  ///< CBW: tag, transfer length; bytes of it that moved
  bool to_host_ = false;
  bool failed_ = false;
  Sense sense_;
  std::vector<std::uint8_t> data_;  ///< of a short answer
  std::uint32_t sector_ = 0, sectors_left_ = 0;
  std::vector<std::uint8_t> buffer_;  ///< the sector in transfer
  std::optional<FlashJob> job_;
  bool job_running_ = false;
};

}  // namespace pico_llama::simulator::bootsel
