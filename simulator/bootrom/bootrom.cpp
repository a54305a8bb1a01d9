// The ROM as memory, its table, and how a call into it runs.
#include "simulator/bootrom/bootrom.h"

#include <fmt/format.h>

#include <cstring>

#include "simulator/random.h"
#include "simulator/stop.h"
#include "simulator/timing.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint16_t code(char first, char second) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(first) | static_cast<unsigned char>(second)
                                                                            << 8);
}

// Addresses in our ROM; only 0x10..0x17 are prescribed (datasheet section 5.4.1).
constexpr std::uint32_t kMagic = 0x10, kFunctionTable = 0x14, kLookupPointer = 0x16;
constexpr std::uint32_t kResetEntry = 0x100, kLookup = 0x104, kCore1Return = 0x108, kUsbBoot = 0x10c,
                        kFirstFunction = 0x200;
constexpr std::uint32_t kFirstData = 0x180;
constexpr std::uint32_t kBootram = 0x400e0000;
// Flags of rom_table_lookup.
constexpr std::uint32_t kFuncArmSecure = 0x4, kData = 0x40;

struct Data {
  std::uint16_t code;
  std::uint32_t value;  // the word that the found pointer points to
};
constexpr Data kDataTable[] = {
    {code('G', 'R'), 0},  // git revision: none
    {code('F', 'D'), kBootram + Bootrom::kDevinfoOffset},
    {code('P', 'T'), kBootram + Bootrom::kPartitionTableOffset},
    {code('X', 'F'), kBootram},
};
}  // namespace

const Bootrom::Entry Bootrom::kFunctions[] = {
    {"bootrom_state_reset", code('S', 'R'), &Bootrom::state_reset},
    {"connect_internal_flash", code('I', 'F'), &Bootrom::connect_internal_flash},
    {"flash_enter_cmd_xip", code('C', 'X'), &Bootrom::flash_enter_cmd_xip},
    {"flash_exit_xip", code('E', 'X'), &Bootrom::flash_exit_xip},
    {"flash_flush_cache", code('F', 'C'), &Bootrom::flash_flush_cache},
    {"flash_range_erase", code('R', 'E'), &Bootrom::flash_range_erase},
    {"flash_range_program", code('R', 'P'), &Bootrom::flash_range_program},
    {"flash_reset_address_trans", code('R', 'A'), &Bootrom::flash_reset_address_trans},
    {"flash_select_xip_read_mode", code('X', 'M'), &Bootrom::flash_select_xip_read_mode},
    {"flash_op", code('F', 'O'), &Bootrom::flash_op},
    {"flash_runtime_to_storage_addr", code('F', 'A'), &Bootrom::flash_runtime_to_storage_addr},
    {"get_b_partition", code('G', 'B'), &Bootrom::get_b_partition},
    {"get_partition_table_info", code('G', 'P'), &Bootrom::get_partition_table_info},
    {"get_sys_info", code('G', 'S'), &Bootrom::get_sys_info},
    {"otp_access", code('O', 'A'), &Bootrom::otp_access},
    {"reboot", code('R', 'B'), &Bootrom::reboot},
    {"set_ns_api_permission", code('S', 'P'), &Bootrom::set_ns_api_permission},
    {"set_rom_callback", code('R', 'C'), &Bootrom::set_rom_callback},
    {"validate_ns_buffer", code('V', 'B'), &Bootrom::validate_ns_buffer},
    {"chain_image", code('C', 'I'), nullptr},
    {"explicit_buy", code('E', 'B'), nullptr},
    {"get_uf2_target_partition", code('G', 'U'), nullptr},
    {"load_partition_table", code('L', 'P'), nullptr},
    {"pick_ab_partition", code('A', 'B'), nullptr},
};
const std::size_t Bootrom::kFunctionCount = std::size(Bootrom::kFunctions);

Bootrom::Bootrom(Parts parts) : parts_(parts), random_(parts.seed) {
  parts_.sio.set_core1_mailbox([this] { core1_mailbox(); });
  for (Core* core : parts_.cores) core->set_rom_calls(this);
  write_rom();
}

void Bootrom::stand_aside() {
  core1_waiting_ = false;
  for (Core* core : parts_.cores) core->set_rom_calls(nullptr);
}

std::uint32_t Bootrom::core1_return_address() { return kCore1Return | 1; }

void Bootrom::write_rom() {
  std::uint8_t* rom = parts_.bus.rom();
  const auto word = [&](std::uint32_t at, std::uint32_t value) { std::memcpy(rom + at, &value, 4); };
  const auto half = [&](std::uint32_t at, std::uint16_t value) { std::memcpy(rom + at, &value, 2); };
  word(0, kBootram + Bootram::kBytes);
  word(4, kResetEntry | 1);
  rom[kMagic] = 'M';
  rom[kMagic + 1] = 'u';
  rom[kMagic + 2] = 2;
  rom[kMagic + 3] = 2;  // of chip revision A2
  half(kFunctionTable, kFirstFunction);
  half(kLookupPointer, kLookup | 1);
  std::uint32_t at = kFirstData;
  for (const Data& data : kDataTable) {
    word(at, data.value);
    at += 4;
  }
}

std::uint32_t Bootrom::usb_boot_address() { return kUsbBoot | 1; }

void Bootrom::write_xip_setup_function() {
  // Position-independent Thumb code that calls flash_select_xip_read_mode(mode, clkdiv) and returns: the SDK
  // copies it to RAM and runs it after it has erased or programmed (section 5.4.8.14).
  std::uint32_t target = 0;
  for (std::size_t i = 0; i < kFunctionCount; ++i) {
    if (kFunctions[i].code == code('X', 'M')) target = kFirstFunction + 4 * static_cast<std::uint32_t>(i);
  }
  const std::uint16_t code_words[] = {
      static_cast<std::uint16_t>(0x2000 | static_cast<unsigned>(read_mode_)),  // movs r0, #mode
      static_cast<std::uint16_t>(0x2100 | clkdiv_),                            // movs r1, #clkdiv
      0x4a00,                                                                  // ldr r2, [pc, #0]
      0x4710,                                                                  // bx r2: returns to our caller
      static_cast<std::uint16_t>(target | 1),
      0,
  };
  std::memcpy(parts_.bootram.bytes(), code_words, sizeof code_words);
}

std::uint32_t Bootrom::lookup(std::uint32_t wanted, std::uint32_t mask) const {
  if ((mask & kFuncArmSecure) != 0) {
    for (std::size_t i = 0; i < kFunctionCount; ++i) {
      if (kFunctions[i].code == wanted) return (kFirstFunction + 4 * static_cast<std::uint32_t>(i)) | 1;
    }
  }
  if ((mask & kData) != 0) {
    for (std::size_t i = 0; i < std::size(kDataTable); ++i) {
      if (kDataTable[i].code == wanted) return kFirstData + 4 * static_cast<std::uint32_t>(i);
    }
  }
  return 0;
}

void Bootrom::execute(Core& core) {
  const unsigned number = &core == parts_.cores[1] ? 1 : 0;
  const std::uint32_t pc = core.reg(15) & ~1U, sp = core.reg(13);
  const auto leave = [&](std::uint32_t result) {
    core.set_reg(0, result);
    core.set_reg(15, core.reg(14) & ~1U);
  };
  if (pc == kLookup) {
    core.skip_to(core.now() + timing::kRomCall.cycles);
    return leave(lookup(core.reg(0), core.reg(1)));
  }
  if (number == 1 && (pc == kCore1Return || pc == kResetEntry)) {
    if (!core1_waiting_) hold_core1();
    core.skip_to(core.now() + timing::kRomCore1Poll.cycles);  // the board stops running it
    return;
  }
  static constexpr Entry kUsbBootEntry{"BOOTSEL mode", 0, &Bootrom::usb_boot};
  const std::uint32_t index = (pc - kFirstFunction) / 4;
  const bool bootsel = number == 0 && pc == kUsbBoot;
  if (!bootsel && (pc < kFirstFunction || index >= kFunctionCount || pc % 4 != 0)) {
    throw Stop(fmt::format(
        "core {} jumped to {:#x} in the boot ROM, where no function begins (a null pointer called?)", number,
        pc));
  }
  const Entry& entry = bootsel ? kUsbBootEntry : kFunctions[index];
  if (entry.function == nullptr) throw Stop(fmt::format("boot ROM function {}: not modelled", entry.name));

  // An interrupt handler may call the ROM while the interrupted code is inside: then its stack is lower.
  auto& calls = calls_[number];
  if (calls.empty() || calls.back().pc != pc || calls.back().sp != sp) {
    Call call;
    call.pc = pc;
    call.sp = sp;
    call.bus = std::make_unique<RomBus>(parts_.bus, number == 0 ? Master::kCore0 : Master::kCore1);
    calls.push_back(std::move(call));
    calls.back().task.emplace((this->*entry.function)(core, *calls.back().bus));
    calls.back().bus->now = core.now() + timing::kRomCall.cycles;
  } else {
    calls.back().bus->now = std::max(core.now(), calls.back().bus->now);
  }
  Call& call = calls.back();
  call.task->resume();
  if (call.task->done()) {
    core.skip_to(call.bus->now);
    const std::uint32_t result = call.task->result();
    calls.pop_back();
    leave(result);
  } else {
    core.skip_to(std::max(call.bus->now, call.task->resume_at()));
  }
}

}  // namespace pico_llama::simulator
