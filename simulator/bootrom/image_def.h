#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pico_llama::simulator {

/// The part of an image's metadata that the boot ROM reads (datasheet section 5.9).
struct ImageDef {
  struct LoadEntry {
    std::uint32_t from = 0;  ///< 0: fill with zeros
    std::uint32_t to = 0;
    std::uint32_t bytes = 0;
  };
  std::uint32_t vector_table = 0;
  std::optional<std::uint32_t> entry, stack, stack_limit;  ///< ENTRY_POINT item
  std::vector<LoadEntry> load;
  /// Of each of `load` what it puts into memory (of one that fills with zeros, the word with its size), then
  /// of `block`; `expected` is the digest or its first words, as they lie in memory. Checked without a
  /// signature, too.
  struct Hash {
    std::vector<std::uint32_t> block, expected;
  };
  std::optional<Hash> hash;
};

struct ImageSearch {
  std::optional<ImageDef> found;
  std::string problem;     ///< why the image cannot boot, one line
  bool saw_block = false;  ///< a block loop begins in the region, whether or not it can be booted
};

/// Reads a word of the region; nothing where it cannot be read.
using ReadWord = std::function<std::optional<std::uint32_t>(std::uint32_t address)>;

/// Looks for a block loop that starts in the first 4 kB of a region and has an IMAGE_DEF for an executable
/// that an Arm RP2350 runs in Secure state. Of several the last in the loop is used: tools append better
/// ones. A loop that is broken, or holds no such image, ends the search: the boot ROM goes on to the next
/// read command of the flash.
ImageSearch find_image(std::uint32_t base, std::uint32_t bytes, const ReadWord& read);

}  // namespace pico_llama::simulator
