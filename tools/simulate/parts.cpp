#include "tools/simulate/parts.h"

#include <algorithm>
#include <charconv>

#include "formats/mapped_file.h"
#include "tools/support/failure.h"

namespace pico_llama::simulate {
namespace {

using simulator::Gpio;
using simulator::I2cEeprom;
using simulator::I2cRegisters;

constexpr std::uint32_t kFlashBytes = 1u << 20;

struct Description {
  const char* name;
  Part::Kind kind;
  unsigned pins;
  bool addressed;
  std::uint32_t bytes;
};
constexpr Description kParts[] = {
    {"i2c-registers", Part::Kind::kI2cRegisters, 2, true, 256},
    {"i2c-eeprom", Part::Kind::kI2cEeprom, 2, true, I2cEeprom::kBytes},
    {"spi-flash", Part::Kind::kSpiFlash, 4, false, kFlashBytes},
};

unsigned number(std::string_view digits, std::string_view whole, unsigned limit) {
  int base = 10;
  std::string_view rest = digits;
  if (rest.starts_with("0x")) {
    rest.remove_prefix(2);
    base = 16;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
  if (rest.empty() || error != std::errc{} || end != rest.data() + rest.size() || value >= limit)
    fail_usage("--attach {}: '{}' is not a number below {}", whole, digits, limit);
  return value;
}

}  // namespace

Part parse_part(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string_view wired = text.substr(0, equals);
  const std::size_t at = wired.find('@');
  const std::string_view name = wired.substr(0, at);
  const auto* const found = std::find_if(std::begin(kParts), std::end(kParts),
                                         [&](const Description& d) { return name == d.name; });
  if (found == std::end(kParts))
    fail_usage("--attach: '{}' is unknown; available: i2c-registers, i2c-eeprom, spi-flash", name);

  std::vector<std::string_view> fields;
  for (std::string_view rest = at == std::string_view::npos ? std::string_view{} : wired.substr(at + 1);;) {
    const std::size_t comma = rest.find(',');
    fields.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (fields.size() != found->pins + (found->addressed ? 1 : 0))
    fail_usage("--attach {}: the form is {}", text,
               found->addressed ? std::string(name) + "@SDA,SCL,ADDRESS" : "spi-flash@SELECT,CLOCK,DI,DO");

  Part part{.kind = found->kind, .pins = {}, .contents = {}};
  for (unsigned i = 0; i < found->pins; ++i) part.pins.push_back(number(fields[i], text, Gpio::kPins));
  std::vector<unsigned> sorted = part.pins;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    fail_usage("--attach {}: a GPIO is named twice", text);
  if (found->addressed) part.address = number(fields.back(), text, 128);
  if (equals == std::string_view::npos) return part;
  const std::string path(text.substr(equals + 1));
  const MappedFile file(path);
  if (file.bytes().size() > found->bytes)
    fail("{}: {} bytes are more than the {} of {}", path, file.bytes().size(), found->bytes, name);
  part.contents.assign(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  return part;
}

const char* part_help() {
  return R"(  i2c-registers@SDA,SCL,ADDRESS[=FILE]     256 registers, from FILE or 0; the first byte written selects one
  i2c-eeprom@SDA,SCL,ADDRESS[=FILE]        32 kB, two address bytes, pages of 64 B, 5 ms a write
  spi-flash@SELECT,CLOCK,DI,DO[=FILE]      1 MB; DI and DO as the chip names them
)";
}

Parts::Parts(const std::vector<Part>& parts, simulator::Board& board) : board_(board) {
  const auto now = [this] { return board_.pin_time(); };
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::Kind::kI2cRegisters: {
        auto device = std::make_unique<I2cRegisters>(part.address);
        std::copy(part.contents.begin(), part.contents.end(), device->registers.begin());
        add(part, std::move(device));
        break;
      }
      case Part::Kind::kI2cEeprom: {
        auto device = std::make_unique<I2cEeprom>(part.address, now);
        std::copy(part.contents.begin(), part.contents.end(), device->memory.begin());
        add(part, std::move(device));
        break;
      }
      case Part::Kind::kSpiFlash: {
        chips_.push_back(std::make_unique<simulator::FlashChip>(kFlashBytes, 1));
        wirings_.push_back(std::make_unique<simulator::SpiFlashOnPins>(
            *chips_.back(), board_.gpio,
            simulator::SpiFlashOnPins::Pins{
                .select = part.pins[0], .clock = part.pins[1], .in = part.pins[2], .out = part.pins[3]},
            now));
        std::copy(part.contents.begin(), part.contents.end(), chips_.back()->data());
        break;
      }
    }
  }
}

void Parts::add(const Part& part, std::unique_ptr<simulator::I2cDevice> device) {
  auto bus = std::find_if(buses_.begin(), buses_.end(), [&](const Bus& known) {
    return known.sda == part.pins[0] && known.scl == part.pins[1];
  });
  if (bus == buses_.end()) {
    buses_.push_back({part.pins[0], part.pins[1],
                      std::make_unique<simulator::I2cWires>(board_.gpio, part.pins[0], part.pins[1])});
    bus = std::prev(buses_.end());
  }
  bus->wires->add(*device);
  devices_.push_back(std::move(device));
}

}  // namespace pico_llama::simulate
