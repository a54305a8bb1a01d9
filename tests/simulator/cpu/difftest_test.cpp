#include <gtest/gtest.h>

#include "tests/simulator/cpu/difftest.h"

namespace pico_llama::simulator {
namespace {

TEST(Difftest, FiftyThousandInstructionsMatchUnicorn) {
  const DifftestResult result = difftest(1, 50'000);
  EXPECT_GE(result.compared, 50'000u);
  EXPECT_EQ(result.different, 0u);
}

}  // namespace
}  // namespace pico_llama::simulator
