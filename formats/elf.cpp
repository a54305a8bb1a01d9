#include "formats/elf.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>

#include "formats/failure.h"

namespace pico_llama::formats {
namespace {

/// An open ELF file of the right kind.
class ElfFile {
 public:
  explicit ElfFile(const std::string& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) refuse("cannot be opened");
    if (elf_version(EV_CURRENT) == EV_NONE) refuse("the ELF library is too old");
    elf_ = elf_begin(descriptor_, ELF_C_READ, nullptr);
    if (elf_ == nullptr || elf_kind(elf_) != ELF_K_ELF) refuse_open("is neither a UF2 nor an ELF file");
    GElf_Ehdr header;
    if (gelf_getehdr(elf_, &header) == nullptr) refuse_open("its ELF header is damaged");
    if (header.e_machine == EM_RISCV)
      refuse_open("is an ELF for RISC-V; build it for Arm (PICO_PLATFORM=rp2350-arm-s)");
    if (header.e_machine != EM_ARM || header.e_ident[EI_CLASS] != ELFCLASS32) {
      refuse_open(
          fmt::format("is an ELF for another machine (type {}), not for 32-bit Arm", header.e_machine));
    }
    if (header.e_type != ET_EXEC) refuse_open("is an ELF object or library, not a linked program");
  }
  ~ElfFile() { close(); }
  ElfFile(const ElfFile&) = delete;
  ElfFile& operator=(const ElfFile&) = delete;

  [[noreturn]] void refuse(const std::string& why) const { fail("{}: {}", path_, why); }
  Elf* get() const { return elf_; }

 private:
  // The constructor's own: the destructor does not run after it throws.
  [[noreturn]] void refuse_open(const std::string& why) {
    close();
    refuse(why);
  }
  void close() {
    if (elf_ != nullptr) elf_end(elf_);
    if (descriptor_ >= 0) ::close(descriptor_);
    elf_ = nullptr;
    descriptor_ = -1;
  }

  std::string path_;
  int descriptor_;
  Elf* elf_ = nullptr;
};

/// Calls `visit(symbol, name)` for every defined symbol.
template <typename Visit>
void for_each_symbol(const ElfFile& file, Visit visit) {
  for (Elf_Scn* section = elf_nextscn(file.get(), nullptr); section != nullptr;
       section = elf_nextscn(file.get(), section)) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0)
      continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) continue;
    for (std::size_t i = 0; i < header.sh_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr || symbol.st_shndx == SHN_UNDEF)
        continue;
      const char* name = elf_strptr(file.get(), header.sh_link, symbol.st_name);
      if (name != nullptr && *name != '\0') visit(symbol, name);
    }
  }
}

SymbolTable symbols_of(const ElfFile& file) {
  SymbolTable table;
  for_each_symbol(file, [&](const GElf_Sym& symbol, const char* name) {
    if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC) return;
    table.add({static_cast<std::uint32_t>(symbol.st_value) & ~1U, static_cast<std::uint32_t>(symbol.st_size),
               name});
  });
  return table;
}

}  // namespace

SymbolTable read_elf_symbols(const std::string& path) { return symbols_of(ElfFile(path)); }

std::optional<std::uint32_t> find_elf_object(const std::string& path, const std::string& name) {
  std::optional<std::uint32_t> address;
  for_each_symbol(ElfFile(path), [&](const GElf_Sym& symbol, const char* found) {
    if (GELF_ST_TYPE(symbol.st_info) == STT_OBJECT && name == found)
      address = static_cast<std::uint32_t>(symbol.st_value);
  });
  return address;
}

MemoryImage read_elf(const std::string& path) {
  const ElfFile file(path);
  MemoryImage image;
  image.path = image.elf_path = path;
  std::size_t file_bytes = 0;
  const char* raw = elf_rawfile(file.get(), &file_bytes);
  std::size_t headers = 0;
  if (raw == nullptr || elf_getphdrnum(file.get(), &headers) != 0)
    file.refuse("its program headers are damaged");
  for (std::size_t i = 0; i < headers; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(file.get(), static_cast<int>(i), &header) == nullptr)
      file.refuse("its program headers are damaged");
    if (header.p_type != PT_LOAD || header.p_filesz == 0) continue;
    if (header.p_offset > file_bytes || header.p_filesz > file_bytes - header.p_offset)
      file.refuse("is cut off: a segment ends after the file does");
    const std::uint64_t address = header.p_paddr;
    const Region region = region_of(address, header.p_filesz);
    if (region == Region::kBeyondFlash) {
      file.refuse(fmt::format("its segment at {:#010x} ({} bytes) reaches beyond the 16 MB of flash", address,
                              header.p_filesz));
    }
    if (region == Region::kElsewhere) {
      file.refuse(fmt::format("its segment at {:#010x} ({} bytes) is neither in flash nor in RAM", address,
                              header.p_filesz));
    }
    MemoryImage::Segment segment;
    segment.address = static_cast<std::uint32_t>(address);
    segment.bytes.assign(raw + header.p_offset, raw + header.p_offset + header.p_filesz);
    image.segments.push_back(std::move(segment));
  }
  if (image.segments.empty()) file.refuse("has nothing to load");
  std::sort(image.segments.begin(), image.segments.end(),
            [](const auto& a, const auto& b) { return a.address < b.address; });
  for (std::size_t i = 1; i < image.segments.size(); ++i) {
    const auto& before = image.segments[i - 1];
    if (before.address + before.bytes.size() > image.segments[i].address) {
      file.refuse(fmt::format("its segments overlap at {:#010x}", image.segments[i].address));
    }
  }
  image.symbols = symbols_of(file);
  return image;
}

}  // namespace pico_llama::formats
