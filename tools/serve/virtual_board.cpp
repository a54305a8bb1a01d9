#include "tools/serve/virtual_board.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

#include "tools/support/failure.h"

namespace pico_llama::serve {
namespace {

constexpr std::string_view kPortMessage = "serial port at ";  // tools/simulate/session.cpp

}  // namespace

VirtualBoard::VirtualBoard(const std::vector<std::string>& images) {
  std::vector<std::string> words = {"pico-llama", "simulate"};
  words.insert(words.end(), images.begin(), images.end());
  words.insert(words.end(), {"--pty", "--no-pace"});
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  // Its messages go to memory that both share: a pipe that nobody reads would end or stop it. The kernel
  // kills it when this process ends, however that comes.
  const int messages = ::memfd_create("messages", MFD_CLOEXEC);
  const pid_t parent = ::getpid();
  process_ = messages < 0 ? -1 : ::fork();
  if (process_ < 0) fail("cannot start the virtual board: {}", errno_text(errno));
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (::getppid() != parent || null < 0) ::_exit(127);
    ::dup2(null, STDIN_FILENO);
    ::dup2(null, STDOUT_FILENO);
    ::dup2(messages, STDERR_FILENO);
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(127);
  }
  std::string said;
  bool running = true;
  while (port_.empty() && running) {
    int status = 0;
    running = ::waitpid(process_, &status, WNOHANG) == 0;
    std::array<char, 4096> buffer;
    const ssize_t got = ::pread(messages, buffer.data(), buffer.size(), 0);
    said.assign(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    const std::size_t at = said.find(kPortMessage);
    const std::size_t end = at == std::string::npos ? at : said.find('\n', at);
    if (end != std::string::npos)
      port_ = said.substr(at + kPortMessage.size(), end - at - kPortMessage.size());
    if (port_.empty() && running) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::close(messages);
  if (running) return;
  while (!said.empty() && said.back() == '\n') said.pop_back();
  constexpr std::string_view kPrefix = "pico-llama: ";
  if (said.starts_with(kPrefix)) said.erase(0, kPrefix.size());
  fail("the virtual board did not start: {}", said.empty() ? "it said nothing" : said);
}

VirtualBoard::~VirtualBoard() {
  ::kill(process_, SIGKILL);
  int status = 0;
  ::waitpid(process_, &status, 0);
}

}  // namespace pico_llama::serve
