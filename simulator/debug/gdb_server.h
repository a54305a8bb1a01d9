#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "simulator/debug/debug_target.h"

namespace pico_llama::simulator {

/// gdb's remote serial protocol, as far as gdb-multiarch needs it: both cores as threads 1 and 2, registers
/// with the FPU's, memory, breakpoints, watchpoints, stepping, Ctrl-C, and `monitor reset|state`. Source: the
/// gdb manual, appendix E (Remote Protocol).
class GdbServer {
 public:
  explicit GdbServer(DebugTarget& target) : target_(target) {}

  enum class End : std::uint8_t { kDetached, kKilled };
  /// Serves one connection. Returns when gdb detaches (the machine should run on) or kills it.
  /// Errors: a broken connection counts as detached.
  End serve(int socket);

  /// The answer to one packet (its text without $ and checksum); nullopt after detach or kill.
  /// Resuming packets ask `interrupted` whether gdb wants to stop.
  std::optional<std::string> answer(std::string_view packet, const std::function<bool()>& interrupted);

 private:
  std::string stop_reply() const;
  std::string read_registers();
  bool write_registers(std::string_view hex);
  std::string read_register(std::string_view number);
  bool write_register(std::string_view arguments);
  std::string read_memory(std::string_view arguments);
  bool write_memory(std::string_view arguments);
  std::string breakpoint(std::string_view packet);
  std::string resume(std::string_view actions, const std::function<bool()>& interrupted);
  std::string query(std::string_view packet);
  std::string features(std::string_view arguments) const;
  std::string monitor(std::string_view hex);

  DebugTarget& target_;
  unsigned core_ = 0;  ///< that Hg selected
  DebugStop last_{};
  bool no_ack_ = false;
  End end_ = End::kDetached;
};

/// Listens on 127.0.0.1:`port` and waits for one connection. Errors: throws std::runtime_error.
int accept_gdb(std::uint16_t port);

}  // namespace pico_llama::simulator
