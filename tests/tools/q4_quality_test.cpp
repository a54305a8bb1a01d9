// The quality that q4 costs a trained model, through the command.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/models.h"

namespace pico_llama {
namespace {

nlohmann::json eval_q4(const std::vector<std::string>& more) {
  const auto model = test_support::find_model("stories3M_q80.bin");
  const auto tokenizer = test_support::find_model("tok4096.bin");
  if (!model || !tokenizer) return {};
  std::vector<std::string> line = {PICO_LLAMA_COMMAND, "eval",      *model, "-z",
                                   *tokenizer,         "--profile", "q4",   "--json"};
  line.insert(line.end(), more.begin(), more.end());
  const auto result = test_support::run_command(line);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return nlohmann::json::parse(result.out);
}

TEST(Q4Quality, DefaultPackingCostsUnder5PercentPerplexity) {
  const auto report = eval_q4({"-n", "4096"});
  if (report.is_null())
    GTEST_SKIP() << "stories3M_q80.bin or tok4096.bin is absent; run scripts/get-models.sh";
  EXPECT_EQ(report["tokens"], 4096);
  EXPECT_LE(report["perplexity_ratio"], 1.05);
  EXPECT_GT(report["mean_kl"], 0.01);  // it is not q8
}

// Fitted rounding halves the divergence of round-to-nearest (all matrices in 4 bits).
TEST(Q4Quality, FittedRoundingHalvesTheDivergence) {
  const auto fitted = eval_q4({"-n", "1024", "--q8", "none"});
  if (fitted.is_null())
    GTEST_SKIP() << "stories3M_q80.bin or tok4096.bin is absent; run scripts/get-models.sh";
  const auto nearest = eval_q4({"-n", "1024", "--q8", "none", "--calibration", "0"});
  EXPECT_LT(fitted["mean_kl"], 0.12);
  EXPECT_LT(fitted["mean_kl"], 0.6 * nearest["mean_kl"].get<double>());
}

}  // namespace
}  // namespace pico_llama
