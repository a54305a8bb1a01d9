#pragma once
#include <cstdint>

namespace pico_llama::simulator::dma_fields {

/// CHx_CTRL_TRIG and CHx_TRANS_COUNT (hardware/regs/dma.h).
inline constexpr std::uint32_t kEnable = 1u << 0, kHighPriority = 1u << 1, kIncrementRead = 1u << 4,
                               kReverseRead = 1u << 5, kIncrementWrite = 1u << 6, kReverseWrite = 1u << 7,
                               kRingWrite = 1u << 12, kQuiet = 1u << 23, kSwap = 1u << 24, kSniff = 1u << 25,
                               kBusy = 1u << 26, kWriteError = 1u << 29, kReadError = 1u << 30,
                               kAnyError = 1u << 31;
inline constexpr std::uint32_t kControlWritable = 0x03ff'ffff;
inline constexpr unsigned kUnpaced = 63, kFirstTimer = 59;
inline constexpr std::uint32_t kCountMask = 0x0fff'ffff;
enum Mode : std::uint32_t { kNormal = 0, kTriggerSelf = 1, kEndless = 15 };

inline unsigned size_of(std::uint32_t control) { return 1u << ((control >> 2) & 3); }
inline unsigned request_of(std::uint32_t control) { return (control >> 17) & 63; }
inline unsigned chain_of(std::uint32_t control) { return (control >> 13) & 15; }
inline unsigned ring_of(std::uint32_t control) { return (control >> 8) & 15; }

}  // namespace pico_llama::simulator::dma_fields
