#include "tools/uf2/flash_image.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <memory>

#include "engine/model_image_layout.h"
#include "firmware/chips/rp2350.h"
#include "tools/support/failure.h"
#include "tools/support/mapped_file.h"

namespace pico_llama::uf2 {
namespace {

constexpr std::uint32_t kFlashBase = chips::Rp2350::kXipCachedBase;
constexpr std::uint32_t kFlashBytes = chips::Rp2350::kChipSelect1Offset;  // the window of chip select 0

/// The 32 bytes before a block's payload, as they lie in the file.
struct BlockHeader {
  std::uint32_t magic_start0, magic_start1, flags, address, payload_bytes, number, count, family;
};
static_assert(sizeof(BlockHeader) == 32);

std::uint32_t word_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t word = 0;
  if (bytes.size() >= at + sizeof(word)) std::memcpy(&word, bytes.data() + at, sizeof(word));
  return word;
}

}  // namespace

void FlashImage::add(std::uint32_t address, std::span<const std::uint8_t> bytes, const std::string& name) {
  if (address < kFlashBase || bytes.size() > kFlashBytes || address - kFlashBase > kFlashBytes - bytes.size())
    fail("{}: {} bytes at {:#010x} do not fit the flash, {:#010x} to {:#010x}", name, bytes.size(), address,
         kFlashBase, kFlashBase + kFlashBytes);
  for (const std::uint8_t byte : bytes) {
    Page& page = pages_[address / kPayloadBytes * kPayloadBytes];
    const std::uint32_t place = address % kPayloadBytes;
    if (page.given[place])
      fail("{}: gives the byte at {:#010x} that another file gave already", name, address);
    page.given[place] = true;
    page.bytes[place] = byte;
    ++address;
  }
}

void FlashImage::add_file(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  if (word_at(bytes, 0) == kMagicStart0 && word_at(bytes, 4) == kMagicStart1) return add_uf2(bytes, path);
  if (word_at(bytes, 0) == 0x464c457f) return add_elf(path);  // "\x7fELF"
  if (word_at(bytes, 0) == kImageMagic) return add(end_of_models(), bytes, path);
  add(kFlashBase, bytes, path);
}

std::uint32_t FlashImage::word(std::uint32_t address) const {
  const auto page = pages_.find(address / kPayloadBytes * kPayloadBytes);
  return page == pages_.end() ? UINT32_MAX : word_at(page->second.bytes, address % kPayloadBytes);
}

std::uint32_t FlashImage::end_of_models() const {
  std::uint32_t address = chips::Cartridge::kAddress;
  while (word(address) == kImageMagic)
    address += image_span(word(address + offsetof(ImageHeader, file_bytes)));
  return address;
}

void FlashImage::add_uf2(std::span<const std::uint8_t> file, const std::string& name) {
  if (file.size() % kBlockBytes != 0)
    fail("{}: is no whole number of UF2 blocks of {} bytes; get the file again", name, kBlockBytes);
  for (std::size_t at = 0; at < file.size(); at += kBlockBytes) {
    const auto block = file.subspan(at, kBlockBytes);
    BlockHeader header;
    std::memcpy(&header, block.data(), sizeof(header));
    if (header.magic_start0 != kMagicStart0 || header.magic_start1 != kMagicStart1 ||
        word_at(block, kBlockBytes - 4) != kMagicEnd)
      fail("{}: UF2 block {} has a wrong magic; get the file again", name, at / kBlockBytes);
    if ((header.flags & kFlagNotMainFlash) != 0) continue;
    if (header.payload_bytes > kBlockBytes - sizeof(header) - 4)
      fail("{}: UF2 block {} claims {} bytes; get the file again", name, at / kBlockBytes,
           header.payload_bytes);
    add(header.address, block.subspan(sizeof(header), header.payload_bytes), name);
  }
}

void FlashImage::add_elf(const std::string& path) {
  ::elf_version(EV_CURRENT);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const std::unique_ptr<const int, void (*)(const int*)> closer(&fd, [](const int* f) { ::close(*f); });
  const std::unique_ptr<Elf, int (*)(Elf*)> elf(::elf_begin(fd, ELF_C_READ, nullptr), ::elf_end);
  std::size_t count = 0, size = 0;
  GElf_Ehdr header;
  if (elf == nullptr || ::gelf_getehdr(elf.get(), &header) == nullptr ||
      ::elf_getphdrnum(elf.get(), &count) != 0)
    fail("{}: is a broken ELF file: {}; build it again", path, ::elf_errmsg(-1));
  if (header.e_machine != EM_ARM) fail("{}: is a program for another machine, not Arm", path);
  const char* raw = ::elf_rawfile(elf.get(), &size);
  for (std::size_t i = 0; i < count; ++i) {
    GElf_Phdr segment;
    if (::gelf_getphdr(elf.get(), static_cast<int>(i), &segment) == nullptr || segment.p_type != PT_LOAD)
      continue;
    if (segment.p_filesz == 0) continue;
    if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)
      fail("{}: truncated: its segment {} lies beyond the end; build it again", path, i);
    if (segment.p_paddr > UINT32_MAX) fail("{}: its segment {} is for another machine", path, i);
    add(static_cast<std::uint32_t>(segment.p_paddr),
        {reinterpret_cast<const std::uint8_t*>(raw) + segment.p_offset, segment.p_filesz}, path);
  }
  if (pages_.empty()) fail("{}: has nothing to load into flash", path);
}

bool FlashImage::has_program() const { return !pages_.empty() && pages_.begin()->first == kFlashBase; }

std::vector<std::uint8_t> FlashImage::to_uf2(std::uint32_t family) const {
  std::vector<std::uint8_t> file(pages_.size() * kBlockBytes);
  std::uint32_t number = 0;
  for (const auto& [address, page] : pages_) {
    std::uint8_t* block = file.data() + std::size_t{number} * kBlockBytes;
    const BlockHeader header = {kMagicStart0,
                                kMagicStart1,
                                kFlagFamilyPresent,
                                address,
                                kPayloadBytes,
                                number,
                                static_cast<std::uint32_t>(pages_.size()),
                                family};
    std::memcpy(block, &header, sizeof(header));
    std::memcpy(block + sizeof(header), page.bytes.data(), page.bytes.size());
    std::memcpy(block + kBlockBytes - sizeof(kMagicEnd), &kMagicEnd, sizeof(kMagicEnd));
    ++number;
  }
  return file;
}

}  // namespace pico_llama::uf2
