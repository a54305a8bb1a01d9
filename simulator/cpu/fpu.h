#pragma once
#include <cstdint>

namespace pico_llama::simulator {

/// Registers of the FPU and its share of the exception model (Armv8-M ARM, B3.21 and D1.2.93 onwards).
struct FpuState {
  static constexpr std::uint32_t kFpscrMask = 0xf7c0'009f;
  static constexpr std::uint32_t kFpdscrMask = 0x07c0'0000;
  static constexpr std::uint32_t kAspen = 1u << 31, kLspen = 1u << 30, kLspact = 1u << 0;

  std::uint32_t s[32] = {};
  std::uint32_t fpscr = 0;
  std::uint32_t fpdscr = 0;
  std::uint32_t fpccr = kAspen | kLspen;
  std::uint32_t fpcar = 0;
  bool context_active = false;  ///< CONTROL.FPCA

  bool lazy_active() const { return (fpccr & kLspact) != 0; }
};

}  // namespace pico_llama::simulator
