#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::simulator {

/// A FAT16 volume as an operating system sees it after reading its metadata. Files are added to the cached
/// copy; the sectors that change are what the system writes to the device.
/// Source: Microsoft's FAT specification 1.03.
class FatVolume {
 public:
  static constexpr std::size_t kSectorBytes = 512;
  struct Run {
    std::uint32_t sector = 0;
    std::vector<std::uint8_t> bytes;  ///< whole sectors
  };
  struct Extent {
    std::uint32_t sector = 0, sectors = 0;
  };
  struct File {
    std::string name;  ///< 8.3, as it is shown; a label has none
    std::uint32_t bytes = 0, cluster = 0;
  };

  /// The boot sector's place: of the first partition of a master boot record, or sector 0 itself.
  static std::uint32_t boot_sector_of(std::span<const std::uint8_t> sector0);
  /// Errors: nothing for anything that is not FAT16 with 512-byte sectors.
  static std::optional<FatVolume> from_boot_sector(std::uint32_t at, std::span<const std::uint8_t> boot);

  /// First FAT and root directory, which have to be read next and given to set_metadata().
  Extent fat() const { return {fat_, fat_sectors_}; }
  Extent root() const { return {root_, root_sectors_}; }
  void set_metadata(std::vector<std::uint8_t> fat, std::vector<std::uint8_t> root);

  std::string label() const;
  std::vector<File> files() const;
  /// First sector of a cluster.
  std::uint32_t sector_of(std::uint32_t cluster) const;

  /// What is written to copy a file: its data in clusters of the volume's order, then each FAT, then the root
  /// directory.
  /// Errors: nothing if the volume has no room for it.
  std::optional<std::vector<Run>> add(std::string_view name, std::span<const std::uint8_t> bytes);

 private:
  std::uint16_t fat_entry(std::uint32_t cluster) const;
  void set_fat_entry(std::uint32_t cluster, std::uint16_t value);

  std::uint32_t cluster_sectors_ = 0, fats_ = 0, fat_ = 0, fat_sectors_ = 0, root_ = 0, root_sectors_ = 0,
                data_ = 0, clusters_ = 0;
  std::vector<std::uint8_t> fat_bytes_, root_bytes_;
};

}  // namespace pico_llama::simulator
