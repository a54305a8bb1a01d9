#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace pico_llama::simulator {

/// The descriptors that a host reads before it uses a device. Source: USB 2.0 section 9.6; CDC 1.2
/// section 5.2.
struct UsbEndpoint {
  unsigned number = 0;
  bool in = false;
  unsigned type = 0;  ///< 0 control, 1 isochronous, 2 bulk, 3 interrupt
  unsigned max_packet_bytes = 0;
  unsigned interval_ms = 0;  ///< full speed, interrupt endpoints only
};

struct UsbInterface {
  unsigned number = 0;
  unsigned alternate = 0;
  unsigned interface_class = 0;
  unsigned subclass = 0;
  unsigned protocol = 0;
  std::vector<UsbEndpoint> endpoints;
  /// The data interface that a CDC union descriptor names.
  std::optional<unsigned> union_data_interface;
};

struct UsbConfiguration {
  unsigned value = 0;
  std::vector<UsbInterface> interfaces;
};

/// The endpoints of one serial port (CDC ACM function).
struct CdcFunction {
  unsigned control_interface = 0;
  std::optional<UsbEndpoint> notify;
  UsbEndpoint in;
  UsbEndpoint out;
};

/// Errors: nullopt for a configuration whose lengths do not add up.
std::optional<UsbConfiguration> parse_configuration(std::span<const std::uint8_t> bytes);
/// The first CDC ACM function with two bulk endpoints.
std::optional<CdcFunction> find_cdc(const UsbConfiguration& configuration);
/// A string descriptor's UTF-16 as UTF-8; units outside the basic plane become '?'.
std::string string_descriptor(std::span<const std::uint8_t> bytes);

}  // namespace pico_llama::simulator
