#include "simulator/devices/otp.h"

#include <gtest/gtest.h>

#include "bench.h"
#include "simulator/devices/otp_ecc.h"

namespace pico_llama::simulator {
namespace {

constexpr std::uint32_t kOtpInstr = 0x100, kOtpReadData = 0x114, kOtpStatus = 0x124, kOtpUsr = 0x128,
                        kOtpIntr = 0x164;
constexpr std::uint32_t kRaw = 0x4000, kGuarded = 0x8000;
constexpr Access kNonsecure{.secure = false};

/// The bridge as software uses it: one instruction, then INSTR_DONE.
struct OtpBench : Bench {
  Otp otp{timebase, 7, 48};
  OtpData data{otp};

  void instruct(std::uint32_t instruction) {
    write(otp, kOtpInstr, 1U << 30 | instruction);
    EXPECT_EQ(read(otp, kOtpStatus) & 0x10, 0x10U);
    write(otp, kOtpStatus, 0x10);
    EXPECT_EQ(read(otp, kOtpStatus) & 0x10, 0U);
  }
  void set(std::uint32_t target, std::uint32_t number, std::uint32_t value) {
    instruct(0x30000000 | target << 16 | (0xc0 | number) << 8 | value);
  }
  std::uint32_t get(std::uint32_t target, std::uint32_t number) {
    instruct(0x10000000 | target << 16 | (0x80 | number) << 8);
    return read(otp, kOtpReadData);
  }
  void prepare() {
    write(otp, kOtpUsr, 0);
    set(0x02, 0x3a, 0x01);
    set(0x3a, 0x3c, 0x0a);
    set(0x3a, 0x3f, 0x0a);
  }
  void start(std::uint32_t row, std::uint32_t bits) {
    set(0x02, 0x3c, row & 0xff);
    set(0x02, 0x3d, row >> 8);
    set(0x02, 0x00, bits & 0xff);
    set(0x02, 0x01, bits >> 8 & 0xff);
    set(0x02, 0x20, bits >> 16);
    instruct(0x203a0100);
  }
  void program(std::uint32_t row, std::uint32_t bits) {
    prepare();
    start(row, bits);
    while ((get(0x3a, 0x3f) & 0x80) != 0) pass_microseconds(10);
    instruct(0x203a0200);
    write(otp, kOtpUsr, 1);
  }
};

TEST(OtpEcc, EncodesAsTheDatasheetSays) {
  // By hand from the table of section 13.6.2: the codes of single data bits, and of none.
  EXPECT_EQ(otp_encode(0), 0U);
  EXPECT_EQ(otp_encode(0x0001), 0x230001U);
  EXPECT_EQ(otp_encode(0x0002), 0x250002U);
  EXPECT_EQ(otp_encode(0x0800), 0x310800U);
  EXPECT_EQ(otp_encode(0x8000), 0x158000U);
}

TEST(OtpEcc, CorrectsOneWrongBitAndDetectsTwo) {
  for (std::uint32_t value = 0; value < 0x10000; value += 251) {
    const std::uint32_t row = otp_encode(static_cast<std::uint16_t>(value));
    EXPECT_EQ(row & 0xffff, value);
    EXPECT_EQ(row >> 22, 0U);
    for (const std::uint32_t inverted : {0U, 0xffffffU}) {
      EXPECT_EQ(otp_decode(row ^ inverted).value, value);
      EXPECT_FALSE(otp_decode(row ^ inverted).corrupt);
      for (unsigned a = 0; a < 22; ++a) {
        const OtpDecoded one = otp_decode(row ^ inverted ^ 1U << a);
        EXPECT_EQ(one.value, value) << a;
        EXPECT_FALSE(one.corrupt) << a;
        for (unsigned b = 0; b < a; ++b)
          EXPECT_TRUE(otp_decode(row ^ inverted ^ 1U << a ^ 1U << b).corrupt) << a << ' ' << b;
      }
    }
    // One wrong bit of the two for the polarity: the row is not inverted.
    for (const unsigned bit : {22U, 23U}) EXPECT_EQ(otp_decode(row ^ 1U << bit).value, value);
  }
}

TEST(Otp, HasAChipIdAndCannotBeWrittenThroughItsDataPort) {
  OtpBench bench;
  const std::uint64_t id = bench.otp.chip_id();
  EXPECT_NE(id, 0U);
  for (const std::uint32_t window : {0U, kGuarded}) {
    EXPECT_EQ(bench.read(bench.data, window), static_cast<std::uint32_t>(id));
    EXPECT_EQ(bench.read(bench.data, window + 4), static_cast<std::uint32_t>(id >> 32));
    EXPECT_EQ(bench.read(bench.data, window + 2 * 0x018) & 0xffff, 48U) << "NUM_GPIOS";
    EXPECT_EQ(bench.read(bench.data, window + kRaw), otp_encode(static_cast<std::uint16_t>(id)));
    EXPECT_EQ(bench.read(bench.data, window + kRaw + 4 * 0x48), 0U) << "BOOT_FLAGS0";
    EXPECT_EQ(bench.read(bench.data, window + kRaw + 4 * 0xf81), 0x151515U) << "PAGE0_LOCK1";
    EXPECT_EQ(bench.data.read(window + 0x2000, {}).fault, BusFault::kUnmapped);
  }
  EXPECT_EQ(bench.data.write(0, 1, {}).fault, BusFault::kDenied);
}

TEST(Otp, LocksOfTheFactoryAdvanceAndNeverGoBack) {
  OtpBench bench;
  // Section 13.5.5.
  for (unsigned page = 0; page < 64; ++page) {
    const std::uint32_t expected = page == 0 ? 5 : page < 3 || page > 61 ? 4 : 0;
    EXPECT_EQ(bench.read(bench.otp, 4 * page), expected) << page;
  }
  bench.write(bench.otp, 4 * 5, 0x1);
  bench.write(bench.otp, 4 * 5, 0xc);
  EXPECT_EQ(bench.read(bench.otp, 4 * 5), 0xdU);
  bench.write(bench.otp, 4 * 5, 0);
  EXPECT_EQ(bench.read(bench.otp, 4 * 5), 0xdU);
  // Non-secure code: its own lock, and no register of the bridge.
  EXPECT_EQ(bench.otp.write(4 * 6, 0x7, kNonsecure).fault, BusFault::kNone);
  EXPECT_EQ(bench.read(bench.otp, 4 * 6), 0x4U);
  EXPECT_EQ(bench.otp.write(kOtpUsr, 0, kNonsecure).fault, BusFault::kDenied);
  bench.otp.reset();
  EXPECT_EQ(bench.read(bench.otp, 4 * 5), 0U);
}

TEST(Otp, APageThatIsInaccessibleReadsAsOnesOrFaults) {
  OtpBench bench;
  bench.write(bench.otp, 4 * 5, 0xc);
  const std::uint32_t raw = kRaw + 4 * 5 * 64, ecc = 2 * 5 * 64;
  EXPECT_EQ(bench.read(bench.data, raw), 0U);
  EXPECT_EQ(bench.data.read(raw, kNonsecure).value, ~0U);
  EXPECT_EQ(bench.data.read(kGuarded + raw, kNonsecure).fault, BusFault::kDenied);
  EXPECT_EQ(bench.read(bench.otp, kOtpIntr), 0x10U);
  bench.write(bench.otp, kOtpIntr, 0x10);
  bench.write(bench.otp, 4 * 5, 0x3);
  EXPECT_EQ(bench.read(bench.data, ecc), ~0U);
  EXPECT_EQ(bench.data.read(kGuarded + ecc, {}).fault, BusFault::kDenied);
  EXPECT_EQ(bench.read(bench.otp, kOtpIntr), 0x8U);
  // The lock rows can be read by all.
  bench.write(bench.otp, 4 * 62, 0xf);
  EXPECT_EQ(bench.data.read(kGuarded + kRaw + 4 * 0xf83, kNonsecure).value, 0x040404U);
}

TEST(Otp, ProgrammingSetsBitsTakesTimeAndClosesTheDataPort) {
  OtpBench bench;
  bench.prepare();
  EXPECT_EQ(bench.data.read(kRaw, {}).fault, BusFault::kDenied);
  EXPECT_EQ(bench.read(bench.otp, kOtpIntr), 0x4U);
  bench.start(0x123, 0x812345);
  EXPECT_EQ(bench.get(0x3a, 0x3f), 0x80U);
  EXPECT_EQ(bench.read(bench.otp, kOtpReadData), 0U) << "read once";
  bench.pass_microseconds(200);
  EXPECT_EQ(bench.get(0x3a, 0x3f), 0U);
  bench.instruct(0x203a0200);
  bench.write(bench.otp, kOtpUsr, 1);
  EXPECT_EQ(bench.read(bench.data, kRaw + 4 * 0x123), 0x812345U);
  bench.program(0x123, 0x00f00a);  // bits are added
  EXPECT_EQ(bench.read(bench.data, kRaw + 4 * 0x123), 0x81f34fU);
  bench.program(0x124, otp_encode(0xbeef));
  bench.program(0x125, otp_encode(0x1234) ^ 0xffffff);
  EXPECT_EQ(bench.read(bench.data, kGuarded + 2 * 0x124), 0x1234beefU);
  bench.otp.reset();
  EXPECT_EQ(bench.read(bench.data, 2 * 0x124), 0x1234beefU);
}

TEST(Otp, RowsThatCannotBeCorrectedFaultWhereGuarded) {
  OtpBench bench;
  bench.program(0x124, otp_encode(0x00f0) | 0x1);
  bench.program(0x126, otp_encode(0x00f0) | 0x3);
  EXPECT_EQ(bench.read(bench.data, kGuarded + 2 * 0x124), 0x00f0U);
  EXPECT_EQ(bench.data.read(kGuarded + 2 * 0x126, {}).fault, BusFault::kDenied);
  EXPECT_EQ(bench.data.read(2 * 0x126, {}).fault, BusFault::kNone);
}

TEST(Otp, ALockedPageIsNotProgrammed) {
  OtpBench bench;
  bench.program(0x019, 1);  // page 0: by the factory
  EXPECT_EQ(bench.read(bench.otp, kOtpIntr), 0x2U);
  EXPECT_EQ(bench.read(bench.data, kRaw + 4 * 0x019), 0U);
  bench.write(bench.otp, kOtpIntr, 0x2);
  // A page's lock row: locked by the same lock, and in force from the next reset on.
  bench.program(0xf80 + 2 * 7 + 1, 0x050505);
  bench.program(0x1c0, 1);
  EXPECT_EQ(bench.read(bench.otp, kOtpIntr), 0U);
  bench.otp.reset();
  EXPECT_EQ(bench.read(bench.otp, 4 * 7), 5U);
  bench.program(0x1c0, 2);
  bench.program(0xf80 + 2 * 7 + 1, 0x0a0a0a);
  EXPECT_EQ(bench.read(bench.otp, kOtpIntr), 0x2U);
  EXPECT_EQ(bench.read(bench.data, kRaw + 4 * 0x1c0), 1U);
  EXPECT_EQ(bench.read(bench.data, kRaw + 4 * (0xf80 + 2 * 7 + 1)), 0x050505U);
}

TEST(Otp, WhatIsNotModelledStopsByName) {
  OtpBench bench;
  EXPECT_THROW(bench.instruct(0x203a0100), Stop) << "the data port is open";
  bench.prepare();
  EXPECT_THROW(bench.instruct(0x203a0500), Stop) << "no such command";
  EXPECT_THROW(bench.instruct(0x203a0200), Stop) << "STOP without START";
  EXPECT_THROW(bench.instruct(0x31020000 | 0xc000), Stop) << "two bytes";
  EXPECT_THROW(bench.instruct(0x30050000 | 0xc000), Stop) << "no such controller";
  EXPECT_THROW(bench.start(0x1000, 1), Stop) << "beyond the last row";
  EXPECT_THROW(bench.start(0x040, 1), Stop) << "CRIT1";
  EXPECT_THROW(bench.start(0xf48, 1), Stop) << "an access key";
  EXPECT_THROW(bench.start(0xf90, 1), Stop) << "the choice of a key";
  bench.start(0x100, 1);
  EXPECT_THROW(bench.instruct(0x203a0100), Stop) << "still busy";
  bench.pass_microseconds(200);
  bench.instruct(0x203a0200);
  bench.set(0x02, 0x3a, 0x00);
  EXPECT_THROW(bench.start(0x100, 1), Stop) << "with the array's own correction";
  bench.write(bench.otp, kOtpUsr, 0x11);
  EXPECT_THROW(bench.data.read(0, {}), Stop) << "powered down";
}

}  // namespace
}  // namespace pico_llama::simulator
