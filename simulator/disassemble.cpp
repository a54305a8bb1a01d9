#include "simulator/disassemble.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <array>

namespace pico_llama::simulator {

std::string disassemble(std::uint32_t address, std::uint32_t opcode) {
  const bool wide = opcode > 0xffff;
  std::array<std::uint8_t, 4> bytes{};
  const auto put = [&](std::size_t at, std::uint32_t half) {
    bytes[at] = static_cast<std::uint8_t>(half);
    bytes[at + 1] = static_cast<std::uint8_t>(half >> 8);
  };
  if (wide) {
    put(0, opcode >> 16);
    put(2, opcode & 0xffff);
  } else {
    put(0, opcode);
  }
  csh handle = 0;
  const auto mode = static_cast<cs_mode>(CS_MODE_THUMB | CS_MODE_MCLASS | CS_MODE_V8);
  if (cs_open(CS_ARCH_ARM, mode, &handle) != CS_ERR_OK) return fmt::format("{:#x}", opcode);
  cs_insn* instruction = nullptr;
  const std::size_t count = cs_disasm(handle, bytes.data(), wide ? 4 : 2, address, 1, &instruction);
  std::string text = count == 1 ? fmt::format("{} {}", instruction[0].mnemonic, instruction[0].op_str) : "?";
  if (count > 0) cs_free(instruction, count);
  cs_close(&handle);
  return text;
}

}  // namespace pico_llama::simulator
