// The boot path (datasheet section 5.2.2) and core 1's wait for its entry point (section 5.3).
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "simulator/bootrom/bootrom.h"
#include "simulator/bootrom/rom_sha256.h"
#include "simulator/random.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kXipBase = 0x10000000, kXipUntranslated = 0x1c000000, kFlashWindow = 0x01000000;
constexpr std::uint32_t kSlotBytes = 4096;
constexpr std::uint32_t kBootramEnd = 0x400e0000 + Bootram::kBytes;
constexpr std::uint32_t kBootMagic = 0xb007c0d3;
enum BootType : std::uint32_t { kNormal = 0, kBootsel = 2, kRamImage = 3, kFlashUpdate = 4, kPcSp = 13 };
}  // namespace

void Bootrom::hold_core1() {
  parts_.sio.drain(1);
  core1_waiting_ = true;
  core1_step_ = 0;
  calls_[1].clear();
  parts_.sio.push(1, 0);  // core 0 learns that core 1 has drained its mailbox
}

void Bootrom::core1_mailbox() {
  if (!core1_waiting_) return;
  std::uint32_t word = 0;
  while (parts_.sio.pop(1, word)) {
    // The sequence is 0, 0, 1, vector table, stack, entry; each is echoed, any other word restarts it.
    constexpr std::array<std::uint32_t, 3> kPreamble{0, 0, 1};
    if (core1_step_ < kPreamble.size() && word != kPreamble[core1_step_]) {
      core1_step_ = 0;
      if (word != 0) continue;
    }
    if (core1_step_ >= kPreamble.size()) core1_words_[core1_step_ - kPreamble.size()] = word;
    ++core1_step_;
    parts_.sio.push(1, word);
    if (core1_step_ < kPreamble.size() + core1_words_.size()) continue;
    core1_waiting_ = false;
    core1_step_ = 0;
    Core& core1 = *parts_.cores[1];
    start(core1, core1_words_[0], core1_words_[1], core1_words_[2]);
    core1.set_reg(14, core1_return_address());
    return;
  }
}

void Bootrom::start(Core& core, std::uint32_t vector_table, std::uint32_t stack, std::uint32_t entry) {
  core.start(vector_table, stack, entry);
  // The ROM enables the redundancy coprocessor for itself, and leaves it on (A2).
  constexpr std::uint32_t kCp7Full = 3U << 14;
  core.scs.cpacr = kCp7Full;
}

void Bootrom::prepare(RomBus& bus) {
  // Peripherals that are out of reset after a flash boot. The SDK's runtime resets everything else anyway.
  using R = Resets;
  const std::uint32_t released = 1U << R::kIoQspi | 1U << R::kPadsQspi | 1U << R::kSha256 |
                                 1U << R::kSysinfo | 1U << R::kSyscfg | 1U << R::kTbman | 1U << R::kTrng |
                                 1U << R::kUsbctrl | 1U << R::kIoBank0 | 1U << R::kPadsBank0 |
                                 1U << R::kJtag | 1U << R::kBusctrl;
  parts_.resets.set_held(R::kAll & ~released);
  for (std::uint32_t& word : boot_random_) word = static_cast<std::uint32_t>(next_random(random_));
  // FLASH_DEVINFO of an unprogrammed chip: 16 MB on chip select 0, nothing on 1 (section 5.4.8.5).
  constexpr std::uint16_t kDevinfo = 0xc << 8;
  std::memcpy(parts_.bootram.bytes() + kDevinfoOffset, &kDevinfo, sizeof kDevinfo);
  rom_flash::connect_internal(bus);
  // BOOT_FLAGS0 and 1, USB_BOOT_FLAGS: everything else in page 1 needs one of them (section 13.10).
  for (const auto& [first, end] : {std::pair{0x48U, 0x4eU}, std::pair{0x59U, 0x5cU}}) {
    for (unsigned row = first; row < end; ++row) {
      if (parts_.otp.raw(row) != 0)
        throw Stop(fmt::format("boot ROM: OTP row {:#05x} holds boot flags: not modelled", row));
    }
  }
}

Bootrom::Boot Bootrom::boot(bool bootsel_button, std::optional<RamImage> ram_image) {
  Boot boot = choose_boot(bootsel_button, ram_image);
  if (boot.outcome == Outcome::kBootsel) start(*parts_.cores[0], 0, kBootramEnd, usb_boot_address());
  return boot;
}

Bootrom::Boot Bootrom::choose_boot(bool bootsel_button, std::optional<RamImage> ram_image) {
  Core& core0 = *parts_.cores[0];
  for (auto& calls : calls_) calls.clear();
  parts_.sio.drain(0);
  hold_core1();  // its first zero waits in core 0's mailbox: software drains that before it launches core 1
  RomBus bus(parts_.bus, Master::kCore0);
  bus.now = core0.now();
  parts_.bootram.reset();
  write_rom();

  Watchdog& watchdog = parts_.watchdog;
  boot_type_ = kNormal;
  boot_parameters_ = {};
  if (watchdog.scratch(4) == kBootMagic && watchdog.scratch(5) == (watchdog.scratch(7) ^ (0U - kBootMagic))) {
    watchdog.set_scratch(4, 0);
    const std::uint32_t pc = watchdog.scratch(7), sp = watchdog.scratch(6);
    boot_type_ = pc == kBootMagic ? sp : static_cast<std::uint32_t>(kPcSp);
    boot_parameters_ = {watchdog.scratch(2), watchdog.scratch(3)};
    if (boot_type_ == kPcSp) {
      prepare(bus);
      core0.skip_to(bus.now);
      start(core0, 0, sp, pc);
      return {Outcome::kStarted, {}};
    }
  }
  prepare(bus);
  if (boot_type_ == kRamImage) ram_image = RamImage{boot_parameters_[0], boot_parameters_[1]};
  if (ram_image && boot_type_ != kBootsel) {  // the button is not looked at
    const auto read = [&](std::uint32_t address) -> std::optional<std::uint32_t> {
      const Reply reply = bus.try_load(address);
      if (reply.fault != BusFault::kNone) return std::nullopt;
      return reply.value;
    };
    const ImageSearch search = find_image(ram_image->base, ram_image->bytes, read);
    if (search.found) return enter(bus, *search.found, "RAM");
    return {Outcome::kBootsel, fmt::format("the image in RAM at {:#010x} cannot be booted: {}",
                                           ram_image->base, search.problem)};
  }
  if (boot_type_ == kBootsel) return {Outcome::kBootsel, "the program asked for BOOTSEL mode"};
  if (bootsel_button) return {Outcome::kBootsel, "the BOOTSEL button is held"};
  return boot_flash(bus);
}

Bootrom::Boot Bootrom::boot_flash(RomBus& bus) {
  using rom_flash::ReadMode;
  // Section 5.2.2, Try Flash Boot: from the fastest read command and divider to the slowest.
  rom_flash::exit_xip(bus);
  std::string problem;
  for (const std::uint32_t clkdiv : {3U, 6U, 12U, 24U}) {
    for (const ReadMode mode :
         {ReadMode::kEBhQuad, ReadMode::kBBhDual, ReadMode::k0BhSerial, ReadMode::k03hSerial}) {
      rom_flash::select_read_mode(bus, mode, clkdiv);
      const auto read = [&](std::uint32_t address) -> std::optional<std::uint32_t> {
        const Reply reply = bus.try_load(address - kXipBase + kXipUntranslated);
        if (reply.fault != BusFault::kNone) return std::nullopt;
        return reply.value;
      };
      ImageSearch search = find_image(kXipBase, kFlashWindow, read);
      if (!search.found && !search.saw_block) {
        // Slot 1, 4 kB further: where slot 0 would hold a partition table.
        ImageSearch slot1 = find_image(kXipBase + kSlotBytes, kFlashWindow - kSlotBytes, read);
        if (slot1.saw_block) search = std::move(slot1);
      }
      if (search.found) {
        read_mode_ = mode;
        clkdiv_ = clkdiv;
        write_xip_setup_function();
        return enter(bus, *search.found, "flash");
      }
      if (problem.empty() || mode == ReadMode::k03hSerial) problem = search.problem;
    }
  }
  return {Outcome::kBootsel, fmt::format("flash has no image to boot: {}", problem)};
}

bool Bootrom::hash_matches(RomBus& bus, const ImageDef& image) {
  RomSha256 sha(bus);
  for (const ImageDef::LoadEntry& entry : image.load) {
    if (entry.from == 0) {
      sha.add(entry.bytes);
      continue;
    }
    for (std::uint32_t i = 0; i < entry.bytes; i += 4) sha.add(bus.load(entry.to + i));
  }
  for (const std::uint32_t word : image.hash->block) sha.add(word);
  const std::array<std::uint32_t, 8> digest = sha.finish();
  return std::equal(image.hash->expected.begin(), image.hash->expected.end(), digest.begin());
}

Bootrom::Boot Bootrom::enter(RomBus& bus, const ImageDef& image, const char* where) {
  Core& core0 = *parts_.cores[0];
  rom_flash::flush_cache(bus);
  for (const ImageDef::LoadEntry& entry : image.load) {
    if (entry.from == entry.to) continue;
    for (std::uint32_t i = 0; i < entry.bytes; i += 4) {
      bus.store(entry.to + i, entry.from == 0 ? 0 : bus.load(entry.from + i));
    }
  }
  if (image.hash && !hash_matches(bus, image))
    return {Outcome::kBootsel, fmt::format("the image in {} does not match its HASH_VALUE", where)};
  const std::uint32_t stack = image.stack ? *image.stack : bus.load(image.vector_table);
  const std::uint32_t entry = image.entry ? *image.entry : bus.load(image.vector_table + 4);
  if ((entry & 1) == 0 || (entry & ~1U) < Bus::kRomSize || entry == 0xffffffff) {
    return {Outcome::kBootsel,
            fmt::format("the image in {} has no valid entry point ({:#010x})", where, entry)};
  }
  core0.skip_to(bus.now);
  start(core0, image.vector_table, stack, entry);
  if (image.stack_limit) core0.set_special(SpecialReg::kMsplim, *image.stack_limit);
  return {Outcome::kStarted, {}};
}

}  // namespace pico_llama::simulator
