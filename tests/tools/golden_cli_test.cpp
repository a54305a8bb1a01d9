// Every golden of llama2.c through the command itself, `pico-llama run --json`; and what q8 costs, by `eval`.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/models.h"

namespace pico_llama {
namespace {

using Json = nlohmann::json;

std::vector<Json> lines_of(const std::string& path) {
  std::istringstream file(test_support::read_file(path));
  std::vector<Json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(Json::parse(line));
  return lines;
}

void expect_goldens(const std::string& golden, const std::string& model, const std::string& tokenizer,
                    const std::string& profile, const std::vector<std::string>& extra = {}) {
  const std::vector<Json> lines = lines_of(golden);
  ASSERT_FALSE(lines.empty());
  for (const Json& expected : lines) {
    std::vector<std::string> argv = {PICO_LLAMA_COMMAND,
                                     "run",
                                     model,
                                     "-z",
                                     tokenizer,
                                     "--json",
                                     "--profile",
                                     profile,
                                     "-i",
                                     expected["prompt"],
                                     "-t",
                                     expected["temperature"].dump(),
                                     "-p",
                                     expected["topp"].dump(),
                                     "-s",
                                     expected["seed"].dump(),
                                     "-n",
                                     expected["steps"].dump()};
    argv.insert(argv.end(), extra.begin(), extra.end());
    const auto result = test_support::run_command(argv);
    ASSERT_EQ(result.exit_code, 0) << result.err;
    const Json actual = Json::parse(result.out);
    for (const auto& [key, value] : expected.items())
      EXPECT_EQ(actual[key], value) << key << " of " << expected.dump();
    EXPECT_GT(actual["prefill_tokens_per_second"], 0);
    EXPECT_GT(actual["tokens_per_second"], 0);
    EXPECT_EQ(actual.size(), expected.size() + 2) << "keys beyond the golden's and the two speeds";
  }
}

TEST(GoldenCli, GreedyTokensOfStories260K) {
  const std::string golden = test_support::golden_path("stories260K.greedy.jsonl");
  PICO_LLAMA_MODEL_OR_SKIP(model, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  expect_goldens(golden, model, tokenizer, "f32");
}

TEST(GoldenCli, SampledTokensOfStories260K) {
  const std::string golden = test_support::golden_path("stories260K.sampled.jsonl");
  PICO_LLAMA_MODEL_OR_SKIP(model, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  expect_goldens(golden, model, tokenizer, "f32");
}

TEST(GoldenCli, GreedyTokensOfStories260KOnTwoThreads) {
  const std::string golden = test_support::golden_path("stories260K.greedy.jsonl");
  PICO_LLAMA_MODEL_OR_SKIP(model, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  expect_goldens(golden, model, tokenizer, "f32", {"--threads", "2"});
}

TEST(GoldenCli, GreedyTokensOfRunqInItsOwnArithmetic) {
  const std::string golden = test_support::golden_path("stories3M_q80.greedy.jsonl");
  PICO_LLAMA_MODEL_OR_SKIP(model, "stories3M_q80.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok4096.bin");
  expect_goldens(golden, model, tokenizer, "q80");
}

TEST(EvalCli, Q8CostsLessThanHalfAPercentOfPerplexity) {
  PICO_LLAMA_MODEL_OR_SKIP(model, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  const auto result =
      test_support::run_command({PICO_LLAMA_COMMAND, "eval", model, "-z", tokenizer, "-n", "2000", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json report = Json::parse(result.out);
  EXPECT_EQ(report["tokens"], 2000);
  EXPECT_LE(report["perplexity_ratio"], 1.005);
  EXPECT_GT(report["perplexity_ratio"], 0.98);
  EXPECT_GT(report["mean_kl"], 0.0);
  EXPECT_GT(report["top1_agreement"], 0.95);
}

}  // namespace
}  // namespace pico_llama
