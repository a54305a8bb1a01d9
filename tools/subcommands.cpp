#include "tools/cli.h"

namespace pico_llama {

void add_subcommands(Cli& cli) {
  for (const auto add : {add_run, add_pack, add_info, add_eval, add_uf2, add_corpus, add_train, add_simulate,
                         add_console, add_serve})
    add(cli);
}

}  // namespace pico_llama
