// The image parser: accepted images are safe to use, errors are specific.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "engine/model/q4_layout.h"
#include "tests/engine/engine_model.h"
#include "tools/packer/drafts.h"

namespace pico_llama {
namespace {

using test_support::build_image;
using test_support::EngineModel;
using test_support::random_model;
using test_support::seal;
using test_support::small_model;

template <typename T>
void put(std::vector<std::byte>& image, size_t at, T value) {
  std::memcpy(image.data() + at, &value, sizeof value);
}

std::string message(const std::vector<std::byte>& image) {
  const Result<ModelImage> parsed = ModelImage::parse(image);
  if (parsed.ok()) return "ok";
  char text[200];
  parsed.status().format(text, sizeof text);
  EXPECT_EQ(std::string(text).find('\n'), std::string::npos);
  return text;
}

size_t entry_at(const std::vector<std::byte>& image, uint32_t index) {
  ImageHeader h;
  std::memcpy(&h, image.data(), sizeof h);
  return h.tensor_table_offset + index * sizeof(TensorEntry);
}

TEST(ModelImage, RoundTripsPackedTensors) {
  const auto raw = small_model();
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    const EngineModel m(raw, profile);
    EXPECT_EQ(m.image.config(), raw.config);
    EXPECT_TRUE(m.image.check_crc().ok());
    const Tensor wk = m.image.tensor(TensorKind::kWk, 1);
    EXPECT_EQ(wk.rows, 16u);
    EXPECT_EQ(wk.columns, 32u);
    // Row-major source against the interleaved image, through SPEC.md's formulas.
    const auto& want = raw.tensors[9 + 2];
    for (uint32_t r = 0; r < 16; ++r)
      for (uint32_t c = 0; c < 32; ++c) {
        float got, scale = 0;
        if (profile == Profile::kF32) {
          got = wk.f32()[f32_index(r, c, 32)];
        } else if (profile == Profile::kQ4) {
          uint32_t word;
          std::memcpy(&word, wk.data + q4_word_offset(r, c, 32), 4);
          std::memcpy(&scale, wk.data + q4_scale_offset(r, 32), 4);
          scale *= static_cast<float>(static_cast<int8_t>(wk.data[q4_code_offset(r, c / kQ4Group, 32)]));
          got = scale * static_cast<float>(q4_weight(word, r, c));
        } else {
          uint32_t word;
          std::memcpy(&word, wk.data + q8_word_offset(r, c, 32), 4);
          std::memcpy(&scale, wk.data + q8_scale_offset(r, 32), 4);
          got = scale * static_cast<float>(q8_weight(word, r, c));
        }
        // Half a step; a q4 code is rounded itself, to half of one of 127, which 7 steps feel.
        EXPECT_NEAR(got, want[r * 32 + c], scale * (profile == Profile::kQ4 ? 0.56f : 0.501f));
      }
  }
}

TEST(ModelImage, ReportsTheSpecificError) {
  const auto good = build_image(small_model(), Profile::kQ8);
  ASSERT_EQ(message(good), "ok");
  const auto with = [&](size_t at, auto value) {
    auto image = good;
    put(image, at, value);
    return message(image);
  };
  EXPECT_NE(message({}).find("0 bytes"), std::string::npos);
  EXPECT_NE(message({good.begin(), good.begin() + 100}).find("cut off"), std::string::npos);
  EXPECT_NE(message({good.begin(), good.end() - 1}).find("cut off"), std::string::npos);
  EXPECT_NE(with(0, 0x12345678u).find("PLM1"), std::string::npos);
  EXPECT_NE(with(4, 9u).find("version 9"), std::string::npos);
  EXPECT_NE(with(16, 7u).find("profile 7"), std::string::npos);
  EXPECT_NE(with(20, -1).find("dim is -1"), std::string::npos);
  EXPECT_NE(with(20, 0x7fffffff).find("dim"), std::string::npos);
  EXPECT_NE(with(28, 0x7fffffff).find("n_layers"), std::string::npos);
  EXPECT_NE(with(32, 5).find("n_heads"), std::string::npos);
  EXPECT_NE(with(40, 100).find("tensor"),
            std::string::npos);  // another vocabulary: the tensors cannot fit it
  EXPECT_NE(with(52, 3u).find("3 tensors"), std::string::npos);
  EXPECT_NE(with(56, 0xffffffc0u).find("tensor table"), std::string::npos);
  EXPECT_NE(with(60, 0xffffffc0u).find("tokenizer"), std::string::npos);
  EXPECT_NE(with(entry_at(good, 2) + 20, 0xffffffc0u).find("tensor 2"), std::string::npos);
  EXPECT_NE(with(entry_at(good, 2) + 20, 1u).find("tensor 2"), std::string::npos);
  EXPECT_NE(with(entry_at(good, 2) + 28, uint16_t{32767}).find("overflow"), std::string::npos);
  EXPECT_NE(with(entry_at(good, 2) + 30, uint16_t{0}).find("chunks"), std::string::npos);
}

TEST(ModelImage, TheClassifierMayScoreAPartOfTheVocabulary) {
  auto raw = random_model({32, 48, 2, 4, 2, 400, 64}, false, 5);
  const auto whole = build_image(raw, Profile::kF32);
  EXPECT_EQ(ModelImage::parse(whole).value().config().logit_count(), 400);
  EXPECT_EQ(ModelImage::parse(whole).value().config(), raw.config);
  // 300 rows of the same tensor: 38 blocks of 8.
  ImageHeader h;
  std::memcpy(&h, whole.data(), sizeof h);
  const uint32_t last = h.tensor_count - 1;
  const auto with_rows = [&](uint32_t rows) {
    auto image = whole;
    put(image, entry_at(image, last) + 8, rows);
    put(image, entry_at(image, last) + 24, static_cast<uint32_t>(tensor_bytes(Encoding::kRowsF32, rows, 32)));
    seal(image);
    return image;
  };
  const auto part = with_rows(300);
  ASSERT_EQ(message(part), "ok");
  const ModelImage image = ModelImage::parse(part).value();
  EXPECT_EQ(image.config().logit_count(), 300);
  EXPECT_EQ(image.config().vocab_size, 400);
  EXPECT_EQ(message(with_rows(1)), "ok");
  for (const uint32_t rows : {0u, 401u, 0x80000000u})
    EXPECT_NE(message(with_rows(rows)).find("must be 1 to the 400"), std::string::npos) << rows;
  EngineModel of_whole(raw), of_part(part);
  Session a = of_whole.session(), b = of_part.session();
  // The same text from both as long as the whole one says none of the others; the other never does. A prompt
  // may have them, and the repetition penalty may have seen them.
  SessionOptions options;
  options.steps = 0;
  options.sampler.temperature = 0;
  options.sampler.repetition_penalty = 1.3f;
  int same = 0;
  bool parted = false;
  for (Session* session : {&a, &b}) ASSERT_TRUE(session->begin("a text that is read", options).ok());
  for (;;) {
    const SessionStep x = a.step(), y = b.step();
    if (!y.from_prompt) {
      EXPECT_LT(y.token, 300);
    }
    parted |= x.token != y.token || x.stop != y.stop;
    same += !parted;
    if (x.stop != StopReason::kNone || y.stop != StopReason::kNone) break;
  }
  EXPECT_GT(same, 5);
}

TEST(ModelImage, ReportsTheSpecificQ4Error) {
  const auto good = build_image(small_model(), Profile::kQ4);
  ASSERT_EQ(message(good), "ok");
  const auto with = [&](size_t at, auto value) {
    auto image = good;
    put(image, at, value);
    return message(image);
  };
  EXPECT_NE(with(entry_at(good, 2) + 28, uint16_t{2048}).find("overflow"), std::string::npos);
  EXPECT_NE(with(entry_at(good, 2) + 28, uint16_t{0}).find("overflow"), std::string::npos);
  EXPECT_NE(with(entry_at(good, 2) + 30, uint16_t{2}).find("chunks"), std::string::npos);
  EXPECT_NE(with(entry_at(good, 2) + 16, 1u).find("encoding 1"), std::string::npos);
  // 8 bits are possible, in 8 bits' bytes.
  EXPECT_NE(with(entry_at(good, 2) + 16, 2u).find("should have"), std::string::npos);
  // Codes that could overflow a row's sum: a row of 1024 groups, all at their largest.
  EXPECT_EQ(q4_activation_limit(0), 2047);
  EXPECT_EQ(q4_activation_limit(128), 2047);
  EXPECT_EQ(q4_activation_limit(1024 * 128), 63);
}

TEST(ModelImage, RejectsNonFiniteNumbers) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    const auto good = build_image(small_model(), profile);
    for (const uint32_t tensor : {1u, 2u}) {  // a norm, a matrix (whose first float is a weight or a scale)
      TensorEntry e;
      std::memcpy(&e, good.data() + entry_at(good, tensor), sizeof e);
      for (const uint32_t bits : {0x7fc00000u, 0x7f800000u, 0xff800000u}) {
        auto bad = good;
        put(bad, e.offset, bits);
        EXPECT_NE(message(bad).find("not a number"), std::string::npos) << tensor;
      }
    }
  }
}

TEST(ModelImage, RefusesABadTokenizer) {
  const auto good = build_image(small_model(), Profile::kF32);
  ImageHeader h;
  std::memcpy(&h, good.data(), sizeof h);
  TokenizerHeader t;
  std::memcpy(&t, good.data() + h.tokenizer_offset, sizeof t);
  const auto with = [&](size_t at, uint32_t value) {
    auto image = good;
    put(image, h.tokenizer_offset + at, value);
    return message(image);
  };
  EXPECT_NE(with(0, 511).find("511 tokens"), std::string::npos);
  EXPECT_NE(with(t.sorted_offset + 8, 100000).find("100000"), std::string::npos);
  EXPECT_NE(with(t.sorted_offset + 8, 0).find("order"), std::string::npos);
  EXPECT_NE(with(t.pieces_offset + 8, 0xfffffff0u).find("out of range"), std::string::npos);
  EXPECT_NE(with(t.scores_offset, 0x7fc00000u).find("score"), std::string::npos);
  EXPECT_NE(with(8, 0xfffffff0u).find("fit"), std::string::npos);
}

/// An image with a small draft table.
std::vector<std::byte> image_with_drafts() {
  const auto image = build_image(small_model(), Profile::kQ8);
  packer::ImageBytes bytes(image.begin(), image.end());
  packer::add_drafts(bytes, packer::make_drafts({{1, 5, 6, 7, 8}, {1, 5, 6, 7, 8}}, 400));
  return {bytes.begin(), bytes.end()};
}

TEST(ModelImage, RefusesBrokenDrafts) {
  const auto good = image_with_drafts();
  ASSERT_EQ(message(good), "ok");
  ImageHeader h;
  std::memcpy(&h, good.data(), sizeof h);
  ASSERT_NE(h.drafts_offset, 0u);
  DraftsHeader d;
  std::memcpy(&d, good.data() + h.drafts_offset, sizeof d);
  ASSERT_EQ(d.buckets, 2u);
  const size_t entries = h.drafts_offset + sizeof d;
  const auto with = [&](size_t at, uint32_t value) {
    auto image = good;
    put(image, at, value);
    return message(image);
  };
  const size_t offset = offsetof(ImageHeader, drafts_offset);
  for (const uint32_t misplaced : {1u, 64u, h.drafts_offset + 4, h.file_bytes, 0xffffffc0u})
    EXPECT_NE(with(offset, misplaced).find("misplaced"), std::string::npos) << misplaced;
  EXPECT_EQ(with(offset, 0), "ok");  // none
  EXPECT_NE(with(h.drafts_offset, 0).find("0 buckets"), std::string::npos);
  EXPECT_NE(with(h.drafts_offset, 3).find("3 buckets"), std::string::npos);
  EXPECT_NE(with(h.drafts_offset, 0xffffffffu).find("buckets"), std::string::npos);
  EXPECT_NE(with(h.drafts_offset + 4, 0).find("0 tokens"), std::string::npos);
  EXPECT_NE(with(h.drafts_offset + 4, 9).find("9 tokens"), std::string::npos);
  EXPECT_NE(with(h.drafts_offset + 8, 1).find("reserved"), std::string::npos);
  // 9 bits of token, then 4 of confidence.
  EXPECT_NE(with(entries, 0x1000u | 0x200u | 400u).find("token 400"), std::string::npos);
  EXPECT_NE(with(entries, 0x2000u | 5u).find("confidence 0"), std::string::npos);
  auto gap = good;
  put(gap, entries, 0u);
  put(gap, entries + 4, 0x200u | 5u);
  EXPECT_NE(message(gap).find("follows an empty one"), std::string::npos);
  // A bucket starts anew.
  for (size_t i = 0; i < 4; ++i) put(gap, entries + 4 * i, 0u);
  put(gap, entries + 16, 0x200u | 5u);
  EXPECT_EQ(message(gap), "ok");
}

TEST(ModelImage, DetectsCorruptionByCrc) {
  auto image = build_image(small_model(), Profile::kQ8);
  image[image.size() - 5] ^= std::byte{1};
  const Result<ModelImage> parsed = ModelImage::parse(image);
  if (parsed.ok()) {
    EXPECT_FALSE(parsed.value().check_crc().ok());
  }
  EXPECT_EQ(crc32(std::as_bytes(std::span("123456789", 9))), 0xcbf43926u);
}

TEST(ModelImage, RefusesAMisalignedAddress) {
  const auto good = build_image(small_model(), Profile::kF32);
  std::vector<std::byte> shifted(good.size() + 1);
  std::memcpy(shifted.data() + 1, good.data(), good.size());
  EXPECT_FALSE(ModelImage::parse(std::span(shifted).subspan(1)).ok());
}

// For any few corrupted bytes the parser either rejects the image or it runs within bounds (sanitizers
// check). tests/fuzz/ extends this.
TEST(ModelImage, SurvivesRandomCorruption) {
  std::minstd_rand random(7);
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    const auto good = build_image(small_model(), profile);
    int accepted = 0;
    for (int round = 0; round < 300; ++round) {
      auto image = good;
      for (int k = 0; k < 1 + round % 3; ++k) {
        // Mostly where structure is: header, table, tokenizer.
        const size_t at = random() % (round % 4 == 0 ? image.size() : 3000);
        image[at] = static_cast<std::byte>(random());
      }
      const Result<ModelImage> parsed = ModelImage::parse(image);
      if (!parsed.ok()) continue;
      ++accepted;
      const Config& c = parsed.value().config();
      std::vector<std::byte> memory(bytes_needed(c, parsed.value().profile(), c.seq_len).value());
      SingleWorker worker;
      Transformer t = Transformer::create(parsed.value(), c.seq_len, memory, worker).value();
      const int32_t tokens[] = {1, 5, 399};
      t.forward(tokens, 0);
    }
    EXPECT_GT(accepted, 0);
    EXPECT_LT(accepted, 300);
  }
}

}  // namespace
}  // namespace pico_llama
