#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "formats/uf2.h"

namespace pico_llama::uf2 {

/// Contents of flash, collected from files, page by page.
class FlashImage {
 public:
  /// Errors: Failure if a byte lies outside the flash or is given twice. `name`: source file, for messages.
  void add(std::uint32_t address, std::span<const std::uint8_t> bytes, const std::string& name);

  /// Adds a file by its type: ELF, UF2, model image (at the cartridge's address, or after the images already
  /// there), otherwise raw binary at the start of flash.
  /// Errors: Failure if the file is damaged or for another chip, if the boot ROM would not boot what it puts
  /// at the start of flash, or if it adds more models than the firmware looks for.
  void add_file(const std::string& path);

  /// True if something lies at the start of the flash, where the boot ROM looks for a program.
  bool has_program() const;

  /// Address of the next model image; must match the firmware's search.
  std::uint32_t end_of_models() const { return models().end; }

  std::size_t page_count() const { return pages_.size(); }

  /// The UF2 file. One family for all blocks, so that a program and its model arrive in one go.
  std::vector<std::uint8_t> to_uf2(std::uint32_t family) const;

 private:
  struct Page {
    std::array<std::uint8_t, formats::kUf2PayloadBytes> bytes{};
    std::array<bool, formats::kUf2PayloadBytes> given{};
  };
  void add_program(const std::string& path);
  bool has_image_def() const;
  struct Models {
    int count;
    std::uint32_t end;  ///< address of the next one
  };
  /// The model images in flash; must match the firmware's search.
  Models models() const;
  std::uint32_t word(std::uint32_t address) const;

  std::map<std::uint32_t, Page> pages_;  // by address
};

}  // namespace pico_llama::uf2
