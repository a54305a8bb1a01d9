#pragma once

#include <string>

namespace pico_llama::serve {

/// The server's end of one client's TCP connection. cpp-httplib 0.11 shows handlers the client's address and
/// port, and no socket; this process's socket with that peer is the one.
class ClientConnection {
 public:
  ClientConnection(const std::string& address, int port);
  /// True once the client has closed it.
  bool closed() const;

 private:
  int socket_ = -1;
};

}  // namespace pico_llama::serve
