// Wiring only: the board, the console, the application.
#include "firmware/drivers/pico_board.h"
#include "firmware/drivers/usb_console.h"
#include "pico/binary_info.h"

// clang-format off: the macro makes names of its line number, so each needs a line of its own.
bi_decl(bi_program_feature("llama2.c inference"))
bi_decl(bi_program_feature("model cartridge at 0x10100000"))
// clang-format on

namespace pico_llama {
  namespace {
  drivers::PicoBoard board;
  drivers::UsbConsole console;
  }  // namespace
}  // namespace pico_llama

int main() {
  using namespace pico_llama;
  board.bring_up();
  console.start();
  bool greeted = false;
  for (;;) {
    const bool connected = console.connected();
    if (connected && !greeted) {
      console.write("pico-llama\r\n");
    }
    greeted = connected;
    const int byte = console.read();
    if (byte < 0) {
      console.idle();
    } else {
      const char echo = static_cast<char>(byte);
      console.write({&echo, 1});
    }
  }
}
