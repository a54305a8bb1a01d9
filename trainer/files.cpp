#include "trainer/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "trainer/error.h"

namespace pico_llama::trainer {
namespace {

[[noreturn]] void fail(const std::string& path, const char* doing, int error_number) {
  std::string text = path + ": cannot be " + doing + ": " + std::strerror(error_number);
  if (error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG) {
    text += "; free some space and go on with --resume (the last file of that name is whole)";
  }
  throw Error(text);
}

}  // namespace

std::string read_file(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) throw Error(path + ": is a directory; give the file inside it");
    // A device may never end, and a pipe cannot be read again by --resume.
    if (!S_ISREG(status.st_mode)) throw Error(path + ": is not a regular file; copy it to one first");
  } else if (errno == ENOENT) {
    throw Error(path + ": no such file; check the path");
  }
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) fail(path, "opened", errno);
  std::string bytes;
  char buffer[1 << 16];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) bytes.append(buffer, got);
  const int error_number = std::ferror(file) != 0 ? errno : 0;
  std::fclose(file);
  if (error_number != 0) fail(path, "read", error_number);
  return bytes;
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  std::signal(SIGXFSZ, SIG_IGN);  // past a file-size limit write() shall fail, not kill
  const std::string part = path + ".part";
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) fail(path, "created", errno);
  int error_number = 0;
  for (size_t done = 0; done < bytes.size() && error_number == 0;) {
    const ssize_t wrote = ::write(file, bytes.data() + done, bytes.size() - done);
    if (wrote >= 0) {
      done += static_cast<size_t>(wrote);
    } else if (errno != EINTR) {
      error_number = errno;
    }
  }
  if (error_number == 0 && ::fsync(file) != 0) error_number = errno;
  if (::close(file) != 0 && error_number == 0) error_number = errno;
  if (error_number == 0 && ::rename(part.c_str(), path.c_str()) != 0) error_number = errno;
  if (error_number != 0) {
    ::unlink(part.c_str());
    fail(path, "written", error_number);
  }
}

}  // namespace pico_llama::trainer
