#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pico_llama::simulate {

/// One `picoboot` command of a script.
struct PicobootCommand {
  enum class Kind : std::uint8_t { kInfo, kErase, kWrite, kRead, kLoad, kReboot, kRebootToBootsel };
  Kind kind = Kind::kInfo;
  std::uint32_t address = 0, bytes = 0;
  std::string path;
};
/// Errors: UsageFailure.
PicobootCommand parse_picoboot(std::string_view text);
/// For --help.
const char* picoboot_help();

}  // namespace pico_llama::simulate
