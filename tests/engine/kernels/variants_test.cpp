#include "tests/engine/kernels/variants.h"

namespace pico_llama {
namespace {

// The kernels' tests compare what this CPU supports; this one reports the rest.
TEST(Kernels, EveryInstructionSetIsCompared) {
  std::string lacking;
  for (int64_t targets = HWY_TARGETS & ~hwy::SupportedTargets(); targets != 0; targets &= targets - 1)
    lacking += std::string(" ") + hwy::TargetName(targets & -targets);
  if (!lacking.empty()) GTEST_SKIP() << "not compared, because this CPU lacks them:" << lacking;
}

}  // namespace
}  // namespace pico_llama
