#include "formats/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <filesystem>
#include <utility>

#include "formats/failure.h"

namespace pico_llama {
namespace {

/// Path that the signal handler removes: a plain array, because a handler may only make async-signal-safe
/// calls.
std::array<char, PATH_MAX> doomed_path{};
volatile std::sig_atomic_t doomed = 0;

extern "C" void remove_temporary_and_die(int signal_number) {
  if (doomed != 0) ::unlink(doomed_path.data());
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

void watch_signals() {
  // SIGPIPE: the reader of our messages may exit (`| head -1`). A signal that is ignored (nohup) or that the
  // program handles itself keeps its handler.
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    struct sigaction current = {};
    if (::sigaction(signal_number, nullptr, &current) == 0 && current.sa_handler == SIG_DFL)
      std::signal(signal_number, remove_temporary_and_die);
  }
  // Past a file-size limit write() then returns EFBIG instead of killing the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

/// Advice for a failed write.
const char* advice(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space or choose another place";
    case EFBIG:
      return "; raise the limit on file sizes (ulimit -f) or choose another place";
    default:
      return "; choose another place";
  }
}

}  // namespace

OutputFile::OutputFile(const std::string& path, std::span<const std::string> inputs) : path_(path) {
  watch_signals();
  for (const std::string& input : inputs) {
    std::error_code ignored;
    if (std::filesystem::equivalent(path, input, ignored))
      fail("{}: is an input as well, and would be lost; give the output another name", path);
  }
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) fail("{}: is a directory; give a file name", path);
    if (!S_ISREG(status.st_mode)) {
      fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (fd_ < 0) fail_write(errno);
      return;
    }
    // rename() must replace the link's target, not the link.
    std::error_code ignored;
    const std::filesystem::path target = std::filesystem::canonical(path, ignored);
    if (!ignored) path_ = target.string();
    if (::access(path_.c_str(), W_OK) != 0) fail_write(errno);
  } else if (std::error_code ignored; std::filesystem::is_symlink(path, ignored)) {
    // rename() would replace the link itself, even /dev/stdout if that is closed.
    fail("{}: is a link that leads nowhere; give the file's own name", path);
  }
  temporary_ = fmt::format("{}.{}.tmp", path_, ::getpid());
  if (temporary_.size() >= doomed_path.size()) fail("{}: the name is too long", path);
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    const int error_number = errno;
    temporary_.clear();
    fail("{}: cannot be created: {}; check that the folder exists and is writable", path,
         errno_text(error_number));
  }
  std::copy_n(temporary_.c_str(), temporary_.size() + 1, doomed_path.begin());
  doomed = 1;
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  doomed = 0;
}

void OutputFile::fail_write(int error_number) {
  fail("{}: cannot be written: {}{}", path_, errno_text(error_number), advice(error_number));
}

void OutputFile::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), 1u << 24));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_write(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void OutputFile::write(std::string_view text) {
  write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void OutputFile::commit() {
  // Some file systems report a full disk only here; a device has nothing to sync.
  if (!temporary_.empty() && ::fsync(fd_) != 0) fail_write(errno);
  const int fd = std::exchange(fd_, -1);
  if (::close(fd) != 0) fail_write(errno);
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(errno);
  temporary_.clear();
  doomed = 0;
}

void require_writable(const std::string& path, std::span<const std::string> inputs) {
  struct stat status = {};
  const bool device =
      ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
  // Opening a pipe and closing it again would be an end of file to its reader.
  if (!device) OutputFile(path, inputs);
}

}  // namespace pico_llama
