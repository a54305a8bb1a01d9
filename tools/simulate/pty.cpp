// A pseudo terminal whose other end picocom, pyserial and the like open as a serial port.
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "tools/simulate/port.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {
namespace {

constexpr std::size_t kQueueBytes = 4096;

std::optional<std::uint32_t> rate_of(speed_t speed) {
  switch (speed) {
    case B1200:
      return 1'200;
    case B2400:
      return 2'400;
    case B4800:
      return 4'800;
    case B9600:
      return 9'600;
    case B19200:
      return 19'200;
    case B38400:
      return 38'400;
    case B57600:
      return 57'600;
    case B115200:
      return 115'200;
    case B230400:
      return 230'400;
    case B460800:
      return 460'800;
    case B921600:
      return 921'600;
    default:
      return std::nullopt;
  }
}

class Pty : public Port {
 public:
  explicit Pty(std::string& path) {
    master_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    char name[128];
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0 ||
        ptsname_r(master_, name, sizeof name) != 0) {
      fail("cannot make a pseudo terminal: {}", errno_text(errno));
    }
    path = name;
    // Open and close it once: afterwards POLLHUP on the master means that nobody has it open. Initial mode as
    // set by Linux's cdc-acm driver: canonical, echo, 9600 baud.
    const int slave = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios mode{};
    if (slave < 0 || tcgetattr(slave, &mode) != 0) fail("cannot open {}: {}", path, errno_text(errno));
    cfsetspeed(&mode, B9600);
    tcsetattr(slave, TCSANOW, &mode);
    close(slave);
  }
  ~Pty() override {
    // Deliver pending output to the reader.
    for (int tries = 0; tries < 100 && !pending_.empty() && open(); ++tries) {
      pollfd ready{master_, POLLOUT, 0};
      poll(&ready, 1, 10);
      flush();
    }
    close(master_);
  }

  bool open() override {
    pollfd state{master_, 0, 0};
    return poll(&state, 1, 0) >= 0 && (state.revents & POLLHUP) == 0;
  }

  std::optional<std::uint32_t> baud() override {
    termios mode{};
    if (tcgetattr(master_, &mode) != 0) return std::nullopt;
    return rate_of(cfgetospeed(&mode));
  }

  std::size_t room() const override { return kQueueBytes - std::min(kQueueBytes, pending_.size()); }
  void write(std::span<const std::uint8_t> bytes) override {
    pending_.append(bytes.begin(), bytes.end());
    flush();
  }
  bool flush() override {
    if (pending_.empty()) return false;
    const ssize_t done = ::write(master_, pending_.data(), pending_.size());
    if (done <= 0) return false;
    pending_.erase(0, static_cast<std::size_t>(done));
    return true;
  }
  std::string read() override {
    char buffer[1024];
    const ssize_t got = ::read(master_, buffer, sizeof buffer);
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got)) : std::string();
  }
  bool user_quit() const override { return false; }
  int descriptor() const override { return master_; }

 private:
  int master_ = -1;
  std::string pending_;
};

}  // namespace

std::unique_ptr<Port> open_pty(std::string& path) { return std::make_unique<Pty>(path); }

}  // namespace pico_llama::simulate
