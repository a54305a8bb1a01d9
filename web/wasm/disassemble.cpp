// Capstone would be the largest part of the program; a report with the instruction's code can be disassembled
// elsewhere.
#include "simulator/disassemble.h"

#include <fmt/format.h>

namespace pico_llama::simulator {

std::string disassemble(std::uint32_t, std::uint32_t opcode) {
  return opcode > 0xffff ? fmt::format(".inst.w {:#010x}", opcode) : fmt::format(".inst.n {:#06x}", opcode);
}

}  // namespace pico_llama::simulator
