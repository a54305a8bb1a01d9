#pragma once
#include <cstdint>

#include "simulator/cpu/insn.h"

namespace pico_llama::simulator {

/// Fill in everything but pc, opcode and halfwords, which are set. T32 encodings as in the Armv8-M
/// Architecture Reference Manual, chapter C2.2. Undefined encodings get a handler that takes the
/// UsageFault, UNPREDICTABLE ones a handler that stops the run.
void decode16(Insn& insn);
void decode32(Insn& insn);

/// One function for each family of encodings; each requires that the caller has recognised the family.
void decode_data_16(Insn& insn);  // data_processing.cpp
void decode_data_modified_immediate(Insn& insn);
void decode_data_plain_immediate(Insn& insn);
void decode_data_shifted_register(Insn& insn);
void decode_data_register(Insn& insn);
void decode_multiply(Insn& insn);  // multiply.cpp
void decode_long_multiply(Insn& insn);
void decode_load_store_16(Insn& insn);  // load_store.cpp
void decode_load_store_single(Insn& insn);
void decode_load_store_multiple(Insn& insn);
void decode_push_pop(Insn& insn);
void decode_load_store_dual(Insn& insn);  // LDRD, exclusives, table branches, TT
void decode_branch_16(Insn& insn);        // branch.cpp
void decode_branch_32(Insn& insn);
void decode_misc_16(Insn& insn);      // system.cpp: CPS, BKPT, hints, SVC, UDF
void decode_system_32(Insn& insn);    // MSR, MRS, barriers, hints
void decode_coprocessor(Insn& insn);  // coprocessor.cpp
void decode_fpu(Insn& insn);          // fpu.cpp

/// SG, the only instruction at which Non-secure code may enter Secure code.
inline constexpr std::uint32_t kSecureGateway = 0xe97f'e97f;

void undefined(Core& core, const Insn& insn);
void unpredictable(Core& core, const Insn& insn);

/// The register fields of a 32-bit instruction.
inline unsigned rn_of(const Insn& i) { return i.opcode >> 16 & 15; }
inline unsigned rt_of(const Insn& i) { return i.opcode >> 12 & 15; }
inline unsigned rd_of(const Insn& i) { return i.opcode >> 8 & 15; }
inline unsigned rm_of(const Insn& i) { return i.opcode & 15; }
inline bool is_sp_or_pc(unsigned reg) { return reg == 13 || reg == 15; }
inline std::uint8_t u8(std::uint32_t value) { return static_cast<std::uint8_t>(value); }
inline std::uint32_t sign_extend(std::uint32_t value, unsigned bits) {
  const std::uint32_t sign = 1u << (bits - 1);
  return (value ^ sign) - sign;
}

}  // namespace pico_llama::simulator
