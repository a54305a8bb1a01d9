// Sessions: options, stop reasons, workers; the text depends only on prompt and seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <set>

#include "tests/engine/engine_model.h"
#include "tests/engine/told.h"
#include "tests/target/digest.h"
#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

using test_support::EngineModel;
using test_support::small_model;
using test_support::tell;
using test_support::Told;

SessionOptions sampled(uint64_t seed) {
  SessionOptions options;
  options.sampler.seed = seed;
  options.steps = 40;
  return options;
}

TEST(Session, WorkersDoNotChangeABit) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    const auto image = test_support::build_image(small_model(), profile);
    std::set<uint32_t> digests;
    for (const int count : {1, 2, 3, 7}) {
      ThreadWorkers workers(count);
      std::vector<std::byte> memory(test_support::digest_memory(image, count));
      for (const int block : {1, 8})
        digests.insert(test_support::logits_digest(image, memory, 0, block, workers));
    }
    EXPECT_EQ(digests.size(), 1u);
  }
}

// Heads whose size is no multiple of 4, of no others to share keys with, in odd groups; models wider than the
// exact range of values; and more positions than one block of attention.
TEST(Session, PrefillDoesNotChangeABitInAnyShape) {
  for (const Config& config : {Config{36, 40, 2, 6, 2, 300, 160}, Config{96, 48, 2, 2, 2, 300, 160},
                               Config{128, 48, 1, 16, 8, 300, 160}}) {
    const auto image = test_support::build_image(test_support::random_model(config, true, 6), Profile::kQ8);
    std::set<uint32_t> digests;
    for (const int count : {1, 2}) {
      ThreadWorkers workers(count);
      std::vector<std::byte> memory(test_support::digest_memory(image, count));
      for (const int block : {1, 4, 8})
        digests.insert(test_support::logits_digest(image, memory, 0, block, workers));
    }
    EXPECT_EQ(digests.size(), 1u) << config.dim;
  }
}

// A prompt of any length, in blocks that leave out what only logits need, against every token's logits.
TEST(Session, BlockwisePrefillEqualsTokenwisePrefill) {
  for (const int layers : {1, 2}) {
    for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
      EngineModel m(test_support::random_model({32, 48, layers, 4, 2, 400, 64}, true, 5), profile);
      std::vector<int32_t> tokens(24);
      for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i * 37 % 400);
      for (const int cores : {1, 2}) {
        ThreadWorkers workers(cores);
        const auto make = [&](std::vector<std::byte>& memory) {
          memory.resize(bytes_needed(m.image.config(), profile, 64, cores).value());
          return Transformer::create(m.image, 64, memory, workers).value();
        };
        std::vector<std::byte> one_memory, blocks_memory;
        Transformer one = make(one_memory);
        Transformer blocks = make(blocks_memory);
        for (size_t prompt = 1; prompt < tokens.size(); prompt += prompt < 9 ? 1 : 5) {
          for (size_t i = 0; i <= prompt; ++i) one.forward({&tokens[i], 1}, static_cast<int>(i));
          const std::vector<float> wanted(one.logits().begin(), one.logits().end());
          for (size_t i = 0; i < prompt; i += kPrefillBlock) {
            const size_t n = std::min<size_t>(kPrefillBlock, prompt - i);
            blocks.forward({&tokens[i], n}, static_cast<int>(i), i + n == prompt);
          }
          blocks.forward({&tokens[prompt], 1}, static_cast<int>(prompt));
          ASSERT_TRUE(std::ranges::equal(blocks.logits(), wanted))
              << prompt << " tokens, " << layers << " layers, " << cores << " cores";
        }
      }
    }
  }
}

TEST(Session, SameSeedSameStoryRegardlessOfHistory) {
  EngineModel m(small_model());
  Session session = m.session();
  const Told first = tell(session, "abc", sampled(42));
  const Told other = tell(session, "hello there", sampled(43));
  EXPECT_NE(first.tokens, other.tokens);
  EXPECT_EQ(tell(session, "abc", sampled(42)).tokens, first.tokens);
}

TEST(Session, EchoesThePromptThenGenerates) {
  EngineModel m(small_model());
  Session session = m.session();
  SessionOptions options = sampled(3);
  ASSERT_TRUE(session.begin("hello world of text", options).ok());
  const auto prompt = std::vector<int32_t>(session.prompt_tokens().begin(), session.prompt_tokens().end());
  std::string text;
  for (size_t i = 1; i < prompt.size(); ++i) {
    const SessionStep step = session.step();
    EXPECT_TRUE(step.from_prompt);
    EXPECT_EQ(step.token, prompt[i]);
    text += step.text;
  }
  EXPECT_EQ(text, "hello world of text");
  EXPECT_EQ(session.prefilled(), 0);
  while (session.generated() == 0) EXPECT_FALSE(session.step().from_prompt);
  EXPECT_EQ(session.prefilled(), static_cast<int>(prompt.size()));
  EXPECT_EQ(session.generated(), 1);
}

// A prompt's passes take as many tokens as kernels like best: threes in q4, else pairs; the last takes the
// rest.
TEST(Session, PassesOfAPromptSuitTheKernels) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    EngineModel m(test_support::random_model({32, 48, 1, 4, 2, 400, 160}, true, 5), profile);
    Session session = m.session();
    std::string prompt;
    for (int length = 1; length < 60; ++length) {
      prompt += static_cast<char>('a' + length * 7 % 26);
      SessionOptions options = sampled(3);
      options.steps = 0;
      ASSERT_TRUE(session.begin(prompt, options).ok());
      const auto count = static_cast<int>(session.prompt_tokens().size());
      std::vector<int> passes;
      for (int computed = 0; session.generated() == 0; computed = session.prefilled()) {
        ASSERT_NE(session.step().stop, StopReason::kSteps);
        if (session.prefilled() > computed) passes.push_back(session.prefilled() - computed);
      }
      ASSERT_EQ(std::accumulate(passes.begin(), passes.end(), 0), count);
      const int unit = profile == Profile::kQ4 ? 3 : 2;
      for (size_t i = 0; i + 1 < passes.size(); ++i) EXPECT_EQ(passes[i] % unit, 0) << count << " tokens";
      // no more passes than a block of whole units needs
      const int block = kPrefillBlock / unit * unit;
      EXPECT_LE(static_cast<int>(passes.size()), (count + block - 1) / block) << count << " tokens";
    }
  }
}

TEST(Session, StopsAtTheLength) {
  EngineModel m(small_model());
  Session session = m.session();
  for (const int steps : {1, 5, 0, 1000}) {
    SessionOptions options = sampled(1);
    options.steps = steps;
    const Told told = tell(session, "ab", options);
    if (told.stop != StopReason::kSteps) continue;  // the model may end its text first
    EXPECT_EQ(told.tokens.size(), static_cast<size_t>(steps == 0 || steps > 64 ? 64 : steps));
  }
}

TEST(Session, StopsBeforeAStopString) {
  EngineModel m(small_model());
  Session session = m.session();
  const Told whole = tell(session, "ab", sampled(11));
  ASSERT_GT(whole.text.size(), 20u);
  // Any substring of the output, within or across tokens, works as a stop string.
  for (size_t at = 4; at + 6 < whole.text.size(); at += 3) {
    SessionOptions options = sampled(11);
    const std::string stop = whole.text.substr(at, 5);
    options.stop = stop;
    const Told told = tell(session, "ab", options);
    if (whole.text.find(stop, 2) < at) continue;
    EXPECT_EQ(told.stop, StopReason::kStopString);
    EXPECT_EQ(told.text, whole.text.substr(0, whole.text.find(stop, 2)));
  }
  SessionOptions never = sampled(11);
  never.stop = "@@@@";
  EXPECT_EQ(tell(session, "ab", never).text, whole.text);
}

TEST(Session, EndsWhenCancelled) {
  EngineModel m(small_model());
  Session session = m.session();
  std::atomic<bool> cancel = false;
  SessionOptions options = sampled(2);
  options.cancel = &cancel;
  ASSERT_TRUE(session.begin("abc", options).ok());
  while (session.generated() < 3) (void)session.step();
  cancel = true;
  EXPECT_EQ(session.step().stop, StopReason::kCancelled);
  EXPECT_EQ(session.step().stop, StopReason::kCancelled);
  EXPECT_EQ(session.generated(), 3);
}

TEST(Session, RefusesBadOptions) {
  EngineModel m(small_model());
  Session session = m.session();
  const auto refuses = [&](auto change) {
    SessionOptions options;
    change(options);
    return session.begin("a", options).code() == StatusCode::kInvalidArgument;
  };
  const float nan = std::bit_cast<float>(0x7fc00000u);
  EXPECT_TRUE(refuses([](auto& o) { o.sampler.temperature = -1; }));
  EXPECT_TRUE(refuses([&](auto& o) { o.sampler.temperature = nan; }));
  EXPECT_TRUE(refuses([&](auto& o) { o.sampler.topp = nan; }));
  EXPECT_TRUE(refuses([](auto& o) { o.sampler.topp = 1.5f; }));
  EXPECT_TRUE(refuses([](auto& o) { o.sampler.topk = -1; }));
  EXPECT_TRUE(refuses([](auto& o) { o.sampler.minp = 2; }));
  EXPECT_TRUE(refuses([](auto& o) { o.sampler.repetition_penalty = 0; }));
  EXPECT_TRUE(refuses([](auto& o) { o.sampler.seed = 0; }));
  EXPECT_TRUE(refuses([](auto& o) { o.steps = -1; }));
  EXPECT_TRUE(refuses([](auto& o) { o.stop = "123456789012345678901234567890123"; }));
  EXPECT_EQ(session.begin(std::string(300, 'Z'), {}).code(), StatusCode::kPromptTooLong);
  EXPECT_EQ(session.step().stop, StopReason::kSteps);  // and nothing runs after a refusal
}

TEST(Session, ReportsRequiredMemory) {
  EngineModel m(small_model());
  const size_t needed = Session::bytes_needed(m.image, 64).value();
  std::vector<std::byte> memory(needed);
  for (size_t shift = 0; shift < 3; ++shift) {
    const Result<Session> session = Session::create(m.image, 64, std::span(memory).subspan(shift), m.worker);
    EXPECT_EQ(session.ok(), shift == 0);
  }
  EXPECT_FALSE(Session::bytes_needed(m.image, 65).ok());
  EXPECT_FALSE(Session::bytes_needed(m.image, 0).ok());
}

}  // namespace
}  // namespace pico_llama
