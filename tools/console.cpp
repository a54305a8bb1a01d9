// pico-llama console: the serial port of a real board (or a pseudo terminal), interactive or scripted.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
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

struct Options {
  std::string port;
  std::vector<std::string> prompts;
  int patience_seconds = 30;
  bool json = false;
};

/// Bridges the terminal and the board until Ctrl-].
int relay(SerialLine& line) {
  const auto terminal = simulate::open_terminal();
  while (!terminal->left()) {
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

int tell(SerialLine& line, const Options& options) {
  const std::atomic<bool>& cancelled = stop_on_ctrl_c();
  console::Dialogue dialogue(line, std::chrono::seconds(options.patience_seconds), cancelled);
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
  return cancelled ? kExitInterrupted : 0;
}

int run(const Options& options) {
  if (options.prompts.empty() && options.json) fail_usage("--json needs a --prompt");
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
  const auto o = std::make_shared<Options>();
  sub->add_option("port", o->port, "Its serial port or a pseudo terminal; by default the board is looked for")
      ->type_name(kFileType);
  sub->add_option("-i,--prompt", o->prompts,
                  "Have a story told that begins so, and leave; may be repeated; empty: a surprise");
  sub->add_flag("--json", o->json, "Print the board's JSON lines: each token, and how each story ended");
  sub->add_option("--patience", o->patience_seconds, "Seconds that the board may say nothing")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  sub->footer(
      R"(Without --prompt this terminal is the board's; Ctrl-] leaves. With it the text goes to standard output,
the speeds to standard error; Ctrl-C ends the story.

Examples:
  pico-llama console
  pico-llama console /dev/ttyACM1 --prompt "Once upon a time"
  pico-llama console --prompt "The old fox" --prompt "" --json > stories.jsonl)");
  sub->callback([&cli, o] { cli.action = [o] { return run(*o); }; });
}

}  // namespace pico_llama
