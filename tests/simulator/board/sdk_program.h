#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "formats/elf.h"
#include "simulator/board.h"
#include "simulator/stop.h"

namespace pico_llama::simulator {

/// Where tests/target/sdk is built: PICO_LLAMA_SDK_TESTS or build/sdk-tests.
inline std::filesystem::path sdk_programs() {
  const char* given = std::getenv("PICO_LLAMA_SDK_TESTS");
  return given != nullptr ? given : "build/sdk-tests";
}

/// A board that runs one of the SDK programs and keeps its output on UART0.
class SdkProgram : public testing::Test {
 protected:
  /// False (and the test is skipped) where the programs have not been built.
  bool start(const std::string& name, const BoardOptions& options = {}) {
    const std::filesystem::path elf = sdk_programs() / (name + ".elf");
    if (!std::filesystem::exists(elf)) {
      skip_reason = elf.string() + " is not built (cmake -S tests/target/sdk -B build/sdk-tests)";
      return false;
    }
    board = std::make_unique<Board>(options);
    board->set_uart_sink([this](unsigned, std::uint8_t byte) {
      if (byte != '\r') printed.push_back(static_cast<char>(byte));
      if (!awaited.empty() && printed.find(awaited) != std::string::npos) board->request_stop();
    });
    board->load(formats::read_memory_image(elf.string()));
    board->reset();
    return true;
  }
  /// Runs until `text` has been printed, at most `seconds` more.
  RunResult run_until_printed(const std::string& text, double seconds = 1.0) {
    awaited = text;
    const RunResult result = run(seconds);
    awaited.clear();
    EXPECT_NE(printed.find(text), std::string::npos) << "printed so far:\n"
                                                     << printed << "\n"
                                                     << result.message;
    return result;
  }
  RunResult run(double seconds) {
    RunLimits limits;
    limits.time = board->time() + static_cast<Picoseconds>(seconds * 1e12);
    return board->run(limits);
  }

  /// Address of a variable of the program, 0 if it has none of that name.
  static std::uint32_t find_variable(const std::string& program, const std::string& name) {
    return formats::find_elf_object((sdk_programs() / (program + ".elf")).string(), name).value_or(0);
  }

  std::unique_ptr<Board> board;
  std::string printed, awaited, skip_reason;
};

}  // namespace pico_llama::simulator
