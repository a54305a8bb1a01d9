#include "formats/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "formats/failure.h"

namespace pico_llama {
namespace {

/// Closes the descriptor on every path; the mapping remains valid.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

MappedFile::MappedFile(const std::string& path, Empty empty) : path_(path) {
  // O_NONBLOCK: a named pipe without a writer must give an error line, not wait for one.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) {
    if (errno == ENOENT) fail("{}: no such file; check the path", path);
    fail("{}: cannot be opened: {}; make it readable or give another file", path, errno_text(errno));
  }
  struct stat status = {};
  if (::fstat(file.fd, &status) != 0) fail("{}: cannot be examined: {}", path, errno_text(errno));
  if (S_ISDIR(status.st_mode)) fail("{}: is a directory; give the file inside it", path);
  if (!S_ISREG(status.st_mode)) fail("{}: is not a regular file; copy it to one first", path);
  if (status.st_size == 0 && empty == Empty::kAllowed) return;
  if (status.st_size == 0) fail("{}: is empty; get or write it again", path);
  size_ = static_cast<std::size_t>(status.st_size);
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (mapping == MAP_FAILED) fail("{}: cannot be read: {}", path, errno_text(errno));
  data_ = static_cast<const std::uint8_t*>(mapping);
}

std::optional<MappedFile> MappedFile::if_regular(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  return MappedFile(path, Empty::kAllowed);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace pico_llama
