#include "simulator/devices/system.h"

#include "bench.h"
#include "simulator/devices/otp.h"
#include "simulator/devices/psm.h"
#include "simulator/devices/trng.h"

namespace pico_llama::simulator {
namespace {

TEST(System, IdentifiesTheChip) {
  Bench bench;
  Sysinfo b_part(false), a_part(true);
  EXPECT_EQ(bench.read(b_part, 0x0) >> 28, 2U);           // revision A2
  EXPECT_EQ(bench.read(b_part, 0x0) >> 12 & 0xffff, 4U);  // RP2350
  EXPECT_EQ(bench.read(b_part, 0x4), 0U);
  EXPECT_EQ(bench.read(a_part, 0x4), 1U);  // QFN60
}

TEST(Bootram, LocksAndWriteOnceWords) {
  Bench bench;
  Bootram bootram;
  EXPECT_EQ(bench.read(bootram, 0x80c + 4 * 2), 4U);
  EXPECT_EQ(bench.read(bootram, 0x80c + 4 * 2), 0U);
  EXPECT_EQ(bench.read(bootram, 0x808), 0xfbU);
  bench.write(bootram, 0x80c + 4 * 2, 0);
  EXPECT_EQ(bench.read(bootram, 0x808), 0xffU);
  bench.write(bootram, 0x800, 1);
  bench.write(bootram, 0x800, 4);
  EXPECT_EQ(bench.read(bootram, 0x800), 5U);
  bootram.write(0x3f0, 0x1234, {.size = 2});
  bootram.write(0x3f0, 0x0034, {.size = 2, .op = AtomicOp::kXor});
  EXPECT_EQ(bench.read(bootram, 0x3f0), 0x1200U);
}

TEST(Trng, GivesTheSameBitsForTheSameSeed) {
  const auto sample = [](std::uint64_t seed) {
    Bench bench;
    Trng trng(seed);
    bench.write(trng, 0x130, 0);
    bench.write(trng, 0x138, ~0U);
    bench.write(trng, 0x12c, ~0U);
    bench.write(trng, 0x108, ~0U);
    EXPECT_EQ(bench.read(trng, 0x1b8), 1U);
    bench.now += 200;
    EXPECT_EQ(bench.read(trng, 0x1b8), 0U);
    std::vector<std::uint32_t> words;
    for (std::uint32_t i = 0; i < 6; ++i) words.push_back(bench.read(trng, 0x114 + 4 * i));
    EXPECT_EQ(bench.read(trng, 0x1b8), 1U);  // sampling again
    return words;
  };
  EXPECT_EQ(sample(1), sample(1));
  EXPECT_NE(sample(1), sample(2));
}

TEST(Trng, ChecksTakeTimeAndSometimesFail) {
  Bench bench;
  Trng trng(3);
  bench.write(trng, 0x130, 99);
  bench.write(trng, 0x12c, 1);  // no bypass
  int failed = 0;
  for (int i = 0; i < 40; ++i) {
    bench.write(trng, 0x130, 99);
    bench.now += 192 * 100 + 1;
    EXPECT_EQ(bench.read(trng, 0x104), 0U);  // raw samples would be there
    bench.now += 3 * 192 * 100;
    const bool error = bench.read(trng, 0x104) == 2U;
    EXPECT_EQ(bench.read(trng, 0x114) == 0U, error);
    failed += error;
  }
  EXPECT_GT(failed, 0);
  EXPECT_LT(failed, 20);
}

TEST(Otp, HasAChipIdAndCannotBeWritten) {
  Bench bench;
  Otp otp(7);
  OtpData data(otp);
  EXPECT_NE(otp.chip_id(), 0U);
  EXPECT_EQ(bench.read(data, 0), static_cast<std::uint32_t>(otp.chip_id()));
  EXPECT_EQ(bench.read(data, 4), static_cast<std::uint32_t>(otp.chip_id() >> 32));
  EXPECT_EQ(data.write(0, 1, {}).fault, BusFault::kDenied);
  EXPECT_EQ(bench.read(data, 0x4000 + 4 * 0x48), 0U);  // BOOT_FLAGS0, raw: unprogrammed
  EXPECT_THROW(data.read(0x4000, {}), Stop);           // raw read of a row with ECC
}

TEST(Psm, ResetsCore1AndNothingElse) {
  Bench bench;
  Psm psm;
  std::vector<bool> calls;
  psm.set_core1_reset([&](bool held) { calls.push_back(held); });
  bench.write(psm, 0x4, 1U << 24, AtomicOp::kSet);
  EXPECT_EQ(bench.read(psm, 0xc) >> 24, 0U);
  bench.write(psm, 0x4, 1U << 24, AtomicOp::kClear);
  EXPECT_EQ(calls, (std::vector<bool>{true, false}));
  EXPECT_THROW(bench.write(psm, 0x4, 1U << 10), Stop);
}

TEST(Busctrl, CountersStayOff) {
  Bench bench;
  Busctrl busctrl;
  bench.write(busctrl, 0x10, 0x2b);
  EXPECT_EQ(bench.read(busctrl, 0x10), 0x2bU);
  EXPECT_THROW(bench.write(busctrl, 0x8, 1), Stop);
}

}  // namespace
}  // namespace pico_llama::simulator
