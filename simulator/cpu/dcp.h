#pragma once
#include <cstdint>

#include "simulator/cpu/coprocessor.h"

namespace pico_llama::simulator {

/// The double-precision coprocessor, CP4 in Secure state (datasheet section 3.6.2).
class Dcp final {};

}  // namespace pico_llama::simulator
