#include "tools/simulate/images.h"

#include "formats/mapped_file.h"
#include "tools/model_source.h"
#include "tools/support/failure.h"
#include "tools/uf2/flash_image.h"

namespace pico_llama::simulate {
namespace {

/// Where the next model image goes.
std::uint32_t end_of_models(const std::vector<formats::MemoryImage>& loaded) {
  uf2::FlashImage flash;
  for (const formats::MemoryImage& image : loaded) {
    for (const auto& [address, bytes] : image.segments)
      if (formats::region_of(address, bytes.size()) == formats::Region::kFlash)
        flash.add(address, bytes, image.path);
  }
  return flash.end_of_models();
}

formats::MemoryImage read_image(const std::string& path, const std::vector<formats::MemoryImage>& loaded) {
  if (!is_image(path)) return formats::read_memory_image(path);
  const MappedFile file(path);
  (void)parse_image(std::as_bytes(file.bytes()), path);
  formats::MemoryImage image;
  image.path = path;
  image.segments.push_back({end_of_models(loaded), {file.bytes().begin(), file.bytes().end()}});
  return image;
}

}  // namespace

std::vector<std::uint8_t> read_boot_rom(const std::string& path) {
  const MappedFile file(path);
  const std::span<const std::uint8_t> bytes = file.bytes();
  // Section 5.4.1 of the RP2350 datasheet: 'M', 'u', 2 at 10h.
  if (bytes.size() != simulator::Bus::kRomSize || bytes[0x10] != 'M' || bytes[0x11] != 'u' ||
      bytes[0x12] != 2) {
    fail(
        "{}: is not the boot ROM of an RP2350: 32768 bytes, read from address 0 (picotool save -r 0 8000 "
        "FILE.bin)",
        path);
  }
  return {bytes.begin(), bytes.end()};
}

std::string load_images(simulator::Board& board, const std::vector<std::string>& paths) {
  std::vector<formats::MemoryImage> loaded;
  std::string elf_path;
  for (const std::string& path : paths) {
    loaded.push_back(read_image(path, loaded));
    board.load(loaded.back());
    if (!loaded.back().elf_path.empty()) elf_path = loaded.back().elf_path;
  }
  return elf_path;
}

}  // namespace pico_llama::simulate
