#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "engine/text/edit_distance.h"
#include "tools/cli.h"
#include "tools/option_checks.h"
#include "tools/support/failure.h"

namespace {

using pico_llama::Cli;

constexpr int kExitRuntime = 1;
constexpr int kExitUsage = 2;

constexpr const char* kFooter = R"(Examples:
  pico-llama run stories260K.bin -z tok512.bin -i "Once upon a time"
  pico-llama pack stories260K.bin -z tok512.bin --profile q8 -o stories260K.plm
  pico-llama info stories260K.plm
`pico-llama SUBCOMMAND --help` explains one.)";

/// Prints an error as a single line.
int complain(std::string text, int exit_code) {
  for (char& c : text)
    if (c == '\n' || c == '\r') c = ' ';
  std::fflush(stdout);
  // Not fmt::print, which throws if stderr is a full disk: the message has no other place to go.
  std::fputs(("pico-llama: " + text + "\n").c_str(), stderr);
  return exit_code;
}

/// Returns exit_code, or an error if stdout could not be written (for example, disk full).
int checked(int exit_code) {
  std::cout.flush();
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout)
    return complain("standard output cannot be written; is the disk full?", kExitRuntime);
  return exit_code;
}

/// Opens /dev/null for standard descriptors that the caller has closed, so that no file of ours gets their
/// number and receives our output. Writing to such a stdout fails, as it should; messages to such a stderr
/// are lost.
void open_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY);
}

/// The word of `words` that `typed` is a misspelling of; empty: none.
std::string nearest(std::string_view typed, const std::vector<std::string>& words) {
  std::string best;
  unsigned least = pico_llama::kMostTypos + 1;
  for (const std::string& word : words) {
    const unsigned changes = pico_llama::edit_distance(typed, word);
    if (changes >= least || changes >= word.size()) continue;
    least = changes;
    best = word;
  }
  return best;
}

/// Names the word that no option or subcommand takes, with a suggestion where one is close.
std::string describe_extras(const CLI::App& app, std::span<char* const> words) {
  const auto chosen = app.get_subcommands();
  const CLI::App& of = chosen.empty() ? app : *chosen.front();
  const std::vector<std::string> extras = app.remaining(true);
  const auto is_option = [](std::string_view word) { return word.starts_with('-'); };
  // What follows an unknown option may be its value, and what follows an unknown subcommand belongs to it.
  std::string word = extras.front();
  for (const std::string_view given : words) {
    if (is_option(given) != !chosen.empty()) continue;
    if (!chosen.empty() && std::ranges::find(extras, given) == extras.end()) continue;
    word = given;
    break;
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : of.get_options())
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  if (chosen.empty())
    for (const CLI::App* subcommand : app.get_subcommands({})) known.push_back(subcommand->get_name());
  std::string text = chosen.empty() ? "there is no" : chosen.front()->get_name() + " takes no";
  text += is_option(word) ? " option" : chosen.empty() ? " subcommand" : "";
  const std::string meant = nearest(word.substr(0, word.find('=')), known);
  return text + " '" + word + (meant.empty() ? "'; see" : "'; did you mean '" + meant + "'? See");
}

std::string named_subcommand(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? "" : " " + chosen.front()->get_name();
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_descriptors();
  try {
    Cli cli;
    cli.app.name("pico-llama");
    cli.app.description("llama2.c's stories on a PC, and on a Raspberry Pi Pico class board.");
    cli.app.footer(kFooter);
    cli.app.require_subcommand(0, 1);  // not (1): the message must name a misspelt one
    cli.app.set_version_flag("--version", "pico-llama " PICO_LLAMA_VERSION);
    pico_llama::add_subcommands(cli);
    pico_llama::check_values(cli.app);
    try {
      cli.app.parse(argc, argv);
    } catch (const CLI::ExtrasError&) {
      return complain(fmt::format("{} pico-llama{} --help", describe_extras(cli.app, {argv + 1, argv + argc}),
                                  named_subcommand(cli.app)),
                      kExitUsage);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
        return checked(cli.app.exit(error));
      return complain(fmt::format("{}; see pico-llama{} --help", error.what(), named_subcommand(cli.app)),
                      kExitUsage);
    }
    if (!cli.action) return complain("missing subcommand; see pico-llama --help", kExitUsage);
    return checked(cli.action());
  } catch (const pico_llama::UsageFailure& failure) {
    return complain(failure.what(), kExitUsage);
  } catch (const pico_llama::Failure& failure) {
    return complain(failure.what(), kExitRuntime);
  } catch (const std::bad_alloc&) {
    return complain("not enough memory for this model", kExitRuntime);
  } catch (const std::system_error& error) {
    // fmt throws if stdout rejects bytes; other exceptions: out of memory or threads.
    if (std::ferror(stdout) != 0) return checked(kExitRuntime);
    return complain(fmt::format("the system refused: {}", error.what()), kExitRuntime);
  } catch (const std::exception& error) {
    return complain(fmt::format("unexpected: {}", error.what()), kExitRuntime);
  }
}
