#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace pico_llama::simulate {

/// The user's end of the serial line: this terminal, or a pseudo terminal that other programs open.
class Port {
 public:
  virtual ~Port() = default;
  /// Somebody has it open.
  virtual bool open() = 0;
  /// Speed that the program has set, if it can set one.
  virtual std::optional<std::uint32_t> baud() { return std::nullopt; }
  /// Bytes that can be written without blocking.
  virtual std::size_t room() const = 0;
  virtual void write(std::span<const std::uint8_t> bytes) = 0;
  /// What was typed; empty if nothing.
  virtual std::string read() = 0;
  /// Writes pending bytes; returns true if any were written.
  virtual bool flush() = 0;
  /// Whether the user asked to exit.
  virtual bool user_quit() const = 0;
  /// To wait for input on; -1 if there will be none.
  virtual int descriptor() const = 0;
};

/// stdin and stdout; a terminal is put into raw mode, restored on every exit path. Ctrl-] leaves.
std::unique_ptr<Port> open_terminal();
/// A new pseudo terminal; `path` is the device to open. Errors: throws Failure.
std::unique_ptr<Port> open_pty(std::string& path);

}  // namespace pico_llama::simulate
