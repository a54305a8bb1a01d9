#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "simulator/board.h"
#include "simulator/usb/host.h"
#include "tools/simulate/options.h"
#include "tools/simulate/player.h"

namespace pico_llama::web {

/// The virtual board with a script or a user at its serial port, in pauses: between two of them a page can
/// draw and take keys. With the same script it runs as `pico-llama simulate` does, cycle for cycle.
class VirtualBoard : private simulator::SerialProgram {
 public:
  enum class State : std::uint8_t {
    kRuns,     ///< call run() again
    kEnded,    ///< the script's end, or a limit without a script
    kLimit,    ///< a limit came before the script's end; message()
    kStopped,  ///< the board stopped, or sleeps for ever; message()
    kBootsel,  ///< message() says why
  };

  /// Loads the images and powers the board on. Requires: `options` outlives this. Errors: throws Failure.
  explicit VirtualBoard(const simulate::Options& options);
  ~VirtualBoard() override;

  /// At most so many iterations of the board's loop.
  State run(std::uint64_t iterations);
  const std::string& message() const { return message_; }

  /// Keys of the user.
  void type(std::string_view text);
  bool port_open() const { return host_.port_open(); }
  /// Removes and returns what the board has printed.
  std::string take_output() { return std::move(output_); }
  std::string stats();
  simulator::Board& board() { return board_; }
  simulator::UsbHost& host() { return host_; }

 private:
  using Picoseconds = simulator::Picoseconds;
  std::size_t room() const override;
  void receive(std::span<const std::uint8_t> bytes, Picoseconds now) override;
  void act(const simulate::Step& step, Picoseconds now);
  State after(const simulator::RunResult& result);
  Picoseconds limit() const;

  const simulate::Options& options_;
  simulator::Board board_;
  simulator::UsbHost host_;
  std::unique_ptr<simulate::Player> player_;
  Picoseconds slice_end_ = 0;
  bool finished_ = false;     ///< the script, and the line of its last text
  bool script_over_ = false;  ///< and State::kEnded has said so
  std::string output_;
  std::string message_;
};

}  // namespace pico_llama::web
