// pico-llama console: the serial port of a real board (or a pseudo terminal), interactive or scripted.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/cli.h"
#include "tools/console/dialogue.h"
#include "tools/console/serial_line.h"
#include "tools/option_checks.h"
#include "tools/simulate/port.h"
#include "tools/support/failure.h"
#include "tools/support/stop_on_ctrl_c.h"

namespace pico_llama {
namespace {

using console::SerialLine;

struct ConsoleOptions {
  std::string port;
  std::vector<std::string> prompts;
  int patience_seconds = 30;
  bool json = false;
  // As typed, for the board to read; empty: as the board is set.
  std::string temperature, topp, seed, steps;
};

/// Bridges the terminal and the board until Ctrl-].
int relay(SerialLine& line) {
  const auto terminal = simulate::open_terminal();
  while (!terminal->user_quit()) {
    std::array<pollfd, 2> ready = {{{line.descriptor(), POLLIN, 0}, {terminal->descriptor(), POLLIN, 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) continue;
    if (ready[0].revents != 0) {
      const std::string said = line.read(std::chrono::milliseconds(0));
      terminal->write({reinterpret_cast<const std::uint8_t*>(said.data()), said.size()});
    }
    if (ready[1].revents != 0) line.write(terminal->read());
    if (terminal->descriptor() < 0) break;
  }
  return 0;
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

/// One line on stderr, in the format of `run`.
void print_speed(const nlohmann::json& end) {
  fmt::print(stderr, "prefill {} tokens at {:.1f} tokens/s, generation {} tokens at {:.1f} tokens/s",
             end.value("prompt_tokens", 0), end.value("prefill_tokens_per_second", 0.0),
             end.value("tokens", 0), end.value("tokens_per_second", 0.0));
  const nlohmann::json seed = end.value("seed", nlohmann::json(0));  // large seeds are strings
  fmt::print(stderr, " (first token {:.1f} ms, {} cores, seed {})\n", end.value("first_token_ms", 0.0),
             end.value("cores", 0), seed.is_string() ? seed.get<std::string>() : seed.dump());
}

void tell_stories(SerialLine& line, const ConsoleOptions& options, const std::atomic<bool>& cancelled) {
  console::Dialogue dialogue(line, std::chrono::seconds(options.patience_seconds), cancelled);
  const std::pair<const char*, const std::string&> settings[] = {{"temp", options.temperature},
                                                                 {"topp", options.topp},
                                                                 {"seed", options.seed},
                                                                 {"steps", options.steps}};
  for (const auto& [command, value] : settings)
    if (!value.empty()) dialogue.set(command, value);
  for (const std::string& prompt : options.prompts) {
    if (cancelled) break;
    dialogue.tell(prompt, [&options](const std::string& text, const nlohmann::json& object) {
      if (options.json) return print(text + "\n");
      if (object.contains("text")) return print(object["text"].get<std::string>());
      if (!object.contains("stop")) return;
      print("\n");
      print_speed(object);
    });
  }
}

int tell(SerialLine& line, const ConsoleOptions& options) {
  const std::atomic<bool>& cancelled = stop_on_ctrl_c();
  try {
    tell_stories(line, options, cancelled);
  } catch (const Failure&) {
    if (!cancelled) throw;  // who wanted the end needs no reason
  }
  return cancelled ? kExitInterrupted : 0;
}

int run(const ConsoleOptions& options) {
  if (options.prompts.empty() && options.json) fail_usage("--json needs a --prompt");
  const bool sets = !(options.temperature + options.topp + options.seed + options.steps).empty();
  if (options.prompts.empty() && sets)
    fail_usage(
        "--temperature, --topp, --seed and --steps need a --prompt; at the console, say /temp and so on");
  if (options.prompts.empty() && ::isatty(STDIN_FILENO) == 0)
    fail_usage("standard input is no terminal; say --prompt");
  constexpr std::size_t kLineBytes = 1023;  // docs/console.md
  for (const std::string& prompt : options.prompts) {
    const std::size_t line = console::line_for(prompt).size();
    if (line > kLineBytes)
      fail_usage("a prompt of {} bytes is a console line of {}, and the board takes {}", prompt.size(), line,
                 kLineBytes);
  }
  const std::string port = options.port.empty() ? console::find_board() : options.port;
  SerialLine line(port);
  if (!options.prompts.empty()) return tell(line, options);
  fmt::print(stderr, "console: {}; Ctrl-] leaves\n", port);
  return relay(line);
}

}  // namespace

void add_console(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand("console", "Talk to a board over its serial port");
  const auto o = std::make_shared<ConsoleOptions>();
  sub->add_option("port", o->port, "Its serial port or a pseudo terminal; by default the board is looked for")
      ->type_name(kFileType);
  sub->add_option("-i,--prompt", o->prompts,
                  "Have a story told that begins so, and leave; may be repeated; empty: a surprise");
  const auto setting = [sub](const char* name, std::string& value, const char* help) {
    sub->add_option(name, value, help)->type_name("NUMBER")->check([](const std::string& word) {
      const bool number = !word.empty() && word.find_first_not_of("0123456789.") == std::string::npos;
      return number ? std::string() : "'" + word + "' is not a number from 0 on";
    });
  };
  setting("-t,--temperature", o->temperature,
          "For these stories, as `run` has it; by default the board's /temp");
  setting("-p,--topp,--top-p", o->topp, "The same for /topp");
  setting("-s,--seed", o->seed, "The same for /seed");
  setting("-n,--steps", o->steps, "The same for /steps");
  sub->add_flag("--json", o->json, "Print the board's JSON lines: each token, and how each story ended");
  sub->add_option("--patience", o->patience_seconds, "Seconds that the board may say nothing")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  sub->footer(
      R"(Without --prompt this terminal is the board's; Ctrl-] leaves. With it the text goes to standard output,
the speeds to standard error; Ctrl-C ends the story and the command. The board's settings are afterwards what
they were before.

Examples:
  pico-llama console
  pico-llama console /dev/ttyACM1 --prompt "Once upon a time"
  pico-llama console --prompt "Once" --temperature 0 --steps 100
  pico-llama console --prompt "The old fox" --prompt "" --json > stories.jsonl)");
  sub->callback([&cli, o] { cli.action = [o] { return run(*o); }; });
}

}  // namespace pico_llama
