// Those that need neither a serial port, sockets nor hours of computing.
#include "tools/cli.h"

namespace pico_llama {

void add_subcommands(Cli& cli) {
  for (const auto add : {add_run, add_pack, add_info, add_eval, add_uf2, add_simulate}) add(cli);
}

}  // namespace pico_llama
