/// The terminal on the other side, as the application sees it.
#pragma once

#include <string_view>

namespace pico_llama::hal {

class Console {
 public:
  static constexpr unsigned kGatherUs = 10'000;  ///< less than a frame of the screen it is read on

  /// Whether somebody listens. Changes at any time.
  virtual bool connected() = 0;

  /// The next byte that was typed, or -1 at once when there is none.
  virtual int read() = 0;

  /// Hands `text` to the host. While a host listens nothing is lost: waits for it however slowly it reads.
  /// Returns at once when nobody listens, or stops to; the text is dropped then.
  /// During a watch it may wait in the board for what is written next, for kGatherUs at most after what was
  /// sent last: tokens that follow each other quickly share a packet.
  virtual void write(std::string_view text) = 0;
  /// Sends what waits. Call it before work that takes long.
  virtual void flush() = 0;

  /// While a story is told, the keyboard is watched: Ctrl-C is seen at once, even behind other bytes, and
  /// what is typed ahead is kept as far as there is room. The end of a watch is a flush().
  virtual void watch_for_cancel(bool on) = 0;
  /// Whether Ctrl-C came since the watch began. Cheap: called for each token.
  virtual bool cancelled() = 0;
  /// Bytes typed during a watch that found no room, since the last call.
  virtual unsigned take_lost_input() = 0;

  /// Gives the processor away until something may have happened (an interrupt), for loops that wait.
  virtual void idle() = 0;

 protected:
  ~Console() = default;
};

}  // namespace pico_llama::hal
