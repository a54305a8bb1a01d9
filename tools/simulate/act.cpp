#include "tools/simulate/act.h"

#include <fmt/format.h>

#include <cmath>

namespace pico_llama::simulate {

using namespace simulator;

std::string act(const Step& step, Board& board, UsbHost& host, Picoseconds now) {
  switch (step.kind) {
    case Step::Kind::kOpen:
      host.set_port_wanted(true, now);
      break;
    case Step::Kind::kClose:
      host.set_port_wanted(false, now);
      break;
    case Step::Kind::kDtr:
      host.set_dtr(step.number != 0, now);
      break;
    case Step::Kind::kBaud:
      host.set_baud(step.number, now);
      break;
    case Step::Kind::kPlug:
      host.plug(now);
      break;
    case Step::Kind::kUnplug:
      host.unplug(now);
      break;
    case Step::Kind::kStall:
      host.stop_reading_until(now + picoseconds(step.seconds), now);
      break;
    case Step::Kind::kPress:
      board.set_button(true);
      break;
    case Step::Kind::kRelease:
      board.set_button(false);
      break;
    case Step::Kind::kAdc:
      if (step.number >= board.adc.inputs())
        return fmt::format("adc: this board has {} inputs, numbered from 0", board.adc.inputs());
      board.adc.set_microvolts(step.number, static_cast<std::uint32_t>(std::lround(step.seconds * 1e6)));
      break;
    case Step::Kind::kTemperature:
      board.adc.set_temperature(static_cast<std::int32_t>(std::lround(step.seconds * 1e3)));
      break;
    case Step::Kind::kReset:
      board.reset(ResetKind::kRunPin);
      break;
    case Step::Kind::kPower:
      board.reset(ResetKind::kPowerOn);
      break;
    case Step::Kind::kPowerBootsel:
      board.reset(ResetKind::kBootsel);
      break;
    case Step::Kind::kSend:
    case Step::Kind::kRequestBootsel:
    case Step::Kind::kRequestFlash:
    case Step::Kind::kDrag:
    case Step::Kind::kPicoboot:
    case Step::Kind::kExpect:
    case Step::Kind::kWait:
    case Step::Kind::kBootsel:
    case Step::Kind::kForever:
      break;
  }
  return "";
}

}  // namespace pico_llama::simulate
