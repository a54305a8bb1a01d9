#include "simulator/bootrom/image_def.h"

#include <fmt/format.h>

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kHeader = 0xffffded3, kFooter = 0xab123579;
constexpr std::uint32_t kSearchBytes = 4096;
constexpr std::uint32_t kMaxBlockWords = 640 / 4;
constexpr unsigned kMaxBlocks = 64;
// Item types with the size flag (bit 7) removed.
constexpr std::uint32_t kVectorTable = 0x03, kRollingWindowDelta = 0x05, kLoadMap = 0x06, kLast = 0x7f;
constexpr std::uint32_t kHashValue = 0x4b, kHashDef = 0x47, kImageType = 0x42, kEntryPoint = 0x44,
                        kPartitionTable = 0x0a;

struct Block {
  std::vector<std::uint32_t> items;  // words between header and LAST
  std::int32_t next = 0;             // relative to this block
};

std::optional<Block> read_block(std::uint32_t address, const ReadWord& read) {
  if (read(address) != kHeader) return std::nullopt;
  Block block;
  std::uint32_t word = 1;
  while (word < kMaxBlockWords) {
    const auto item = read(address + 4 * word);
    if (!item) return std::nullopt;
    const bool wide = (*item & 0x80) != 0;
    const std::uint32_t words = wide ? *item >> 8 & 0xffff : *item >> 8 & 0xff;
    if ((*item & 0x7f) == kLast) {
      const auto next = read(address + 4 * word + 4), footer = read(address + 4 * word + 8);
      if (words != word - 1 || !next || footer != kFooter) return std::nullopt;
      block.next = static_cast<std::int32_t>(*next);
      return block;
    }
    if (words == 0 || word + words > kMaxBlockWords) return std::nullopt;
    for (std::uint32_t i = 0; i < words; ++i) {
      const auto value = read(address + 4 * (word + i));
      if (!value) return std::nullopt;
      block.items.push_back(*value);
    }
    word += words;
  }
  return std::nullopt;
}

// Empty string: bootable.
std::string check_image_type(std::uint32_t flags) {
  if ((flags & 0xf) != 1) return "its IMAGE_DEF is not an executable";
  if ((flags >> 12 & 7) != 1) return "its IMAGE_DEF is for an RP2040";
  if ((flags >> 8 & 7) != 0) return "its IMAGE_DEF is for RISC-V; this board runs Arm images";
  if ((flags >> 4 & 3) == 1) return "its IMAGE_DEF is Non-secure";
  if ((flags & 0x8000) != 0) return "its IMAGE_DEF is \"try before you buy\", which is not modelled";
  return {};
}

std::string parse(const Block& block, std::uint32_t block_address, ImageDef& image) {
  std::size_t at = 0;
  std::optional<std::uint32_t> hashed_words;
  std::vector<std::uint32_t> expected;
  while (at < block.items.size()) {
    const std::uint32_t head = block.items[at];
    const std::uint32_t words = (head & 0x80) != 0 ? head >> 8 & 0xffff : head >> 8 & 0xff;
    const auto word = [&](std::size_t i) { return at + i < block.items.size() ? block.items[at + i] : 0; };
    switch (head & 0x7f) {
      case kVectorTable:
        image.vector_table = word(1);
        break;
      case kEntryPoint:
        image.entry = word(1);
        image.stack = word(2);
        if (words > 3) image.stack_limit = word(3);
        break;
      case kRollingWindowDelta:
        if (word(1) != 0) return "its rolling window is not modelled";
        break;
      case kHashDef: {
        constexpr std::uint32_t kSha256 = 1;
        if (words != 2) return "its HASH_DEF has a wrong size";
        if (head >> 24 == kSha256) hashed_words = word(1) & 0xffff;
        break;
      }
      case kHashValue:
        if (words < 2 || words > 9) return "its HASH_VALUE has a wrong size";
        expected.clear();
        for (std::uint32_t i = 1; i < words; ++i) expected.push_back(word(i));
        break;
      case kLoadMap: {
        image.load.clear();  // the last one counts
        const bool absolute = (head & 0x80000000) != 0;
        const std::uint32_t item_address = block_address + 4 + 4 * static_cast<std::uint32_t>(at);
        for (std::uint32_t i = 0; i < (head >> 24 & 0x7f); ++i) {
          const std::uint32_t from = word(1 + 3 * i), to = word(2 + 3 * i), size = word(3 + 3 * i);
          // A2 takes the last word of an absolute entry as the end in memory, in one that fills with zeros,
          // too.
          ImageDef::LoadEntry entry{from, to, absolute ? size - to : size};
          if (from != 0 && !absolute) entry.from = item_address + from;
          image.load.push_back(entry);
        }
        break;
      }
      default:
        break;  // versions and signatures do not matter to a chip that is not secured
    }
    at += words;
  }
  if (expected.empty()) return {};
  if (!hashed_words) return "it has a HASH_VALUE and no HASH_DEF of SHA-256";
  if (*hashed_words > block.items.size() + 1) return "its HASH_DEF is longer than its block";
  ImageDef::Hash hash{{kHeader}, std::move(expected)};
  hash.block.insert(hash.block.end(), block.items.begin(), block.items.end());
  hash.block.resize(*hashed_words);
  image.hash = std::move(hash);
  return {};
}

}  // namespace

ImageSearch find_image(std::uint32_t base, std::uint32_t bytes, const ReadWord& read) {
  std::string problem = "no IMAGE_DEF block in the first 4 kB";
  for (std::uint32_t start = base; start < base + std::min(bytes, kSearchBytes); start += 4) {
    if (read(start) != kHeader) continue;
    ImageSearch result;
    std::uint32_t address = start;
    for (unsigned blocks = 0;; ++blocks) {
      const auto block = read_block(address, read);
      if (!block) {
        result.found.reset();
        result.problem = fmt::format("the metadata block at {:#010x} is damaged", address);
        break;
      }
      result.saw_block = true;
      if (!block->items.empty() && (block->items[0] & 0x7f) == kImageType) {
        ImageDef image;
        image.vector_table = base;
        std::string wrong = check_image_type(block->items[0] >> 16);
        if (wrong.empty()) wrong = parse(*block, address, image);
        if (wrong.empty()) result.found = image;
        result.problem = wrong;
      } else if (!block->items.empty() && (block->items[0] & 0x7f) == kPartitionTable) {
        result.problem = "it has a partition table, which is not modelled";
        result.found.reset();
        break;
      }
      address += static_cast<std::uint32_t>(block->next);
      if (address == start) break;  // the loop is closed
      if (blocks == kMaxBlocks || address < base || address >= base + bytes) {
        result.found.reset();
        result.problem = "its block loop does not close: the image is incomplete";
        break;
      }
    }
    if (result.problem.empty() && !result.found) result.problem = problem;
    if (result.saw_block) return result;
    problem = result.problem;  // no block begins there: data that looks like a header
  }
  return {std::nullopt, problem};
}

}  // namespace pico_llama::simulator
