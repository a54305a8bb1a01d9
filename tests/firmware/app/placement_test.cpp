#include "firmware/app/placement.h"

#include <gtest/gtest.h>

#include <vector>

namespace pico_llama::app {
namespace {

using hal::Memory;

/// Bytes of key/value cache for each position: the context of place()'s callback.
uint64_t linear(const void* bytes_per_position, int context) {
  return *static_cast<const uint64_t*>(bytes_per_position) * static_cast<uint64_t>(context);
}

/// As many equal hot tensors as given, and one that stays in flash.
std::vector<PlacementItem> tensors(int count, uint64_t bytes) {
  std::vector<PlacementItem> items(static_cast<size_t>(count), {.bytes = bytes, .bytes_per_token = bytes});
  items.push_back({.bytes = 16384, .bytes_per_token = 32, .stays_in_flash = true});
  return items;
}

uint64_t sum(const std::vector<PlacementItem>& items, Memory memory) {
  uint64_t total = 0;
  for (const PlacementItem& item : items) total += item.memory == memory ? item.bytes : 0;
  return total;
}

constexpr PlacementLimits kPlus2{.sram_bytes = 490'000,
                                 .psram_bytes = 8u << 20,
                                 .psram_sck_hz = 75'000'000,
                                 .flash_sck_hz = 75'000'000,
                                 .stream_bytes = 32'768,
                                 .stream_bytes_with_cache = 40'960};
constexpr PlacementLimits kPico2{.sram_bytes = 490'000, .flash_sck_hz = 75'000'000, .stream_bytes = 32'768};

/// A flash whose QE bit is clear: the PSRAM is the faster reader.
PlacementLimits with_dual_flash() {
  PlacementLimits limits = kPlus2;
  limits.flash_is_slow = true;
  return limits;
}

TEST(Placement, EverythingInSramWhenItFits) {
  std::vector<PlacementItem> items = tensors(45, 6'000);
  const uint64_t kv = 360;
  const Placement p = place(items, 20'000, 512, linear, &kv, kPlus2);
  ASSERT_TRUE(p.fits);
  EXPECT_EQ(p.kv_memory, Memory::kSram);
  EXPECT_EQ(p.context, 512);
  EXPECT_EQ(sum(items, Memory::kSram), 45u * 6'000);
  EXPECT_EQ(sum(items, Memory::kFlash), 16384u);
  EXPECT_EQ(p.stream_bytes, 0u);
  EXPECT_EQ(p.bus_bytes_per_token, 32u);
  EXPECT_LE(p.sram_used, kPlus2.sram_bytes);
}

TEST(Placement, F32Stories260kOnTheBoard) {
  // 1,037,312 B of hot weights in pieces of about a layer's matrices, 1280 B of cache a position.
  std::vector<PlacementItem> items = tensors(50, 20'746);
  const uint64_t kv = 1280;
  const Placement p = place(items, 30'000, 512, linear, &kv, kPlus2);
  ASSERT_TRUE(p.fits);
  EXPECT_EQ(p.kv_memory, Memory::kPsram);
  EXPECT_EQ(p.kv_bytes, 512u * 1280);
  EXPECT_EQ(p.context, 512);
  // What SRAM is left is full to less than one more tensor.
  EXPECT_GT(p.sram_used + 20'800, kPlus2.sram_bytes);
  EXPECT_LE(p.sram_used, kPlus2.sram_bytes);
  EXPECT_EQ(p.stream_bytes, 40'960u);
  // At one clock flash is the better reader: no pauses for refresh.
  EXPECT_EQ(sum(items, Memory::kPsram), 0u);
  EXPECT_EQ(p.bus_bytes_per_token, sum(items, Memory::kFlash) - 16'384 + p.kv_bytes / 2 + 32);
}

TEST(Placement, KeepsTheCacheInSramIfThatReducesBusTraffic) {
  // q8 stories260K: 16 kB too much for SRAM. Those of the weights on the bus cost less than half a cache a
  // token.
  std::vector<PlacementItem> items = tensors(47, 5'934);
  PlacementLimits limits = kPlus2;
  limits.sram_bytes = 485'340 + limits.stream_bytes;
  const uint64_t kv = 360;
  const Placement p = place(items, 37'824, 512, linear, &kv, limits);
  ASSERT_TRUE(p.fits);
  EXPECT_EQ(p.kv_memory, Memory::kSram);
  EXPECT_EQ(p.context, 512);
  EXPECT_LT(p.bus_bytes_per_token, 30'000u);
}

TEST(Placement, WithoutPsramTheContextShrinksAndWeightsStayInFlash) {
  std::vector<PlacementItem> items = tensors(50, 20'746);
  const uint64_t kv = 1280;
  const Placement p = place(items, 30'000, 512, linear, &kv, kPico2);
  ASSERT_TRUE(p.fits);
  EXPECT_EQ(p.kv_memory, Memory::kSram);
  EXPECT_LT(p.context, 512);
  EXPECT_GE(p.context, kMinContext);
  EXPECT_EQ(p.psram_used, 0u);
  EXPECT_EQ(sum(items, Memory::kPsram), 0u);
  EXPECT_LE(p.sram_used, kPico2.sram_bytes);
}

TEST(Placement, TooLargeReportsRequiredSize) {
  std::vector<PlacementItem> items = tensors(1, 100);
  const uint64_t kv = 20'000;
  const Placement p = place(items, 30'000, 512, linear, &kv, kPico2);
  EXPECT_FALSE(p.fits);
  EXPECT_EQ(p.sram_needed, aligned(30'000) + aligned(64u * 20'000) + kPico2.stream_bytes);
  const Placement q = place(items, 600'000, 512, linear, &kv, kPlus2);
  EXPECT_FALSE(q.fits);
  EXPECT_EQ(q.sram_needed, aligned(600'000) + kPlus2.stream_bytes);
}

TEST(Placement, HigherTrafficPerByteFirst) {
  std::vector<PlacementItem> items = {{.bytes = 300'000, .bytes_per_token = 100'000},
                                      {.bytes = 300'000, .bytes_per_token = 300'000},
                                      {.bytes = 100'000, .bytes_per_token = 1'000}};
  const uint64_t kv = 2000;
  const Placement p = place(items, 10'000, 512, linear, &kv, with_dual_flash());
  ASSERT_TRUE(p.fits);
  EXPECT_EQ(items[1].memory, Memory::kSram);
  EXPECT_EQ(items[0].memory, Memory::kPsram);
  EXPECT_EQ(items[2].memory, Memory::kSram);  // what is left is better used than not
}

TEST(Placement, FlashInsteadOfPsramWhereFlashIsFaster) {
  PlacementLimits at_200_mhz = kPlus2;
  at_200_mhz.psram_sck_hz = 66'666'666;
  at_200_mhz.flash_sck_hz = 100'000'000;
  const uint64_t kv = 1280;
  std::vector<PlacementItem> items = tensors(50, 20'746);
  ASSERT_TRUE(place(items, 30'000, 512, linear, &kv, at_200_mhz).fits);
  EXPECT_EQ(sum(items, Memory::kPsram), 0u);
  // Two lines instead of four turn it round.
  at_200_mhz.flash_is_slow = true;
  ASSERT_TRUE(place(items, 30'000, 512, linear, &kv, at_200_mhz).fits);
  EXPECT_GT(sum(items, Memory::kPsram), 0u);
}

TEST(Placement, NormsComeFirstAndTheStreamGetsItsRing) {
  std::vector<PlacementItem> items = tensors(50, 20'746);
  for (int i = 0; i < 10; ++i) items.push_back({.bytes = 256, .bytes_per_token = 256, .needs_sram = true});
  const uint64_t kv = 1280;
  PlacementLimits tight = kPlus2;
  // Room for the activations, the norms, a ring for weights and nothing else.
  tight.sram_bytes = 30'016 + 10 * 256 + tight.stream_bytes + 1'000;
  const Placement p = place(items, 30'000, 512, linear, &kv, tight);
  ASSERT_TRUE(p.fits);
  EXPECT_EQ(p.stream_bytes, tight.stream_bytes);
  for (size_t i = items.size() - 10; i < items.size(); ++i) EXPECT_EQ(items[i].memory, Memory::kSram);
  EXPECT_EQ(sum(items, Memory::kSram), 2560u);
  tight.sram_bytes -= 1'001;
  EXPECT_FALSE(place(items, 30'000, 512, linear, &kv, tight).fits);
}

TEST(Placement, OverflowOfPsramStaysInFlash) {
  std::vector<PlacementItem> items = tensors(300, 50'000);  // 15 MB
  const uint64_t kv = 6912;
  const Placement p = place(items, 200'000, 256, linear, &kv, with_dual_flash());
  ASSERT_TRUE(p.fits);
  EXPECT_LE(p.psram_used, kPlus2.psram_bytes);
  EXPECT_GT(sum(items, Memory::kFlash), 0u);
  EXPECT_GT(p.psram_used + 60'000, kPlus2.psram_bytes);
}

}  // namespace
}  // namespace pico_llama::app
