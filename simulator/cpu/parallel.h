#pragma once
#include "simulator/cpu/insn.h"

namespace pico_llama::simulator {

/// Parallel addition and subtraction of the DSP extension. `operation`: ADD8, ADD16, ASX, -, SUB8, SUB16,
/// SAX; `kind`: S, Q, SH, -, U, UQ, UH, as the encoding has them. The undefined() handler where there is
/// none.
Handler parallel_handler(unsigned operation, unsigned kind);

}  // namespace pico_llama::simulator
