// The transport of gdb's protocol: packets, checksums, acknowledgements, one local TCP connection.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "simulator/debug/gdb_server.h"

namespace pico_llama::simulator {
namespace {

constexpr char kInterruptByte = 3;

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string framed(std::string_view text) {
  unsigned sum = 0;
  std::string out = "$";
  for (const char c : text) {
    // Only binary replies contain these, and ours are XML and text; the protocol requires the escape.
    if (c == '$' || c == '#' || c == '}' || c == '*') {
      out += '}';
      out += static_cast<char>(c ^ 0x20);
      sum += static_cast<unsigned char>('}') + static_cast<unsigned char>(c ^ 0x20);
    } else {
      out += c;
      sum += static_cast<unsigned char>(c);
    }
  }
  return out + fmt::format("#{:02x}", sum & 0xff);
}

}  // namespace

GdbServer::End GdbServer::serve(int socket) {
  std::string input;
  bool open = true;
  const auto fill = [&] {
    char buffer[4096];
    const ssize_t got = recv(socket, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) {
      open = false;
    } else {
      input.append(buffer, static_cast<std::size_t>(got));
    }
  };
  const auto interrupted = [&] {
    pollfd ready{socket, POLLIN, 0};
    if (poll(&ready, 1, 0) > 0) fill();
    const std::size_t at = input.find(kInterruptByte);
    if (at != std::string::npos) input.erase(0, at + 1);
    return at != std::string::npos || !open;
  };
  while (open) {
    const std::size_t start = input.find('$');
    const std::size_t hash = start == std::string::npos ? start : input.find('#', start);
    if (hash == std::string::npos || hash + 2 >= input.size()) {
      fill();
      continue;
    }
    const std::string packet = input.substr(start + 1, hash - start - 1);
    unsigned sum = 0;
    for (const char c : packet) sum += static_cast<unsigned char>(c);
    const bool good = fmt::format("{:02x}", sum & 0xff) == input.substr(hash + 1, 2);
    input.erase(0, hash + 3);
    if (!no_ack_ && !send_all(socket, good ? "+" : "-")) break;
    if (!good) continue;
    const std::optional<std::string> reply = answer(packet, interrupted);
    if (!reply) {
      send_all(socket, framed("OK"));
      return end_;
    }
    if (!send_all(socket, framed(*reply))) break;
  }
  return End::kDetached;
}

int accept_gdb(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 1) != 0) {
    const int error = errno;
    close(listener);
    throw std::runtime_error(
        fmt::format("cannot listen on 127.0.0.1:{} for gdb: {}", port, std::strerror(error)));
  }
  int connection = -1;
  do {
    connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  } while (connection < 0 && errno == EINTR);
  const int error = errno;
  close(listener);
  if (connection < 0)
    throw std::runtime_error(fmt::format("gdb could not connect: {}", std::strerror(error)));
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connection;
}

}  // namespace pico_llama::simulator
