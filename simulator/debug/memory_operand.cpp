#include "simulator/debug/memory_operand.h"

#include <capstone/capstone.h>

#include <stdexcept>
#include <string_view>

namespace pico_llama::simulator {
namespace {

unsigned number_of(unsigned capstone_register) {
  if (capstone_register >= ARM_REG_R0 && capstone_register <= ARM_REG_R12)
    return capstone_register - ARM_REG_R0;
  if (capstone_register == ARM_REG_SP) return 13;
  return capstone_register == ARM_REG_LR ? 14 : 15;
}

bool starts(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::uint32_t register_bytes(unsigned capstone_register) {
  return capstone_register >= ARM_REG_D0 && capstone_register <= ARM_REG_D31 ? 8 : 4;
}

}  // namespace

MemoryOperandDecoder::MemoryOperandDecoder() {
  if (cs_open(CS_ARCH_ARM, static_cast<cs_mode>(CS_MODE_THUMB | CS_MODE_MCLASS), &capstone_) != CS_ERR_OK) {
    throw std::logic_error("Capstone was built without Thumb");
  }
  cs_option(capstone_, CS_OPT_DETAIL, CS_OPT_ON);
}

MemoryOperandDecoder::~MemoryOperandDecoder() { cs_close(&capstone_); }

std::optional<MemoryOperand> MemoryOperandDecoder::decode(
    std::span<const std::uint8_t, 4> code, std::uint32_t pc,
    const std::function<std::uint32_t(unsigned)>& reg) const {
  cs_insn* insn = nullptr;
  if (cs_disasm(capstone_, code.data(), code.size(), pc, 1, &insn) != 1) return std::nullopt;
  const std::string_view name = insn->mnemonic;
  const cs_arm& arm = insn->detail->arm;
  MemoryOperand operand;
  operand.write = starts(name, "st") || starts(name, "vst") || starts(name, "push") || starts(name, "vpush");
  const bool load = starts(name, "ld") || starts(name, "vld") || starts(name, "pop") || starts(name, "vpop");
  const bool stack =
      starts(name, "push") || starts(name, "pop") || starts(name, "vpush") || starts(name, "vpop");
  const bool multiple =
      stack || starts(name, "ldm") || starts(name, "stm") || starts(name, "vldm") || starts(name, "vstm");
  bool found = operand.write || load;
  if (found && multiple) {
    for (unsigned i = stack ? 0 : 1; i < arm.op_count; ++i)
      operand.bytes += register_bytes(static_cast<unsigned>(arm.operands[i].reg));
    operand.address = reg(stack ? 13 : number_of(static_cast<unsigned>(arm.operands[0].reg)));
    const bool down =
        starts(name, "push") || starts(name, "vpush") || name.find("db") != std::string_view::npos;
    if (down) operand.address -= operand.bytes;
  } else if (found) {
    found = false;
    for (unsigned i = 0; i < arm.op_count; ++i) {
      const cs_arm_op& op = arm.operands[i];
      if (op.type != ARM_OP_MEM) continue;
      found = true;
      const unsigned base = number_of(static_cast<unsigned>(op.mem.base));
      operand.address = base == 15 ? (pc + 4) & ~3u : reg(base);
      if (op.mem.index != ARM_REG_INVALID) {
        operand.address += reg(number_of(static_cast<unsigned>(op.mem.index)))
                           << (op.shift.type == ARM_SFT_LSL ? op.shift.value : 0);
      }
      operand.address += static_cast<std::uint32_t>(op.mem.disp);
    }
    const std::string_view size = name.substr(starts(name, "str") || starts(name, "ldr") ? 3 : 0);
    if (starts(name, "v")) {
      operand.bytes = register_bytes(static_cast<unsigned>(arm.operands[0].reg));
    } else if (starts(size, "d") || starts(size, "exd")) {
      operand.bytes = 8;
    } else if (size.find('h') != std::string_view::npos) {
      operand.bytes = 2;
    } else {
      operand.bytes = size.find('b') != std::string_view::npos ? 1 : 4;
    }
  }
  cs_free(insn, 1);
  if (!found) return std::nullopt;
  return operand;
}

}  // namespace pico_llama::simulator
