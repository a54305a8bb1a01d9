// BOOTSEL mode: clocks, flash, and the loop that serves the USB device (datasheet sections 5.2.8, 5.5, 5.6).
#include <fmt/format.h>

#include <algorithm>

#include "simulator/bootrom/bootrom.h"
#include "simulator/bootrom/bootsel/mass_storage.h"
#include "simulator/bootrom/bootsel/picoboot.h"
#include "simulator/bootrom/bootsel/usb_device.h"
#include "simulator/bootrom/rom_otp.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kXosc = 0x40048000, kPllUsb = 0x40058000, kClocks = 0x40010000, kResets = 0x40020000;
constexpr std::uint32_t kClkSysHz = 48'000'000;
// [ASSUMED] how often the loop looks at the controller: well below the 52 us that a packet takes.
constexpr Cycle kPoll = kClkSysHz / 100'000;
// After the last block of a UF2 the host still writes the file system: A2 waits half a second.
constexpr std::uint32_t kRestartDelayMs = 500;
enum RebootType : std::uint32_t { kRamImage = 3, kFlashUpdate = 4 };

void set_up_flash(RomBus& bus) {
  // Sections 5.6.4.6 and 5.6.4.7: once, before USB.
  rom_flash::connect_internal(bus);
  rom_flash::exit_xip(bus);
  rom_flash::select_read_mode(bus, rom_flash::ReadMode::k03hSerial, 6);
}

}  // namespace

class Bootrom::UsbBootServices : public bootsel::PicobootServices {
 public:
  UsbBootServices(Bootrom& rom, RomBus& bus) : rom_(rom), bus_(bus) {}
  std::int32_t sys_info(std::uint32_t flags, std::vector<std::uint32_t>& words) override {
    return rom_.sys_info(bus_, flags, words);
  }
  std::int32_t partition_table_info(std::uint32_t flags, std::vector<std::uint32_t>& words) override {
    return rom_.partition_table_info(flags, words);
  }
  std::int32_t read_otp(std::uint32_t row_and_flags, std::span<std::uint8_t> bytes) override {
    RomTask task = rom_otp::access(bus_, row_and_flags, bytes);
    task.resume();
    return static_cast<std::int32_t>(task.result());
  }
  std::int32_t reboot(std::uint32_t flags, std::uint32_t delay_ms, std::uint32_t p0,
                      std::uint32_t p1) override {
    return rom_.request_reboot(bus_, flags, delay_ms, p0, p1);
  }

 private:
  Bootrom& rom_;
  RomBus& bus_;
};

RomTask Bootrom::run_flash_job(RomBus& bus, const bootsel::FlashJob& job) {
  constexpr std::uint32_t kSector = 4096, kPage = 256;
  if (job.erase) {
    RomTask task = rom_flash::range_erase(bus, job.offset / kSector * kSector, kSector, 0, 0);
    for (task.resume(); !task.done(); task.resume()) co_await WaitUntil{bus.now + kPoll};
  }
  if (job.program) {
    RomTask task =
        rom_flash::range_program(bus, job.offset, kPage, [&job](std::uint32_t i) { return job.page[i]; });
    for (task.resume(); !task.done(); task.resume()) co_await WaitUntil{bus.now + kPoll};
  }
  co_return 0;
}

RomTask Bootrom::usb_boot(Core&, RomBus& bus) {
  // 12 MHz crystal, then PLL_USB: 12 MHz * 100 / 5 / 5 = 48 MHz for clk_usb and clk_sys (section 5.2.8.1).
  constexpr std::uint32_t kXoscStable = 1U << 31, kPllLock = 1U << 31, kResetPllUsb = 1U << Resets::kPllUsb;
  bus.store(kXosc + 0x0c, 47);                   // STARTUP: 1 ms
  bus.store(kXosc + 0x00, 0xfab << 12 | 0xaa0);  // CTRL: enabled, 1 to 15 MHz
  while ((bus.load(kXosc + 0x04) & kXoscStable) == 0) co_await WaitUntil{bus.now + kPoll};
  bus.store(kClocks + 0x30, 2);  // CLK_REF_CTRL: XOSC
  bus.set_bits(kResets, kResetPllUsb);
  bus.clear_bits(kResets, kResetPllUsb);
  bus.store(kPllUsb + 0x00, 1);                       // CS: REFDIV
  bus.store(kPllUsb + 0x08, 100);                     // FBDIV_INT
  bus.clear_bits(kPllUsb + 0x04, 1U << 0 | 1U << 5);  // PWR: PD, VCOPD
  while ((bus.load(kPllUsb + 0x00) & kPllLock) == 0) co_await WaitUntil{bus.now + kPoll};
  bus.store(kPllUsb + 0x0c, 5U << 16 | 5U << 12);  // PRIM: POSTDIV1, POSTDIV2
  bus.clear_bits(kPllUsb + 0x04, 1U << 3);         // PWR: POSTDIVPD
  bus.store(kClocks + 0x60, 1U << 11);             // CLK_USB_CTRL: PLL_USB, enabled
  bus.store(kClocks + 0x3c, 1U << 5);              // CLK_SYS_CTRL: AUXSRC PLL_USB, then SRC aux
  bus.store(kClocks + 0x3c, 1U << 5 | 1);
  set_up_flash(bus);
  rom_otp::lock_for_bootsel(bus);

  UsbBootServices services(*this, bus);
  bootsel::MassStorage drive(bus, static_cast<std::uint32_t>(parts_.otp.chip_id()),
                             [&bus](std::uint32_t address, std::span<const std::uint8_t> bytes) {
                               for (std::size_t i = 0; i < bytes.size(); ++i)
                                 bus.store(address + static_cast<std::uint32_t>(i), bytes[i], 1);
                             });
  bootsel::Picoboot picoboot(bus, services, drive);
  bootsel::UsbDevice device(bus, fmt::format("{:016X}", parts_.otp.chip_id()), drive, picoboot);
  device.start();
  bool restarting = false;
  for (;;) {
    co_await WaitUntil{bus.now + kPoll};
    device.poll();
    std::optional<bootsel::FlashJob> job = drive.take_job();
    const bool of_drive = job.has_value();
    if (of_drive)
      picoboot.interleaved_write();
    else
      job = picoboot.take_job();
    if (job) {
      // Requests are answered meanwhile; a new job waits for this one.
      RomTask task = run_flash_job(bus, *job);
      for (task.resume(); !task.done(); task.resume()) {
        co_await WaitUntil{std::max(task.resume_at(), bus.now)};
        device.poll(true);
      }
      if (of_drive)
        drive.job_done();
      else
        picoboot.job_done();
    }
    if (std::optional<bootsel::OtpJob> rows = picoboot.take_otp_job()) {
      RomTask task = rom_otp::access(bus, rows->row_and_flags, rows->bytes);
      for (task.resume(); !task.done(); task.resume()) {
        co_await WaitUntil{std::max(task.resume_at(), bus.now)};
        device.poll(true);
      }
      picoboot.otp_job_done(static_cast<std::int32_t>(task.result()));
    }
    if (drive.download().complete() && !restarting) {
      restarting = true;
      const bootsel::Uf2Download::Complete image = drive.download().image();
      if (image.ram)
        (void)request_reboot(bus, kRamImage, kRestartDelayMs, image.base, image.bytes);
      else
        (void)request_reboot(bus, kFlashUpdate, kRestartDelayMs, image.base, 0);
    }
  }
}

}  // namespace pico_llama::simulator
