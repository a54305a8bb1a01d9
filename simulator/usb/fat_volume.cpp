#include "simulator/usb/fat_volume.h"

#include <algorithm>
#include <cctype>

namespace pico_llama::simulator {
namespace {

constexpr std::size_t kEntryBytes = 32;
constexpr std::uint8_t kVolumeLabel = 8, kLongName = 0x0f, kArchive = 0x20, kDeleted = 0xe5;
constexpr std::uint16_t kLastCluster = 0xffff;

std::uint32_t u16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return bytes[at] | bytes[at + 1] << 8;
}
std::uint32_t u32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return u16(bytes, at) | u16(bytes, at + 2) << 16;
}

/// The 11 characters of a directory entry. Characters that it may not have become '_'.
std::string short_name(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  std::string out(11, ' ');
  const auto put = [&out](std::string_view part, std::size_t at, std::size_t room) {
    for (std::size_t i = 0; i < std::min(part.size(), room); ++i) {
      const auto c = static_cast<unsigned char>(part[i]);
      out[at + i] = std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
    }
  };
  put(name.substr(0, dot), 0, 8);
  if (dot != std::string_view::npos) put(name.substr(dot + 1), 8, 3);
  return out;
}

std::string trimmed(std::span<const std::uint8_t> text) {
  std::string out(text.begin(), text.end());
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

}  // namespace

std::uint32_t FatVolume::boot_sector_of(std::span<const std::uint8_t> sector0) {
  constexpr std::size_t kFirstPartition = 446;
  const bool jump = sector0[0] == 0xeb || sector0[0] == 0xe9;  // a boot sector begins with a jump
  return jump ? 0 : u32(sector0, kFirstPartition + 8);
}

std::optional<FatVolume> FatVolume::from_boot_sector(std::uint32_t at, std::span<const std::uint8_t> boot) {
  if (boot.size() != kSectorBytes || u16(boot, 510) != 0xaa55 || u16(boot, 11) != kSectorBytes ||
      boot[13] == 0 || boot[16] == 0 || u16(boot, 22) == 0) {
    return std::nullopt;
  }
  FatVolume volume;
  volume.cluster_sectors_ = boot[13];
  volume.fats_ = boot[16];
  volume.fat_ = at + u16(boot, 14);
  volume.fat_sectors_ = u16(boot, 22);
  volume.root_ = volume.fat_ + volume.fats_ * volume.fat_sectors_;
  volume.root_sectors_ =
      static_cast<std::uint32_t>((u16(boot, 17) * kEntryBytes + kSectorBytes - 1) / kSectorBytes);
  volume.data_ = volume.root_ + volume.root_sectors_;
  const std::uint32_t sectors = u16(boot, 19) != 0 ? u16(boot, 19) : u32(boot, 32);
  if (volume.root_sectors_ == 0 || at + sectors <= volume.data_) return std::nullopt;
  volume.clusters_ = (at + sectors - volume.data_) / volume.cluster_sectors_;
  // The number of clusters, and nothing else, says which FAT it is.
  if (volume.clusters_ < 4085 || volume.clusters_ >= 65525) return std::nullopt;
  if (volume.fat_sectors_ * kSectorBytes / 2 < volume.clusters_ + 2) return std::nullopt;
  return volume;
}

void FatVolume::set_metadata(std::vector<std::uint8_t> fat, std::vector<std::uint8_t> root) {
  fat_bytes_ = std::move(fat);
  root_bytes_ = std::move(root);
}

std::uint16_t FatVolume::fat_entry(std::uint32_t cluster) const {
  return static_cast<std::uint16_t>(u16(fat_bytes_, std::size_t{2} * cluster));
}

void FatVolume::set_fat_entry(std::uint32_t cluster, std::uint16_t value) {
  fat_bytes_[2 * cluster] = static_cast<std::uint8_t>(value);
  fat_bytes_[2 * cluster + 1] = static_cast<std::uint8_t>(value >> 8);
}

std::uint32_t FatVolume::sector_of(std::uint32_t cluster) const {
  return data_ + (cluster - 2) * cluster_sectors_;
}

std::string FatVolume::label() const {
  for (std::size_t at = 0; at < root_bytes_.size() && root_bytes_[at] != 0; at += kEntryBytes) {
    const std::span<const std::uint8_t> entry = std::span(root_bytes_).subspan(at, kEntryBytes);
    if ((entry[11] & kLongName) == kVolumeLabel) return trimmed(entry.first(11));
  }
  return {};
}

std::vector<FatVolume::File> FatVolume::files() const {
  std::vector<File> files;
  for (std::size_t at = 0; at < root_bytes_.size() && root_bytes_[at] != 0; at += kEntryBytes) {
    const std::span<const std::uint8_t> entry = std::span(root_bytes_).subspan(at, kEntryBytes);
    if (entry[0] == kDeleted || entry[11] == kLongName || (entry[11] & kVolumeLabel) != 0) continue;
    const std::string extension = trimmed(entry.subspan(8, 3));
    files.push_back({trimmed(entry.first(8)) + (extension.empty() ? "" : "." + extension), u32(entry, 28),
                     u16(entry, 26)});
  }
  return files;
}

std::optional<std::vector<FatVolume::Run>> FatVolume::add(std::string_view name,
                                                          std::span<const std::uint8_t> bytes) {
  const std::size_t cluster_bytes = cluster_sectors_ * kSectorBytes;
  std::vector<std::uint32_t> chain;
  for (std::uint32_t cluster = 2; cluster < clusters_ + 2 && chain.size() * cluster_bytes < bytes.size();
       ++cluster)
    if (fat_entry(cluster) == 0) chain.push_back(cluster);
  std::size_t entry = 0;
  while (entry < root_bytes_.size() && root_bytes_[entry] != 0 && root_bytes_[entry] != kDeleted)
    entry += kEntryBytes;
  if (chain.size() * cluster_bytes < bytes.size() || entry == root_bytes_.size()) return std::nullopt;

  std::vector<Run> runs;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::span<const std::uint8_t> part =
        bytes.subspan(i * cluster_bytes, std::min(cluster_bytes, bytes.size() - i * cluster_bytes));
    Run run{sector_of(chain[i]), {part.begin(), part.end()}};
    run.bytes.resize((part.size() + kSectorBytes - 1) / kSectorBytes * kSectorBytes, 0);
    // Neighbours go out in one command.
    if (!runs.empty() && runs.back().sector + runs.back().bytes.size() / kSectorBytes == run.sector)
      runs.back().bytes.insert(runs.back().bytes.end(), run.bytes.begin(), run.bytes.end());
    else
      runs.push_back(std::move(run));
    set_fat_entry(chain[i], i + 1 == chain.size() ? kLastCluster : static_cast<std::uint16_t>(chain[i + 1]));
  }
  const std::string stored = short_name(name);
  std::copy(stored.begin(), stored.end(), root_bytes_.begin() + static_cast<std::ptrdiff_t>(entry));
  root_bytes_[entry + 11] = kArchive;
  const std::uint32_t first = chain.empty() ? 0 : chain.front();
  const auto size = static_cast<std::uint32_t>(bytes.size());
  for (unsigned i = 0; i < 2; ++i) root_bytes_[entry + 26 + i] = static_cast<std::uint8_t>(first >> 8 * i);
  for (unsigned i = 0; i < 4; ++i) root_bytes_[entry + 28 + i] = static_cast<std::uint8_t>(size >> 8 * i);

  for (std::uint32_t copy = 0; copy < fats_; ++copy) runs.push_back({fat_ + copy * fat_sectors_, fat_bytes_});
  const std::size_t sector = entry / kSectorBytes;
  const auto begin = root_bytes_.begin() + static_cast<std::ptrdiff_t>(sector * kSectorBytes);
  runs.push_back({root_ + static_cast<std::uint32_t>(sector), {begin, begin + kSectorBytes}});
  return runs;
}

}  // namespace pico_llama::simulator
