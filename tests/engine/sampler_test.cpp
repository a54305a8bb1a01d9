// The sampler against a reimplementation of run.c's in double, and with different numbers of workers.
#include "engine/sampling/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

std::vector<float> logits_of(size_t n, float size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> logits(n);
  for (float& v : logits) v = (static_cast<float>(random() % 20001) / 10000.0f - 1.0f) * size;
  return logits;
}

/// run.c's choice, and the coin's distance from the nearest other choice.
struct Choice {
  int32_t token;
  double margin;
};

Choice run_c(const std::vector<float>& logits, const SamplerOptions& options, Rng& rng) {
  struct Token {
    int32_t id;
    double p;
  };
  std::vector<Token> tokens;
  const double max = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double p =
        std::exp((static_cast<double>(logits[i]) - max) / static_cast<double>(options.temperature));
    sum += p;
    tokens.push_back({static_cast<int32_t>(i), p});
  }
  for (Token& token : tokens) token.p /= sum;
  double cumulative = 1.0;
  double margin = 1.0;
  if (options.topp > 0 && options.topp < 1) {
    std::stable_sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.p > b.p; });
    cumulative = 0;
    size_t kept = 0;
    while (kept < tokens.size() && cumulative <= static_cast<double>(options.topp)) {
      cumulative += tokens[kept++].p;
      margin = std::min(margin, std::fabs(cumulative - static_cast<double>(options.topp)));
    }
    tokens.resize(kept);
  }
  const double r = static_cast<double>(rng.next_f32()) * cumulative;
  double cdf = 0;
  for (const Token& token : tokens) {
    cdf += token.p;
    margin = std::min(margin, std::fabs(cdf - r));
    if (r < cdf) return {token.id, margin};
  }
  return {tokens.back().id, 0};
}

TEST(Sampler, MatchesRunC) {
  for (const size_t n : {1u, 2u, 13u, 512u, 4096u})
    for (const float size : {0.0f, 3.0f, 12.0f})
      for (const float temperature : {0.3f, 1.0f, 2.5f})
        for (const float topp : {0.0f, 0.01f, 0.5f, 0.9f, 0.999f, 1.0f}) {
          const SamplerOptions options{.temperature = temperature, .topp = topp, .seed = n + 1};
          std::vector<uint32_t> scratch(n);
          Sampler sampler(options, scratch);
          Rng rng(options.seed);
          int close = 0;
          for (uint32_t i = 0; i < 20; ++i) {
            auto logits = logits_of(n, size, i);
            const Choice want = run_c(logits, options, rng);
            const int32_t token = sampler.sample(logits, {});
            if (want.margin < 1e-7)
              ++close;
            else
              ASSERT_EQ(token, want.token) << n << " " << size << " " << temperature << " " << topp;
          }
          if (size > 0) {
            EXPECT_LT(close, 10) << n << " " << size << " " << temperature << " " << topp;
          }
        }
}

TEST(Sampler, WorkersDoNotChangeAChoice) {
  for (const size_t n : {1u, 7u, 9u, 54u, 515u}) {
    std::vector<uint32_t> scratch(n);
    for (const float temperature : {0.0f, 1.0f})
      for (const float topp : {0.9f, 1.0f}) {
        std::set<std::vector<int32_t>> told;
        for (const int count : {1, 2, 3, 7}) {
          ThreadWorkers workers(count);
          Sampler sampler({.temperature = temperature, .topp = topp}, scratch);
          std::vector<int32_t> tokens;
          for (uint32_t i = 0; i < 30; ++i) {
            auto logits = logits_of(n, 3.0f, i);
            if (i % 3 == 0) logits[n - 1] = *std::max_element(logits.begin(), logits.end());
            tokens.push_back(sampler.sample(logits, {}, workers));
          }
          told.insert(tokens);
        }
        EXPECT_EQ(told.size(), 1u) << n;
      }
  }
}

TEST(Sampler, NanLogitsStillYieldAToken) {
  for (const float bad : {NAN, INFINITY, -INFINITY})
    for (const float temperature : {0.0f, 1e-39f, 1.0f, 1e6f}) {
      std::vector<uint32_t> scratch(20);
      Sampler sampler({.temperature = temperature}, scratch);
      for (const size_t all : {20u, 3u}) {
        auto logits = logits_of(20, 2.0f, 1);
        std::fill(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(all), bad);
        const int32_t token = sampler.sample(logits, {});
        EXPECT_GE(token, 0);
        EXPECT_LT(token, 20);
      }
    }
}

TEST(Sampler, FiltersMatchTheirDefinition) {
  std::vector<uint32_t> scratch(6);
  const std::vector<float> logits = {0.0f, 3.0f, 2.0f, 2.0f, -1.0f, 1.0f};
  const auto drawn = [&](const SamplerOptions& options) {
    std::set<int32_t> seen;
    Sampler sampler(options, scratch);
    for (int i = 0; i < 3000; ++i) {
      auto copy = logits;
      seen.insert(sampler.sample(copy, {}));
    }
    return seen;
  };
  SamplerOptions options;
  options.topp = 1.0f;
  EXPECT_EQ(drawn(options), (std::set<int32_t>{0, 1, 2, 3, 4, 5}));
  options.topk = 2;
  EXPECT_EQ(drawn(options), (std::set<int32_t>{1, 2}));  // of two equals the lower id
  options.topk = 0;
  options.minp = 0.3f;  // e^-1 = 0.37 of the best passes, e^-2 does not
  EXPECT_EQ(drawn(options), (std::set<int32_t>{1, 2, 3}));
  options.minp = 0;
  options.topp = 0.5f;
  EXPECT_EQ(drawn(options), (std::set<int32_t>{1}));
  options.temperature = 0;
  options.repetition_penalty = 2.0f;
  Sampler sampler(options, scratch);
  const int32_t seen[] = {1, 1, 1};
  auto copy = logits;
  EXPECT_EQ(sampler.sample(copy, seen), 2);
  EXPECT_EQ(copy[1], 1.5f);
}

}  // namespace
}  // namespace pico_llama
