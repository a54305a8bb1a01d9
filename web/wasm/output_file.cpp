// WASI has no signals, links' targets or process numbers: the file is written beside its place and renamed.
#include "formats/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "formats/failure.h"

namespace pico_llama {

OutputFile::OutputFile(const std::string& path, std::span<const std::string> inputs) : path_(path) {
  struct stat status = {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  for (const std::string& input : inputs) {
    struct stat other = {};
    const bool same = exists && ::stat(input.c_str(), &other) == 0 && other.st_ino == status.st_ino &&
                      other.st_dev == status.st_dev;
    if (same || input == path)
      fail("{}: is an input as well, and would be lost; give the output another name", path);
  }
  if (exists && S_ISDIR(status.st_mode)) fail("{}: is a directory; give a file name", path);
  temporary_ = path_ + ".tmp";
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (fd_ < 0) {
    const int error_number = errno;
    temporary_.clear();
    fail("{}: cannot be created: {}; check that the folder exists and is writable", path,
         errno_text(error_number));
  }
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::fail_write(int error_number) {
  fail("{}: cannot be written: {}; choose another place", path_, errno_text(error_number));
}

void OutputFile::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), 1u << 24));
    if (written < 0) fail_write(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::write(std::string_view text) {
  write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void OutputFile::commit() {
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0) fail_write(errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(errno);
  temporary_.clear();
}

void require_writable(const std::string& path, std::span<const std::string> inputs) {
  OutputFile(path, inputs);
}

}  // namespace pico_llama
