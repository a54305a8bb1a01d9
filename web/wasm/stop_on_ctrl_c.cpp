// WASI has no signals: Ctrl-C ends Node, and the page's button ends the worker.
#include "tools/support/stop_on_ctrl_c.h"

namespace pico_llama {

const std::atomic<bool>& stop_on_ctrl_c() {
  static const std::atomic<bool> never{false};
  return never;
}

}  // namespace pico_llama
