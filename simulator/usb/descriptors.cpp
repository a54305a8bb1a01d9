#include "simulator/usb/descriptors.h"

#include <algorithm>

namespace pico_llama::simulator {
namespace {

// bDescriptorType, USB 2.0 table 9-5 and CDC 1.2 table 12.
constexpr unsigned kConfiguration = 2;
constexpr unsigned kString = 3;
constexpr unsigned kInterface = 4;
constexpr unsigned kEndpoint = 5;
constexpr unsigned kClassInterface = 0x24;
constexpr unsigned kUnionSubtype = 6;

constexpr unsigned kClassCommunications = 2;
constexpr unsigned kSubclassAcm = 2;
constexpr unsigned kClassData = 0x0a;
constexpr unsigned kTypeBulk = 2;
constexpr unsigned kTypeInterrupt = 3;

unsigned u16(std::span<const std::uint8_t> bytes, std::size_t at) { return bytes[at] | bytes[at + 1] << 8; }

const UsbEndpoint* find_endpoint(const UsbInterface& interface, unsigned type, bool in) {
  const auto found = std::find_if(interface.endpoints.begin(), interface.endpoints.end(),
                                  [&](const UsbEndpoint& e) { return e.type == type && e.in == in; });
  return found == interface.endpoints.end() ? nullptr : &*found;
}

}  // namespace

std::optional<UsbConfiguration> parse_configuration(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 9 || bytes[1] != kConfiguration || u16(bytes, 2) != bytes.size()) return std::nullopt;
  UsbConfiguration configuration;
  configuration.value = bytes[5];
  for (std::size_t at = 0; at < bytes.size(); at += bytes[at]) {
    const std::span<const std::uint8_t> rest = bytes.subspan(at);
    if (rest.size() < 2 || rest[0] < 2 || rest[0] > rest.size()) return std::nullopt;
    const std::span<const std::uint8_t> d = rest.first(rest[0]);
    if (d[1] == kInterface) {
      if (d.size() < 9) return std::nullopt;
      configuration.interfaces.push_back({.number = d[2],
                                          .alternate = d[3],
                                          .interface_class = d[5],
                                          .subclass = d[6],
                                          .protocol = d[7],
                                          .endpoints = {},
                                          .union_data_interface = {}});
      continue;
    }
    if (configuration.interfaces.empty()) continue;
    UsbInterface& interface = configuration.interfaces.back();
    if (d[1] == kEndpoint) {
      if (d.size() < 7) return std::nullopt;
      interface.endpoints.push_back({.number = d[2] & 0xfu,
                                     .in = (d[2] & 0x80) != 0,
                                     .type = d[3] & 3u,
                                     .max_packet_bytes = u16(d, 4) & 0x7ff,
                                     .interval_ms = d[6]});
    } else if (d[1] == kClassInterface && d.size() >= 5 && d[2] == kUnionSubtype) {
      interface.union_data_interface = d[4];
    }
  }
  return configuration;
}

std::optional<CdcFunction> find_cdc(const UsbConfiguration& configuration) {
  for (const UsbInterface& control : configuration.interfaces) {
    if (control.interface_class != kClassCommunications || control.subclass != kSubclassAcm) continue;
    for (const UsbInterface& data : configuration.interfaces) {
      if (data.interface_class != kClassData ||
          data.number != control.union_data_interface.value_or(control.number + 1)) {
        continue;
      }
      const UsbEndpoint* in = find_endpoint(data, kTypeBulk, true);
      const UsbEndpoint* out = find_endpoint(data, kTypeBulk, false);
      if (in == nullptr || out == nullptr) continue;
      CdcFunction function{.control_interface = control.number, .notify = {}, .in = *in, .out = *out};
      if (const UsbEndpoint* notify = find_endpoint(control, kTypeInterrupt, true)) function.notify = *notify;
      return function;
    }
  }
  return std::nullopt;
}

std::string string_descriptor(std::span<const std::uint8_t> bytes) {
  std::string text;
  if (bytes.size() < 2 || bytes[1] != kString) return text;
  const std::size_t end = std::min<std::size_t>(bytes[0], bytes.size()) & ~std::size_t{1};
  for (std::size_t at = 2; at < end; at += 2) {
    const unsigned unit = u16(bytes, at);
    if (unit < 0x80) {
      text += static_cast<char>(unit);
    } else if (unit < 0x800) {
      text += static_cast<char>(0xc0 | unit >> 6);
      text += static_cast<char>(0x80 | (unit & 0x3f));
    } else if (unit >= 0xd800 && unit < 0xe000) {
      text += '?';
    } else {
      text += static_cast<char>(0xe0 | unit >> 12);
      text += static_cast<char>(0x80 | (unit >> 6 & 0x3f));
      text += static_cast<char>(0x80 | (unit & 0x3f));
    }
  }
  return text;
}

}  // namespace pico_llama::simulator
