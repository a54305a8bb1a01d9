// BOOTSEL mode from the host's side: the board's USB drive and PICOBOOT, through the USB controller.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "formats/uf2.h"
#include "simulator/board.h"
#include "simulator/devices/otp_ecc.h"
#include "simulator/stop.h"
#include "simulator/usb/mass_storage_host.h"
#include "simulator/usb/picoboot_host.h"

namespace pico_llama::simulator {
namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr std::uint32_t kFlash = 0x10000000, kRam = 0x20000000;
constexpr Picoseconds kMillisecond = kPicosecondsPerSecond / 1000;

/// `pages` pages, the first a program that runs at `address`: a vector table, a block loop of one IMAGE_DEF,
/// and a branch to itself. The others hold their number and `fill`.
Bytes program(std::uint32_t address, std::size_t pages, std::uint8_t fill = 0) {
  Bytes bytes(pages * 256, fill);
  const std::uint32_t words[] = {
      0x20001000, address + 0x41, 0, 0, 0xffffded3, 0x1021U << 16 | 0x0142, 0xff | 1U << 8, 0, 0xab123579};
  std::fill_n(bytes.begin(), 256, std::uint8_t{0});
  std::memcpy(bytes.data(), words, sizeof words);
  bytes[0x40] = 0xfe;
  bytes[0x41] = 0xe7;
  for (std::size_t page = 1; page < pages; ++page) bytes[page * 256] = static_cast<std::uint8_t>(page);
  return bytes;
}

Bytes uf2(std::uint32_t address, const Bytes& contents,
          std::uint32_t family = formats::kUf2FamilyRp2350ArmS) {
  std::vector<formats::Uf2Page> pages;
  for (std::size_t at = 0; at < contents.size(); at += 256) {
    pages.push_back({address + static_cast<std::uint32_t>(at),
                     std::span<const std::uint8_t, 256>(contents.data() + at, 256)});
  }
  return formats::write_uf2(pages, family);
}

void set_word(Bytes& file, std::size_t block, std::size_t offset, std::uint32_t value) {
  std::memcpy(file.data() + 512 * block + offset, &value, 4);
}

enum class Rom : std::uint8_t {
  kModel,
  kChip,  ///< the boot ROM of a chip: skipped unless PICO_LLAMA_BOOT_ROM names an image
};

BoardOptions options_for(Rom rom) {
  BoardOptions options;
  const char* path = std::getenv("PICO_LLAMA_BOOT_ROM");
  if (rom == Rom::kModel || path == nullptr) return options;
  std::ifstream file(path, std::ios::binary);
  options.boot_rom.assign(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(options.boot_rom.size(), Bus::kRomSize) << path;
  return options;
}

class Bootsel : public testing::TestWithParam<Rom> {
 protected:
  Bootsel() { board.stop_in_bootsel = false; }
  void SetUp() override {
    if (GetParam() == Rom::kChip && board.options.boot_rom.empty())
      GTEST_SKIP() << "PICO_LLAMA_BOOT_ROM names no boot ROM image";
  }
  ~Bootsel() override { host.set_state_observer(nullptr); }

  /// Until the device in BOOTSEL mode is ready for use.
  void enter(ResetKind kind = ResetKind::kBootsel) {
    board.reset(kind);
    wait_for_device();
  }
  void wait_for_device() {
    run_until([this] { return board.in_bootsel() && host.state() == UsbHost::State::kReady; }, 2000);
    ASSERT_EQ(host.state(), UsbHost::State::kReady) << host.problem();
  }
  void run_until(const std::function<bool()>& done, unsigned milliseconds) {
    const Picoseconds end = board.time() + milliseconds * kMillisecond;
    while (!done() && board.time() < end) {
      const RunResult result = board.run({.time = board.time() + kMillisecond});
      ASSERT_EQ(result.end, RunEnd::kLimit) << result.message;
    }
  }
  /// Runs a host program to its end.
  template <typename T>
  T finish(HostTask<T> task) {
    task.start();
    run_until([&task] { return task.done(); }, 100'000);
    EXPECT_TRUE(task.done());
    return task.await_resume();
  }
  HostProgram& start_program() {
    host_program = std::make_unique<HostProgram>(host, board.events, board.time());
    return *host_program;
  }
  MassStorageHost& drive() {
    const auto interface = find_mass_storage(host.configuration());
    EXPECT_TRUE(interface.has_value());
    mass_storage = std::make_unique<MassStorageHost>(start_program(), *interface);
    return *mass_storage;
  }
  PicobootHost& picoboot() {
    const auto interface = find_picoboot(host.configuration());
    EXPECT_TRUE(interface.has_value());
    picoboot_host = std::make_unique<PicobootHost>(start_program(), *interface);
    return *picoboot_host;
  }
  /// As picotool begins. A2's ROM gives up every flash command after a reset of the bus until EXIT_XIP.
  void claim(PicobootHost& rom) {
    EXPECT_TRUE(finish(rom.exclusive(1)).ok());
    EXPECT_TRUE(finish(rom.command(PicobootHost::kExitXip, {}, 0, {})).ok());
  }
  /// Copies a file to the drive. Empty, or the problem.
  std::string drag(const Bytes& file) {
    MassStorageHost& target = drive();
    if (!finish(target.mount()) || !finish(target.copy("test.uf2", file))) return target.problem();
    return {};
  }
  /// Whether the board has restarted from flash or RAM by itself.
  bool restarts() {
    const auto runs = [this] { return !board.in_bootsel() && board.cores[0].reg(15) >= Bus::kRomSize; };
    run_until(runs, 1500);
    return runs();
  }
  bool flash_holds(std::uint32_t offset, const Bytes& bytes) {
    return std::equal(bytes.begin(), bytes.end(), board.flash.data() + offset);
  }

  Board board{options_for(GetParam())};
  UsbHost host{board.usb, board.events};
  std::unique_ptr<HostProgram> host_program;
  std::unique_ptr<MassStorageHost> mass_storage;
  std::unique_ptr<PicobootHost> picoboot_host;
};

TEST_P(Bootsel, ABlankBoardShowsItsDrive) {
  enter(ResetKind::kPowerOn);
  EXPECT_EQ(host.device().vendor_id, 0x2e8aU);
  EXPECT_EQ(host.device().product_id, 0x000fU);
  EXPECT_EQ(host.device().product, "RP2350 Boot");
  MassStorageHost& target = drive();
  ASSERT_TRUE(finish(target.mount())) << target.problem();
  EXPECT_EQ(target.volume()->label(), "RP2350");
  const std::vector<FatVolume::File> files = target.volume()->files();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "INDEX.HTM");
  EXPECT_EQ(files[1].name, "INFO_UF2.TXT");
  const MassStorageHost::Result info = finish(target.read(target.volume()->sector_of(files[1].cluster), 1));
  const std::string text(info.data.begin(), info.data.begin() + files[1].bytes);
  EXPECT_NE(text.find("Board-ID: RP2350\n"), std::string::npos) << text;
}

TEST_P(Bootsel, ADraggedProgramIsFlashedAndStarted) {
  const Bytes contents = program(kFlash, 40);
  std::fill_n(board.flash.data(), 64 * 1024, std::uint8_t{0x5a});
  enter();
  EXPECT_EQ(drag(uf2(kFlash, contents)), "");
  ASSERT_TRUE(restarts());
  EXPECT_EQ(board.cores[0].reg(15), kFlash + 0x40);
  EXPECT_TRUE(flash_holds(0, contents));
  // The rest of the last sector is erased, and nothing behind it.
  EXPECT_EQ(board.flash.data()[40 * 256], 0xff);
  EXPECT_EQ(board.flash.data()[3 * 4096], 0x5a);
}

TEST_P(Bootsel, BlocksMayComeInAnyOrderAndTwice) {
  const Bytes contents = program(kFlash, 40);
  const Bytes file = uf2(kFlash, contents);
  Bytes shuffled;
  for (std::size_t i = 0; i < 40; ++i) {
    const std::size_t block = (i * 17 + 5) % 40;
    for (unsigned copy = 0; copy < 1 + i % 2; ++copy)
      shuffled.insert(shuffled.end(), file.begin() + static_cast<std::ptrdiff_t>(block * 512),
                      file.begin() + static_cast<std::ptrdiff_t>(block * 512 + 512));
  }
  enter();
  EXPECT_EQ(drag(shuffled), "");
  ASSERT_TRUE(restarts());
  EXPECT_TRUE(flash_holds(0, contents));
}

TEST_P(Bootsel, ModelsGoBesideTheProgram) {
  const Bytes contents = program(kFlash, 3), model = program(kFlash + 0x80000, 33, 7);
  enter();
  EXPECT_EQ(drag(uf2(kFlash, contents)), "");
  ASSERT_TRUE(restarts());
  enter();
  EXPECT_EQ(drag(uf2(kFlash + 0x80000, model, formats::kUf2FamilyData)), "");
  ASSERT_TRUE(restarts());
  EXPECT_TRUE(flash_holds(0, contents));
  EXPECT_TRUE(flash_holds(0x80000, model));
}

TEST_P(Bootsel, ADamagedFileDoesNotRestartTheBoardAndAWholeOneDoes) {
  const Bytes contents = program(kFlash, 20);
  const Bytes whole = uf2(kFlash, contents);
  Bytes lacking = whole;
  lacking[7 * 512] ^= 1;  // its magic
  enter();
  EXPECT_EQ(drag(lacking), "");
  EXPECT_FALSE(restarts());
  // The file again: only the missing block is new.
  EXPECT_EQ(drag(whole), "");
  ASSERT_TRUE(restarts());
  EXPECT_TRUE(flash_holds(0, contents));
}

TEST_P(Bootsel, BlocksForOtherChipsAndOtherPlacesAreIgnored) {
  enter();
  EXPECT_EQ(drag(uf2(kFlash, program(kFlash, 2), 0xe48bff56)), "");  // an RP2040's
  Bytes not_main = uf2(kFlash, program(kFlash, 1));
  set_word(not_main, 0, 8, 0x2001);
  EXPECT_EQ(drag(not_main), "");
  Bytes unaligned = uf2(kFlash, program(kFlash, 1));
  set_word(unaligned, 0, 12, kFlash + 0x80);
  EXPECT_EQ(drag(unaligned), "");
  EXPECT_FALSE(restarts());
  EXPECT_TRUE(std::all_of(board.flash.data(), board.flash.data() + 0x10000,
                          [](std::uint8_t byte) { return byte == 0xff; }));
  Bytes elsewhere = uf2(kFlash, program(kFlash, 2));
  set_word(elsewhere, 1, 12, 0x13ffc000);
  EXPECT_EQ(drag(elsewhere), "");
  EXPECT_FALSE(restarts());
}

TEST_P(Bootsel, OfTwoJoinedFilesTheFirstCompleteOneRestartsTheBoard) {
  const Bytes contents = program(kFlash, 3);
  const Bytes model = program(kFlash + 0x80000, 2'000, 9);  // longer than half a second takes
  Bytes joined = uf2(kFlash, contents);
  const Bytes second = uf2(kFlash + 0x80000, model, formats::kUf2FamilyData);
  joined.insert(joined.end(), second.begin(), second.end());
  enter();
  // A2's ROM answers writes as protected before it goes.
  EXPECT_EQ(drag(joined), GetParam() == Rom::kModel ? "the drive went away" : "the drive is write-protected");
  ASSERT_TRUE(restarts());
  EXPECT_TRUE(flash_holds(0, contents));
  EXPECT_FALSE(flash_holds(0x80000, model));
}

TEST_P(Bootsel, TheBlockAgainstErratumE10IsProgrammed) {
  // Absolute, 2 of 2, at the end of 16 MB: without a partition table it goes where it says.
  const Bytes filler(256, 0xef);
  Bytes file = uf2(0x10ffff00, filler, 0xe48bff57);
  set_word(file, 0, 24, 2);
  const Bytes contents = program(kFlash, 3);
  const Bytes image = uf2(kFlash, contents);
  file.insert(file.end(), image.begin(), image.end());
  enter();
  EXPECT_EQ(drag(file), "");
  ASSERT_TRUE(restarts());
  EXPECT_TRUE(flash_holds(0, contents));
  EXPECT_TRUE(flash_holds(0xffff00, filler));
}

/// Four pages with a sealed IMAGE_DEF: a load map of `map`, whose hash covers it and the block up to
/// HASH_VALUE, that is `expected`. The entry point is C0h.
Bytes sealed(const std::vector<std::uint32_t>& map, const std::vector<std::uint32_t>& expected) {
  Bytes bytes(4 * 256, 0);
  for (std::size_t page = 1; page < 4; ++page) bytes[page * 256] = static_cast<std::uint8_t>(page);
  const auto map_words = static_cast<std::uint32_t>(map.size());
  std::vector<std::uint32_t> words{0x20001000,
                                   kFlash + 0xc1,
                                   0,
                                   0,
                                   0xffffded3,
                                   0x1021U << 16 | 0x0142,
                                   (0x80 | map_words / 3) << 24 | (map_words + 1) << 8 | 0x06};
  words.insert(words.end(), map.begin(), map.end());
  const auto hashed = static_cast<std::uint32_t>(words.size() - 4 + 2);
  words.insert(words.end(), {0x01000247, hashed});
  words.push_back((static_cast<std::uint32_t>(expected.size()) + 1) << 8 | 0x4b);
  words.insert(words.end(), expected.begin(), expected.end());
  const auto block = static_cast<std::uint32_t>(words.size() - 5);
  words.insert(words.end(), {0xff | block << 8, 0, 0xab123579});
  std::memcpy(bytes.data(), words.data(), 4 * words.size());
  bytes[0xc0] = 0xfe;
  bytes[0xc1] = 0xe7;
  return bytes;
}

TEST_P(Bootsel, ASealedProgramStartsAndABadlySealedOneDoesNot) {
  // Two pages in place, and one that is loaded into RAM. The digest is Python's hashlib's.
  const std::vector<std::uint32_t> map{kFlash + 0x100, kFlash + 0x100, kFlash + 0x300,
                                       kFlash + 0x300, kRam + 0x2000,  kRam + 0x2100};
  const std::vector<std::uint32_t> digest{0x46ea21e8, 0x82a7d56a, 0x059fa1df, 0x4702a949,
                                          0x749fa978, 0xfa3062b6, 0x00abc5d8, 0x4ea1ad8f};
  const Bytes good = sealed(map, digest);
  enter();
  EXPECT_EQ(drag(uf2(kFlash, good)), "");
  ASSERT_TRUE(restarts());
  EXPECT_EQ(board.cores[0].reg(15), kFlash + 0xc0);
  EXPECT_EQ(board.bus.sram()[0x2000], 3);
  // One wrong bit: in the code, in what is loaded, in the block, in the digest.
  for (const std::size_t at : {0x200U, 0x3ffU, 0x16U, 0x60U}) {
    Bytes bad = good;
    bad[at] ^= 0x40;
    enter();
    EXPECT_EQ(drag(uf2(kFlash, bad)), "");
    EXPECT_FALSE(restarts()) << at;
    wait_for_device();
  }
  // Outside the seal nothing is noticed.
  Bytes outside = good;
  outside[0xf0] ^= 1;
  enter();
  EXPECT_EQ(drag(uf2(kFlash, outside)), "");
  EXPECT_TRUE(restarts());
  // Memory that is filled with zeros: its size is hashed. The first two words of a digest will do.
  enter();
  EXPECT_EQ(drag(uf2(kFlash,
                     sealed({kFlash + 0x100, kFlash + 0x100, kFlash + 0x300, 0, kRam + 0x3000, kRam + 0x3100},
                            {0xa846f549, 0x415fb1cd}))),
            "");
  EXPECT_TRUE(restarts());
  EXPECT_EQ(board.bus.sram()[0x30ff], 0);
}

TEST_P(Bootsel, ARamImageIsStartedFromRam) {
  const Bytes contents = program(kRam + 0x1000, 5);
  enter();
  EXPECT_EQ(drag(uf2(kRam + 0x1000, contents)), "");
  ASSERT_TRUE(restarts());
  EXPECT_EQ(board.cores[0].reg(15), kRam + 0x1040);
}

TEST_P(Bootsel, ADragThatIsBrokenOffCanBeRepeated) {
  const Bytes contents = program(kFlash, 40);
  for (const unsigned milliseconds : {1U, 20U, 60U, 150U, 300U}) {
    enter();
    MassStorageHost& target = drive();
    ASSERT_TRUE(finish(target.mount()));
    HostTask<bool> copy = target.copy("test.uf2", uf2(kFlash, contents));
    copy.start();
    run_until([&copy] { return copy.done(); }, milliseconds);
    // The plug is pulled, which takes the power away; the board comes back in BOOTSEL mode.
    host.unplug(board.time());
    EXPECT_TRUE(copy.done());
    host.plug(board.time());
    enter();
    EXPECT_EQ(drag(uf2(kFlash, contents)), "");
    ASSERT_TRUE(restarts()) << milliseconds;
    EXPECT_TRUE(flash_holds(0, contents));
  }
}

TEST_P(Bootsel, TheDriveAnswersScsiAsItsStandardSays) {
  enter();
  MassStorageHost& target = drive();
  const MassStorageHost::Result unknown = finish(target.command({0x99, 0, 0, 0, 0, 0}, 0, {}));
  EXPECT_EQ(unknown.end, MassStorageHost::End::kFailed);
  EXPECT_EQ(finish(target.request_sense()).key, 5);
  // Data that never comes: the endpoint is halted, the status says how much is missing.
  const MassStorageHost::Result refused = finish(target.command({0x99, 0, 0, 0, 0, 0}, 100, {}));
  EXPECT_EQ(refused.end, MassStorageHost::End::kFailed);
  EXPECT_EQ(refused.residue, 100U);
  const MassStorageHost::Result short_answer = finish(target.command({0x12, 0, 0, 0, 255, 0}, 255, {}));
  EXPECT_TRUE(short_answer.passed());
  EXPECT_EQ(short_answer.data.size(), 36U);
  EXPECT_EQ(short_answer.residue, 255U - 36U);
  // Beyond the medium A2's boot ROM reads and ignores as elsewhere.
  if (GetParam() == Rom::kModel) {
    const MassStorageHost::Result beyond = finish(target.read(262'144, 1));
    EXPECT_EQ(beyond.end, MassStorageHost::End::kFailed);
    EXPECT_EQ(finish(target.request_sense()).code, 0x21);
    const MassStorageHost::Result write_beyond = finish(target.write(262'143, Bytes(1024)));
    EXPECT_EQ(write_beyond.end, MassStorageHost::End::kFailed);
  }
  // A command block that is none: until reset recovery nothing is accepted, and then everything.
  HostProgram& raw = *host_program;
  const auto broken = [&raw, &target]() -> HostTask<bool> {
    Bytes junk(31, 0x11);
    const HostProgram::Outcome sent = co_await raw.bulk_out(2, std::move(junk));
    const HostProgram::Outcome answer = co_await raw.bulk_in(1, 13);
    (void)co_await raw.clear_halt(1, true);
    const HostProgram::Outcome still = co_await raw.bulk_in(1, 13);
    co_return sent.ok() && answer.end == TransferEnd::kStalled&& still.end == TransferEnd::kStalled;
  };
  EXPECT_TRUE(finish(broken()));
  EXPECT_EQ(finish(target.command({0, 0, 0, 0, 0, 0}, 0, {})).end, MassStorageHost::End::kBroken);
  EXPECT_TRUE(finish(target.command({0, 0, 0, 0, 0, 0}, 0, {})).passed());
  EXPECT_TRUE(finish(target.mount()));
}

// --- PICOBOOT
// ------------------------------------------------------------------------------------------------

TEST_P(Bootsel, PicobootErasesWritesReadsAndReboots) {
  const Bytes contents = program(kFlash, 40);
  std::fill_n(board.flash.data(), 64 * 1024, std::uint8_t{0});
  enter();
  PicobootHost& rom = picoboot();
  EXPECT_TRUE(finish(rom.command(PicobootHost::kExitXip, {}, 0, {})).ok());
  EXPECT_TRUE(finish(rom.command(PicobootHost::kEnterXip, {}, 0, {})).ok());
  EXPECT_TRUE(finish(rom.exclusive(1)).ok());
  EXPECT_TRUE(finish(rom.erase(kFlash, 0x3000)).ok());
  EXPECT_TRUE(finish(rom.write(kFlash, contents)).ok());
  const PicobootHost::Result back = finish(rom.read(kFlash, static_cast<std::uint32_t>(contents.size())));
  EXPECT_TRUE(back.ok());
  EXPECT_EQ(back.data, contents);
  EXPECT_TRUE(flash_holds(0, contents));
  EXPECT_EQ(board.flash.data()[0x2fff], 0xff);
  EXPECT_EQ(board.flash.data()[0x3000], 0);
  EXPECT_TRUE(finish(rom.reboot2(0, 100, 0, 0)).ok());
  EXPECT_EQ(finish(rom.exclusive(0)).status, PicobootHost::kRebooting);
  ASSERT_TRUE(restarts());
  EXPECT_EQ(board.cores[0].reg(15), kFlash + 0x40);
}

TEST_P(Bootsel, PicobootWritesAndReadsRam) {
  enter();
  PicobootHost& rom = picoboot();
  Bytes bytes(1000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  EXPECT_TRUE(finish(rom.write(kRam + 0x101, bytes)).ok());
  EXPECT_EQ(finish(rom.read(kRam + 0x101, 1000)).data, bytes);
  const PicobootHost::Result magic = finish(rom.read(0x10, 3));
  EXPECT_EQ(magic.data, (Bytes{'M', 'u', 2}));
}

TEST_P(Bootsel, PicobootRebootsIntoARamImage) {
  enter();
  PicobootHost& rom = picoboot();
  constexpr std::uint32_t kRamImage = 3, kRamEnd = 0x20082000;
  EXPECT_TRUE(finish(rom.write(kRam, program(kRam, 1))).ok());
  EXPECT_TRUE(finish(rom.reboot2(kRamImage, 100, kRam, kRamEnd - kRam)).ok());
  ASSERT_TRUE(restarts());
  EXPECT_EQ(board.cores[0].reg(15), kRam + 0x40);
  // Without an image there it is BOOTSEL mode again, whatever flash holds.
  const Bytes in_flash = program(kFlash, 1);
  std::copy(in_flash.begin(), in_flash.end(), board.flash.data());
  enter();
  EXPECT_TRUE(finish(picoboot().reboot2(kRamImage, 100, kRam + 0x10000, 0x10000)).ok());
  EXPECT_FALSE(restarts());
  wait_for_device();
  // A2's boot ROM needs more of the window than the 512 bytes that it reads at first.
  PicobootHost& again = picoboot();
  EXPECT_TRUE(finish(again.write(kRam, program(kRam, 1))).ok());
  EXPECT_TRUE(finish(again.reboot2(kRamImage, 100, kRam, 512)).ok());
  EXPECT_EQ(restarts(), GetParam() == Rom::kModel);
}

TEST_P(Bootsel, PicobootFillsTheLastPageWithZeros) {
  enter();
  PicobootHost& rom = picoboot();
  claim(rom);
  EXPECT_TRUE(finish(rom.erase(kFlash, 4096)).ok());
  EXPECT_TRUE(finish(rom.write(kFlash, Bytes(300, 0xaa))).ok());
  EXPECT_EQ(board.flash.data()[299], 0xaa);
  EXPECT_EQ(board.flash.data()[300], 0);
  EXPECT_EQ(board.flash.data()[511], 0);
  EXPECT_EQ(board.flash.data()[512], 0xff);
}

TEST_P(Bootsel, PicobootRefusesAndSaysWhy) {
  using Arguments = PicobootHost::Arguments;
  enter();
  PicobootHost& rom = picoboot();
  EXPECT_EQ(finish(rom.erase(kFlash + 256, 4096)).status, PicobootHost::kBadAlignment);
  EXPECT_EQ(finish(rom.erase(kFlash, 4000)).status, PicobootHost::kBadAlignment);
  EXPECT_EQ(finish(rom.erase(kRam, 4096)).status, PicobootHost::kInvalidAddress);
  EXPECT_EQ(finish(rom.erase(0x11000000, 4096)).status, PicobootHost::kNotPermitted);
  EXPECT_EQ(finish(rom.erase(0xfffff000, 0x2000)).status, PicobootHost::kInvalidAddress);
  EXPECT_EQ(finish(rom.write(kFlash + 4, Bytes(256))).status, PicobootHost::kBadAlignment);
  EXPECT_EQ(finish(rom.write(0x40000000, Bytes(256))).status, PicobootHost::kInvalidAddress);
  EXPECT_EQ(finish(rom.read(0x20081fff, 2)).status, PicobootHost::kInvalidAddress);
  EXPECT_EQ(finish(rom.command(PicobootHost::kRead, Arguments::words({kRam, 8}), 4, {})).status,
            PicobootHost::kInvalidTransferLength);
  EXPECT_EQ(finish(rom.command(PicobootHost::kRead, Arguments::words({kRam}), 4, {})).status,
            PicobootHost::kInvalidCommandLength);
  EXPECT_EQ(finish(rom.get_info(9, 0, 64)).status, PicobootHost::kInvalidArgument);
  EXPECT_EQ(finish(rom.get_info(1, 1, 8)).status, PicobootHost::kBufferTooSmall);
  EXPECT_EQ(finish(rom.otp_read(4095, 2, true)).status, PicobootHost::kInvalidArgument);
  // Those that RP2350 no longer has, and one that never was.
  for (const auto& [id, size] : {std::pair<std::uint8_t, std::uint8_t>{PicobootHost::kReboot, 12},
                                 {PicobootHost::kExec, 4},
                                 {PicobootHost::kVectorizeFlash, 4},
                                 {0x77, 0}}) {
    EXPECT_EQ(finish(rom.command(id, {size, {}}, 0, {})).status, PicobootHost::kUnknownCommand) << int{id};
  }
  if (GetParam() == Rom::kModel) {  // A2's ROM takes the first for another, the last for type 5 & 3
    EXPECT_EQ(finish(rom.exclusive(3)).status, PicobootHost::kInvalidArgument);
    EXPECT_EQ(finish(rom.get_info(1, 1, 6)).status, PicobootHost::kInvalidTransferLength);
    EXPECT_EQ(finish(rom.reboot2(5, 100, 0, 0)).status, PicobootHost::kInvalidArgument);
  }
  // After all that it works.
  EXPECT_TRUE(finish(rom.read(kRam, 64)).ok());
}

TEST_P(Bootsel, PicobootTellsAboutChipTableAndDownload) {
  enter();
  PicobootHost& rom = picoboot();
  const auto words = [](const PicobootHost::Result& result) {
    std::vector<std::uint32_t> values(result.data.size() / 4);
    std::memcpy(values.data(), result.data.data(), 4 * values.size());
    return values;
  };
  // CHIP_INFO: package, id.
  const std::vector<std::uint32_t> chip = words(finish(rom.get_info(1, 1, 32)));
  ASSERT_EQ(chip.size(), 8U);
  EXPECT_EQ(chip[0], 4U);
  EXPECT_EQ(chip[1], 1U);
  EXPECT_EQ(chip[3] | std::uint64_t{chip[4]} << 32, board.otp.chip_id());
  EXPECT_EQ(chip[5], 0U);
  const std::vector<std::uint32_t> table = words(finish(rom.get_info(2, 1, 20)));
  EXPECT_EQ(table, (std::vector<std::uint32_t>{4, 1, 0, 0xffffe000, 0xfc078000}));
  const std::vector<std::uint32_t> target = words(finish(rom.get_info(3, 0xe48bff59, 16)));
  EXPECT_EQ(target, (std::vector<std::uint32_t>{3, 0xff, 0xffffe000, 0xfc078000}));
  EXPECT_EQ(words(finish(rom.get_info(3, 0xe48bff56, 16)))[1], 0xffffffff);
  // Half a UF2 on the drive.
  Bytes lacking = uf2(kFlash, program(kFlash, 4));
  lacking[3 * 512] ^= 1;
  EXPECT_EQ(drag(lacking), "");
  const std::vector<std::uint32_t> status = words(finish(picoboot().get_info(4, 0, 20)));
  EXPECT_EQ(status, (std::vector<std::uint32_t>{4, 0, formats::kUf2FamilyRp2350ArmS, 3, 4}));
}

TEST_P(Bootsel, ExclusiveAccessTakesTheDriveAway) {
  const Bytes file = uf2(kFlash, program(kFlash, 2));
  enter();
  EXPECT_TRUE(finish(picoboot().exclusive(1)).ok());
  // A2's ROM lets a host write, and ignores it.
  EXPECT_EQ(drag(file), GetParam() == Rom::kModel ? "the drive is write-protected" : "");
  EXPECT_FALSE(restarts());
  EXPECT_TRUE(finish(picoboot().exclusive(2)).ok());
  EXPECT_EQ(drag(file), "the drive has no medium");
  EXPECT_TRUE(finish(picoboot().exclusive(0)).ok());
  if (GetParam() == Rom::kChip) return;  // there the drive stays away
  EXPECT_EQ(drag(file), "");
  EXPECT_TRUE(restarts());
}

TEST_P(Bootsel, AWriteOverPicobootBrokenOffAnywhereCanBeRepeated) {
  const Bytes contents = program(kFlash, 4);
  const auto flash_all = [this, &contents] {
    PicobootHost& rom = picoboot();
    claim(rom);
    EXPECT_TRUE(finish(rom.erase(kFlash, 4096)).ok());
    EXPECT_TRUE(finish(rom.write(kFlash, contents)).ok());
    EXPECT_EQ(finish(rom.read(kFlash, 1024)).data, contents);
  };
  enter();
  // After each packet of the write: by a reset of the interface, then by a power cut.
  for (std::size_t bytes = 0; bytes < contents.size(); bytes += 64) {
    for (const bool power_cut : {false, true}) {
      PicobootHost& rom = picoboot();
      claim(rom);
      ASSERT_TRUE(finish(rom.erase(kFlash, 4096)).ok());
      HostProgram& raw = *host_program;
      const auto part = [&raw, &contents, bytes]() -> HostTask<bool> {
        Bytes packet{0x0b, 0xd1, 0x1f, 0x43, 1, 0, 0, 0, 5, 8, 0, 0, 0, 4, 0, 0,
                     0,    0,    0,    0x10, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        HostProgram::Outcome sent = co_await raw.bulk_out(3, std::move(packet));
        for (std::size_t at = 0; sent.ok() && at < bytes; at += 64) {
          const auto from = contents.begin() + static_cast<std::ptrdiff_t>(at);
          Bytes next(from, from + 64);
          sent = co_await raw.bulk_out(3, std::move(next));
        }
        co_return sent.ok();
      };
      ASSERT_TRUE(finish(part()));
      if (power_cut)
        enter();
      else
        ASSERT_TRUE(finish(picoboot().reset()));
      flash_all();
    }
  }
  // And while a sector is being erased.
  claim(picoboot());
  HostTask<PicobootHost::Result> erase = picoboot().erase(kFlash, 0x10000);
  erase.start();
  run_until([] { return false; }, 70);
  EXPECT_FALSE(erase.done());
  enter();
  EXPECT_TRUE(erase.done());
  flash_all();
  EXPECT_TRUE(finish(picoboot().reboot2(0, 10, 0, 0)).ok());
  EXPECT_TRUE(restarts());
}

TEST_P(Bootsel, TheStatusOfACommandInProgressCanBeAsked) {
  enter();
  PicobootHost& rom = picoboot();
  claim(rom);
  HostTask<PicobootHost::Result> erase = rom.erase(kFlash, 0x4000);
  erase.start();
  run_until([] { return false; }, 20);
  ASSERT_FALSE(erase.done());
  HostProgram second(host, board.events, board.time());
  PicobootHost other(second, *find_picoboot(host.configuration()));
  const PicobootHost::Result status = finish(other.command_status());
  ASSERT_EQ(status.data.size(), 16U);
  EXPECT_EQ(status.data[8], PicobootHost::kFlashErase);
  EXPECT_EQ(status.data[9], 1);
  run_until([&erase] { return erase.done(); }, 2000);
  EXPECT_TRUE(erase.await_resume().ok());
}

TEST_P(Bootsel, PicobootReadsOtpWithAndWithoutCorrection) {
  enter();
  PicobootHost& rom = picoboot();
  const std::uint64_t id = board.otp.chip_id();
  Bytes halves, raw;
  for (unsigned row = 0; row < 4; ++row) {
    for (unsigned byte = 0; byte < 2; ++byte)
      halves.push_back(static_cast<std::uint8_t>(id >> (16 * row + 8 * byte)));
    for (unsigned byte = 0; byte < 4; ++byte)
      raw.push_back(
          static_cast<std::uint8_t>(otp_encode(static_cast<std::uint16_t>(id >> 16 * row)) >> 8 * byte));
  }
  EXPECT_EQ(finish(rom.otp_read(0, 4, true)).data, halves);
  EXPECT_EQ(finish(rom.otp_read(0, 4, false)).data, raw);
  EXPECT_EQ(finish(rom.otp_read(0x018, 1, true)).data, (Bytes{48, 0}));  // NUM_GPIOS
  EXPECT_EQ(finish(rom.otp_read(0xf81, 1, false)).data, (Bytes{0x15, 0x15, 0x15, 0}));
  EXPECT_EQ(finish(rom.otp_read(0x100, 200, false)).data, Bytes(800));
}

TEST_P(Bootsel, PicobootProgramsOtp) {
  enter();
  PicobootHost& rom = picoboot();
  EXPECT_TRUE(finish(rom.otp_write(0x100, true, {0xef, 0xbe, 0x34, 0x12})).ok());
  EXPECT_EQ(board.otp.raw(0x100), otp_encode(0xbeef));
  EXPECT_EQ(finish(rom.otp_read(0x100, 2, true)).data, (Bytes{0xef, 0xbe, 0x34, 0x12}));
  // Bits can be added to a raw row; the top byte of the four is ignored.
  EXPECT_TRUE(finish(rom.otp_write(0x110, false, {0x01, 0, 0, 0xff})).ok());
  EXPECT_TRUE(finish(rom.otp_write(0x110, false, {0x81, 0x02, 0, 0})).ok());
  EXPECT_EQ(board.otp.raw(0x110), 0x000281U);
  EXPECT_EQ(finish(rom.otp_write(0x110, false, {0x80, 0x02, 0, 0})).status,
            PicobootHost::kUnsupportedModification);
  // A bit that has to be clear: the row is inverted (section 13.6.1). Twice that is impossible.
  EXPECT_TRUE(finish(rom.otp_write(0x111, false, {0x10, 0, 0, 0})).ok());
  EXPECT_TRUE(finish(rom.otp_write(0x111, true, {0xef, 0xbe})).ok());
  EXPECT_EQ(board.otp.raw(0x111), otp_encode(0xbeef) ^ 0xffffffU);
  EXPECT_EQ(finish(rom.otp_read(0x111, 1, true)).data, (Bytes{0xef, 0xbe}));
  EXPECT_EQ(finish(rom.otp_write(0x111, true, {0x34, 0x12})).status, PicobootHost::kUnsupportedModification);
  // More rows than go into one buffer of 256 bytes; those before one that fails are programmed.
  Bytes many(2 * 150);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::uint8_t>(i * 5 + 1);
  EXPECT_TRUE(finish(rom.otp_write(0x200, true, many)).ok());
  EXPECT_EQ(finish(rom.otp_read(0x200, 150, true)).data, many);
  EXPECT_EQ(finish(rom.otp_write(0x10e, false, Bytes(16, 0x44))).status,
            PicobootHost::kUnsupportedModification);
  EXPECT_EQ(board.otp.raw(0x10f), 0x444444U);
  EXPECT_EQ(board.otp.raw(0x110), 0x000281U);
  // It lasts.
  enter();
  EXPECT_EQ(finish(picoboot().otp_read(0x100, 2, true)).data, (Bytes{0xef, 0xbe, 0x34, 0x12}));
}

TEST_P(Bootsel, BootFlagsInOtpAreObeyedOrStopByName) {
  enter();
  // BOOT_FLAGS0, the bit that locks out the drive, in its three copies.
  constexpr std::uint8_t kDisableDrive = 0x02;
  Bytes copies;
  for (unsigned row = 0; row < 3; ++row) copies.insert(copies.end(), {0, 0, kDisableDrive, 0});
  EXPECT_TRUE(finish(picoboot().otp_write(0x48, false, copies)).ok());
  if (GetParam() == Rom::kModel) {
    EXPECT_THROW(board.reset(ResetKind::kBootsel), Stop);
    return;
  }
  enter();
  EXPECT_FALSE(find_mass_storage(host.configuration()).has_value());
  EXPECT_TRUE(finish(picoboot().read(kRam, 64)).ok());
}

TEST_P(Bootsel, PicobootObeysTheLocksOfOtp) {
  enter();
  PicobootHost& rom = picoboot();
  EXPECT_EQ(finish(rom.otp_write(0x019, true, {1, 0})).status,
            PicobootHost::kNotPermitted);  // page 0: read-only
  EXPECT_TRUE(finish(rom.otp_read(0x019, 1, true)).ok());
  EXPECT_EQ(finish(rom.otp_write(4095, true, {1, 0, 1, 0})).status, PicobootHost::kInvalidArgument);
  // The bootloader's lock of page 5: inaccessible, from the next reset on.
  EXPECT_TRUE(finish(rom.otp_write(0x140, true, {1, 0})).ok());
  EXPECT_TRUE(finish(rom.otp_write(0xf8b, false, {0x30, 0x30, 0x30, 0})).ok());
  EXPECT_TRUE(finish(rom.otp_read(0x140, 1, true)).ok());
  enter();
  PicobootHost& locked = picoboot();
  EXPECT_EQ(finish(locked.otp_read(0x140, 1, true)).status, PicobootHost::kNotPermitted);
  EXPECT_EQ(finish(locked.otp_read(0x13f, 2, false)).status, PicobootHost::kNotPermitted);
  EXPECT_EQ(finish(locked.otp_write(0x141, true, {1, 0})).status, PicobootHost::kNotPermitted);
  EXPECT_TRUE(finish(locked.otp_read(0x13f, 1, false)).ok());
  EXPECT_TRUE(finish(locked.read(kRam, 64)).ok());
}

INSTANTIATE_TEST_SUITE_P(, Bootsel, testing::Values(Rom::kModel, Rom::kChip),
                         [](const auto& rom) { return rom.param == Rom::kModel ? "Model" : "Chip"; });

}  // namespace
}  // namespace pico_llama::simulator
