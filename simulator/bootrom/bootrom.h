#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulator/bootrom/bootsel/flash_job.h"
#include "simulator/bootrom/image_def.h"
#include "simulator/bootrom/rom_bus.h"
#include "simulator/bootrom/rom_flash.h"
#include "simulator/bootrom/rom_task.h"
#include "simulator/cpu/core.h"
#include "simulator/devices/otp.h"
#include "simulator/devices/resets.h"
#include "simulator/devices/sio.h"
#include "simulator/devices/system.h"
#include "simulator/devices/watchdog.h"

namespace pico_llama::simulator {

/// The boot ROM of the RP2350 (datasheet chapter 5) at high level: the boot path, core 1's wait for its entry
/// point, and the functions that software finds through the ROM table. Its code is our own; its accesses to
/// registers and chips go through the bus and take time, as the real one's do.
class Bootrom : public RomCalls {
 public:
  struct Parts {
    Bus& bus;
    std::array<Core*, 2> cores;
    Resets& resets;
    Watchdog& watchdog;
    Sio& sio;
    Bootram& bootram;
    const Otp& otp;
    std::uint64_t seed;
  };
  explicit Bootrom(Parts parts);

  /// Offset in boot RAM of the data that software reaches through the ROM's data table.
  static constexpr std::uint32_t kDevinfoOffset = 0x3f0, kPartitionTableOffset = 0x300;

  /// A RAM image that a loader has put there, to be started at the next boot if flash has none.
  struct RamImage {
    std::uint32_t base = 0, bytes = 0;
  };
  enum class Outcome : std::uint8_t { kStarted, kBootsel };
  struct Boot {
    Outcome outcome = Outcome::kBootsel;
    std::string reason;  ///< why it is in BOOTSEL mode
  };
  /// The boot path after a reset, from core 0's present cycle on: leaves core 0 at the image's entry point.
  /// In BOOTSEL mode core 0 stands at the code that serves the USB drive and PICOBOOT.
  Boot boot(bool bootsel_button, std::optional<RamImage> ram_image);

  /// Core 1 (again) waits for its entry point: at reset, or when the PSM releases it.
  void hold_core1();
  /// The chip's own ROM takes this one's place.
  void stand_aside();
  bool core1_waiting() const { return core1_waiting_; }

  void execute(Core& core) override;

 private:
  struct Call {
    std::uint32_t pc = 0, sp = 0;
    std::unique_ptr<RomBus> bus;
    std::optional<RomTask> task;
  };
  using Function = RomTask (Bootrom::*)(Core&, RomBus&);
  struct Entry {
    const char* name;
    std::uint16_t code;  ///< two characters
    Function function;   ///< nullptr: known, not modelled
  };
  static const Entry kFunctions[];
  static const std::size_t kFunctionCount;

  void write_rom();
  static std::uint32_t core1_return_address();
  static std::uint32_t usb_boot_address();
  void write_xip_setup_function();
  std::uint32_t lookup(std::uint32_t code, std::uint32_t mask) const;
  void core1_mailbox();
  Boot choose_boot(bool bootsel_button, std::optional<RamImage> ram_image);
  Boot boot_flash(RomBus& bus);
  /// Starts a core as the ROM leaves it.
  static void start(Core& core, std::uint32_t vector_table, std::uint32_t stack, std::uint32_t entry);
  Boot enter(RomBus& bus, const ImageDef& image, const char* where);
  static bool hash_matches(RomBus& bus, const ImageDef& image);
  void prepare(RomBus& bus);

  // The functions, in the order of the table. Arguments and results are the core's registers.
  RomTask state_reset(Core& core, RomBus& bus);
  RomTask connect_internal_flash(Core& core, RomBus& bus);
  RomTask flash_enter_cmd_xip(Core& core, RomBus& bus);
  RomTask flash_exit_xip(Core& core, RomBus& bus);
  RomTask flash_flush_cache(Core& core, RomBus& bus);
  RomTask flash_range_erase(Core& core, RomBus& bus);
  RomTask flash_range_program(Core& core, RomBus& bus);
  RomTask flash_reset_address_trans(Core& core, RomBus& bus);
  RomTask flash_select_xip_read_mode(Core& core, RomBus& bus);
  RomTask flash_op(Core& core, RomBus& bus);
  RomTask flash_runtime_to_storage_addr(Core& core, RomBus& bus);
  RomTask get_b_partition(Core& core, RomBus& bus);
  RomTask get_partition_table_info(Core& core, RomBus& bus);
  RomTask get_sys_info(Core& core, RomBus& bus);
  RomTask otp_access(Core& core, RomBus& bus);
  RomTask reboot(Core& core, RomBus& bus);
  RomTask set_ns_api_permission(Core& core, RomBus& bus);
  RomTask set_rom_callback(Core& core, RomBus& bus);
  RomTask validate_ns_buffer(Core& core, RomBus& bus);

  // What some of them return, for PICOBOOT too. Errors: a negative code of pico/error.h.
  std::int32_t partition_table_info(std::uint32_t flags, std::vector<std::uint32_t>& words);
  std::int32_t sys_info(RomBus& bus, std::uint32_t flags, std::vector<std::uint32_t>& words);
  std::int32_t request_reboot(RomBus& bus, std::uint32_t flags, std::uint32_t delay_ms, std::uint32_t p0,
                              std::uint32_t p1);

  /// BOOTSEL mode: the USB device, until a reset (bootsel/).
  RomTask usb_boot(Core& core, RomBus& bus);
  RomTask run_flash_job(RomBus& bus, const bootsel::FlashJob& job);
  class UsbBootServices;

  Parts parts_;
  std::array<std::vector<Call>, 2> calls_;  // by core, innermost last
  std::uint64_t random_;
  std::array<std::uint32_t, 4> boot_random_{};
  std::uint32_t boot_type_ = 0;
  std::array<std::uint32_t, 2> boot_parameters_{};
  rom_flash::ReadMode read_mode_ = rom_flash::ReadMode::k03hSerial;
  std::uint32_t clkdiv_ = 0;
  bool core1_waiting_ = true;
  unsigned core1_step_ = 0;
  std::array<std::uint32_t, 3> core1_words_{};  // vector table, stack, entry
};

}  // namespace pico_llama::simulator
