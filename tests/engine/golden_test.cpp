// The engine against llama2.c's own output, and against an independent reader's for the model that ships.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/session.h"
#include "tests/engine/support/test_image.h"
#include "tests/support/models.h"

namespace pico_llama {
namespace {

struct Model {
  explicit Model(std::vector<std::byte> image_bytes) : bytes(std::move(image_bytes)) {
    Result<ModelImage> parsed = ModelImage::parse(bytes);
    if (!parsed.ok()) throw std::runtime_error(parsed.status().text());
    image = parsed.value();
  }
  Session session() {
    const int context = image.config().seq_len;
    memory.resize(Session::bytes_needed(image, context).value());
    return Session::create(image, context, memory, worker).value();
  }
  std::vector<std::byte> bytes;
  ModelImage image;
  std::vector<std::byte> memory;
  SingleWorker worker;
};

void compare_tokens(const char* checkpoint_name, const char* tokenizer_name, const std::string& golden) {
  PICO_LLAMA_MODEL_OR_SKIP(checkpoint, checkpoint_name);
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, tokenizer_name);
  const std::string path = test_support::golden_path(golden);
  Model model(test_support::build_image(test_support::load_legacy(checkpoint, tokenizer), Profile::kF32));
  Session session = model.session();
  std::ifstream lines(path);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const nlohmann::json want = nlohmann::json::parse(line);
    SessionOptions options;
    options.sampler.temperature = want["temperature"];
    options.sampler.topp = want["topp"];
    options.sampler.seed = want["seed"];
    options.steps = want["steps"];
    const Status begun = session.begin(want["prompt"].get<std::string>(), options);
    ASSERT_TRUE(begun.ok()) << begun.text();
    const auto prompt = session.prompt_tokens();
    EXPECT_EQ(std::vector<int>(prompt.begin(), prompt.end()), want["prompt_tokens"].get<std::vector<int>>());
    std::vector<int> tokens;
    std::string text;
    for (StopReason stop = StopReason::kNone; stop == StopReason::kNone;) {
      const SessionStep step = session.step();
      if (step.token >= 0) tokens.push_back(step.token);
      text += step.text;
      stop = step.stop;
    }
    EXPECT_EQ(tokens, want["tokens"].get<std::vector<int>>()) << "line " << count + 1;
    EXPECT_EQ(text, want["text"].get<std::string>()) << "line " << count + 1;
  }
  EXPECT_GT(count, 0);
}

TEST(Golden, GreedyTokensAreLlama2cs) {
  compare_tokens("stories260K.bin", "tok512.bin", "stories260K.greedy.jsonl");
}
TEST(Golden, SampledTokensAreLlama2cs) {
  compare_tokens("stories260K.bin", "tok512.bin", "stories260K.sampled.jsonl");
}
// The model that ships, against what an independent reader of the checkpoint computed.
TEST(Golden, ShippedModelsGreedyTokens) {
  compare_tokens("pico-tales.bin", "pico-tales.tok.bin", "pico-tales.greedy.jsonl");
}
TEST(Golden, ShippedModelsSampledTokens) {
  compare_tokens("pico-tales.bin", "pico-tales.tok.bin", "pico-tales.sampled.jsonl");
}

TEST(Golden, LogitsAreWithin1e4OfLlama2cs) {
  PICO_LLAMA_MODEL_OR_SKIP(checkpoint, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  const std::string path = test_support::golden_path("stories260K.logits32.f32");
  const std::string greedy = test_support::golden_path("stories260K.greedy.jsonl");
  const std::string bytes = test_support::read_file(path);
  std::vector<float> want(bytes.size() / 4);
  std::memcpy(want.data(), bytes.data(), bytes.size());
  std::ifstream lines(greedy);
  std::string line;
  std::getline(lines, line);
  std::vector<int32_t> tokens = nlohmann::json::parse(line)["tokens"];
  tokens.insert(tokens.begin(), kTokenBos);

  Model model(test_support::build_image(test_support::load_legacy(checkpoint, tokenizer), Profile::kF32));
  Session session = model.session();
  ASSERT_EQ(want.size(), 32u * 512u);
  float worst = 0;
  for (int pos = 0; pos < 32; ++pos) {
    session.transformer().forward({&tokens[static_cast<size_t>(pos)], 1}, pos);
    const auto logits = session.transformer().logits();
    for (size_t i = 0; i < 512; ++i)
      worst = std::max(worst, std::fabs(logits[i] - want[static_cast<size_t>(pos) * 512 + i]));
  }
  RecordProperty("largest_difference", std::to_string(worst));
  EXPECT_LE(worst, 1e-4f);
}

}  // namespace
}  // namespace pico_llama
