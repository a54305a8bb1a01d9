#include "simulator/cpu/cpu.h"
#include "simulator/cpu/decode.h"

namespace pico_llama::simulator {

void decode_fpu(Insn& i) {
  i.run = [](Cpu& cpu, const Insn&) {
    if (!cpu.fp_ready) cpu.fp_prepare();
    stop_at(cpu, "an FP instruction that the model does not have yet");
  };
}

}  // namespace pico_llama::simulator
