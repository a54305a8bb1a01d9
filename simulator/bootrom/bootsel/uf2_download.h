#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace pico_llama::simulator::bootsel {

/// A UF2 file as it arrives on the USB drive: 512-byte sectors in any order, mixed with those of the file
/// system. Decides which of them are blocks for this chip, and where their data goes. An unprogrammed chip
/// without a partition table: everything is stored at the address it names.
/// Source: RP2350 datasheet sections 5.5.2, 5.5.3 and, for the status, 5.6.4.11 (UF2_STATUS).
class Uf2Download {
 public:
  static constexpr std::uint32_t kPageBytes = 256, kSectorBytes = 4096;
  /// What has to be done with the payload of an accepted block.
  struct Page {
    std::uint32_t address = 0;  ///< flash: an offset in storage; RAM: an address
    bool flash = false;
    bool erase = false;  ///< the flash sector that holds it, first
    std::span<const std::uint8_t, kPageBytes> bytes;
  };
  enum Abort : std::uint32_t { kExclusivelyLocked = 1, kBadAddress = 2, kWriteError = 4, kRebootFailure = 8 };
  /// The image to boot after the last block.
  struct Complete {
    bool ram = false;
    std::uint32_t base = 0, bytes = 0;  ///< of a RAM image; base alone of a flash image
  };

  /// Errors: nothing for a sector that is no block for this chip, and for one that was seen before.
  std::optional<Page> accept(std::span<const std::uint8_t, 512> sector);
  /// Ends a transfer: the next block starts a new one.
  void abort(Abort why);
  /// Every block of the transfer has been accepted.
  bool complete() const { return blocks_ != 0 && seen_count_ == blocks_; }
  Complete image() const { return {ram_, lowest_, highest_ - lowest_}; }
  /// Whether a transfer is in progress.
  bool active() const { return blocks_ != 0 && !complete(); }

  struct Status {
    std::uint32_t flags = 0;   ///< word 0: RAM, abort reasons, ignored
    std::uint32_t family = 0;  ///< of the transfer, or of the last one that was ignored
    std::uint32_t done = 0, blocks = 0;
  };
  Status status() const;
  /// Families that can be stored without a partition table.
  static bool is_accepted(std::uint32_t family);

 private:
  void start(std::uint32_t family, std::uint32_t blocks, bool ram);

  std::uint32_t family_ = 0, blocks_ = 0, seen_count_ = 0;
  bool ram_ = false, ignored_ = false;
  std::uint32_t aborts_ = 0;
  std::uint32_t lowest_ = 0, highest_ = 0;
  std::vector<bool> seen_;    ///< by block
  std::vector<bool> erased_;  ///< by flash sector
};

}  // namespace pico_llama::simulator::bootsel
