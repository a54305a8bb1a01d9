#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace pico_llama::simulator {

/// The memory that a load or store would touch, for watchpoints.
struct MemoryOperand {
  std::uint32_t address = 0;
  std::uint32_t bytes = 0;
  bool write = false;
};

/// Of the instruction `code` at `pc`; nullopt if it is no load or store. `reg` reads r0..r15.
class MemoryOperandDecoder {
 public:
  MemoryOperandDecoder();
  ~MemoryOperandDecoder();
  MemoryOperandDecoder(const MemoryOperandDecoder&) = delete;
  MemoryOperandDecoder& operator=(const MemoryOperandDecoder&) = delete;
  std::optional<MemoryOperand> decode(std::span<const std::uint8_t, 4> code, std::uint32_t pc,
                                      const std::function<std::uint32_t(unsigned)>& reg) const;

 private:
  std::size_t capstone_ = 0;
};

}  // namespace pico_llama::simulator
