#include "trainer/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace pico_llama::trainer {
namespace {

std::string problem(const std::string& path, const char* doing) {
  return "cannot " + std::string(doing) + " " + path + ": " + std::strerror(errno);
}

}  // namespace

std::string read_file(const std::string& path, std::string& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return problem(path, "open");
  bytes.clear();
  char buffer[1 << 16];
  for (size_t got; (got = std::fread(buffer, 1, sizeof buffer, file)) > 0;) bytes.append(buffer, got);
  const bool failed = std::ferror(file) != 0;
  std::string error = failed ? problem(path, "read") : "";
  std::fclose(file);
  return error;
}

std::string write_file_atomically(const std::string& path, std::string_view bytes) {
  const std::string part = path + ".part";
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return problem(path, "write");
  std::string error;
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t wrote = ::write(file, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      error = problem(path, "write");
      break;
    }
    done += static_cast<size_t>(wrote);
  }
  if (error.empty() && ::fsync(file) != 0) error = problem(path, "write");
  if (::close(file) != 0 && error.empty()) error = problem(path, "write");
  if (error.empty() && ::rename(part.c_str(), path.c_str()) != 0) error = problem(path, "replace");
  if (!error.empty()) ::unlink(part.c_str());
  return error;
}

}  // namespace pico_llama::trainer
