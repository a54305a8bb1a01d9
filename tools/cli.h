#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace pico_llama {

/// The command line under construction. Each subcommand adds itself to `app` and sets `action`, which runs
/// after the whole line has been validated and returns the exit code.
struct Cli {
  CLI::App app;
  std::function<int()> action;
};

/// All of them, in the order `--help` lists them.
void add_subcommands(Cli& cli);

/// One per subcommand, each in a file of its name. To add one: declare it here, list it in subcommands.cpp.
void add_run(Cli& cli);
void add_pack(Cli& cli);
void add_info(Cli& cli);
void add_eval(Cli& cli);
void add_uf2(Cli& cli);
void add_corpus(Cli& cli);
void add_train(Cli& cli);
void add_simulate(Cli& cli);
void add_console(Cli& cli);
void add_serve(Cli& cli);

}  // namespace pico_llama
