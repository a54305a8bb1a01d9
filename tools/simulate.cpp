// pico-llama simulate: the virtual board, with this terminal, a pseudo terminal or a script at its serial
// port.
#include "tools/simulate/options.h"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <optional>

#include "tools/cli.h"
#include "tools/option_checks.h"
#include "tools/simulate/images.h"
#include "tools/simulate/picoboot_command.h"
#include "tools/support/failure.h"

namespace pico_llama {
namespace {

using simulate::Options;

/// Raw options, before cross-checks.
struct Given {
  Options options;
  std::string board = "pico-plus-2-w";
  std::vector<std::string> faults;
  std::vector<std::string> parts;
  std::string script;
  std::string boot_rom;
  std::vector<std::string> drags;
  std::vector<std::string> picoboots;
  std::vector<std::string> sends;
  std::vector<std::string> expects;
  std::string max_seconds;
  std::optional<std::uint64_t> max_cycles;
  unsigned gdb_port = 0;
  bool no_pace = false;
  bool no_dtr = false;
};

int start(Given& given) {
  Options& options = given.options;
  options.board.kind =
      given.board == "pico2" ? simulator::BoardKind::kPico2 : simulator::BoardKind::kPicoPlus2W;
  for (const std::string& fault : given.faults)
    simulate::parse_fault(fault, options.board.faults, options.faults);
  for (const std::string& part : given.parts) options.parts.push_back(simulate::parse_part(part));
  if (!given.max_seconds.empty())
    options.max_seconds = simulate::parse_seconds(given.max_seconds, "--max-seconds");
  if (options.max_seconds == 0.0) fail_usage("--max-seconds 0 would end the run before it begins");
  options.max_cycles = given.max_cycles;
  if (options.max_cycles == 0u) fail_usage("--max-cycles 0 would end the run before it begins");
  if (given.gdb_port != 0) options.gdb_port = static_cast<std::uint16_t>(given.gdb_port);
  options.pace = !given.no_pace;
  options.dtr = !given.no_dtr;

  if (!given.boot_rom.empty()) options.board.boot_rom = simulate::read_boot_rom(given.boot_rom);
  for (const std::string& file : given.drags) {
    if (!options.flashing.empty())
      options.flashing.push_back({.kind = simulate::Step::Kind::kPowerBootsel, .text = {}});
    options.flashing.push_back({.kind = simulate::Step::Kind::kDrag, .text = file});
  }
  if (!given.drags.empty() && !given.picoboots.empty())
    options.flashing.push_back({.kind = simulate::Step::Kind::kPowerBootsel, .text = {}});
  for (const std::string& command : given.picoboots)
    options.flashing.push_back(simulate::parse_step("picoboot " + command));

  options.has_script = !given.script.empty() || !given.sends.empty() || !given.expects.empty();
  if (options.pty && options.has_script) fail_usage("--pty and a script cannot both have the serial port");
  if (options.gdb_port && !options.profile_path.empty()) fail_usage("--gdb and --profile exclude each other");
  if (!given.script.empty()) options.script = simulate::read_script(given.script);
  for (const std::string& text : given.sends) {
    options.script.push_back({.kind = simulate::Step::Kind::kSend,
                              .text = simulate::unescape(text) + "\r",
                              .seconds = 0,
                              .number = 0});
  }
  for (const std::string& text : given.expects) {
    if (text.empty()) fail_usage("--expect needs a text to wait for");
    options.script.push_back(
        {.kind = simulate::Step::Kind::kExpect, .text = simulate::unescape(text), .seconds = 0, .number = 0});
  }
  if (given.expects.empty() && given.script.empty() && !given.sends.empty() && !options.max_seconds &&
      !options.max_cycles) {
    fail_usage("--send alone would end at once: say --expect, --max-seconds or --max-cycles");
  }
  if (given.expects.empty() && !given.sends.empty()) {
    // Without --expect the run lasts until the limit, which is then a normal end.
    options.script.push_back({.kind = simulate::Step::Kind::kForever, .text = {}, .seconds = 0, .number = 0});
  }
  if (options.images.empty() && !simulate::uses_bootsel(options))
    fail_usage(
        "images is required: firmware and models to load, unless --drag, --picoboot or the script brings "
        "them");
  return simulate::run(options);
}

}  // namespace

void add_simulate(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand("simulate", "Boot firmware on the virtual board");
  const auto given = std::make_shared<Given>();
  Options& options = given->options;
  sub->add_option("images", options.images, "Firmware and models (.uf2, .elf, .plm), loaded in this order")
      ->type_name(kFileType);
  sub->add_option("--drag", given->drags,
                  "Power on with the BOOT button held and copy FILE to the USB drive; may be repeated")
      ->type_name(kFileType);
  sub->add_option(
      "--picoboot", given->picoboots,
      fmt::format(
          "Power on with the BOOT button held and carry out COMMAND over PICOBOOT; may be repeated: {}",
          simulate::picoboot_help()));
  sub->add_option("--boot-rom", given->boot_rom,
                  "Run this boot ROM (32 kB, read from an RP2350) on both cores instead of the model of it")
      ->type_name(kFileType);
  sub->add_option("--board", given->board, "pico-plus-2-w (16 MB flash, 8 MB PSRAM) or pico2 (4 MB, none)")
      ->check(CLI::IsMember({"pico-plus-2-w", "pico2"}));
  sub->add_option("--seed", options.board.seed,
                  "Of everything random: cache eviction, TRNG, power-on contents");
  sub->add_flag(
      "--lenient", options.board.lenient,
      "Warn once, and go on, where silicon survives: SCK beyond a rating, tCEM, a store to read-only XIP");
  sub->add_option("--fault", given->faults, "Break something; may be repeated (list below)");
  sub->add_option("--attach", given->parts, "Wire a part to GPIOs; may be repeated (list below)");
  sub->add_flag("--pty", options.pty, "Serve the serial port as a device; its path is printed on stderr");
  sub->add_flag("--uart", options.uart, "UART0 is the terminal instead of USB");
  sub->add_flag("--no-dtr", given->no_dtr,
                "The program at the serial port leaves DTR low, and reads all the same");
  sub->add_flag("--no-pace", given->no_pace,
                "With a terminal or --pty: let simulated time run ahead of real time");
  sub->add_option("--script", given->script, "Play a file of commands (list below); the run ends with it")
      ->type_name(kFileType);
  sub->add_option("--send", given->sends, "Type TEXT and Enter; may be repeated");
  sub->add_option(
      "--expect", given->expects,
      "End once the board has printed TEXT, with the rest of its line; repeated: one after the other");
  sub->add_option("--max-seconds", given->max_seconds, "End after so much simulated time");
  sub->add_option("--max-cycles", given->max_cycles, "End after so many clk_sys cycles");
  sub->add_option("--stats", options.stats_path,
                  "Write the run in numbers (JSON); the same run, the same bytes")
      ->type_name(kFileType);
  sub->add_flag("--stats-real", options.stats_real, "Add the real seconds it took to --stats");
  sub->add_option("--profile", options.profile_path,
                  "Write cycles by function and line in callgrind's format; FILE.txt gets a table")
      ->type_name(kFileType);
  sub->add_option("--led", options.led_path,
                  "Write when the LED changed (seconds, 0 or 1); - draws it at this terminal's top right");
  sub->add_option("--gdb", given->gdb_port,
                  "Wait for gdb on this local TCP port, before the first instruction")
      ->check(CLI::Range(1, 65535));
  sub->footer(fmt::format(
      R"(What the board prints is on stdout, and nothing else is. Ctrl-] leaves the terminal. Where standard input is
no terminal, its lines are typed, and the run ends once the board has nothing left to do with them.

Faults, in simulated seconds since power-on (+D: for how long):
{}
Parts, by GPIO numbers:
{}
Script commands, one a line:
{}
Exit: 0 the script, the input or the user ended it, or a limit without a script did; 1 a file is refused, the
board stopped or is in BOOTSEL mode; 2 usage; 3 a limit came before the script's end. SIGINT, SIGTERM and SIGHUP
end the run as usual, after --stats and --profile are written.

Examples:
  pico-llama simulate firmware.uf2 model.plm
  pico-llama simulate --drag firmware.uf2 --drag model.uf2
  echo "Once upon a time" | pico-llama simulate story.uf2
  pico-llama simulate story.uf2 --send "Once upon a time" --expect "tok/s" --max-seconds 60
  pico-llama simulate firmware.uf2 --pty          then: picocom /dev/pts/N
  pico-llama simulate firmware.elf --gdb 3333     then: gdb-multiarch -ex "target remote :3333" firmware.elf)",
      simulate::fault_help(), simulate::part_help(), simulate::script_help()));
  sub->callback([&cli, given] { cli.action = [given] { return start(*given); }; });
}

}  // namespace pico_llama
