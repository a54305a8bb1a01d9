// The controlling terminal in raw mode, restored on every exit path.
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "tools/simulate/port.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {
namespace {

constexpr char kLeave = 0x1d;  // Ctrl-]

termios saved;
volatile sig_atomic_t is_raw = 0;

// tcsetattr and write are async-signal-safe (POSIX), so this serves exit and signal handlers alike.
void restore() {
  if (is_raw == 0) return;
  is_raw = 0;
  tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
}

void restore_and_die(int signal_number) {
  restore();
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

class Terminal : public Port {
 public:
  Terminal() {
    if (isatty(STDIN_FILENO) == 0 || tcgetattr(STDIN_FILENO, &saved) != 0) return;
    std::atexit(restore);
    for (const int n :
         {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
      signal(n, restore_and_die);
    }
    termios raw = saved;
    cfmakeraw(&raw);
    raw.c_oflag |= OPOST | ONLCR;  // the messages of this program are for people
    is_raw = 1;
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  }
  ~Terminal() override { restore(); }

  bool open() override { return true; }
  std::size_t room() const override { return 4096; }

  void write(std::span<const std::uint8_t> bytes) override {
    while (!bytes.empty()) {
      const ssize_t done = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail("standard output cannot be written: {}", errno_text(errno));
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  std::string read() override {
    pollfd ready{STDIN_FILENO, POLLIN, 0};
    if (ended_ || poll(&ready, 1, 0) <= 0) return {};
    char buffer[1024];
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (got <= 0) {
      ended_ = true;
      return {};
    }
    std::string text(buffer, static_cast<std::size_t>(got));
    const std::size_t leave = is_raw != 0 ? text.find(kLeave) : std::string::npos;
    if (leave != std::string::npos) {
      user_quit_ = true;
      text.resize(leave);
    }
    return text;
  }

  bool flush() override { return false; }
  bool user_quit() const override { return user_quit_; }
  int descriptor() const override { return ended_ ? -1 : STDIN_FILENO; }

 private:
  bool ended_ = false;
  bool user_quit_ = false;
};

}  // namespace

std::unique_ptr<Port> open_terminal() { return std::make_unique<Terminal>(); }

}  // namespace pico_llama::simulate
