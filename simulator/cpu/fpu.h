#pragma once
#include "simulator/cpu/cpu.h"

namespace pico_llama::simulator {

/// Every FP instruction starts with this: access check, lazy stacking, new context; then the FPU must be
/// free.
inline void fp_begin(Cpu& cpu) {
  if (!cpu.fp_ready) [[unlikely]]
    cpu.fp_prepare();
  if (cpu.now < cpu.fpu_free) [[unlikely]] {
    cpu.stats.fpu_stalls += cpu.fpu_free - cpu.now;
    cpu.now = cpu.fpu_free;
  }
}

void decode_fp_load_store(Insn& insn);
void decode_fp_move(Insn& insn);

}  // namespace pico_llama::simulator
