// Wiring only: the board, the console, the application.
#include "firmware/app/application.h"
#include "firmware/drivers/pico_board.h"
#include "firmware/drivers/usb_console.h"
#include "pico/binary_info.h"

// The macro derives a name from its line number, so each needs its own line.
// clang-format off
bi_decl(bi_program_feature("llama2.c inference"))
bi_decl(bi_program_feature("model cartridge at 0x10080000"))
    // clang-format on

    namespace {
  pico_llama::drivers::PicoBoard board;
  pico_llama::drivers::UsbConsole console;
  pico_llama::SingleWorker one_core;
  pico_llama::app::Application application(board, console, one_core, &board.both_cores());

}  // namespace

int main() {
  board.bring_up();
  console.start();
  if (board.begin_model()) application.load_model();
  board.end_model();
  for (;;) application.step();
}
