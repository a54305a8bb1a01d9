// Every register that the datasheet documents: read on a board that has just been reset, with all peripherals
// released, and compared with registers.csv, the table of what is modelled. A register either reads as the
// table says or ends the run by name; a silent zero is neither.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "simulator/board.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {
namespace {

struct Row {
  std::string device, name, reset, state;
  std::uint32_t address;
};

/// device,address,name,reset,state. `reset`: as documented, - where it is not. `state`: "reset" reads the
/// documented value; 8 hex digits: reads these; "live" depends on time, chance or the boot; "stop".
std::vector<Row> table() {
  std::ifstream file("tests/simulator/board/registers.csv");
  EXPECT_TRUE(file.is_open()) << "run it from the top of the tree";
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    Row row;
    std::string address;
    std::getline(fields, row.device, ',');
    std::getline(fields, address, ',');
    std::getline(fields, row.name, ',');
    std::getline(fields, row.reset, ',');
    std::getline(fields, row.state, ',');
    row.address = static_cast<std::uint32_t>(std::stoul(address, nullptr, 16));
    rows.push_back(row);
  }
  return rows;
}

std::unique_ptr<Board> released() {
  auto board = std::make_unique<Board>();
  board->reset();
  board->resets.set_held(0);
  return board;
}

/// The value, or nothing where the run ends; that message is in `why`.
std::optional<std::uint32_t> read(Board& board, std::uint32_t address, std::string& why) {
  try {
    const Reply reply = board.bus.read(address, {.master = Master::kCore0, .now = board.now()});
    if (reply.fault == BusFault::kNone) return reply.value;
    why = "bus fault";
  } catch (const Stop& stop) {
    why = stop.what();
  }
  return {};
}

TEST(Registers, EachReadsAsTheTableSaysOrStopsByName) {
  const std::vector<Row> rows = table();
  EXPECT_GE(rows.size(), 1500U);
  auto board = released();
  std::string device;
  for (const Row& row : rows) {
    // One device's reads may have side effects on its own registers only.
    if (row.device != device) board = released();
    device = row.device;
    std::string why;
    const std::optional<std::uint32_t> value = read(*board, row.address, why);
    const std::string where = fmt::format("{} {} at {:#010x}", row.device, row.name, row.address);
    const std::string got = value ? fmt::format("{:08x}", *value) : "stop";
    if (std::getenv("PICO_LLAMA_PRINT_REGISTERS") != nullptr)
      fmt::print("REG,{},{:08x},{},{},{}\n", row.device, row.address, row.name, row.reset, got);
    if (row.state == "live") {
      EXPECT_TRUE(value.has_value()) << where << ": " << why;
    } else if (row.state == "reset") {
      EXPECT_EQ(got, row.reset) << where << ": " << why;
    } else {
      EXPECT_EQ(got, row.state) << where << ": " << why;
    }
  }
}

TEST(Registers, WhatNobodyDocumentsStops) {
  const auto board = released();
  for (const std::uint32_t address : {0x400a0024U, 0x400a8110U, 0x400f8028U, 0x40080028U, 0x40090024U,
                                      0x50200188U, 0x40010ffcU, 0x400b0ffcU}) {
    std::string why;
    EXPECT_FALSE(read(*board, address, why).has_value()) << std::hex << address;
    EXPECT_NE(why.find("not modelled"), std::string::npos) << why;
  }
}

}  // namespace
}  // namespace pico_llama::simulator
