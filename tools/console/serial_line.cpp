#include "tools/console/serial_line.h"

#include <fcntl.h>
#include <libserialport.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "tools/support/failure.h"

namespace pico_llama::console {
namespace {

constexpr const char* kProduct = "pico-llama";  // USBD_PRODUCT of firmware/CMakeLists.txt

[[noreturn]] void fail_held(const std::string& path) {
  fail("{}: another program has it open; close that one first", path);
}

/// The device side of a Unix98 pseudo terminal (Linux, Documentation/admin-guide/devices.txt).
bool is_pseudo_terminal(int fd) {
  using Status = struct stat;
  Status status{};
  return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && major(status.st_rdev) >= 136 &&
         major(status.st_rdev) <= 143;
}

}  // namespace

SerialLine::SerialLine(const std::string& path) : path_(path) {
  // O_NONBLOCK: do not wait for carrier detect.
  fd_ = ::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0 && errno == ENOENT) fail("{}: no such port; is the board plugged in?", path);
  if (fd_ < 0 && errno == EACCES)
    fail("{}: may not be opened; be in the group dialout, and log in again", path);
  if (fd_ < 0 && errno == EBUSY) fail_held(path);
  if (fd_ < 0) fail("{}: cannot be opened: {}; give the board's serial port", path, errno_text(errno));
  termios mode{};
  if (::tcgetattr(fd_, &mode) != 0) {
    ::close(fd_);
    fail("{}: is not a serial port; try /dev/ttyACM0", path);
  }
  // An advisory lock, which picocom and pyserial (exclusive=True) take as well.
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(fd_);
    fail_held(path);
  }
  // Against programs without locks. Exclusive mode lasts until the port's last close, which for a pseudo
  // terminal is when its master closes: there it would lock everybody out for as long as the board lives.
  if (!is_pseudo_terminal(fd_)) (void)::ioctl(fd_, TIOCEXCL);
  // USB ignores the speed, but 1200 baud would request BOOTSEL.
  ::cfmakeraw(&mode);
  ::cfsetspeed(&mode, B115200);
  ::tcsetattr(fd_, TCSANOW, &mode);
}

SerialLine::~SerialLine() { ::close(fd_); }

void SerialLine::fail_gone() { fail("{}: the board was disconnected; plug it in again", path_); }

void SerialLine::check() {
  pollfd state{fd_, 0, 0};
  if (::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) fail_gone();
}

void SerialLine::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno == EAGAIN) {
      pollfd ready{fd_, POLLOUT, 0};
      (void)::poll(&ready, 1, 100);
      if ((ready.revents & (POLLHUP | POLLERR)) != 0) fail_gone();
    } else if (written < 0 && errno != EINTR) {
      fail_gone();
    }
  }
}

std::string SerialLine::read(std::chrono::milliseconds wait) {
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(wait.count())) <= 0) return {};
  std::array<char, 4096> buffer;
  const ssize_t got = ::read(fd_, buffer.data(), buffer.size());
  if (got > 0) return {buffer.data(), static_cast<std::size_t>(got)};
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  fail_gone();
}

std::string find_board() {
  sp_port** listed = nullptr;
  if (sp_list_ports(&listed) != SP_OK) fail("the serial ports cannot be listed; name the board's");
  const std::unique_ptr<sp_port*, void (*)(sp_port**)> ports(listed, sp_free_port_list);
  std::string found;
  for (sp_port** port = ports.get(); *port != nullptr; ++port) {
    const char* product = sp_get_port_usb_product(*port);
    if (product == nullptr || std::string_view(product) != kProduct) continue;
    if (!found.empty())
      fail("two boards are connected, at {} and {}; specify one", found, sp_get_port_name(*port));
    found = sp_get_port_name(*port);
  }
  if (found.empty())
    fail("no board with this firmware found; connect it or specify its port, such as /dev/ttyACM0");
  return found;
}

}  // namespace pico_llama::console
