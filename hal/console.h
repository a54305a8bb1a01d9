/// The user's terminal, as the application sees it.
#pragma once

#include <string_view>

namespace pico_llama::hal {

class Console {
 public:
  static constexpr unsigned kGatherUs = 10'000;  ///< less than one frame of a 60 Hz screen

  /// Whether a host has the port open. May change at any time.
  virtual bool connected() = 0;

  /// The next byte of input, or -1 if there is none. Does not wait.
  virtual int read() = 0;

  /// Sends `text`. While a host has the port open nothing is lost: waits as long as the host is slow. Returns
  /// immediately, dropping the text, if no host has the port open or it is closed meanwhile. The text may be
  /// buffered until read() finds no input, or, during a watch, until kGatherUs after the last packet, so that
  /// an echo and its answer, or several tokens, share a packet.
  virtual void write(std::string_view text) = 0;
  /// Sends buffered text. Call it before long computations.
  virtual void flush() = 0;

  /// Starts or ends a watch, which is on during a story: Ctrl-C is detected immediately, even behind other
  /// input, and input is kept as long as there is room. Ending a watch flushes.
  virtual void watch_for_cancel(bool on) = 0;
  /// Whether Ctrl-C was received since the watch began. Cheap: called once per token.
  virtual bool cancelled() = 0;
  /// Bytes of input dropped during a watch for lack of room, since the last call.
  virtual unsigned take_lost_input() = 0;

  /// Sleeps until an interrupt, or a few milliseconds. For polling loops.
  virtual void idle() = 0;

 protected:
  ~Console() = default;
};

}  // namespace pico_llama::hal
