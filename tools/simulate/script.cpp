#include "tools/simulate/script.h"

#include <charconv>
#include <sstream>

#include "formats/mapped_file.h"
#include "tools/simulate/fault.h"
#include "tools/simulate/picoboot_command.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {
namespace {

enum class Argument : std::uint8_t {
  kNone,
  kText,
  kLine,
  kSeconds,
  kNumber,
  kSwitch,
  kFile,
  kVolts,
  kDegrees
};

struct Command {
  const char* name;
  Step::Kind kind;
  Argument argument;
};
constexpr Command kCommands[] = {
    {"send", Step::Kind::kSend, Argument::kLine},
    {"type", Step::Kind::kSend, Argument::kText},
    {"file", Step::Kind::kSend, Argument::kFile},
    {"expect", Step::Kind::kExpect, Argument::kText},
    {"wait", Step::Kind::kWait, Argument::kSeconds},
    {"open", Step::Kind::kOpen, Argument::kNone},
    {"close", Step::Kind::kClose, Argument::kNone},
    {"dtr", Step::Kind::kDtr, Argument::kSwitch},
    {"baud", Step::Kind::kBaud, Argument::kNumber},
    {"plug", Step::Kind::kPlug, Argument::kNone},
    {"unplug", Step::Kind::kUnplug, Argument::kNone},
    {"stall", Step::Kind::kStall, Argument::kSeconds},
    {"press", Step::Kind::kPress, Argument::kNone},
    {"release", Step::Kind::kRelease, Argument::kNone},
    {"adc", Step::Kind::kAdc, Argument::kVolts},
    {"temperature", Step::Kind::kTemperature, Argument::kDegrees},
    {"reset", Step::Kind::kReset, Argument::kNone},
    {"power-cut", Step::Kind::kPower, Argument::kNone},
    {"power-bootsel", Step::Kind::kPowerBootsel, Argument::kNone},
    {"drag", Step::Kind::kDrag, Argument::kText},
    {"picoboot", Step::Kind::kPicoboot, Argument::kText},
    {"request-bootsel", Step::Kind::kRequestBootsel, Argument::kNone},
    {"request-flash", Step::Kind::kRequestFlash, Argument::kNone},
    {"expect-bootsel", Step::Kind::kBootsel, Argument::kNone},
};

std::string contents(const std::string& path) {
  const MappedFile file(path);
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

double decimal(std::string_view text, double least, double most, std::string_view what) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most))
    fail_usage("'{}' is not a number of {} ({} to {})", text, what, least, most);
  return value;
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char kind = ++i < text.size() ? text[i] : '\0';
    switch (kind) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'e':
        out += '\x1b';
        break;
      case '\\':
        out += '\\';
        break;
      case 'x': {
        unsigned value = 0;
        const std::string_view digits = text.substr(i + 1, 2);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (digits.size() == 2 && error == std::errc{} && end == digits.data() + 2) {
          out += static_cast<char>(value);
          i += 2;
          break;
        }
        [[fallthrough]];
      }
      default:
        fail_usage("'{}': a backslash starts \\n, \\r, \\t, \\e, \\\\ or \\xHH", text);
    }
  }
  return out;
}

Step parse_step(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const std::string_view rest = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  if (name == "ctrl-c") return {.kind = Step::Kind::kSend, .text = "\x03"};
  for (const Command& command : kCommands) {
    if (name != command.name) continue;
    Step step{.kind = command.kind, .text = {}};
    switch (command.argument) {
      case Argument::kNone:
        if (!rest.empty()) fail_usage("'{}' takes no argument", name);
        break;
      case Argument::kText:
        if (rest.empty()) fail_usage("'{}' needs a text", name);
        step.text = unescape(rest);
        if (command.kind == Step::Kind::kPicoboot) (void)parse_picoboot(step.text);
        break;
      case Argument::kLine:
        step.text = unescape(rest) + "\r";
        break;
      case Argument::kFile:
        step.text = contents(std::string(rest));
        break;
      case Argument::kSeconds:
        step.seconds = parse_seconds(rest, name);
        break;
      case Argument::kVolts: {
        const std::size_t between = rest.find(' ');
        const std::string_view input = rest.substr(0, between);
        if (between == std::string_view::npos || input.size() != 1 || input[0] < '0' || input[0] > '7')
          fail_usage("'{}' needs an input (0 to 7) and volts", name);
        step.number = static_cast<std::uint32_t>(input[0] - '0');
        step.seconds = decimal(rest.substr(between + 1), 0, 3.3, "volts");
        break;
      }
      case Argument::kDegrees:
        step.seconds = decimal(rest, -40, 125, "degrees Celsius");
        break;
      case Argument::kSwitch:
        if (rest != "on" && rest != "off") fail_usage("'{}' needs on or off", name);
        step.number = rest == "on";
        break;
      case Argument::kNumber: {
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), step.number);
        if (error != std::errc{} || end != rest.data() + rest.size()) fail_usage("'{}' needs a number", name);
        break;
      }
    }
    return step;
  }
  fail_usage("'{}' is not a script command; see pico-llama simulate --help", name);
}

Script read_script(const std::string& path) {
  Script script;
  std::istringstream lines(contents(path));
  std::string line;
  for (unsigned number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line[start] == '#') continue;
    try {
      script.push_back(parse_step(std::string_view(line).substr(start)));
    } catch (const Failure& failure) {
      fail("{}:{}: {}", path, number, failure.what());
    }
  }
  return script;
}

const char* script_help() {
  return R"(  send TEXT         types TEXT and Enter       type TEXT   types TEXT alone
  file PATH         types what the file holds  ctrl-c      types Ctrl-C
  expect TEXT       waits until the board has printed TEXT since the last expect
  wait SECONDS      of simulated time
  open, close       a program opens or closes the serial port (open at the start)
  dtr on|off        the program asserts or deasserts DTR; it reads either way
  baud N            sets the port's speed (1200 baud requests BOOTSEL)
  stall SECONDS     the host stops reading for SECONDS
  unplug, plug      the USB cable
  press, release    the BOOT button
  adc INPUT VOLTS   the voltage at an input of the ADC, 0 to 3.3
  temperature DEGREES   of the chip, Celsius, for the ADC's sensor (27 at the start)
  reset, power-cut  the RUN pin; power off and on
  request-bootsel, request-flash   picotool's reboot requests
  expect-bootsel    waits until the board is in BOOTSEL mode
  power-bootsel     power off and on with the BOOT button held
  drag FILE         copies FILE to the USB drive of BOOTSEL mode; waits for the board's restart
  picoboot COMMAND  info, erase ADDRESS BYTES, write ADDRESS FILE, read ADDRESS BYTES FILE, load FILE, reboot,
                    reboot-bootsel; load erases, writes and reads back what a UF2 file holds
  # comment; \n \r \t \e \\ \xHH in a TEXT
)";
}

}  // namespace pico_llama::simulate
