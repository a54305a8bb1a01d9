#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/simulator/cpu/machine.h"

namespace pico_llama::simulator {
namespace {

/// The SDK's own sequences, on the core, against the host's doubles. r0:r1 and r2:r3 in, r0:r1 out.
class Dcp : public testing::Test {
 protected:
  void SetUp() override {
    const char* given = std::getenv("PICO_SDK_PATH");
    sdk_ = std::filesystem::absolute(given != nullptr ? given : ".deps/pico-sdk").string();
    include_ = sdk_ + "/src/rp2_common/hardware_dcp/include/hardware/";
    if (!std::filesystem::exists(include_ + "dcp_canned.inc.S"))
      GTEST_SKIP() << "no Pico SDK: scripts/setup.sh gets it";
  }
  void load(const std::string& sequence) {
    m_.load(".include \"" + include_ + "dcp_instr.inc.S\"\n.include \"" + include_ + "dcp_canned.inc.S\"\n" +
            sequence + "\n");
  }
  std::uint64_t run(std::uint64_t x, std::uint64_t y) {
    m_.core.set_reg(15, Machine::kCode);
    m_.core.set_reg(0, static_cast<std::uint32_t>(x));
    m_.core.set_reg(1, static_cast<std::uint32_t>(x >> 32));
    m_.core.set_reg(2, static_cast<std::uint32_t>(y));
    m_.core.set_reg(3, static_cast<std::uint32_t>(y >> 32));
    m_.run();
    return std::uint64_t{m_.core.reg(1)} << 32 | m_.core.reg(0);
  }
  double run(double x, double y) {
    return std::bit_cast<double>(run(std::bit_cast<std::uint64_t>(x), std::bit_cast<std::uint64_t>(y)));
  }

  double operand() {
    switch (random_() % 8) {
      case 0: {
        constexpr double kSpecial[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1.0, -1.0, 1.7976931348623157e308,
                                       3.0, 0.1};
        return kSpecial[random_() % 10];
      }
      case 1:
        return static_cast<double>(static_cast<std::int32_t>(random_()));
      default: {
        const std::uint64_t exponent = 1023 - 40 + random_() % 80;
        return std::bit_cast<double>((random_() & 0x800f'ffff'ffff'ffff) | exponent << 52);
      }
    }
  }
  static void expect_same(double got, double want, double x, double y) {
    if (std::fpclassify(want) == FP_SUBNORMAL) want = std::copysign(0.0, want);  // flushed
    if (std::isnan(want))
      EXPECT_TRUE(std::isnan(got)) << x << " " << y;
    else
      EXPECT_EQ(std::bit_cast<std::uint64_t>(got), std::bit_cast<std::uint64_t>(want))
          << x << " " << y << " got " << got;
  }
  template <typename Want>
  void check(const std::string& sequence, Want want) {
    load(sequence);
    for (int i = 0; i < 4000 && !HasFailure(); ++i) {
      const double x = operand(), y = operand();
      expect_same(run(x, y), want(x, y), x, y);
    }
  }

  std::string sdk_, include_;
  Machine m_;
  std::mt19937_64 random_{7};
};

TEST_F(Dcp, AddsSubtractsMultiplies) {
  check("dcp_dadd_m r0,r1,r0,r1,r2,r3", [](double x, double y) { return x + y; });
  check("dcp_dsub_m r0,r1,r0,r1,r2,r3", [](double x, double y) { return x - y; });
  check("dcp_dmul_m r0,r1,r0,r1,r2,r3,r0,r1,r2,r3,r4,r12,r14", [](double x, double y) { return x * y; });
}

TEST_F(Dcp, DividesAndTakesRootsCorrectlyRounded) {
  check("dcp_ddiv_m r0,r1,r0,r1,r2,r3,r0,r1,r2,r3,r12", [](double x, double y) { return x / y; });
  check("dcp_dsqrt_m r0,r1,r0,r1,r0,r1,r2,r3,r12", [](double x, double) { return std::sqrt(x); });
}

TEST_F(Dcp, SinglePrecision) {
  const auto both = [&](const char* sequence, auto want) {
    load(sequence);
    for (int i = 0; i < 4000 && !HasFailure(); ++i) {
      const auto x = static_cast<float>(operand()), y = static_cast<float>(operand());
      const auto got = std::bit_cast<float>(static_cast<std::uint32_t>(run(
          std::uint64_t{std::bit_cast<std::uint32_t>(x)}, std::uint64_t{std::bit_cast<std::uint32_t>(y)})));
      const float expected = want(x, y);
      if (std::isnan(expected))
        EXPECT_TRUE(std::isnan(got));
      else
        EXPECT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(expected)) << x << " " << y;
    }
  };
  both("dcp_fadd_m r0,r0,r2", [](float x, float y) { return x + y; });
  both("dcp_fsub_m r0,r0,r2", [](float x, float y) { return x - y; });
  both("dcp_fmul_m r0,r0,r2,r3,r4", [](float x, float y) { return x * y; });
  both("dcp_fdiv_m r0,r0,r2,r3,r4,r5,r6", [](float x, float y) { return x / y; });
  both("dcp_fsqrt_m r0,r0,r3,r4,r5,r6", [](float x, float) { return std::sqrt(x); });
}

TEST_F(Dcp, Conversions) {
  const auto rounded = [&](const char* sequence, auto want) {
    load(sequence);
    for (int i = 0; i < 4000 && !HasFailure(); ++i) {
      const double x = i % 2 == 0 ? operand() : operand() / 1e6;
      EXPECT_EQ(static_cast<std::uint32_t>(run(std::bit_cast<std::uint64_t>(x), std::uint64_t{0})), want(x))
          << x;
    }
  };
  const auto clamp_signed = [](double x) {
    if (std::isnan(x)) return 0u;
    return x >= 2147483647.0    ? 0x7fff'ffffu
           : x <= -2147483648.0 ? 0x8000'0000u
                                : static_cast<std::uint32_t>(static_cast<std::int32_t>(x));
  };
  const auto clamp_unsigned = [](double x) {
    if (std::isnan(x)) return 0u;
    return x >= 4294967295.0 ? 0xffff'ffffu : x <= 0 ? 0u : static_cast<std::uint32_t>(x);
  };
  rounded("dcp_double2int_m r0,r0,r1", clamp_signed);
  rounded("dcp_double2uint_m r0,r0,r1", clamp_unsigned);
  rounded("dcp_double2int_r_m r0,r0,r1", [&](double x) { return clamp_signed(std::nearbyint(x)); });
  check("dcp_int2double_m r0,r1,r0", [](double x, double) {
    return static_cast<double>(static_cast<std::int32_t>(std::bit_cast<std::uint64_t>(x)));
  });
  check("dcp_uint2double_m r0,r1,r0", [](double x, double) {
    return static_cast<double>(static_cast<std::uint32_t>(std::bit_cast<std::uint64_t>(x)));
  });
}

TEST_F(Dcp, ComparesAndKeepsItsStateForInterrupts) {
  load("dcp_dcmp_m apsr_nzcv,r0,r1,r2,r3\n mrs r0, apsr\n lsrs r0, #28\n movs r1, #0");
  for (int i = 0; i < 2000 && !HasFailure(); ++i) {
    const double x = operand(), y = i % 4 == 0 ? x : operand();
    const auto flags = run(std::bit_cast<std::uint64_t>(x), std::bit_cast<std::uint64_t>(y)) & 7;
    EXPECT_EQ(flags, std::isunordered(x, y) ? 1u : x == y ? 6u : x > y ? 2u : 0u) << x << " " << y;
  }
  // Another addition in the middle of one, between save and restore as the SDK does it.
  check(
      "WXUP r0,r1\n WYUP r2,r3\n ADD0\n PCMP r10\n PXMD r4,r5\n PYMD r6,r7\n REFD r8,r9\n"
      "dcp_dadd_m r2,r3,r2,r3,r2,r3\n WXMD r4,r5\n WYMD r6,r7\n WEFD r8,r9\n ADD1\n NRDD\n RDDA r0,r1",
      [](double x, double y) { return x + y; });
  EXPECT_NE(m_.core.reg(10) & 0x8000'0000, 0u) << "engaged";
}

TEST_F(Dcp, DoubleAddTakesSixCycles) {
  load("dcp_dadd_m r0,r1,r0,r1,r2,r3");
  const Cycle before = m_.core.now();
  m_.run();
  EXPECT_EQ(m_.core.now() - before, 6u);  // datasheet section 3.6.2.10
}

}  // namespace
}  // namespace pico_llama::simulator
