// Entry point: connects board, console and application.
#include "firmware/app/application.h"
#include "firmware/drivers/pico_board.h"
#include "firmware/drivers/usb_console.h"
#include "pico/binary_info.h"

// Without semicolons, clang-format takes the macros for the beginning of the namespace.
// clang-format off
// Each bi_decl needs its own line: the macro derives a name from the line number.
bi_decl(bi_program_feature("llama2.c inference"))
bi_decl(bi_program_feature("model cartridge at 0x10080000"))

namespace {

pico_llama::drivers::PicoBoard board;
pico_llama::drivers::UsbConsole console;
pico_llama::SingleWorker one_core;
pico_llama::app::Application application(board, console, one_core, &board.both_cores());

}  // namespace
// clang-format on

int main() {
  board.bring_up();
  console.start();
  // A hang or fault in here makes later boots skip the model (drivers/cautious_start.h).
  if (board.begin_model()) application.load_model();
  board.end_model();
  for (;;) application.step();
}
