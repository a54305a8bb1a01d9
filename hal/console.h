/// The terminal on the other side, as the application sees it.
#pragma once

#include <string_view>

namespace pico_llama::hal {

class Console {
 public:
  /// Whether somebody listens. Changes at any time.
  virtual bool connected() = 0;

  /// The next byte that was typed, or -1 at once when there is none.
  virtual int read() = 0;

  /// Hands `text` to the host. While a host listens nothing is lost: waits for it however slowly it reads.
  /// Returns at once when nobody listens, or stops to; the text is dropped then.
  virtual void write(std::string_view text) = 0;

  /// While a story is told, the keyboard is watched: Ctrl-C is seen at once, even behind other bytes, and
  /// what is typed ahead is kept as far as there is room.
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
