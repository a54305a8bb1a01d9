// Checkpoint and tokenizer files of every format, whole and damaged.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "formats/vocabulary.h"
#include "tests/support/models.h"
#include "tests/support/synthetic_model.h"
#include "tools/support/failure.h"

namespace pico_llama::formats {
namespace {

using test_support::kShapeTiny;
using test_support::make_checkpoint;
using test_support::make_tokenizer;
using test_support::SyntheticModel;
using Bytes = std::vector<std::uint8_t>;

std::vector<float> floats_of(const Tensor& tensor) {
  std::vector<float> values(tensor.elements());
  tensor.read(0, values);
  return values;
}

template <typename T>
void poke(Bytes& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

std::string failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

std::string failure_of(const Bytes& bytes) {
  return failure_of([&bytes] { read_llama2c(bytes, "m.bin"); });
}

/// Every message names the file and is one line.
void expect_failure(const std::string& message, const std::string& part) {
  EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_TRUE(message.starts_with("m.bin: ")) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

SyntheticModel tiny(Format format, bool shared = true, std::uint32_t group_size = 8) {
  return {.config = kShapeTiny,
          .format = format,
          .shared_classifier = shared,
          .group_size = group_size,
          .seed = 7};
}

TEST(Checkpoint, ReadsTheShapeOfEveryFormat) {
  for (const Format format : {Format::kLlama2cLegacy, Format::kLlama2cVersion1, Format::kLlama2cVersion2}) {
    for (const bool shared : {true, false}) {
      const Bytes bytes = make_checkpoint(tiny(format, shared));
      const Checkpoint checkpoint = read_llama2c(bytes, "m.bin");
      EXPECT_EQ(checkpoint.config, kShapeTiny);
      EXPECT_EQ(checkpoint.format, format);
      EXPECT_EQ(checkpoint.shared_classifier, shared);
      EXPECT_EQ(checkpoint.group_size, format == Format::kLlama2cVersion2 ? 8u : 0u);
      const Weights& weights = checkpoint.weights;
      EXPECT_EQ(weights.wcls.values == weights.token_embedding.values, shared);
      EXPECT_EQ(weights.all().size(), 1u + 2 * 9 + 1 + (shared ? 0 : 1));
      EXPECT_EQ(weights.layers[1].wk.rows, 8u);
      EXPECT_EQ(weights.layers[1].w2.columns, 24u);
    }
  }
}

// Hand-made, so that the order of the file is asserted independently of the writer in test_support.
TEST(Checkpoint, LegacyTensorsLieInExportOrderAroundTheRopeTables) {
  const Config c{4, 6, 2, 2, 1, 3, 5};
  Bytes bytes;
  const auto put = [&bytes](auto value) {
    const auto* raw = reinterpret_cast<const std::uint8_t*>(&value);
    bytes.insert(bytes.end(), raw, raw + sizeof(value));
  };
  for (const int value : {c.dim, c.hidden_dim, c.n_layers, c.n_heads, c.n_kv_heads, -c.vocab_size, c.seq_len})
    put(value);
  float next = 0;
  const int total = 3 * 4 + 2 * (4 + 16 + 8 + 8 + 16 + 4 + 24 + 24 + 24) + 4 + 5 * 2 + 3 * 4;
  for (int i = 0; i < total; ++i) put(next++);
  const Checkpoint checkpoint = read_llama2c(bytes, "m.bin");
  const Weights& w = checkpoint.weights;
  EXPECT_EQ(floats_of(w.token_embedding).front(), 0);
  EXPECT_EQ(floats_of(w.layers[0].rms_att).front(), 12);
  EXPECT_EQ(floats_of(w.layers[1].rms_att).front(), 16);
  EXPECT_EQ(floats_of(w.layers[0].wq).front(), 20);
  EXPECT_EQ(floats_of(w.layers[1].wq).front(), 36);
  EXPECT_EQ(floats_of(w.layers[0].wk).front(), 52);
  EXPECT_EQ(floats_of(w.layers[0].wv).front(), 68);
  EXPECT_EQ(floats_of(w.layers[0].wo).front(), 84);
  EXPECT_EQ(floats_of(w.layers[0].rms_ffn).front(), 116);
  EXPECT_EQ(floats_of(w.layers[0].w1).front(), 124);
  EXPECT_EQ(floats_of(w.layers[0].w2).front(), 172);
  EXPECT_EQ(floats_of(w.layers[1].w3).front(), 244);
  EXPECT_EQ(floats_of(w.rms_final).front(), 268);
  EXPECT_EQ(floats_of(w.wcls).front(), 268 + 4 + 10);
  EXPECT_EQ(floats_of(w.wcls).back(), static_cast<float>(total - 1));
}

// The writer draws the same weights for both: they must agree to half a quantisation step.
TEST(Checkpoint, Version2IsVersion1RoundedToItsGroups) {
  const Bytes v1 = make_checkpoint(tiny(Format::kLlama2cVersion1, false));
  const Bytes v2 = make_checkpoint(tiny(Format::kLlama2cVersion2, false));
  const Checkpoint exact = read_llama2c(v1, "m.bin");
  const Checkpoint rounded = read_llama2c(v2, "m.bin");
  const auto exact_tensors = exact.weights.all();
  const auto rounded_tensors = rounded.weights.all();
  ASSERT_EQ(exact_tensors.size(), rounded_tensors.size());
  for (std::size_t t = 0; t < exact_tensors.size(); ++t) {
    const Tensor& q = *rounded_tensors[t];
    const auto a = floats_of(*exact_tensors[t]);
    const auto b = floats_of(q);
    ASSERT_EQ(a.size(), b.size()) << q.name;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const float step = q.quantized() ? q.scale_of_group(i / q.group_size) : 0.0f;
      ASSERT_NEAR(a[i], b[i], 0.5001f * step) << q.name << " element " << i;
    }
  }
}

// Group 48 divides every tensor here (16 x 24 = 384, 16 x 16 = 256 does not: use 32) and is not a multiple of
// a row.
TEST(Checkpoint, GroupsThatCrossRowsAreReadOverTheFlattenedTensor) {
  const Bytes bytes = make_checkpoint(tiny(Format::kLlama2cVersion2, true, 32));
  const Checkpoint checkpoint = read_llama2c(bytes, "m.bin");
  const Tensor& w2 = checkpoint.weights.layers[1].w2;  // 16 rows of 24: groups of 32 straddle them
  const auto whole = floats_of(w2);
  std::vector<float> row(24);
  for (std::uint64_t r = 0; r < 16; ++r) {
    w2.read_row(r, row);
    for (std::uint64_t c = 0; c < 24; ++c) {
      const std::uint64_t element = r * 24 + c;
      const auto quant = static_cast<std::int8_t>(w2.values[element]);
      EXPECT_EQ(row[c], static_cast<float>(quant) * w2.scale_of_group(element / 32));
      EXPECT_EQ(row[c], whole[element]);
    }
  }
}

TEST(Checkpoint, ReportsActualAndExpectedSize) {
  for (const Format format : {Format::kLlama2cLegacy, Format::kLlama2cVersion1, Format::kLlama2cVersion2}) {
    Bytes bytes = make_checkpoint(tiny(format));
    const std::string size = std::to_string(bytes.size());
    bytes.push_back(0);
    expect_failure(failure_of(bytes),
                   "oversized: " + std::to_string(bytes.size()) + " bytes, and its header asks for " + size);
    bytes.resize(bytes.size() - 2);
    expect_failure(failure_of(bytes),
                   "truncated: " + std::to_string(bytes.size()) + " bytes, and its header asks for " + size);
    // Any cut at all is refused, and none reads past the end (ASan watches).
    for (std::size_t length = 0; length < bytes.size(); length += 97) {
      const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
      expect_failure(failure_of(part), "truncated");
    }
  }
}

TEST(Checkpoint, RefusesAbsurdAndOverflowingShapes) {
  const auto with = [](Format format, std::size_t field, std::int32_t value) {
    Bytes bytes = make_checkpoint(tiny(format));
    poke(bytes, (format == Format::kLlama2cLegacy ? 0 : 8) + 4 * field, value);
    return failure_of(bytes);
  };
  constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
  constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
  for (const Format format : {Format::kLlama2cLegacy, Format::kLlama2cVersion1, Format::kLlama2cVersion2}) {
    for (std::size_t field = 0; field < 7; ++field) {
      for (const std::int32_t value : {0, kMax, kMin})
        expect_failure(with(format, field, value), "model shape: ");
    }
    expect_failure(with(format, 0, -16), "dim is -16");
    expect_failure(with(format, 3, 3), "dim 16 is not a multiple of n_heads 3");
    expect_failure(with(format, 3, 16), "head size 1 is odd");
    expect_failure(with(format, 4, 3), "n_heads 4 is not a multiple of n_kv_heads 3");
  }
  // The largest shape the limits allow: its size overflows 32 bits, and is refused by arithmetic, not by
  // trying.
  Bytes huge = make_checkpoint(tiny(Format::kLlama2cVersion1));
  const std::int32_t shape[] = {kMaxDim, kMaxHiddenDim, kMaxLayers, 2, 2, kMaxVocab, kMaxSeqLen};
  std::memcpy(huge.data() + 8, shape, sizeof(shape));
  expect_failure(failure_of(huge), "truncated");
}

TEST(Checkpoint, RefusesBadVersionsFlagsAndGroups) {
  Bytes bytes = make_checkpoint(tiny(Format::kLlama2cVersion2));
  Bytes bad = bytes;
  poke(bad, 4, 3);
  expect_failure(failure_of(bad), "version 3 is unknown");
  bad = bytes;
  bad[36] = 2;
  expect_failure(failure_of(bad), "shared-classifier byte is 2");
  for (const std::int32_t group : {0, -64}) {
    bad = bytes;
    poke(bad, 37, group);
    expect_failure(failure_of(bad), "group size is");
  }
  bad = bytes;
  poke(bad, 37, 7);
  expect_failure(failure_of(bad), "group size 7 does not divide token_embedding");
}

TEST(Checkpoint, IdentifiesOtherFileTypes) {
  const auto kind_of = [](std::string text) {
    text.resize(1000, '.');
    return failure_of(Bytes(text.begin(), text.end()));
  };
  expect_failure(kind_of("GGUF"), "GGUF");
  expect_failure(kind_of("PK\x03\x04"), "PyTorch");
  expect_failure(kind_of("version https://git-lfs.github.com/spec/v1"), "Git LFS pointer");
  expect_failure(kind_of("<!DOCTYPE html>"), "web page");
  expect_failure(kind_of("once upon a time"), "is this a llama2.c checkpoint?");
}

TEST(Checkpoint, ReportsPositionOfNonFiniteValues) {
  Bytes bytes = make_checkpoint(tiny(Format::kLlama2cVersion1));
  const std::size_t norms = 256;
  poke(bytes, norms + 4 * (16 + 3), std::numeric_limits<float>::quiet_NaN());
  expect_failure(failure_of(bytes), "value 3 of rms_att.1 is nan");
  bytes = make_checkpoint(tiny(Format::kLlama2cVersion1));
  poke(bytes, bytes.size() - 4, -std::numeric_limits<float>::infinity());
  expect_failure(failure_of(bytes), "value 383 of w3.1 is -inf");
  bytes = make_checkpoint(tiny(Format::kLlama2cVersion2));
  poke(bytes, bytes.size() - 4, std::numeric_limits<float>::quiet_NaN());
  expect_failure(failure_of(bytes), "q80 scale 47 of w3.1 is nan");
  poke(bytes, bytes.size() - 4, 1e38f);  // finite, but 127 of it is not: found by the fuzzer
  expect_failure(failure_of(bytes), "q80 scale 47 of w3.1 is 1e+38");
}

TEST(Checkpoint, ReadsTheRealFiles) {
  PICO_LLAMA_MODEL_OR_SKIP(stories260K, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(stories3M, "stories3M_q80.bin");
  EXPECT_EQ(Checkpoint::open(stories260K).config, test_support::kShape260K);
  const Checkpoint q80 = Checkpoint::open(stories3M);
  EXPECT_EQ(q80.config, (Config{192, 512, 6, 6, 2, 4096, 512}));
  EXPECT_EQ(q80.group_size, 64u);
}

std::string tokenizer_failure_of(const Bytes& bytes) {
  return failure_of([&bytes] { read_tokenizer_bin(bytes, "m.bin"); });
}

TEST(Vocabulary, ReadsEveryToken) {
  const Bytes bytes = make_tokenizer(300);
  const Vocabulary file = read_tokenizer_bin(bytes, "m.bin");
  ASSERT_EQ(file.pieces.size(), 300u);
  EXPECT_EQ(file.pieces[1], "\n<s>\n");
  EXPECT_EQ(file.pieces[3 + 0x41], "<0x41>");
  EXPECT_EQ(file.pieces[260], "a");
  EXPECT_EQ(file.scores[260], -260.0f);
  EXPECT_EQ(failure_of([&file] { file.require_size(300); }), "");
  expect_failure(failure_of([&file] { file.require_size(512); }),
                 "has 300 tokens, and the model's vocabulary is 512");
}

TEST(Vocabulary, ReadsTheRealFiles) {
  PICO_LLAMA_MODEL_OR_SKIP(tok512, "tok512.bin");
  PICO_LLAMA_MODEL_OR_SKIP(llama2, "tokenizer.bin");
  EXPECT_EQ(Vocabulary::open(tok512).pieces.size(), 512u);
  EXPECT_EQ(Vocabulary::open(llama2).pieces.size(), 32000u);
}

TEST(Vocabulary, RefusesDamage) {
  const Bytes bytes = make_tokenizer(300);
  Bytes bad = bytes;
  bad.resize(bad.size() - 1);
  expect_failure(tokenizer_failure_of(bad), "truncated in token 299");
  bad = bytes;
  bad.push_back(0);
  expect_failure(tokenizer_failure_of(bad), "truncated in token 300");
  bad = bytes;
  poke(bad, 8, -1);
  expect_failure(tokenizer_failure_of(bad), "token 0 is -1 bytes long");
  bad = bytes;
  poke(bad, 8, 7);
  expect_failure(tokenizer_failure_of(bad), "token 0 is 7 bytes long, and its header allows 6");
  bad = bytes;
  poke(bad, 4, std::numeric_limits<float>::quiet_NaN());
  expect_failure(tokenizer_failure_of(bad), "score of token 0 is nan");
  for (const std::int32_t longest : {0, -1, 1 << 20}) {
    bad = bytes;
    poke(bad, 0, longest);
    expect_failure(tokenizer_failure_of(bad), "longest token is");
  }
  bad = bytes;
  bad.resize(4 + 2 * (8 + 5));
  expect_failure(tokenizer_failure_of(Bytes(bytes.begin(), bytes.begin() + 4 + 8 + 5)),
                 "1 tokens are too few");
}

}  // namespace
}  // namespace pico_llama::formats
