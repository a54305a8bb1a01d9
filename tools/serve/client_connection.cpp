#include "tools/serve/client_connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <filesystem>

namespace pico_llama::serve {
namespace {

bool has_peer(int descriptor, const std::string& address, int port) {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return false;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (peer.ss_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(peer);
    return ntohs(ip.sin_port) == port &&
           ::inet_ntop(AF_INET, &ip.sin_addr, text.data(), text.size()) == address;
  }
  if (peer.ss_family != AF_INET6) return false;
  const auto& ip = reinterpret_cast<const sockaddr_in6&>(peer);
  return ntohs(ip.sin6_port) == port &&
         ::inet_ntop(AF_INET6, &ip.sin6_addr, text.data(), text.size()) == address;
}

}  // namespace

ClientConnection::ClientConnection(const std::string& address, int port) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename();
    int descriptor = -1;
    std::from_chars(name.data(), name.data() + name.size(), descriptor);
    if (!has_peer(descriptor, address, port)) continue;
    socket_ = descriptor;
    return;
  }
}

bool ClientConnection::closed() const {
  pollfd state{socket_, POLLRDHUP, 0};
  return socket_ >= 0 && ::poll(&state, 1, 0) > 0 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace pico_llama::serve
