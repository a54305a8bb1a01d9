// Compares every variant of every kernel with the portable reference, bit for bit, over even and odd shapes.
#include "engine/kernels/simd/targets.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "engine/kernels/argmax/argmax.h"
#include "engine/kernels/attention_f32/attention_f32.h"
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/matmul_f32/matmul_f32.h"
#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/kernels/quantize_q8/quantize_q8.h"
#include "engine/kernels/residual_q8/residual_q8.h"
#include "engine/kernels/rmsnorm/rmsnorm.h"
#include "engine/kernels/rmsnorm_q8/rmsnorm_q8.h"
#include "engine/kernels/softmax_fixed/softmax_fixed.h"
#include "engine/kernels/swiglu/swiglu.h"
#include "engine/kernels/swiglu_q8/swiglu_q8.h"
#include "engine/math/exp2_fixed.h"
#include "engine/model/config.h"
#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"

namespace pico_llama {
namespace {

template <typename Arguments>
using Kernel = void (*)(const Arguments&);

/// A kernel on one backend.
template <typename Arguments>
struct Variant {
  std::string name;
  Kernel<Arguments> kernel;
  int64_t target = 0;  ///< the one instruction set that Highway may choose; 0: any

  void run(const Arguments& a) const {
    hwy::SetSupportedTargetsForTest(target);
    kernel(a);
    hwy::SetSupportedTargetsForTest(0);
  }
};

/// `others` plus the host kernel on each compiled instruction set that this CPU supports.
template <typename Arguments>
std::vector<Variant<Arguments>> variants(std::vector<Variant<Arguments>> others, Kernel<Arguments> host) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets())
    others.push_back({std::string("host, ") + hwy::TargetName(target), host, target});
  return others;
}

// The tests below compare what this CPU supports; this one reports the rest.
TEST(Kernels, EveryInstructionSetIsCompared) {
  std::string lacking;
  for (int64_t targets = HWY_TARGETS & ~hwy::SupportedTargets(); targets != 0; targets &= targets - 1)
    lacking += std::string(" ") + hwy::TargetName(targets & -targets);
  if (!lacking.empty()) GTEST_SKIP() << "not compared, because this CPU lacks them:" << lacking;
}

class Numbers {
 public:
  explicit Numbers(uint32_t seed) : random_(seed) {}
  float real(float size) { return (static_cast<float>(random_() % 20001) / 10000.0f - 1.0f) * size; }
  int integer(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<uint32_t>(high - low + 1));
  }
  std::vector<float> reals(size_t n, float size) {
    std::vector<float> v(n);
    for (float& x : v) x = real(size);
    return v;
  }

 private:
  std::minstd_rand random_;
};

template <typename T>
::testing::AssertionResult same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return ::testing::AssertionFailure() << "sizes";
  for (size_t i = 0; i < a.size(); ++i)
    if (std::memcmp(&a[i], &b[i], sizeof(T)) != 0)
      return ::testing::AssertionFailure() << "at " << i << ": " << +a[i] << " and " << +b[i];
  return ::testing::AssertionSuccess();
}

/// Spreads column pairs as for two interleaved tokens (q8_place()); the gaps must stay untouched.
std::vector<int16_t> between_another_tokens(const std::vector<int16_t>& x) {
  std::vector<int16_t> all(2 * x.size(), 99);
  for (size_t i = 0; i < x.size(); ++i) all[i / 2 * 4 + i % 2] = x[i];
  return all;
}

TEST(Kernels, RmsNorm) {
  Numbers numbers(1);
  for (const int n : {2, 8, 13, 64, 172, 288}) {
    const auto x = numbers.reals(static_cast<size_t>(n), 3.0f);
    const auto w = numbers.reals(static_cast<size_t>(n), 1.0f);
    std::vector<float> want(x.size()), got(x.size());
    portable::rmsnorm({want.data(), x.data(), w.data(), n, 1e-5f});
    double ss = 0;
    for (float v : x) ss += static_cast<double>(v) * static_cast<double>(v);
    const double scale = 1.0 / std::sqrt(ss / n + 1e-5);
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(want[i], static_cast<double>(w[i]) * scale * static_cast<double>(x[i]), 1e-5);
    for (const auto& variant : variants<RmsNorm>({}, host::rmsnorm)) {
      variant.run({got.data(), x.data(), w.data(), n, 1e-5f});
      EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n;
    }
  }
}

TEST(Kernels, SwiGlu) {
  Numbers numbers(2);
  for (const int n : {1, 8, 54, 172}) {
    auto want = numbers.reals(static_cast<size_t>(n), 20.0f);
    const auto in = want;
    const auto hb2 = numbers.reals(static_cast<size_t>(n), 2.0f);
    portable::swiglu({want.data(), hb2.data(), n});
    for (size_t i = 0; i < in.size(); ++i) {
      const double h = static_cast<double>(in[i]);
      EXPECT_NEAR(want[i], h / (1 + std::exp(-h)) * static_cast<double>(hb2[i]), 1e-5);
    }
    for (const auto& variant : variants<SwiGlu>({}, host::swiglu)) {
      auto got = in;
      variant.run({got.data(), hb2.data(), n});
      EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n;
    }
  }
}

TEST(Kernels, Argmax) {
  Numbers numbers(10);
  const auto all = variants<Argmax>({{"portable", portable::argmax}, {"m33", m33::argmax}}, host::argmax);
  const auto expect = [&](const std::vector<float>& values, int32_t want) {
    for (const auto& variant : all) {
      int32_t index = -1;
      variant.run({&index, values.data(), static_cast<int>(values.size())});
      EXPECT_EQ(index, want) << variant.name << " of " << values.size();
    }
  };
  for (const size_t n : {1u, 7u, 8u, 54u, 512u})
    for (size_t at = 0; at < n; at += 5) {
      auto values = numbers.reals(n, 1.0f);
      values[at] = 2.0f;
      expect(values, static_cast<int32_t>(at));
      values[n - 1] = 2.0f;  // the first of equals
      expect(values, static_cast<int32_t>(at));
      if (at > 0) values[0] = NAN;
      expect(values, static_cast<int32_t>(at));
    }
  expect(std::vector<float>(9, NAN), 0);
  expect(std::vector<float>(17, -INFINITY), 0);
  expect({-3, -1, -2, -1, -5, -4, -3, -2, -1}, 1);
}

TEST(Kernels, Exp2Fixed) {
  uint32_t last = UINT32_MAX;
  for (uint64_t x = 0; x < uint64_t{1} << 32; x += 65521) {
    const uint32_t y = exp2_fixed(static_cast<uint32_t>(x));
    const double want = std::exp2(31.0 - static_cast<double>(x) / 0x1p27);
    ASSERT_NEAR(y, want, 5.6e-8 * want + 1.0) << x;
    ASSERT_LE(y, last);
    last = y;
  }
  EXPECT_EQ(exp2_fixed(UINT32_MAX), 0u);
}

TEST(Kernels, SoftmaxFixed) {
  Numbers numbers(12);
  for (const size_t n : {1u, 7u, 54u, 512u})
    for (const float temperature : {0.05f, 1.0f, 1e6f, 1e-39f}) {
      auto logits = numbers.reals(n, 15.0f);
      logits[n / 2] = 16.0f;
      if (n > 7) {
        logits[1] = NAN;
        logits[2] = -INFINITY;
        logits[3] = -3e38f;
      }
      const float factor = 193635251.0f / temperature;
      const auto in = logits;
      auto other = logits;
      uint64_t sum = 0, other_sum = 0, added = 0;
      portable::softmax_fixed({logits.data(), static_cast<int>(n), 16.0f, factor, &sum});
      m33::softmax_fixed({other.data(), static_cast<int>(n), 16.0f, factor, &other_sum});
      EXPECT_TRUE(std::memcmp(logits.data(), other.data(), n * sizeof(float)) == 0);
      EXPECT_EQ(sum, other_sum);
      for (size_t i = 0; i < n; ++i) {
        const auto weight = std::bit_cast<uint32_t>(logits[i]);
        added += weight;
        const double x = (16.0 - static_cast<double>(in[i])) / static_cast<double>(temperature);
        const double want = in[i] == in[i] && x > 0 ? std::exp(-x) * 0x1p31 : 0x1p31;
        EXPECT_NEAR(weight, want, 4e-6 * want + 1.5) << in[i];
      }
      EXPECT_EQ(sum, added);
    }
}

float max_abs_of(const std::vector<float>& v) {
  float largest = 0;
  for (const float x : v) largest = std::max(largest, std::fabs(x));
  return largest;
}

TEST(Kernels, SwiGluQ8) {
  Numbers numbers(8);
  const auto all = variants<SwiGluQ8>({{"m33", m33::swiglu_q8}}, host::swiglu_q8);
  for (const int n : {1, 8, 54, 172})
    for (const float size : {1.0f, 20.0f, 1e6f}) {
      auto want = numbers.reals(static_cast<size_t>(n), size);
      if (size > 1000) want[0] = INFINITY;
      const auto in = want;
      const auto hb2 = numbers.reals(static_cast<size_t>(n), 2.0f);
      float largest = -1;
      portable::swiglu_q8({want.data(), hb2.data(), n, &largest});
      EXPECT_EQ(largest, max_abs_of(want));
      for (size_t i = 0; i < in.size() && size < 1000; ++i) {
        const double h = static_cast<double>(in[i]);
        const double error = std::fabs(h) < 7.8 ? 2e-4 : 3.9e-4;
        EXPECT_NEAR(want[i], h / (1 + std::exp(-h)) * static_cast<double>(hb2[i]),
                    error * std::fabs(h * static_cast<double>(hb2[i])) + 1e-6);
      }
      for (const auto& variant : all) {
        auto got = in;
        float got_largest = -1;
        variant.run({got.data(), hb2.data(), n, &got_largest});
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n << " " << size;
        EXPECT_EQ(got_largest, largest) << variant.name;
      }
    }
}

TEST(Kernels, ResidualQ8) {
  Numbers numbers(11);
  const auto all = variants<ResidualQ8>({{"m33", m33::residual_q8}}, host::residual_q8);
  for (const int n : {2, 8, 13, 64, 172, 288}) {
    const auto size = static_cast<size_t>(n);
    const auto x = numbers.reals(size, 3.0f);
    const auto more = numbers.reals(size, 1.0f);
    const auto w = numbers.reals(size, 1.0f);
    auto want = x;
    std::vector<float> squares((size + 7) / 8);
    float largest = -1;
    portable::residual_q8({want.data(), more.data(), w.data(), n, squares.data(), &largest});
    double sum = 0, squares_sum = 0;
    std::vector<float> products;
    for (size_t i = 0; i < size; ++i) {
      EXPECT_EQ(want[i], x[i] + more[i]);
      sum += static_cast<double>(want[i]) * static_cast<double>(want[i]);
      products.push_back(w[i] * want[i]);
    }
    for (const float s : squares) squares_sum += static_cast<double>(s);
    EXPECT_NEAR(squares_sum, sum, 1e-6 * sum);
    EXPECT_EQ(largest, max_abs_of(products));
    for (const auto& variant : all) {
      auto got = x;
      std::vector<float> got_squares(squares.size());
      float got_largest = -1;
      variant.run({got.data(), more.data(), w.data(), n, got_squares.data(), &got_largest});
      EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << n;
      EXPECT_TRUE(same_bits(got_squares, squares)) << variant.name << " " << n;
      EXPECT_EQ(got_largest, largest) << variant.name << " " << n;
    }
  }
}

TEST(Kernels, RmsNormQ8) {
  Numbers numbers(9);
  const auto all =
      variants<RmsNormQ8>({{"portable", portable::rmsnorm_q8}, {"m33", m33::rmsnorm_q8}}, host::rmsnorm_q8);
  for (const int n : {2, 8, 13, 64, 172, 288})
    for (const int limit : {1, 2103, 32767})
      for (const float range : {0.0f, 3.0f}) {
        const auto size = static_cast<size_t>(n);
        auto x = numbers.reals(size, range);
        const auto w = numbers.reals(size, 1.0f);
        const int padded = round_up(n, 4);
        const std::vector<float> nothing(size);
        std::vector<float> squares((size + 7) / 8), normed(size);
        float largest = 0;
        portable::residual_q8({x.data(), nothing.data(), w.data(), n, squares.data(), &largest});
        portable::rmsnorm({normed.data(), x.data(), w.data(), n, 1e-5f});
        std::vector<int16_t> want(static_cast<size_t>(padded), 99);
        float want_scale = 0;
        RmsNormQ8 a{want.data(), &want_scale, x.data(), w.data(), squares.data(),
                    largest,     n,           padded,   limit,    1e-5f};
        portable::rmsnorm_q8(a);
        for (size_t i = 0; i < size; ++i) {
          EXPECT_LE(std::abs(want[i]), limit);
          EXPECT_NEAR(static_cast<float>(want[i]) * want_scale, normed[i], want_scale * 0.51f);
        }
        const auto between = between_another_tokens(want);
        for (const auto& variant : all) {
          for (const int step : {1, 2}) {
            const auto& expected = step == 1 ? want : between;
            std::vector<int16_t> got(expected.size(), 99);
            float got_scale = 0;
            a.out = got.data(), a.scale = &got_scale, a.step = step;
            variant.run(a);
            EXPECT_TRUE(same_bits(got, expected)) << variant.name << " " << n << " " << limit;
            EXPECT_EQ(got_scale, want_scale);
            got.assign(expected.size(), 99);
            for (const Range part : {Range{0, n / 16 * 8}, Range{n / 16 * 8, n + 8}}) {
              RmsNormQ8 some = a;
              some.out = got.data(), some.part = part;
              variant.run(some);
            }
            EXPECT_TRUE(same_bits(got, expected)) << variant.name << " in parts, " << n << " " << limit;
          }
        }
      }
}

TEST(Kernels, MatmulF32) {
  Numbers numbers(3);
  const auto all = variants<MatmulF32>({}, host::matmul_f32);
  for (const int columns : {2, 36, 64, 172})
    for (const int n_tokens : {1, 2, 3, 7, 8}) {
      const int blocks = 15;
      const int stride = columns + 4;
      const int out_stride = blocks * kBlockRows;
      const auto w = numbers.reals(static_cast<size_t>(blocks * columns * kBlockRows), 1.0f);
      const auto x = numbers.reals(static_cast<size_t>(n_tokens * stride), 1.0f);
      std::vector<float> want(static_cast<size_t>(n_tokens * out_stride), -7.0f);
      MatmulF32 a{w.data(), columns, {2, blocks}, x.data(), stride, n_tokens, want.data(), out_stride};
      portable::matmul_f32(a);
      // The order that the contract specifies.
      for (int t = 0; t < n_tokens; ++t)
        for (int r = 2 * kBlockRows; r < out_stride; ++r) {
          float sum = 0;
          for (int i = 0; i < columns; ++i)
            sum += w[f32_index(static_cast<uint32_t>(r), static_cast<uint32_t>(i),
                               static_cast<uint32_t>(columns))] *
                   x[static_cast<size_t>(t * stride + i)];
          ASSERT_EQ(want[static_cast<size_t>(t * out_stride + r)], sum);
        }
      for (const auto& variant : all) {
        std::vector<float> got(want.size(), -7.0f);
        a.out = got.data();
        variant.run(a);
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << columns << " " << n_tokens;
      }
    }
}

TEST(Kernels, QuantizeQ8) {
  Numbers numbers(4);
  for (const int columns : {1, 36, 54, 172})
    for (const int limit : {1, 2103, 32767}) {
      const auto x = numbers.reals(static_cast<size_t>(columns), 4.0f);
      const int padded = round_up(columns, 4);
      std::vector<int16_t> want(static_cast<size_t>(padded), 99), got(want);
      float want_scale = 0, got_scale = 0;
      portable::quantize_q8({want.data(), &want_scale, x.data(), columns, padded, limit});
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_LE(std::abs(want[i]), limit);
        EXPECT_NEAR(static_cast<float>(want[i]) * want_scale, x[i], want_scale * 0.502f);
      }
      const auto all = variants<QuantizeQ8>({{"portable", portable::quantize_q8}, {"m33", m33::quantize_q8}},
                                            host::quantize_q8);
      const auto between = between_another_tokens(want);
      for (const auto& variant : all) {
        got.assign(want.size(), 99);
        variant.run({got.data(), &got_scale, x.data(), columns, padded, limit});
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << columns;
        EXPECT_EQ(got_scale, want_scale);
        got.assign(between.size(), 99);
        variant.run({got.data(), &got_scale, x.data(), columns, padded, limit, 2});
        EXPECT_TRUE(same_bits(got, between)) << variant.name << " " << columns;
        got.assign(want.size(), 99);
        variant.run({got.data(), &got_scale, x.data(), columns, padded, limit, 1, max_abs_of(x)});
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << columns;
        got.assign(between.size(), 99);
        for (const Range part : {Range{0, columns / 16 * 8}, Range{columns / 16 * 8, columns + 8}})
          variant.run({got.data(), &got_scale, x.data(), columns, padded, limit, 2, -1, part});
        EXPECT_TRUE(same_bits(got, between)) << variant.name << " in parts, " << columns;
      }
    }
  int16_t out[4];
  float scale = 1;
  const float zeros[3] = {};
  portable::quantize_q8({out, &scale, zeros, 3, 4, 100});
  EXPECT_EQ(scale, 0);
  EXPECT_EQ(out[0] | out[1] | out[2] | out[3], 0);
}

/// A q8 tensor with weights from `weight`, its limits as the packer sets them.
struct Q8 {
  template <typename Weight>
  Q8(uint32_t rows, uint32_t columns_, uint32_t chunk_pairs_, Weight weight)
      : columns(columns_),
        chunk_pairs(chunk_pairs_),
        bytes(tensor_bytes(Encoding::kRowsQ8, rows, columns_) + 16) {
    for (uint32_t r = 0; r < rows; r += 2)
      for (uint32_t c = 0; c < q8_columns(columns); c += 2) {
        const auto at = [&](uint32_t row, uint32_t column) {
          return column < columns ? weight(row, column) : 0;
        };
        const uint32_t word = q8_word(at(r, c), at(r + 1, c), at(r, c + 1), at(r + 1, c + 1));
        std::memcpy(bytes.data() + q8_word_offset(r, c, columns), &word, 4);
      }
    for (uint32_t r = 0; r < rows; ++r) {
      const float scale = 0.01f + 0.001f * static_cast<float>(r);
      std::memcpy(bytes.data() + q8_scale_offset(r, columns), &scale, 4);
    }
    const Q8Norms norms = q8_norms(bytes, rows, columns, chunk_pairs);
    limit = q8_activation_limit(norms.max_chunk_l1, norms.max_row_l1);
  }
  uint32_t columns, chunk_pairs;
  std::vector<std::byte> bytes;
  int limit;
};

const auto kMatmulQ8 = variants<MatmulQ8>({{"m33", m33::matmul_q8}}, host::matmul_q8);

void expect_same_matmul_q8(const Q8& w, uint32_t rows, const std::vector<int16_t>& x, int stride,
                           int n_tokens) {
  const std::vector<float> x_scale = {1.0f, 0.5f, 3.0f, 0.1f, 2.0f, 1.5f, 0.7f, 0.3f};
  std::vector<float> want(static_cast<size_t>(n_tokens) * rows, -7.0f);
  MatmulQ8 a{w.bytes.data(),
             static_cast<int>(w.columns),
             static_cast<int>(w.chunk_pairs),
             {0, static_cast<int>(rows / 8)},
             x.data(),
             stride,
             x_scale.data(),
             n_tokens,
             want.data(),
             static_cast<int>(rows)};
  portable::matmul_q8(a);
  for (const auto& variant : kMatmulQ8)
    for (const RowShape shape : {RowShape::kAny, row_shape(a.columns, a.chunk_pairs)}) {
      std::vector<float> got(want.size(), -7.0f);
      a.out = got.data();
      a.shape = shape;
      variant.run(a);
      EXPECT_TRUE(same_bits(got, want))
          << variant.name << ", " << w.columns << " columns, chunks of " << w.chunk_pairs;
    }
}

TEST(Kernels, MatmulQ8) {
  Numbers numbers(5);
  for (const uint32_t columns : {2u, 36u, 64u, 172u, 258u})
    for (const uint32_t chunk_pairs : {2u, 32u, 200u})
      for (const int n_tokens : {1, 3, 8}) {
        const uint32_t rows = 48;
        const Q8 w(rows, columns, chunk_pairs,
                   [&](uint32_t, uint32_t) { return numbers.integer(-127, 127); });
        const int stride = static_cast<int>(q8_columns(columns)) + 4;
        std::vector<int16_t> x(static_cast<size_t>(stride * n_tokens));
        for (int16_t& v : x) v = static_cast<int16_t>(numbers.integer(-w.limit, w.limit));
        expect_same_matmul_q8(w, rows, x, stride, n_tokens);
      }
}

// The largest sums the packer's limit admits: all weights and activations at their ends, with every mix of
// signs between the two rows of a pair.
TEST(Kernels, MatmulQ8AtTheLimit) {
  for (const uint32_t columns : {4u, 64u, 4096u})
    for (const uint32_t chunk_pairs : {2u, 32u, 2048u})
      for (int signs = 0; signs < 4; ++signs) {
        const Q8 w(8, columns, chunk_pairs,
                   [&](uint32_t row, uint32_t) { return (signs >> (row % 2) & 1) != 0 ? -127 : 127; });
        const int64_t chunk = std::min<int64_t>(chunk_pairs * 2, columns);
        EXPECT_LE(chunk * 127 * w.limit, kQ8ChunkSumLimit);
        // The limit is tight: one more would violate a bound.
        EXPECT_TRUE(w.limit == 32767 || chunk * 127 * (w.limit + 1) > kQ8ChunkSumLimit ||
                    int64_t{columns} * 127 * (w.limit + 1) > kQ8RowSumLimit);
        for (const int sign : {-1, 1}) {
          const std::vector<int16_t> x(columns, static_cast<int16_t>(sign * w.limit));
          expect_same_matmul_q8(w, 8, x, static_cast<int>(columns), 1);
        }
      }
}

/// A q4 tensor as the formulas of SPEC.md say.
struct Q4 {
  template <typename Weight, typename CodeOf>
  Q4(uint32_t rows_, uint32_t columns_, Weight weight, CodeOf code)
      : rows(rows_), columns(columns_), bytes(tensor_bytes(Encoding::kRowsQ4, rows_, columns_)) {
    for (uint32_t r = 0; r < rows; ++r) {
      const float scale = 0.01f + 0.001f * static_cast<float>(r / 8);
      std::memcpy(bytes.data() + q4_scale_offset(r, columns), &scale, 4);
      for (uint32_t g = 0; g < q4_groups(columns); ++g)
        bytes[q4_code_offset(r, g, columns)] = static_cast<std::byte>(code(r, g));
      for (uint32_t c = 0; c < columns; ++c) {
        uint32_t word;
        std::memcpy(&word, bytes.data() + q4_word_offset(r, c, columns), 4);
        word |= (static_cast<uint32_t>(weight(r, c)) & 15u) << q4_shift(r, c);
        std::memcpy(bytes.data() + q4_word_offset(r, c, columns), &word, 4);
      }
    }
    limit = q4_activation_limit(q4_max_row_codes(bytes, rows, columns));
  }
  uint32_t rows, columns;
  std::vector<std::byte> bytes;
  int limit;
};

/// x: n_tokens rows of q4_columns() and 2 more.
std::vector<float> expect_same_matmul_q4(const Q4& w, const std::vector<int16_t>& x, int n_tokens) {
  const auto all = variants<MatmulQ4>({{"m33", m33::matmul_q4}}, host::matmul_q4);
  const std::vector<float> x_scale = {1.0f, 0.5f, 3.0f, 0.1f, 2.0f, 1.5f, 0.7f, 0.3f};
  std::vector<float> want(static_cast<size_t>(n_tokens) * w.rows, -7.0f);
  const int first = w.rows > 8 ? 1 : 0;
  MatmulQ4 a{w.bytes.data(),
             static_cast<int>(w.columns),
             {first, static_cast<int>(w.rows / 8)},
             x.data(),
             static_cast<int>(q4_columns(w.columns)) + 2,
             x_scale.data(),
             n_tokens,
             want.data(),
             static_cast<int>(w.rows)};
  portable::matmul_q4(a);
  for (const auto& variant : all) {
    std::vector<float> got(want.size(), -7.0f);
    a.out = got.data();
    variant.run(a);
    EXPECT_TRUE(same_bits(got, want)) << variant.name << ", " << w.columns << " columns";
  }
  return want;
}

TEST(Kernels, MatmulQ4) {
  Numbers numbers(8);
  for (const uint32_t columns : {2u, 32u, 64u, 172u, 288u})
    for (const int n_tokens : {1, 2, 3, 8}) {
      std::vector<int> weights, codes;
      const auto kept = [&](std::vector<int>& list, int low, int high) {
        return [&list, &numbers, low, high](uint32_t, uint32_t) {
          return list.emplace_back(numbers.integer(low, high));
        };
      };
      const Q4 w(48, columns, kept(weights, -8, 7), kept(codes, -128, 127));
      const uint32_t stride = q4_columns(columns) + 2;
      std::vector<int16_t> x(stride * static_cast<size_t>(n_tokens));
      for (size_t i = 0; i < x.size(); ++i)
        if (i % stride < columns) x[i] = static_cast<int16_t>(numbers.integer(-w.limit, w.limit));
      const std::vector<float> got = expect_same_matmul_q4(w, x, n_tokens);
      // The equation, from the numbers that were put in: rows of the first token that a kernel wrote.
      for (uint32_t r = 8; r < 48; ++r) {
        int64_t sum = 0;
        for (uint32_t i = 0; i < columns; ++i)
          sum += int64_t{codes[r * q4_groups(columns) + i / kQ4Group]} * weights[r * columns + i] * x[i];
        EXPECT_EQ(got[r], static_cast<float>(sum) * (0.01f + 0.001f * static_cast<float>(r / 8))) << r;
      }
      EXPECT_EQ(got[7], -7.0f);
    }
}

// The largest sums that a limit admits: every factor at its end, with every mix of signs.
TEST(Kernels, MatmulQ4AtTheLimit) {
  for (const uint32_t columns : {32u, 768u, 4096u})
    for (int signs = 0; signs < 4; ++signs) {
      const Q4 w(
          8, columns, [](uint32_t row, uint32_t) { return row == 7 ? 7 : -8; },
          [&](uint32_t, uint32_t) { return (signs & 1) != 0 ? -128 : 127; });
      const int64_t codes = q4_groups(columns) * ((signs & 1) != 0 ? 128 : 127);
      EXPECT_LE(codes * 8 * kQ4Group * w.limit, INT32_MAX);
      EXPECT_LE(int64_t{8} * kQ4Group * w.limit << 12, INT32_MAX);
      // The next activation up would break a bound.
      EXPECT_TRUE(w.limit == kQ4MaxActivationLimit || codes * 8 * kQ4Group * (w.limit + 1) > INT32_MAX);
      const std::vector<int16_t> x(columns + 2, static_cast<int16_t>((signs & 2) != 0 ? -w.limit : w.limit));
      const std::vector<float> got = expect_same_matmul_q4(w, x, 1);
      const int64_t sum =
          codes * 8 * kQ4Group * w.limit * (((signs & 1) != 0) != ((signs & 2) != 0) ? 1 : -1);
      EXPECT_EQ(got[0], static_cast<float>(sum) * 0.01f);
    }
}

TEST(Kernels, AttentionF32) {
  Numbers numbers(6);
  for (const int head_size : {2, 8, 12, 48})
    for (const int last : {0, 1, 7, 8, 40, 63}) {
      const int heads = 3;
      const auto keys = numbers.reals(static_cast<size_t>(64 * head_size), 2.0f);
      const auto values = numbers.reals(static_cast<size_t>(64 * head_size), 2.0f);
      auto want = numbers.reals(static_cast<size_t>(heads * head_size), 3.0f);
      const auto q = want;
      std::vector<float> scratch(static_cast<size_t>(2 * head_size) + 8);
      AttentionF32 a{want.data(), heads, head_size, last, keys.data(), values.data(), 0.35f, scratch.data()};
      portable::attention_f32(a);
      for (int h = 0; h < heads; ++h) {  // against the definition of softmax, in double
        std::vector<double> p;
        double total = 0;
        for (int j = 0; j <= last; ++j) {
          double s = 0;
          for (int i = 0; i < head_size; ++i)
            s += 0.35 * static_cast<double>(q[static_cast<size_t>(h * head_size + i)]) *
                 static_cast<double>(keys[static_cast<size_t>((j / 8 * head_size + i) * 8 + j % 8)]);
          p.push_back(std::exp(s));
          total += p.back();
        }
        for (int i = 0; i < head_size; ++i) {
          double sum = 0;
          for (int j = 0; j <= last; ++j)
            sum += p[static_cast<size_t>(j)] / total *
                   static_cast<double>(values[static_cast<size_t>(j * head_size + i)]);
          ASSERT_NEAR(want[static_cast<size_t>(h * head_size + i)], sum, 2e-5);
        }
      }
      for (const auto& variant : variants<AttentionF32>({}, host::attention_f32)) {
        auto got = q;
        a.q = got.data();
        variant.run(a);
        EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << head_size << " " << last;
      }
    }
}

const Variant<AttentionQ8> kPortableAttentionQ8{"portable", portable::attention_q8};
const auto kAttentionQ8 = variants<AttentionQ8>({{"m33", m33::attention_q8}}, host::attention_q8);

/// One kv head's cache of `positions`, with random contents, and queries.
struct AttentionQ8Case {
  AttentionQ8Case(uint32_t seed, int heads_, int head_size_, int positions, float query_size,
                  int highest_code)
      : heads(heads_),
        head_size(head_size_),
        keys(static_cast<size_t>(positions / 4 * q8_key_group_bytes(head_size))),
        values(static_cast<size_t>(positions * head_size)),
        scratch(attention_q8_scratch_bytes(heads, head_size) / 4 + 1) {
    Numbers numbers(seed);
    q = numbers.reals(static_cast<size_t>(heads * head_size), query_size);
    for (std::byte& v : values) v = static_cast<std::byte>(numbers.integer(-127, 127) & 0xff);
    for (int j = 0; j < positions; ++j) {
      for (int i = 0; i < head_size; ++i)
        key_byte(j, q8_key_byte(head_size, j % 4, i)) =
            static_cast<std::byte>(numbers.integer(-127, 127) & 0xff);
      code_byte(j) = static_cast<std::byte>(numbers.integer(1, highest_code));
    }
  }
  std::byte& key_byte(int j, int at) {
    return keys[static_cast<size_t>(j / 4 * q8_key_group_bytes(head_size) + at)];
  }
  std::byte& code_byte(int j) { return key_byte(j, q8_key_group_bytes(head_size) - 4 + j % 4); }
  double key(int j, int i) {
    return static_cast<double>(static_cast<int8_t>(key_byte(j, q8_key_byte(head_size, j % 4, i)))) *
           static_cast<double>(static_cast<uint8_t>(code_byte(j)));
  }
  double value(int j, int i) const {
    return static_cast<double>(static_cast<int8_t>(
        values[static_cast<size_t>(j / 2 * 2 * head_size + i / 2 * 4 + j % 2 * 2 + i % 2)]));
  }
  std::vector<float> run(const Variant<AttentionQ8>& variant, int last, HeadShape shape = HeadShape::kAny) {
    std::vector<float> out = q;
    variant.run({out.data(), heads, head_size, last, keys.data(), values.data(),
                 kKeyStep * 64 * 65536 * kScale, kValueStep, reinterpret_cast<std::byte*>(scratch.data()),
                 shape});
    return out;
  }
  void expect_same_bits(int last) {
    const auto want = run(kPortableAttentionQ8, last);
    for (const auto& variant : kAttentionQ8)
      for (const HeadShape shape : {HeadShape::kAny, head_shape(heads, head_size)})
        EXPECT_TRUE(same_bits(run(variant, last, shape), want))
            << variant.name << " " << head_size << " " << heads << " " << last;
  }

  static constexpr float kKeyStep = 4.0f / (127 * 255), kValueStep = 0.01f, kScale = 0.35f;
  int heads, head_size;
  std::vector<std::byte> keys, values;
  std::vector<float> q;
  std::vector<int32_t> scratch;
};

TEST(Kernels, AttentionQ8IsBitIdenticalOnAllBackends) {
  for (const int head_size : {2, 6, 8, 12, 48, 64})
    for (const int heads : {1, 2, 3, 4})
      // Sharp and flat, at every exponent of the scores' unit that matters.
      for (const float query_size : {0.0f, 0.1f, 3.0f, 100.0f, 3e4f, 1e30f}) {
        AttentionQ8Case c(7, heads, head_size, 1152, query_size, 255);
        for (const int last : {0, 1, 2, 3, 4, 7, 126, 127, 128, 129, 511, 512, 1150})
          c.expect_same_bits(last);
      }
}

TEST(Kernels, AttentionQ8ApproximatesSoftmax) {
  for (const int head_size : {2, 8, 12, 48})
    for (const float query_size : {0.1f, 1.0f, 3.0f})
      for (const int last : {0, 1, 30, 127, 128, 400, 1150}) {
        const int heads = 2;
        AttentionQ8Case c(8, heads, head_size, 1152, query_size, 255);
        const auto out = c.run(kPortableAttentionQ8, last);
        // The unit of the scores, as AttentionQ8 states it.
        double largest = 0;
        for (int h = 0; h < heads; ++h) {
          double sum = 0;
          for (int i = 0; i < head_size; ++i)
            sum += std::fabs(static_cast<double>(c.q[static_cast<size_t>(h * head_size + i)]));
          largest = std::max(largest, sum);
        }
        const double factor = static_cast<double>(c.kKeyStep * 64 * 65536 * c.kScale);
        int exponent = 0;
        while (std::ldexp(32768.0, exponent) <= largest * factor * (1 + 1.0 / 128)) ++exponent;
        ASSERT_LE(exponent, 3);
        for (int h = 0; h < heads; ++h) {
          std::vector<double> p;
          double total = 0, max = -1e300, key_size = 0;
          for (int j = 0; j <= last; ++j) {
            double score = 0, size = 0;
            for (int i = 0; i < head_size; ++i) {
              const double k = c.key(j, i) * static_cast<double>(c.kKeyStep);
              score += static_cast<double>(c.kScale * c.q[static_cast<size_t>(h * head_size + i)]) * k;
              size += std::fabs(k);
            }
            p.push_back(score);
            max = std::max(max, score);
            key_size = std::max(key_size, size);
          }
          for (double& v : p) total += v = std::exp(v - max);
          // A difference of two scores errs by one unit from rounding down, and by both keys' share of the
          // queries' rounding (half a step of 2^e / factor); the table by 2^-15 or, at 8 nats, by all there
          // is.
          const double nats = std::ldexp(1.0 / 64, exponent) +
                              static_cast<double>(c.kScale) * key_size * std::ldexp(1 / factor, exponent);
          const double relative = std::exp(nats) - 1;
          for (int i = 0; i < head_size; ++i) {
            double sum = 0, error = 1e-6, total_error = 0;
            for (int j = 0; j <= last; ++j) {
              const double weight = p[static_cast<size_t>(j)] / total;
              const double v = c.value(j, i) * static_cast<double>(c.kValueStep);
              sum += weight * v;
              const double cut = weight * total < std::exp(nats - 8) ? weight : 0;
              error += (relative * weight + cut + 1.0 / 32767 / total) * std::fabs(v);
              total_error += relative * weight + cut + 1.0 / 32767 / total;
            }
            error += total_error * std::fabs(sum);
            ASSERT_NEAR(out[static_cast<size_t>(h * head_size + i)], sum, error)
                << head_size << " " << last << " " << query_size;
          }
        }
      }
}

// Everything at its end: codes of 255, keys and values of 127, scores of both signs, a maximum that comes
// last.
TEST(Kernels, AttentionQ8AtTheLimit) {
  for (const int head_size : {8, 48})
    for (const int sign : {-1, 1}) {
      AttentionQ8Case c(9, 2, head_size, 2048, 1.0f, 255);
      for (float& x : c.q) x = 1e9f;
      for (std::byte& k : c.keys) k = static_cast<std::byte>((127 * sign) & 0xff);
      for (int j = 0; j < 2048; ++j) c.code_byte(j) = static_cast<std::byte>(255);
      for (std::byte& v : c.values) v = static_cast<std::byte>(0x81);
      for (const int last : {0, 515, 516, 2047}) {
        c.expect_same_bits(last);
        for (const float x : c.run(kPortableAttentionQ8, last)) EXPECT_NEAR(x, -127 * c.kValueStep, 1e-4);
      }
      // The last position's key negated: it then has all of the weight, or none.
      for (int i = 0; i < head_size; ++i)
        c.key_byte(2047, q8_key_byte(head_size, 3, i)) = static_cast<std::byte>((-127 * sign) & 0xff);
      for (int i = 0; i < head_size; ++i)
        c.values[static_cast<size_t>(2046 * head_size + i / 2 * 4 + 2 + i % 2)] = static_cast<std::byte>(127);
      c.expect_same_bits(2047);
      for (const float x : c.run(kPortableAttentionQ8, 2047))
        EXPECT_NEAR(x, (sign < 0 ? 127 : -127) * c.kValueStep, 1e-4);
    }
}

}  // namespace
}  // namespace pico_llama
