#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "formats/memory_image.h"
#include "tools/packer/image_bytes.h"

namespace pico_llama {

/// True if the file begins as a UF2 or an ELF file does.
bool is_memory_image(const std::string& path);

/// A UF2 or ELF file and the model images in it, found as the firmware finds them.
class FlashModels {
 public:
  /// Errors: Failure.
  static FlashModels open(const std::string& path);

  const formats::MemoryImage& file() const { return file_; }
  /// Program name and version from the Pico SDK's binary info; empty if there is none.
  std::string program_name() const;

  int count() const { return count_; }
  /// An unparsed image, truncated to the file's data. Requires: 0 <= index < count().
  std::span<const std::byte> image(int index) const;

 private:
  /// Bytes at an address; empty unless the file contains all of them.
  std::span<const std::uint8_t> bytes_at(std::uint32_t address, std::size_t bytes) const;
  std::uint32_t word_at(std::uint32_t address) const;
  std::string string_at(std::uint32_t address) const;
  std::string binary_info_string(std::uint32_t id) const;

  formats::MemoryImage file_;
  packer::ImageBytes slot_;  ///< flash from the cartridge address on; 0xff where the file has no data
  int count_ = 0;
};

}  // namespace pico_llama
