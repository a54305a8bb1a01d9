#include "simulator/debug/gdb_server.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <vector>

namespace pico_llama::simulator {
namespace {

/// gdb's order of registers (target description below): where each lives in DebugTarget, and its size.
struct GdbRegister {
  unsigned number;
  unsigned words;  // a d register is two s registers
};

std::vector<GdbRegister> gdb_registers() {
  std::vector<GdbRegister> all;
  for (unsigned n = 0; n < 16; ++n) all.push_back({n, 1});
  all.push_back({DebugTarget::kXpsr, 1});
  for (unsigned d = 0; d < 16; ++d) all.push_back({DebugTarget::kSingle0 + 2 * d, 2});
  for (unsigned n = DebugTarget::kFpscr; n <= DebugTarget::kPsplim; ++n) all.push_back({n, 1});
  return all;
}

const std::vector<GdbRegister> kRegisters = gdb_registers();

std::string target_description() {
  std::string xml =
      "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target version=\"1.0\">"
      "<architecture>arm</architecture><feature name=\"org.gnu.gdb.arm.m-profile\">";
  for (unsigned n = 0; n < 13; ++n) xml += fmt::format("<reg name=\"r{}\" bitsize=\"32\"/>", n);
  xml +=
      "<reg name=\"sp\" bitsize=\"32\" type=\"data_ptr\"/><reg name=\"lr\" bitsize=\"32\"/>"
      "<reg name=\"pc\" bitsize=\"32\" type=\"code_ptr\"/><reg name=\"xpsr\" bitsize=\"32\"/></feature>"
      "<feature name=\"org.gnu.gdb.arm.vfp\">";
  for (unsigned d = 0; d < 16; ++d)
    xml += fmt::format("<reg name=\"d{}\" bitsize=\"64\" type=\"ieee_double\"/>", d);
  xml +=
      "<reg name=\"fpscr\" bitsize=\"32\" type=\"int\" group=\"float\"/></feature>"
      "<feature name=\"org.gnu.gdb.arm.m-system\"><reg name=\"msp\" bitsize=\"32\" type=\"data_ptr\"/>"
      "<reg name=\"psp\" bitsize=\"32\" type=\"data_ptr\"/></feature><feature name=\"org.pico-llama.m33\">";
  for (const char* name : {"primask", "basepri", "faultmask", "control", "msplim", "psplim"}) {
    xml += fmt::format("<reg name=\"{}\" bitsize=\"32\" group=\"system\"/>", name);
  }
  return xml + "</feature></target>";
}

template <typename Integer>
bool parse_hex(std::string_view text, Integer& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc{} && end == text.data() + text.size();
}

void put_hex(std::string& out, std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", byte);
}

/// Registers travel in the target's byte order.
void put_word(std::string& out, std::uint32_t value) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    fmt::format_to(std::back_inserter(out), "{:02x}", value >> shift & 0xff);
}

std::optional<std::vector<std::uint8_t>> bytes_of(std::string_view hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!parse_hex(hex.substr(2 * i, 2), bytes[i])) return std::nullopt;
  }
  return bytes;
}

std::uint32_t word_at(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 |
         static_cast<std::uint32_t>(bytes[at + 3]) << 24;
}

/// "address,length" and the text after a ':'.
bool parse_range(std::string_view text, std::uint32_t& address, std::uint32_t& length) {
  const std::size_t comma = text.find(',');
  return comma != std::string_view::npos && parse_hex(text.substr(0, comma), address) &&
         parse_hex(text.substr(comma + 1), length);
}

constexpr std::size_t kPacketBytes = 0x4000;
const std::string kOk = "OK";
const std::string kError = "E01";

}  // namespace

std::string GdbServer::stop_reply() const {
  std::string reply = fmt::format("T{:02x}thread:{};",
                                  last_.reason == DebugStop::Reason::kInterrupt ? 2
                                  : last_.reason == DebugStop::Reason::kFault   ? 11
                                                                                : 5,
                                  last_.core + 1);
  if (last_.reason == DebugStop::Reason::kWatch) {
    const char* name = last_.watch == WatchKind::kWrite  ? "watch"
                       : last_.watch == WatchKind::kRead ? "rwatch"
                                                         : "awatch";
    reply += fmt::format("{}:{:x};", name, last_.address);
  } else if (last_.reason == DebugStop::Reason::kBreakpoint) {
    reply += "hwbreak:;";
  }
  return reply;
}

std::string GdbServer::read_registers() {
  std::string out;
  for (const GdbRegister& r : kRegisters) {
    for (unsigned w = 0; w < r.words; ++w) put_word(out, target_.reg(core_, r.number + w));
  }
  return out;
}

bool GdbServer::write_registers(std::string_view hex) {
  const auto bytes = bytes_of(hex);
  std::size_t at = 0;
  if (!bytes) return false;
  for (const GdbRegister& r : kRegisters) {
    for (unsigned w = 0; w < r.words; ++w, at += 4) {
      if (at + 4 > bytes->size()) return false;
      target_.set_reg(core_, r.number + w, word_at(*bytes, at));
    }
  }
  return true;
}

std::string GdbServer::read_register(std::string_view number) {
  std::size_t n = 0;
  if (!parse_hex(number, n) || n >= kRegisters.size()) return kError;
  std::string out;
  for (unsigned w = 0; w < kRegisters[n].words; ++w)
    put_word(out, target_.reg(core_, kRegisters[n].number + w));
  return out;
}

bool GdbServer::write_register(std::string_view arguments) {
  const std::size_t equals = arguments.find('=');
  std::size_t n = 0;
  if (equals == std::string_view::npos || !parse_hex(arguments.substr(0, equals), n) ||
      n >= kRegisters.size())
    return false;
  const auto bytes = bytes_of(arguments.substr(equals + 1));
  if (!bytes || bytes->size() != 4 * kRegisters[n].words) return false;
  for (unsigned w = 0; w < kRegisters[n].words; ++w)
    target_.set_reg(core_, kRegisters[n].number + w, word_at(*bytes, 4 * w));
  return true;
}

std::string GdbServer::read_memory(std::string_view arguments) {
  std::uint32_t address = 0;
  std::uint32_t length = 0;
  if (!parse_range(arguments, address, length) || length > kPacketBytes / 2) return kError;
  std::vector<std::uint8_t> bytes(length);
  if (!target_.read(core_, address, bytes)) return kError;
  std::string out;
  put_hex(out, bytes);
  return out;
}

bool GdbServer::write_memory(std::string_view arguments) {
  const std::size_t colon = arguments.find(':');
  std::uint32_t address = 0;
  std::uint32_t length = 0;
  if (colon == std::string_view::npos || !parse_range(arguments.substr(0, colon), address, length))
    return false;
  const auto bytes = bytes_of(arguments.substr(colon + 1));
  return bytes && bytes->size() == length && target_.write(core_, address, *bytes);
}

std::string GdbServer::breakpoint(std::string_view packet) {
  const bool on = packet[0] == 'Z';
  std::uint32_t address = 0;
  std::uint32_t kind = 0;
  if (packet.size() < 4 || packet[2] != ',') return kError;
  const std::string_view range = packet.substr(
      3, packet.find(';') == std::string_view::npos ? std::string_view::npos : packet.find(';') - 3);
  if (!parse_range(range, address, kind)) return kError;
  switch (packet[1]) {
    case '0':
    case '1':
      target_.set_breakpoint(address, on);
      return kOk;
    case '2':
      target_.set_watchpoint(WatchKind::kWrite, address, kind, on);
      return kOk;
    case '3':
      target_.set_watchpoint(WatchKind::kRead, address, kind, on);
      return kOk;
    case '4':
      target_.set_watchpoint(WatchKind::kAccess, address, kind, on);
      return kOk;
    default:
      return "";
  }
}

/// vCont actions. The cores share one clock, so all of them run; a step names the one that is to stop.
std::string GdbServer::resume(std::string_view actions, const std::function<bool()>& interrupted) {
  std::optional<unsigned> step;
  while (!actions.empty()) {
    const std::size_t end = actions.find(';');
    const std::string_view action = actions.substr(0, end);
    actions = end == std::string_view::npos ? std::string_view{} : actions.substr(end + 1);
    if (action.empty() || (action[0] != 's' && action[0] != 'S') || step) continue;
    unsigned thread = core_ + 1;
    const std::size_t colon = action.find(':');
    if (colon != std::string_view::npos && !parse_hex(action.substr(colon + 1), thread)) return kError;
    if (thread == 0 || thread > target_.cores()) return kError;
    step = thread - 1;
  }
  last_ = target_.resume(step, interrupted);
  core_ = last_.core;
  if (last_.reason == DebugStop::Reason::kEnded) return "W00";
  return stop_reply();
}

std::string GdbServer::features(std::string_view arguments) const {
  static const std::string xml = target_description();
  std::size_t offset = 0;
  std::size_t length = 0;
  const std::size_t comma = arguments.find(',');
  if (comma == std::string_view::npos || !parse_hex(arguments.substr(0, comma), offset) ||
      !parse_hex(arguments.substr(comma + 1), length) || offset > xml.size()) {
    return kError;
  }
  const std::string part = xml.substr(offset, length);
  return (offset + part.size() < xml.size() ? "m" : "l") + part;
}

std::string GdbServer::monitor(std::string_view hex) {
  const auto bytes = bytes_of(hex);
  if (!bytes) return kError;
  const std::string command(bytes->begin(), bytes->end());
  std::string text = "monitor reset: power-on reset; monitor state: both cores\n";
  if (command == "reset") {
    target_.reset();
    text = "reset\n";
  } else if (command == "state") {
    text = target_.describe() + "\n";
  }
  std::string out;
  put_hex(out, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return out;
}

std::string GdbServer::query(std::string_view packet) {
  const auto starts = [&](std::string_view prefix) { return packet.substr(0, prefix.size()) == prefix; };
  constexpr std::string_view kFeatures = "qXfer:features:read:target.xml:";
  constexpr std::string_view kExtra = "qThreadExtraInfo,";
  constexpr std::string_view kRcmd = "qRcmd,";
  if (starts("qSupported")) {
    return fmt::format("PacketSize={:x};qXfer:features:read+;QStartNoAckMode+;hwbreak+;vContSupported+",
                       kPacketBytes);
  }
  if (starts(kFeatures)) return features(packet.substr(kFeatures.size()));
  if (packet == "qfThreadInfo") {
    std::string reply = "m";
    for (unsigned c = 0; c < target_.cores(); ++c) reply += fmt::format("{}{}", c == 0 ? "" : ",", c + 1);
    return reply;
  }
  if (packet == "qsThreadInfo") return "l";
  if (packet == "qC") return fmt::format("QC{}", core_ + 1);
  if (packet == "qAttached") return "1";
  if (starts("qSymbol")) return kOk;
  if (starts(kExtra)) {
    unsigned thread = 0;
    if (!parse_hex(packet.substr(kExtra.size()), thread) || thread == 0) return kError;
    const std::string text = fmt::format("core {}", thread - 1);
    std::string out;
    put_hex(out, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    return out;
  }
  if (starts(kRcmd)) return monitor(packet.substr(kRcmd.size()));
  return "";
}

std::optional<std::string> GdbServer::answer(std::string_view packet,
                                             const std::function<bool()>& interrupted) {
  if (packet.empty()) return "";
  const std::string_view rest = packet.substr(1);
  switch (packet[0]) {
    case '?':
      return stop_reply();
    case 'g':
      return read_registers();
    case 'G':
      return write_registers(rest) ? kOk : kError;
    case 'p':
      return read_register(rest);
    case 'P':
      return write_register(rest) ? kOk : kError;
    case 'm':
      return read_memory(rest);
    case 'M':
      return write_memory(rest) ? kOk : kError;
    case 'Z':
    case 'z':
      return breakpoint(packet);
    case 'c':
      return resume("c", interrupted);
    case 's':
      return resume("s", interrupted);
    case 'T':
    case 'H': {
      unsigned thread = 0;
      const std::string_view id =
          packet[0] == 'H' ? packet.substr(packet.size() < 2 ? packet.size() : 2) : rest;
      if (id == "-1" || id == "0") return kOk;  // any thread
      if (!parse_hex(id, thread) || thread == 0 || thread > target_.cores()) return kError;
      if (packet.substr(0, 2) == "Hg") core_ = thread - 1;
      return kOk;
    }
    case 'v':
      if (packet == "vCont?") return "vCont;c;C;s;S";
      if (packet.substr(0, 6) == "vCont;") return resume(packet.substr(6), interrupted);
      if (packet.substr(0, 5) != "vKill") return "";
      [[fallthrough]];
    case 'k':
      end_ = End::kKilled;
      return std::nullopt;
    case 'D':
      end_ = End::kDetached;
      return std::nullopt;
    case 'Q':
      if (packet != "QStartNoAckMode") return "";
      no_ack_ = true;
      return kOk;
    case 'q':
      return query(packet);
    default:
      return "";  // "not supported", says the protocol
  }
}

}  // namespace pico_llama::simulator
