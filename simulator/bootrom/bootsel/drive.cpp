#include "simulator/bootrom/bootsel/drive.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace pico_llama::simulator::bootsel {
namespace {

constexpr std::string_view kLabel = "RP2350     ";
constexpr std::string_view kInfo = "UF2 Bootloader v1.0\nModel: Raspberry Pi RP2350\nBoard-ID: RP2350\n";
constexpr std::string_view kIndex =
    "<html><head><meta http-equiv=\"refresh\" content=\"0;URL='https://raspberrypi.com/device/RP2?version="
    "5A09D5312E22'\"/></head><body>Redirecting to <a href='https://raspberrypi.com/device/RP2?version="
    "5A09D5312E22'>raspberrypi.com</a></body></html>\r\n";

// The partition begins behind the MBR. 4 kB clusters: 32,7xx of them, which is what makes it FAT16.
constexpr std::uint32_t kPartition = 1, kPartitionSectors = Drive::kSectors - kPartition;
constexpr std::uint32_t kClusterSectors = 8, kReserved = 1, kFats = 2, kFatSectors = 128, kRootEntries = 512;
constexpr std::uint32_t kFat = kPartition + kReserved;
constexpr std::uint32_t kRoot = kFat + kFats * kFatSectors;
constexpr std::uint32_t kData = kRoot + kRootEntries * 32 / Drive::kSectorBytes;
// Cluster 2 is the first; each file has one.
constexpr std::uint32_t kIndexCluster = 2, kInfoCluster = 3;
static_assert(kFatSectors * Drive::kSectorBytes / 2 >= (Drive::kSectors - kData) / kClusterSectors + 2);
static_assert(kIndex.size() < Drive::kSectorBytes && kInfo.size() < Drive::kSectorBytes);

class Writer {
 public:
  explicit Writer(std::span<std::uint8_t, Drive::kSectorBytes> bytes) : bytes_(bytes) {}
  void u8(std::size_t at, std::uint32_t value) { bytes_[at] = static_cast<std::uint8_t>(value); }
  void u16(std::size_t at, std::uint32_t value) {
    u8(at, value);
    u8(at + 1, value >> 8);
  }
  void u32(std::size_t at, std::uint32_t value) {
    u16(at, value);
    u16(at + 2, value >> 16);
  }
  void text(std::size_t at, std::string_view value) {
    std::memcpy(bytes_.data() + at, value.data(), value.size());
  }

 private:
  std::span<std::uint8_t, Drive::kSectorBytes> bytes_;
};

void master_boot_record(Writer out, std::uint32_t serial_number) {
  constexpr std::size_t kEntry = 446;
  constexpr std::uint32_t kFat16Lba = 0x0e;
  out.u32(440, serial_number);
  out.u8(kEntry + 4, kFat16Lba);
  out.u32(kEntry + 8, kPartition);
  out.u32(kEntry + 12, kPartitionSectors);
  out.u16(510, 0xaa55);
}

void boot_sector(Writer out, std::uint32_t serial_number) {
  out.u8(0, 0xeb);
  out.u8(1, 0x3c);
  out.u8(2, 0x90);
  out.text(3, "MSDOS5.0");
  out.u16(11, Drive::kSectorBytes);
  out.u8(13, kClusterSectors);
  out.u16(14, kReserved);
  out.u8(16, kFats);
  out.u16(17, kRootEntries);
  out.u8(21, 0xf8);  // a fixed disk
  out.u16(22, kFatSectors);
  out.u16(24, 1);
  out.u16(26, 1);
  out.u32(28, kPartition);
  out.u32(32, kPartitionSectors);
  out.u8(38, 0x29);
  out.u32(39, serial_number);
  out.text(43, kLabel);
  out.text(54, "FAT16   ");
  out.u16(510, 0xaa55);
}

void root_entry(Writer out, std::size_t index, std::string_view name, std::uint32_t attributes,
                std::uint32_t cluster, std::size_t bytes) {
  constexpr std::uint32_t kDate = (2024 - 1980) << 9 | 8 << 5 | 8;
  const std::size_t at = 32 * index;
  out.text(at, name);
  out.u8(at + 11, attributes);
  out.u16(at + 16, kDate);
  out.u16(at + 24, kDate);
  out.u16(at + 26, cluster);
  out.u32(at + 28, static_cast<std::uint32_t>(bytes));
}

}  // namespace

void Drive::read(std::uint32_t sector, std::span<std::uint8_t, kSectorBytes> bytes) const {
  constexpr std::uint32_t kReadOnly = 1, kVolumeLabel = 8;
  std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
  Writer out(bytes);
  if (sector == 0) return master_boot_record(out, serial_number_);
  if (sector == kPartition) return boot_sector(out, serial_number_);
  if (sector == kFat || sector == kFat + kFatSectors) {
    out.u16(0, 0xfff8);
    out.u16(2, 0xffff);
    out.u16(2 * kIndexCluster, 0xffff);
    out.u16(2 * kInfoCluster, 0xffff);
  } else if (sector == kRoot) {
    root_entry(out, 0, kLabel, kVolumeLabel, 0, 0);
    root_entry(out, 1, "INDEX   HTM", kReadOnly, kIndexCluster, kIndex.size());
    root_entry(out, 2, "INFO_UF2TXT", kReadOnly, kInfoCluster, kInfo.size());
  } else if (sector == kData) {
    out.text(0, kIndex);
  } else if (sector == kData + kClusterSectors) {
    out.text(0, kInfo);
  }
}

}  // namespace pico_llama::simulator::bootsel
