#include "tools/simulate/fault.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "tools/support/failure.h"

namespace pico_llama::simulate {
namespace {

using simulator::BoardFaults;

using Flag = bool BoardFaults::*;

struct ChipFault {
  const char* name;
  Flag flag;
  const char* meaning;
};
constexpr ChipFault kChipFaults[] = {
    {"psram-absent", &BoardFaults::psram_absent, "no chip on chip select 1"},
    {"psram-wrong-id", &BoardFaults::psram_wrong_id, "the PSRAM returns another manufacturer's ID"},
    {"psram-stuck-bit", &BoardFaults::psram_stuck_bit, "one bit of the PSRAM never changes"},
    {"flash-4mb", &BoardFaults::flash_4mb, "a smaller flash chip than the board should have"},
    {"flash-no-qe", &BoardFaults::flash_no_qe, "the flash chip's quad-enable bit is clear"},
    {"flash-no-continuous", &BoardFaults::flash_no_continuous,
     "the flash ignores the mode byte: each read needs a command"},
    {"flash-foreign", &BoardFaults::flash_foreign, "another manufacturer's flash, where 35h enters QPI"},
    {"flash-late", &BoardFaults::flash_late, "flash data arrives late, 12 ns after the clock edge"},
    {"radio-absent", &BoardFaults::radio_absent, "nothing answers on the radio's bus"},
    {"radio-no-clock", &BoardFaults::radio_no_clock, "the radio answers, but its crystal does not start"},
};

struct TimedFault {
  const char* name;
  Fault::Kind kind;
  bool needs_time;
  double default_at;
  double default_for;
  const char* meaning;
};
constexpr TimedFault kTimedFaults[] = {
    {"usb-host-stalls", Fault::Kind::kHostStalls, false, 1, 5, "the host does not read (default @1+5)"},
    {"usb-unplug", Fault::Kind::kUnplug, true, 0, 0, "USB is unplugged at T, and replugged after D if given"},
    {"usb-never-opens", Fault::Kind::kNeverOpens, false, 0, 0, "enumerated, but no program opens the port"},
    {"button", Fault::Kind::kButton, true, 0, 0.1, "BOOT is pressed at T (default for 0.1 s)"},
    {"radio-hangs", Fault::Kind::kRadioHangs, false, 0, 0,
     "the radio stops within its next transfer after T"},
    {"power-cut", Fault::Kind::kPowerCut, true, 0, 0, "power is lost and comes back at T"},
};

std::string known() {
  std::string names;
  for (const ChipFault& fault : kChipFaults) names += std::string(names.empty() ? "" : ", ") + fault.name;
  for (const TimedFault& fault : kTimedFaults)
    names += std::string(", ") + fault.name + (fault.needs_time ? "@T" : "");
  return names;
}

}  // namespace

double parse_seconds(std::string_view text, std::string_view what) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  // One day at most; fits 64-bit picoseconds easily.
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < 0 ||
      value > 86'400) {
    fail_usage("{}: '{}' is not a number of seconds (0 to 86400)", what, text);
  }
  return value;
}

void parse_fault(std::string_view text, BoardFaults& board, std::vector<Fault>& timed) {
  const std::size_t at = text.find('@');
  const std::string_view name = text.substr(0, at);
  std::optional<std::string_view> time;
  if (at != std::string_view::npos) time = text.substr(at + 1);
  for (const ChipFault& fault : kChipFaults) {
    if (name != fault.name) continue;
    if (time) fail_usage("--fault {}: this fault is permanent and takes no @time", name);
    board.*fault.flag = true;
    return;
  }
  for (const TimedFault& fault : kTimedFaults) {
    if (name != fault.name) continue;
    if (fault.needs_time && !time) fail_usage("--fault {0}: needs a time, for example {0}@2.5", name);
    Fault result{fault.kind, fault.default_at, fault.default_for};
    if (time) {
      const std::size_t plus = time->find('+');
      result.at_seconds = parse_seconds(time->substr(0, plus), "--fault");
      if (plus != std::string_view::npos)
        result.for_seconds = parse_seconds(time->substr(plus + 1), "--fault");
    }
    timed.push_back(result);
    return;
  }
  fail_usage("--fault: '{}' is unknown; available: {}", name, known());
}

std::string fault_help() {
  std::string text;
  const auto line = [&text](std::string name, const char* meaning) {
    name.resize(24, ' ');
    text += "  " + name + meaning + "\n";
  };
  for (const ChipFault& fault : kChipFaults) line(fault.name, fault.meaning);
  for (const TimedFault& fault : kTimedFaults) {
    line(std::string(fault.name) + (fault.needs_time ? "@T[+D]" : "[@T[+D]]"), fault.meaning);
  }
  return text;
}

}  // namespace pico_llama::simulate
