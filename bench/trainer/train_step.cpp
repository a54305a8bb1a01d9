// How fast a training step is: seconds, and the share of what this machine's matrix products reach.
//   train_step [threads]
// Prints one JSON object. Times are wall-clock on this host: run it on a quiet one.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "trainer/model/aligned.h"
#include "trainer/random.h"
#include "trainer/text/stories.h"
#include "trainer/train/optimizer.h"

namespace pico_llama::trainer {
namespace {

double seconds_of(const auto& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// f32 operations a second of square products that fill the caches, all threads at once: the best of several.
double matrix_peak(int threads) {
  constexpr int kSize = 768;
  Team team(threads);
  struct Product {
    AlignedVector<float> a, b, c;
  };
  std::vector<Product> products(static_cast<size_t>(threads));
  for (Product& p : products) {
    p.a.assign(size_t{kSize} * kSize, 1.0f);
    p.b.assign(size_t{kSize} * kSize, 0.5f);
    p.c.resize(size_t{kSize} * kSize);
  }
  double best = 0;
  for (int i = 0; i < 12; ++i) {
    const double seconds = seconds_of([&] {
      team.run([&](int member) {
        Product& p = products[static_cast<size_t>(member)];
        fastest_math().multiply(p.a.data(), p.b.data(), p.c.data(), kSize);
      });
    });
    best = std::max(best, threads * 2.0 * kSize * kSize * kSize / seconds);
  }
  return best;
}

/// The best of some steps on sequences of seq_len random tokens.
double step_seconds(const Config& shape, int threads, int tokens, int steps) {
  Vocabulary vocabulary;  // one token a letter is enough to make sequences of the wanted length
  Recipe recipe;
  recipe.shape = shape;
  recipe.threads = threads;
  recipe.batch_tokens = tokens;
  Random random(1);
  vocabulary.pieces = {"<unk>", "\n<s>\n", "\n</s>\n"};
  for (int byte = 0; byte < 256; ++byte) vocabulary.pieces.push_back("<byte " + std::to_string(byte) + ">");
  vocabulary.scores.assign(vocabulary.pieces.size(), 0.0f);
  std::string text;
  for (int sequence = 0; sequence < tokens / shape.seq_len + 60; ++sequence) {
    for (int i = 0; i < shape.seq_len - 2; ++i) text.push_back(static_cast<char>('a' + random.below(26)));
    text += "\n\n";
  }
  const Dataset data(read_stories(text, "text").stories, vocabulary, shape.seq_len);
  const Layout layout(shape, true);
  TrainingState state = initial_state(recipe, layout);
  Optimizer optimizer(recipe, layout, data, state);
  optimizer.step();
  double best = 1e9;
  for (int i = 0; i < steps; ++i) best = std::min(best, seconds_of([&] { optimizer.step(); }));
  return best;
}

/// Multiply-adds of a step, two operations each: forward one, backward two of every matrix and of attention
/// (to the visible keys only; what is computed twice is counted once).
double step_operations(const Config& shape, int tokens) {
  const Layout layout(shape, true);
  double matrix_elements = static_cast<double>(layout.wcls.elements());
  for (const TensorKind& kind :
       {layout.wq, layout.wk, layout.wv, layout.wo, layout.w1, layout.w2, layout.w3}) {
    matrix_elements += static_cast<double>(kind.elements());
  }
  const double attention =
      static_cast<double>(shape.n_layers) * shape.dim * shape.seq_len;  // 2 * dim * seq / 2
  return 3.0 * 2.0 * (matrix_elements + attention) * tokens;
}

}  // namespace
}  // namespace pico_llama::trainer

int main(int argc, char** argv) {
  using namespace pico_llama;
  using namespace pico_llama::trainer;
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  const Config small{64, 172, 5, 8, 4, 512, 512};
  const Config large{288, 768, 6, 6, 6, 32000, 256};
  constexpr int kSmallTokens = 16384;
  constexpr int kLargeTokens = 2048;
  const double peak = matrix_peak(threads);
  const double small_seconds = step_seconds(small, threads, kSmallTokens, 4);
  const double large_seconds = step_seconds(large, threads, kLargeTokens, 2);
  const double large_rate = step_operations(large, kLargeTokens) / large_seconds;
  std::printf(
      "{\"arithmetic\": \"%s\", \"threads\": %d, \"matrix_peak_gflops\": %.1f,\n"
      " \"step_260k_16384_tokens_seconds\": %.3f,\n"
      " \"step_15m_2048_tokens_seconds\": %.3f, \"step_15m_gflops\": %.1f, \"step_15m_share_of_peak\": "
      "%.3f}\n",
      fastest_math().name, threads, peak / 1e9, small_seconds, large_seconds, large_rate / 1e9,
      large_rate / peak);
  return 0;
}
