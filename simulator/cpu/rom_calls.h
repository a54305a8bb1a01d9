#pragma once

namespace pico_llama::simulator {

class Core;

/// The boot ROM, done at high level: no instruction of it is executed.
class RomCalls {
 public:
  virtual ~RomCalls() = default;
  /// `core` is about to execute at a pc in the ROM (below Bus::kRomSize). Called instead of executing, for
  /// every such pc. On return the core goes on at whatever its pc is then: the caller's (the call is over: pc
  /// is lr without bit 0), or still the same one, with the core's clock later (the ROM waits for something;
  /// interrupts may be taken, and the call comes again).
  /// Requires: of Core, reg(n)/set_reg(n) for r0..r15 (15: pc), now()/skip_to().
  virtual void execute(Core& core) = 0;
};

}  // namespace pico_llama::simulator
