#include <gtest/gtest.h>

#include "tests/simulator/cpu/difftest.h"

namespace pico_llama::simulator {
namespace {

TEST(Difftest, TwoMillionInstructionsMatchUnicorn) {
  const DifftestResult result = difftest(2, 2'000'000);
  EXPECT_GE(result.compared, 2'000'000u);
  EXPECT_EQ(result.different, 0u);
}

}  // namespace
}  // namespace pico_llama::simulator
