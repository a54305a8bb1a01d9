#include "tests/engine/kernels/variants.h"

#include <algorithm>
#include <cmath>

#include "engine/kernels/attention_q8/attention_q8.h"

namespace pico_llama {
namespace {

const Variant<AttentionQ8> kPortableAttentionQ8{"portable", portable::attention_q8};
const auto kAttentionQ8 = variants<AttentionQ8>({{"m33", m33::attention_q8}}, host::attention_q8);

/// One kv head's cache of `positions`, with random contents, and queries.
struct AttentionQ8Case {
  AttentionQ8Case(uint32_t seed, int heads_, int head_size_, int positions, float query_size,
                  int highest_scale)
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
      scale_byte(j) = static_cast<std::byte>(numbers.integer(1, highest_scale));
    }
  }
  std::byte& key_byte(int j, int at) {
    return keys[static_cast<size_t>(j / 4 * q8_key_group_bytes(head_size) + at)];
  }
  std::byte& scale_byte(int j) { return key_byte(j, q8_key_group_bytes(head_size) - 4 + j % 4); }
  double key(int j, int i) {
    return static_cast<double>(static_cast<int8_t>(key_byte(j, q8_key_byte(head_size, j % 4, i)))) *
           static_cast<double>(static_cast<uint8_t>(scale_byte(j)));
  }
  double value(int j, int i) const {
    return static_cast<double>(static_cast<int8_t>(
        values[static_cast<size_t>(j / 2 * 2 * head_size + i / 2 * 4 + j % 2 * 2 + i % 2)]));
  }
  std::vector<float> run(const Variant<AttentionQ8>& variant, int last, HeadShape shape = HeadShape::kAny) {
    std::vector<float> out = q;
    variant.run(arguments(out.data(), last, shape));
    return out;
  }
  AttentionQ8 arguments(float* in_place, int last, HeadShape shape) {
    return {.q = in_place,
            .heads = heads,
            .head_size = head_size,
            .last = last,
            .keys = keys.data(),
            .values = values.data(),
            .factor = kKeyStep * 64 * 65536 * kScale,
            .value_step = kValueStep,
            .scratch = reinterpret_cast<std::byte*>(scratch.data()),
            .shape = shape};
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

// Two tokens of a head at once are as one after the other: at the edges of blocks, and where their scores
// have different units or their sums different shifts.
TEST(Kernels, AttentionQ8OfTwoTokensIsThatOfEach) {
  std::vector<Variant<AttentionQ8>> all = kAttentionQ8;
  all.push_back(kPortableAttentionQ8);
  for (const int head_size : {2, 6, 8, 12, 48})
    for (const float second_size : {0.0f, 0.5f, 3.0f, 3e4f}) {
      AttentionQ8Case c(11, 1, head_size, 1152, 3.0f, 255);
      const int stride = head_size + 3;
      std::vector<float> two = Numbers(12).reals(static_cast<size_t>(stride + head_size), second_size);
      std::ranges::copy(c.q, two.begin());
      for (const int last : {0, 1, 2, 3, 4, 5, 126, 127, 128, 510, 511, 512, 1150}) {
        std::vector<float> want = two;
        std::vector<float> query = c.q;
        const auto expect_token = [&](int token) {
          const auto begin = two.begin() + token * stride;
          c.q.assign(begin, begin + head_size);
          std::ranges::copy(c.run(kPortableAttentionQ8, last + token), want.begin() + token * stride);
        };
        expect_token(0);
        expect_token(1);
        c.q = query;
        for (const Variant<AttentionQ8>& variant : all) {
          std::vector<float> got = two;
          AttentionQ8 a = c.arguments(got.data(), last, HeadShape::kAny);
          a.n_tokens = 2;
          a.q_stride = stride;
          variant.run(a);
          EXPECT_TRUE(same_bits(got, want)) << variant.name << " " << head_size << " " << last;
        }
      }
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
          // queries' rounding (half a step of 2^e / factor); the table contributes 2^-15, or the whole weight
          // at the 8-nat cut-off.
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

// Everything at its extreme: scales of 255, keys and values of 127, scores of both signs, a maximum that
// comes last.
TEST(Kernels, AttentionQ8AtTheLimit) {
  for (const int head_size : {8, 48})
    for (const int sign : {-1, 1}) {
      AttentionQ8Case c(9, 2, head_size, 2048, 1.0f, 255);
      for (float& x : c.q) x = 1e9f;
      for (std::byte& k : c.keys) k = static_cast<std::byte>((127 * sign) & 0xff);
      for (int j = 0; j < 2048; ++j) c.scale_byte(j) = static_cast<std::byte>(255);
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
