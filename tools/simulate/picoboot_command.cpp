#include "tools/simulate/picoboot_command.h"

#include <charconv>
#include <sstream>
#include <vector>

#include "tools/support/failure.h"

namespace pico_llama::simulate {

namespace {

std::uint32_t number(const std::string& text, std::string_view command) {
  std::uint32_t value = 0;
  const bool hexadecimal = text.starts_with("0x");
  const char* begin = text.data() + (hexadecimal ? 2 : 0);
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(begin, end, value, hexadecimal ? 16 : 10);
  if (error != std::errc{} || last != end || begin == end)
    fail_usage("picoboot {}: '{}' is not a number", command, text);
  return value;
}

}  // namespace

const char* picoboot_help() {
  return "info, erase ADDRESS BYTES, write ADDRESS FILE, read ADDRESS BYTES FILE, load FILE, reboot, "
         "reboot-bootsel";
}

PicobootCommand parse_picoboot(std::string_view text) {
  using Kind = PicobootCommand::Kind;
  std::istringstream words{std::string(text)};
  std::string name;
  words >> name;
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  struct Form {
    const char* name;
    Kind kind;
    std::size_t arguments;
  };
  constexpr Form kForms[] = {{"info", Kind::kInfo, 0},
                             {"erase", Kind::kErase, 2},
                             {"write", Kind::kWrite, 2},
                             {"read", Kind::kRead, 3},
                             {"load", Kind::kLoad, 1},
                             {"reboot", Kind::kReboot, 0},
                             {"reboot-bootsel", Kind::kRebootToBootsel, 0}};
  for (const Form& form : kForms) {
    if (name != form.name) continue;
    if (arguments.size() != form.arguments)
      fail_usage("picoboot {}: {} arguments, not {}", name, form.arguments, arguments.size());
    PicobootCommand command{form.kind, 0, 0, {}};
    if (form.kind == Kind::kErase || form.kind == Kind::kWrite || form.kind == Kind::kRead)
      command.address = number(arguments[0], name);
    if (form.kind == Kind::kErase || form.kind == Kind::kRead) command.bytes = number(arguments[1], name);
    if (form.kind == Kind::kWrite || form.kind == Kind::kRead || form.kind == Kind::kLoad)
      command.path = arguments.back();
    return command;
  }
  fail_usage("picoboot: '{}' is unknown; available: {}", name, picoboot_help());
}

}  // namespace pico_llama::simulate
