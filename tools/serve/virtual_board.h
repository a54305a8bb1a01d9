#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace pico_llama::serve {

/// `pico-llama simulate --pty` as a process of its own, which ends with this object.
class VirtualBoard {
 public:
  /// Errors: Failure with the process's own message if it ends before its port is there.
  explicit VirtualBoard(const std::vector<std::string>& images);
  ~VirtualBoard();
  VirtualBoard(const VirtualBoard&) = delete;
  VirtualBoard& operator=(const VirtualBoard&) = delete;

  const std::string& port() const { return port_; }

 private:
  std::string port_;
  pid_t process_ = -1;
};

}  // namespace pico_llama::serve
