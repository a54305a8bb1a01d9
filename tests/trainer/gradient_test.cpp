// The backward pass against finite differences, in double precision, for every kind of parameter.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "trainer/model/math.h"
#include "trainer/model/parameters.h"
#include "trainer/random.h"

namespace pico_llama::trainer {
namespace {

struct Model {
  Model(const Config& shape, bool shared) : config(shape), layout(shape, shared) {
    Random random(7);
    for (size_t i = 0; i < layout.total; ++i) parameters.push_back(0.3 * random.normal());
    for (const TensorKind& kind : layout.all()) {
      for (size_t i = 0; !kind.is_matrix() && i < kind.elements(); ++i) parameters[kind.offset + i] += 1.0;
    }
    for (int pos = 0; pos < config.seq_len; ++pos) {
      for (int i = 0; i < config.head_size(); i += 2) {
        const double angle = pos / std::pow(10000.0, static_cast<double>(i) / config.head_size());
        cosine.push_back(std::cos(angle));
        sine.push_back(std::sin(angle));
      }
    }
    // Three sequences, one a single token, one longer than a block of queries.
    starts = {0, 1, 8, 8 + 37};
    for (int i = 0; i < starts.back(); ++i) {
      tokens.push_back(static_cast<int32_t>(random.below(static_cast<size_t>(config.vocab_size))));
      targets.push_back(static_cast<int32_t>(random.below(static_cast<size_t>(config.vocab_size))));
    }
    workspace.resize(workspace_elements(config, tokens.size()));
  }

  /// The mean loss; adds the gradient where one is given.
  double loss(std::vector<double>* gradient = nullptr) {
    const Batch batch{tokens.data(), targets.data(), starts.data(), static_cast<int32_t>(starts.size()) - 1};
    const auto count = static_cast<double>(tokens.size());
    const Pass<double> pass{config,
                            layout,
                            parameters.data(),
                            cosine.data(),
                            sine.data(),
                            workspace.data(),
                            gradient == nullptr ? nullptr : gradient->data(),
                            1 / count,
                            nullptr};
    return run_in_double(pass, batch) / count;
  }

  Config config;
  Layout layout;
  AlignedVector<double> parameters, cosine, sine, workspace;
  std::vector<int32_t> tokens, targets, starts;
};

void check_every_kind(Model& model) {
  std::vector<double> gradient(model.layout.total, 0.0);
  model.loss(&gradient);
  Random random(11);
  for (const TensorKind& kind : model.layout.all()) {
    double largest = 0;
    for (int probe = 0; probe < 40; ++probe) {
      const size_t index = kind.offset + random.below(kind.elements());
      const double before = model.parameters[index];
      constexpr double kStep = 1e-5;
      model.parameters[index] = before + kStep;
      const double above = model.loss();
      model.parameters[index] = before - kStep;
      const double below = model.loss();
      model.parameters[index] = before;
      const double expected = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient[index], expected, 1e-8 + 1e-6 * std::abs(expected)) << kind.name << " " << index;
      largest = std::max(largest, std::abs(expected));
    }
    EXPECT_GT(largest, 1e-5) << kind.name << ": a probe that finds no gradient proves nothing";
  }
}

TEST(Gradient, MatchesFiniteDifferencesWithSharedHeadsAndClassifier) {
  Model model({16, 20, 2, 4, 2, 24, 64}, true);
  check_every_kind(model);
}

TEST(Gradient, MatchesFiniteDifferencesWithoutSharing) {
  Model model({12, 18, 3, 2, 2, 17, 40}, false);
  check_every_kind(model);
}

std::vector<float> in_float(const auto& values) { return {values.begin(), values.end()}; }

// The instruction set that trains here, which need not be the one that the finite differences were compared
// on.
TEST(Gradient, InFloatIsTheOneInDouble) {
  for (const bool shared : {true, false}) {
    Model model({16, 20, 2, 4, 2, 24, 64}, shared);
    std::vector<double> expected(model.layout.total, 0.0);
    const double loss = model.loss(&expected);
    std::vector<float> gradient(model.layout.total, 0.0f);
    const auto parameters = in_float(model.parameters), cosine = in_float(model.cosine),
               sine = in_float(model.sine);
    AlignedVector<float> workspace(model.workspace.size());
    const Batch batch{model.tokens.data(), model.targets.data(), model.starts.data(),
                      static_cast<int32_t>(model.starts.size()) - 1};
    const auto count = static_cast<float>(model.tokens.size());
    const Pass<float> pass{model.config,     model.layout,    parameters.data(), cosine.data(), sine.data(),
                           workspace.data(), gradient.data(), 1 / count,         nullptr};
    EXPECT_NEAR(fastest_math().run(pass, batch) / static_cast<double>(count), loss, 1e-5 * loss);
    for (const TensorKind& kind : model.layout.all()) {
      double largest = 0, difference = 0;
      for (size_t i = kind.offset; i < kind.offset + kind.elements(); ++i) {
        largest = std::max(largest, std::abs(expected[i]));
        difference = std::max(difference, std::abs(expected[i] - static_cast<double>(gradient[i])));
      }
      EXPECT_LT(difference, 1e-4 * largest) << kind.name;
    }
  }
}

TEST(Gradient, SequencesAreIndependent) {
  Model model({16, 20, 2, 4, 2, 24, 64}, true);
  std::vector<double> together(model.layout.total, 0.0);
  const double loss = model.loss(&together);
  double apart = 0;
  const auto all_tokens = model.tokens;
  const auto all_targets = model.targets;
  const auto all_starts = model.starts;
  for (size_t s = 0; s + 1 < all_starts.size(); ++s) {
    const auto from = all_starts[s];
    const auto to = all_starts[s + 1];
    model.tokens.assign(all_tokens.begin() + from, all_tokens.begin() + to);
    model.targets.assign(all_targets.begin() + from, all_targets.begin() + to);
    model.starts = {0, to - from};
    apart += model.loss() * static_cast<double>(to - from);
  }
  EXPECT_NEAR(loss * static_cast<double>(all_tokens.size()), apart, 1e-9);
}

}  // namespace
}  // namespace pico_llama::trainer
