#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pico_llama::simulate {

/// A user's actions, in order, in simulated time.
struct Step {
  enum class Kind : std::uint8_t {
    kSend,            ///< text: types it
    kExpect,          ///< text: waits until the board has printed it, since the last expect
    kWait,            ///< seconds
    kOpen,            ///< opens the port
    kClose,           ///< closes it
    kDtr,             ///< number: 1 raises DTR, 0 lowers it, while the port is open and from the next open on
    kBaud,            ///< number: sets the line's baud rate
    kPlug,            ///< plugs USB in
    kUnplug,          ///< pulls it
    kStall,           ///< seconds: the host does not read
    kPress,           ///< presses the BOOT button
    kRelease,         ///< lets go of it
    kAdc,             ///< number, seconds: the ADC's input and its volts
    kTemperature,     ///< seconds: the chip's degrees Celsius
    kReset,           ///< RUN pin
    kPower,           ///< power is cut and comes back
    kPowerBootsel,    ///< the same, with the BOOT button held
    kDrag,            ///< text: a file, copied to the board's USB drive
    kPicoboot,        ///< text: a PICOBOOT command
    kRequestBootsel,  ///< picotool's request on the reset interface
    kRequestFlash,
    kBootsel,  ///< waits until the board is in BOOTSEL mode
    kForever,  ///< waits for the run's limit, which then counts as success
  };
  Kind kind = Kind::kSend;
  std::string text;
  double seconds = 0;  ///< or another quantity, as the kind says
  std::uint32_t number = 0;
};

using Script = std::vector<Step>;

/// Errors: throws Failure naming file and line for a file, UsageFailure where the text is an option's.
Script read_script(const std::string& path);
Step parse_step(std::string_view line);
/// \n \r \t \e \\ \xHH. Errors: throws UsageFailure.
std::string unescape(std::string_view text);

/// The commands, for --help.
const char* script_help();

}  // namespace pico_llama::simulate
