// The trainer's forward pass computes what the engine computes: the same model, token by token.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "engine/forward/transformer.h"
#include "engine/workers.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "tools/packer/packer.h"
#include "trainer/model/math.h"
#include "trainer/model/parameters.h"
#include "trainer/random.h"
#include "trainer/tokenizer/bpe.h"
#include "trainer/train/optimizer.h"

namespace pico_llama::trainer {
namespace {

std::span<const uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::vector<float> trainer_logits(const Config& config, const Layout& layout,
                                  const AlignedVector<float>& parameters,
                                  const std::vector<int32_t>& tokens) {
  AlignedVector<float> cosine, sine;
  for (int pos = 0; pos < config.seq_len; ++pos) {
    for (int i = 0; i < config.head_size(); i += 2) {
      const double angle = pos / std::pow(10000.0, static_cast<double>(i) / config.head_size());
      cosine.push_back(static_cast<float>(std::cos(angle)));
      sine.push_back(static_cast<float>(std::sin(angle)));
    }
  }
  AlignedVector<float> workspace(workspace_elements(config, tokens.size()));
  std::vector<float> logits(tokens.size() * static_cast<size_t>(config.vocab_size));
  const std::vector<int32_t> starts{0, static_cast<int32_t>(tokens.size())};
  const Batch batch{tokens.data(), tokens.data(), starts.data(), 1};
  const Pass<float> pass{config,  layout, parameters.data(), cosine.data(), sine.data(), workspace.data(),
                         nullptr, 0,      logits.data()};
  (void)fastest_math().run(pass, batch);
  return logits;
}

void compare(const Config& shape, bool shared) {
  Recipe recipe;
  recipe.shape = shape;
  const Layout layout(shape, shared);
  TrainingState state = initial_state(recipe, layout);
  // Norms that are not all one, and an embedding large enough for logits of a trained model's size.
  Random random(5);
  for (const TensorKind& kind : layout.all()) {
    for (size_t i = kind.offset; i < kind.offset + kind.elements(); ++i) {
      if (!kind.is_matrix()) state.parameters[i] += static_cast<float>(0.2 * random.normal());
      if (kind.columns == static_cast<size_t>(shape.dim) &&
          kind.rows == static_cast<size_t>(shape.vocab_size)) {
        state.parameters[i] *= 10;
      }
    }
  }
  std::vector<int32_t> tokens;
  for (int i = 0; i < shape.seq_len; ++i) {
    tokens.push_back(static_cast<int32_t>(random.below(static_cast<size_t>(shape.vocab_size))));
  }
  const std::vector<float> ours = trainer_logits(shape, layout, state.parameters, tokens);

  std::string text;  // some text that supports the vocabulary
  for (int i = 0; i < 400; ++i) text += std::to_string(random.next()) + "abcdefghij ";
  for (int i = 0; i < 4000; ++i) text.push_back(static_cast<char>('a' + random.below(26)));
  const std::string tokenizer = formats::to_tokenizer_bin(train_bpe(text, shape.vocab_size));
  const std::string model = to_checkpoint_file(shape, layout, state.parameters);
  const auto checkpoint = formats::read_llama2c(bytes_of(model), "model");
  const auto vocabulary = formats::read_tokenizer_bin(bytes_of(tokenizer), "tokenizer");
  const packer::ImageBytes packed = packer::pack(checkpoint, vocabulary, Profile::kF32);
  const auto image = ModelImage::parse(packed);
  ASSERT_TRUE(image.ok());
  SingleWorker workers;
  packer::ImageBytes memory(bytes_needed(shape, Profile::kF32, shape.seq_len).value());
  auto engine = Transformer::create(image.value(), shape.seq_len, memory, workers);
  ASSERT_TRUE(engine.ok());
  double largest = 0;
  for (int pos = 0; pos < shape.seq_len; ++pos) {
    engine.value().forward({&tokens[static_cast<size_t>(pos)], 1}, pos);
    const auto theirs = engine.value().logits();
    for (int v = 0; v < shape.vocab_size; ++v) {
      const float expected = theirs[static_cast<size_t>(v)];
      const float got = ours[static_cast<size_t>(pos * shape.vocab_size + v)];
      ASSERT_NEAR(got, expected, 1e-5f * std::max(1.0f, std::abs(expected)))
          << "pos " << pos << " token " << v;
      largest = std::max(largest, static_cast<double>(std::abs(expected)));
    }
  }
  EXPECT_GT(largest, 1.0);  // logits near zero would agree whatever was computed
}

TEST(EngineForward, AgreesOnTheShippedShape) { compare({64, 172, 5, 8, 4, 512, 96}, true); }
TEST(EngineForward, AgreesWithoutSharedHeadsOrClassifier) { compare({48, 100, 3, 4, 4, 300, 70}, false); }

}  // namespace
}  // namespace pico_llama::trainer
