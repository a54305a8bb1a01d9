// Profile q4 in pack: rounding fitted to a model's inputs, and matrices that keep 8 bits.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "engine/forward/transformer.h"
#include "engine/model/model_image.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "tests/support/synthetic_model.h"
#include "tools/packer/packer.h"
#include "tools/packer/q4_quantizer.h"

namespace pico_llama {
namespace {

using packer::Moments;
using packer::Q4Block;
using packer::Q4Quantizer;

class Numbers {
 public:
  float operator()() { return static_cast<float>(random_() % 20001) / 10000.0f - 1.0f; }

 private:
  std::minstd_rand random_{1};
};

/// Inputs that mostly lie along a few directions, as a model's do.
std::vector<std::vector<float>> inputs_of(std::size_t n, Numbers& numbers) {
  std::vector<std::vector<float>> directions(n / 8, std::vector<float>(n)), inputs(4 * n);
  for (auto& direction : directions)
    for (float& v : direction) v = numbers();
  for (auto& x : inputs) {
    x.resize(n);
    for (const auto& direction : directions) {
      const float part = numbers();
      for (std::size_t i = 0; i < n; ++i) x[i] += part * direction[i];
    }
    for (float& v : x) v += 0.1f * numbers();
  }
  return inputs;
}

Moments moments_of(const std::vector<std::vector<float>>& inputs) {
  const std::size_t n = inputs.front().size();
  Moments moments{n, std::vector<double>(n * n)};
  for (const auto& x : inputs)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        moments.sums[i * n + j] += static_cast<double>(x[i]) * static_cast<double>(x[j]);
  return moments;
}

double weight_of(const Q4Block& block, std::size_t r, std::size_t c, std::size_t n) {
  const std::size_t groups = q4_groups(static_cast<std::uint32_t>(n));
  const int code = block.codes[r * groups + c / kQ4Group];
  return static_cast<double>(block.scale) * code * block.weights[r * groups * kQ4Group + c];
}

/// Mean square of what rounding changes of the 8 rows' products.
double damage(const Q4Block& block, const std::vector<float>& rows,
              const std::vector<std::vector<float>>& inputs) {
  const std::size_t n = inputs.front().size();
  double sum = 0;
  for (std::size_t r = 0; r < 8; ++r)
    for (const auto& x : inputs) {
      double error = 0;
      for (std::size_t c = 0; c < n; ++c)
        error +=
            (static_cast<double>(rows[r * n + c]) - weight_of(block, r, c, n)) * static_cast<double>(x[c]);
      sum += error * error;
    }
  return sum / static_cast<double>(8 * inputs.size());
}

TEST(Q4Quantizer, WithoutMomentsRoundsToNearest) {
  Numbers numbers;
  for (const std::size_t n : {2u, 36u, 64u, 172u}) {
    std::vector<float> rows(8 * n);
    for (float& w : rows) w = numbers();
    const Q4Block block = Q4Quantizer(static_cast<std::uint32_t>(n), nullptr, 0).quantize(rows);
    double error = 0, size = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double e = static_cast<double>(rows[i]) - weight_of(block, i / n, i % n, n);
      error += e * e;
      size += static_cast<double>(rows[i]) * static_cast<double>(rows[i]);
    }
    // Uniform weights and 16 levels across their range: a step's square / 12 is 1/256 of theirs.
    EXPECT_LT(error / size, 1.2 / 256) << n;
    for (std::size_t r = 0; r < 8; ++r)
      for (std::size_t c = n; c < q4_columns(static_cast<std::uint32_t>(n)); ++c)
        EXPECT_EQ(block.weights[r * q4_columns(static_cast<std::uint32_t>(n)) + c], 0) << "padding";
  }
}

TEST(Q4Quantizer, MomentsReduceErrorAlongInputDirections) {
  Numbers numbers;
  for (const std::size_t n : {64u, 172u}) {
    const auto inputs = inputs_of(n, numbers);
    const Moments moments = moments_of(inputs);
    std::vector<float> rows(8 * n);
    for (float& w : rows) w = numbers();
    const auto columns = static_cast<std::uint32_t>(n);
    const double nearest = damage(Q4Quantizer(columns, nullptr, 0).quantize(rows), rows, inputs);
    const double fitted = damage(Q4Quantizer(columns, &moments, 0.03).quantize(rows), rows, inputs);
    EXPECT_LT(fitted, 0.35 * nearest) << n;
  }
}

TEST(Q4Quantizer, ExtremeWeightsStayFinite) {
  for (const float size : {0.0f, 1e-44f, 1e-30f, 1e38f}) {
    std::vector<float> rows(8 * 36, size);
    rows[5] = -size;
    const Q4Block block = Q4Quantizer(36, nullptr, 0).quantize(rows);
    EXPECT_TRUE(std::isfinite(block.scale));
    EXPECT_NEAR(weight_of(block, 0, 5, 36), -static_cast<double>(size),
                0.08 * static_cast<double>(size) + 1e-35);
  }
  const double infinity = std::numeric_limits<double>::infinity();
  const Moments broken{32, std::vector<double>(32 * 32, infinity)};
  const std::vector<float> rows(8 * 32, 1.0f);
  EXPECT_NEAR(weight_of(Q4Quantizer(32, &broken, 0.03).quantize(rows), 0, 0, 32), 1.0, 0.02);
}

class Q4Pack : public ::testing::Test {
 protected:
  packer::ImageBytes packed(const packer::Q4Options& q4) const {
    return packer::pack(checkpoint_, tokenizer_, Profile::kQ4, {}, q4);
  }
  static Encoding encoding(const ModelImage& image, TensorKind kind) { return image.tensor(kind).encoding; }

  const std::vector<std::uint8_t> bytes_ =
      test_support::make_checkpoint({.config = {48, 72, 2, 4, 2, 300, 16}});
  const std::vector<std::uint8_t> vocabulary_ = test_support::make_tokenizer(300);
  const formats::Checkpoint checkpoint_ = formats::read_llama2c(bytes_, "model");
  const formats::Vocabulary tokenizer_ = formats::read_tokenizer_bin(vocabulary_, "tokenizer");
};

TEST_F(Q4Pack, Q8OptionKeepsMatricesIn8Bits) {
  const packer::ImageBytes bytes = packed({.keep_q8 = {TensorKind::kWk, TensorKind::kW2}});
  const ModelImage image = ModelImage::parse(bytes).value();
  EXPECT_TRUE(image.shared_classifier());
  for (const TensorKind kind : {TensorKind::kWq, TensorKind::kWk, TensorKind::kWv, TensorKind::kW2})
    EXPECT_EQ(encoding(image, kind), Encoding::kRowsQ8);
  for (const TensorKind kind :
       {TensorKind::kWo, TensorKind::kW1, TensorKind::kW3, TensorKind::kTokenEmbedding})
    EXPECT_EQ(encoding(image, kind), Encoding::kRowsQ4);
  const packer::ImageBytes all = packed({.keep_q8 = {TensorKind::kWcls}});
  EXPECT_EQ(encoding(ModelImage::parse(all).value(), TensorKind::kTokenEmbedding), Encoding::kRowsQ8);

  // wq, wk and wv read one quantised vector: they cannot be told apart.
  packer::ImageBytes mixed = bytes;
  TensorEntry* table = reinterpret_cast<TensorEntry*>(mixed.data() + image.header().tensor_table_offset);
  TensorEntry& wk = table[image.index_of(TensorKind::kWk, 0)];
  wk.encoding = static_cast<std::uint32_t>(Encoding::kRowsQ4);
  wk.bytes = static_cast<std::uint32_t>(tensor_bytes(Encoding::kRowsQ4, wk.rows, wk.columns));
  wk.chunk_pairs = 0;
  std::memset(mixed.data() + wk.offset, 0, wk.bytes);
  EXPECT_FALSE(ModelImage::parse(mixed).ok());
}

TEST_F(Q4Pack, SeparateEmbeddingIs8Bit) {
  const std::uint64_t unlimited = ~std::uint64_t{0};
  const packer::ImageBytes bytes = packed({.own_embedding_below = unlimited});
  const ModelImage image = ModelImage::parse(bytes).value();
  EXPECT_FALSE(image.shared_classifier());
  EXPECT_EQ(encoding(image, TensorKind::kTokenEmbedding), Encoding::kRowsQ8);
  EXPECT_EQ(encoding(image, TensorKind::kWcls), Encoding::kRowsQ4);
  EXPECT_EQ(packed({.own_embedding_below = bytes.size()}).size(), packed({}).size());
}

TEST_F(Q4Pack, CalibratedModelMatchesF32Tokens) {
  const packer::InputMoments moments = packer::input_moments(checkpoint_, tokenizer_, 256);
  const auto error = [&](const packer::ImageBytes& bytes) {
    const packer::ImageBytes exact = packer::pack(checkpoint_, tokenizer_, Profile::kF32);
    SingleWorker worker;
    const auto logits = [&](const packer::ImageBytes& model) {
      const ModelImage image = ModelImage::parse(model).value();
      packer::ImageBytes memory(bytes_needed(image.config(), image.profile(), 16).value());
      Transformer transformer = Transformer::create(image, 16, memory, worker).value();
      std::vector<float> all;
      for (int pos = 0; pos < 16; ++pos) {
        const std::int32_t token = pos == 0 ? kTokenBos : 30 + 7 * pos;
        transformer.forward({&token, 1}, pos);
        all.insert(all.end(), transformer.logits().begin(), transformer.logits().end());
      }
      return all;
    };
    const auto a = logits(exact), b = logits(bytes);
    double sum = 0, size = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      sum += std::pow(static_cast<double>(a[i] - b[i]), 2);
      size += std::pow(static_cast<double>(a[i]), 2);
    }
    return sum / size;
  };
  const double nearest = error(packed({}));
  const double fitted = error(packed({.moments = &moments}));
  const double kept = error(packed(
      {.moments = &moments,
       .keep_q8 = {TensorKind::kWq, TensorKind::kWo, TensorKind::kW1, TensorKind::kW2, TensorKind::kWcls}}));
  EXPECT_LT(nearest, 0.1);
  EXPECT_LT(fitted, 0.1);
  EXPECT_LT(kept, 0.05 * fitted);
}

}  // namespace
}  // namespace pico_llama
