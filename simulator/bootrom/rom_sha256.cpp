#include "simulator/bootrom/rom_sha256.h"

namespace pico_llama::simulator {
namespace {
constexpr std::uint32_t kCsr = 0x400f8000, kWdata = kCsr + 4, kSum0 = kCsr + 8;
constexpr std::uint32_t kStart = 1, kReady = 2, kSumValid = 4, kDmaSizeWord = 2U << 8, kByteSwap = 1U << 12;
constexpr std::uint32_t kBlockWords = 16;
}  // namespace

RomSha256::RomSha256(RomBus& bus) : bus_(bus) { bus_.store(kCsr, kByteSwap | kDmaSizeWord | kStart); }

void RomSha256::write(std::uint32_t word) {
  while ((bus_.load(kCsr) & kReady) == 0) continue;
  bus_.store(kWdata, word);
  ++words_;
}

void RomSha256::add(std::uint32_t word) { write(word); }

std::array<std::uint32_t, 8> RomSha256::finish() {
  const std::uint64_t bits = 32 * words_;
  write(0x80);
  while (words_ % kBlockWords != kBlockWords - 2) write(0);
  write(__builtin_bswap32(static_cast<std::uint32_t>(bits >> 32)));
  write(__builtin_bswap32(static_cast<std::uint32_t>(bits)));
  while ((bus_.load(kCsr) & kSumValid) == 0) continue;
  std::array<std::uint32_t, 8> digest{};
  for (std::uint32_t i = 0; i < digest.size(); ++i) digest[i] = __builtin_bswap32(bus_.load(kSum0 + 4 * i));
  return digest;
}

}  // namespace pico_llama::simulator
