#include "formats/uf2.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "firmware/chips/rp2350.h"
#include "formats/failure.h"

namespace pico_llama::formats {
namespace {

// A block: header, data, padding, kMagicEnd; little-endian words.
constexpr std::uint32_t kMagic0 = 0x0a324655, kMagic1 = 0x9e5d5157, kMagicEnd = 0x0ab16f30;
constexpr std::uint32_t kNotMainFlash = 0x1, kFamilyPresent = 0x2000;
// Datasheet section 5.5.3.
constexpr std::uint32_t kRp2040 = 0xe48bff56, kAbsolute = 0xe48bff57, kRiscv = 0xe48bff5a,
                        kArmNonSecure = 0xe48bff5b;
constexpr std::uint32_t kFlashEnd = chips::Rp2350::kXipCachedBase + chips::Rp2350::kChipSelect1Offset;

/// The first bytes of a block, as they lie in the file.
struct BlockHeader {
  std::uint32_t magic0, magic1, flags, address, payload, number, count, family;
};
static_assert(sizeof(BlockHeader) == 32);

[[noreturn]] void refuse(const std::string& path, const std::string& why) { fail("{}: {}", path, why); }

bool is_ours(std::uint32_t family) {
  return family == kUf2FamilyRp2350ArmS || family == kUf2FamilyData || family == kAbsolute;
}

[[noreturn]] void refuse_family(const std::string& path, std::uint32_t family) {
  switch (family) {
    case kRp2040:
      refuse(path, "this UF2 is for an RP2040; build it for the RP2350 (PICO_PLATFORM=rp2350-arm-s)");
    case kRiscv:
      refuse(path,
             "this UF2 is for the RP2350's RISC-V cores; build it for Arm (PICO_PLATFORM=rp2350-arm-s)");
    case kArmNonSecure:
      refuse(path, "this UF2 is a Non-secure RP2350 image, which cannot boot by itself");
    default:
      refuse(path, fmt::format("UF2 family {:#010x} is not one of the RP2350's", family));
  }
}

}  // namespace

bool looks_like_uf2(std::span<const std::uint8_t> file) {
  std::uint32_t magic = 0;
  if (file.size() < sizeof magic) return false;
  std::memcpy(&magic, file.data(), sizeof magic);
  return magic == kMagic0;
}

MemoryImage read_uf2(std::span<const std::uint8_t> file, const std::string& path) {
  if (file.size() % kUf2BlockBytes != 0) {
    refuse(path, fmt::format("the UF2 is cut off: {} bytes are not a whole number of 512-byte blocks",
                             file.size()));
  }
  struct Page {
    std::uint32_t address;
    std::span<const std::uint8_t> data;
    std::size_t block;
  };
  std::vector<Page> pages;
  // The boot ROM counts the blocks of one family and one block count, and restarts the board half a second
  // after it has all of them: what follows in the file is not reliably written (pico-bootrom-rp2350,
  // usb_virtual_disk.c).
  std::uint32_t family = 0, count = 0;
  std::set<std::uint32_t> seen;
  std::optional<std::uint32_t> foreign_family;
  MemoryImage image;
  for (std::size_t i = 0; i < file.size() / kUf2BlockBytes; ++i) {
    const auto bytes = file.subspan(i * kUf2BlockBytes, kUf2BlockBytes);
    BlockHeader block{};
    std::memcpy(&block, bytes.data(), sizeof block);
    std::uint32_t end = 0;
    std::memcpy(&end, bytes.data() + kUf2BlockBytes - 4, 4);
    if (block.magic0 != kMagic0 || block.magic1 != kMagic1 || end != kMagicEnd) {
      refuse(path, fmt::format("block {} of the UF2 is damaged (wrong magic numbers)", i));
    }
    if ((block.flags & kNotMainFlash) != 0) continue;
    if ((block.flags & kFamilyPresent) == 0) refuse(path, fmt::format("UF2 block {} has no family", i));
    // The tools put a first absolute block (2 of 2, at the end of flash) before an image, against erratum
    // E10.
    const bool e10_block =
        block.family == kAbsolute && block.address == kFlashEnd - kUf2PayloadBytes && block.count == 2;
    if (e10_block) {
      const auto data = bytes.subspan(sizeof block, kUf2PayloadBytes);
      image.e10_page = MemoryImage::Segment{block.address, {data.begin(), data.end()}};
      continue;
    }
    if (!is_ours(block.family)) {  // the boot ROM passes over blocks for other chips
      if (!foreign_family) foreign_family = block.family;
      continue;
    }
    if (block.payload != kUf2PayloadBytes) {
      refuse(path,
             fmt::format("block {} of the UF2 carries {} bytes; the boot ROM takes 256", i, block.payload));
    }
    const std::uint32_t first = block.address;
    const Region region = region_of(first, kUf2PayloadBytes);
    if (region == Region::kBeyondFlash && first >= kFlashEnd) {
      refuse(path, fmt::format("block {} of the UF2 is for {:#010x}, beyond the 16 MB of flash", i, first));
    }
    if (region == Region::kElsewhere || region == Region::kBeyondFlash) {
      refuse(path,
             fmt::format("block {} of the UF2 is for {:#010x}, which is neither flash nor RAM", i, first));
    }
    if (region == Region::kFlash && first % kUf2PayloadBytes != 0) {
      refuse(path, fmt::format("block {} of the UF2 is for {:#010x}, not a multiple of 256", i, first));
    }
    if (pages.empty()) {
      family = block.family;
      count = block.count;
    }
    if (block.number >= block.count)
      refuse(path, fmt::format("UF2 block {} is numbered {} of {}", i, block.number, block.count));
    const bool begins_again =
        block.family != family || block.count != count || !seen.insert(block.number).second;
    if (begins_again)
      refuse(path, fmt::format("two UF2 files in one: block {} begins another count, and the boot ROM may "
                               "not write what follows; "
                               "join them with pico-llama uf2 A B -o FILE",
                               i));
    pages.push_back({first, bytes.subspan(sizeof block, kUf2PayloadBytes), i});
  }
  if (pages.empty() && foreign_family) refuse_family(path, *foreign_family);
  if (pages.empty()) refuse(path, "the UF2 has no data for an RP2350");
  if (seen.size() != count)
    refuse(path, fmt::format("the UF2 is incomplete: {} of {} blocks", seen.size(), count));
  std::stable_sort(pages.begin(), pages.end(),
                   [](const Page& a, const Page& b) { return a.address < b.address; });
  image.path = path;
  for (const Page& page : pages) {
    const bool joins = !image.segments.empty() &&
                       page.address <= image.segments.back().address + image.segments.back().bytes.size();
    if (joins && page.address < image.segments.back().address + image.segments.back().bytes.size()) {
      refuse(path,
             fmt::format("block {} of the UF2 overlaps another one at {:#010x}", page.block, page.address));
    }
    if (!joins) image.segments.push_back({page.address, {}});
    image.segments.back().bytes.insert(image.segments.back().bytes.end(), page.data.begin(), page.data.end());
  }
  return image;
}

std::vector<std::uint8_t> write_uf2(std::span<const Uf2Page> pages, std::uint32_t family) {
  std::vector<std::uint8_t> file(pages.size() * kUf2BlockBytes);
  const auto count = static_cast<std::uint32_t>(pages.size());
  for (std::uint32_t number = 0; number < count; ++number) {
    const Uf2Page& page = pages[number];
    std::uint8_t* block = file.data() + std::size_t{number} * kUf2BlockBytes;
    const BlockHeader header = {kMagic0,          kMagic1, kFamilyPresent, page.address,
                                kUf2PayloadBytes, number,  count,          family};
    std::memcpy(block, &header, sizeof header);
    std::memcpy(block + sizeof header, page.bytes.data(), page.bytes.size());
    std::memcpy(block + kUf2BlockBytes - sizeof kMagicEnd, &kMagicEnd, sizeof kMagicEnd);
  }
  return file;
}

}  // namespace pico_llama::formats
