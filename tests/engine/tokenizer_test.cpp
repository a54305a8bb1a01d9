// Encoding against a direct implementation of run.c's algorithm; decoding in whole characters.
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>

#include "engine/text/utf8.h"
#include "tests/engine/engine_model.h"
#include "tests/support/models.h"

namespace pico_llama {
namespace {

using test_support::EngineModel;

/// run.c's encode(): O(n^2), with a map for its index.
std::vector<int32_t> encode_as_run_c(const test_support::RawModel& m, const std::string& text) {
  std::map<std::string, int32_t> index;
  for (size_t i = 0; i < m.pieces.size(); ++i) index.emplace(m.pieces[i], static_cast<int32_t>(i));
  std::vector<int32_t> tokens;
  if (!text.empty() && index.count(" ") != 0) tokens.push_back(index[" "]);
  for (size_t i = 0; i < text.size();) {
    size_t n = 1;
    while (i + n < text.size() && (text[i + n] & 0xc0) == 0x80 && n < 4) ++n;
    const std::string character = text.substr(i, n);
    if (index.count(character) != 0)
      tokens.push_back(index[character]);
    else
      for (const char c : character) tokens.push_back(static_cast<uint8_t>(c) + 3);
    i += n;
  }
  for (;;) {
    float best = -1e10f;
    int32_t id = -1;
    size_t at = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const auto found =
          index.find(m.pieces[static_cast<size_t>(tokens[i])] + m.pieces[static_cast<size_t>(tokens[i + 1])]);
      if (found == index.end() || m.scores[static_cast<size_t>(found->second)] <= best) continue;
      best = m.scores[static_cast<size_t>(found->second)];
      id = found->second;
      at = i;
    }
    if (id == -1) break;
    tokens[at] = id;
    tokens.erase(tokens.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
  tokens.insert(tokens.begin(), kTokenBos);
  return tokens;
}

std::vector<int32_t> encode(const Tokenizer& t, const std::string& text) {
  std::vector<int32_t> tokens(text.size() + 2);
  std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(text.size()));
  const Result<int> n = t.encode(text, tokens, scratch);
  EXPECT_TRUE(n.ok()) << n.status().text();
  tokens.resize(static_cast<size_t>(n.ok() ? n.value() : 0));
  return tokens;
}

std::string decode(const Tokenizer& t, const std::vector<int32_t>& tokens) {
  std::string text;
  for (size_t i = 1; i < tokens.size(); ++i) text += t.decode(tokens[i - 1], tokens[i]);
  return text;
}

TEST(Tokenizer, MatchesRunC) {
  const auto raw = test_support::small_model();
  const EngineModel m(raw);
  const Tokenizer t(m.image.tokenizer());
  std::minstd_rand random(3);
  std::vector<std::string> alphabet = {"\n", "é", "漢", "🙂", "<0x0A>"};
  for (const char letter : std::string_view("abcd zZ")) alphabet.emplace_back(1, letter);
  for (int round = 0; round < 400; ++round) {
    std::string text;
    for (auto n = random() % 40; n > 0; --n) text += alphabet[random() % alphabet.size()];
    const auto tokens = encode(t, text);
    EXPECT_EQ(tokens, encode_as_run_c(raw, text)) << text;
    EXPECT_EQ(decode(t, tokens).size(), text.size()) << text;
  }
}

// Pieces that begin others, twice the same, of equal scores, of the bytes' own names; characters without a
// piece.
TEST(Tokenizer, MatchesRunCForRandomVocabularies) {
  std::minstd_rand random(7);
  const std::string letters = "aab c<0x";
  for (int vocabulary = 0; vocabulary < 60; ++vocabulary) {
    auto raw = test_support::small_model();
    for (size_t i = 259; i < raw.pieces.size(); ++i) {
      raw.pieces[i].clear();
      for (auto n = 1 + random() % 5; n > 0; --n) raw.pieces[i] += letters[random() % letters.size()];
      if (random() % 16 == 0) raw.pieces[i] = raw.pieces[3 + random() % 256] + raw.pieces[i];
      raw.scores[i] = static_cast<float>(random() % 7) - 3.0f;
      if (raw.scores[i] == 0 && random() % 2 == 0) raw.scores[i] = -0.0f;
    }
    const EngineModel m(raw);
    const Tokenizer t(m.image.tokenizer());
    for (int round = 0; round < 20; ++round) {
      std::string text;
      for (auto n = random() % 50; n > 0; --n) text += letters[random() % letters.size()];
      EXPECT_EQ(encode(t, text), encode_as_run_c(raw, text)) << text;
    }
  }
}

TEST(Tokenizer, MatchesRunCForRealVocabularies) {
  PICO_LLAMA_MODEL_OR_SKIP(checkpoint, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  const auto raw = test_support::load_legacy(checkpoint, tokenizer);
  const EngineModel m(raw);
  const Tokenizer t(m.image.tokenizer());
  for (const std::string text : {"Once upon a time, there was a little girl named Lily.", "", " ",
                                 "  two  spaces ", "naïve café 🙂\n", "ZQX!?"}) {
    const auto tokens = encode(t, text);
    EXPECT_EQ(tokens, encode_as_run_c(raw, text)) << text;
    EXPECT_EQ(decode(t, tokens), text);
  }
  std::minstd_rand random(8);
  for (int round = 0; round < 100; ++round) {
    std::string text;
    while (text.size() < 120) text += decode(t, {kTokenBos, static_cast<int32_t>(259 + random() % 253)});
    const auto tokens = encode(t, text);
    EXPECT_EQ(tokens, encode_as_run_c(raw, text)) << text;
    EXPECT_EQ(decode(t, tokens), text);
  }
}

TEST(Tokenizer, LongPromptsTakeAboutLinearWork) {
  const EngineModel m(test_support::small_model());
  const Tokenizer t(m.image.tokenizer());
  std::string text;
  std::minstd_rand random(9);
  while (text.size() < 200000) text += static_cast<char>('a' + random() % 26);
  // run.c would need some 10^10 look-ups here; the test's own time limit is the assertion.
  EXPECT_EQ(decode(t, encode(t, text)), text);
}

TEST(Tokenizer, RejectsUnencodableText) {
  const EngineModel m(test_support::small_model());
  const Tokenizer t(m.image.tokenizer());
  std::vector<std::byte> scratch(4096);
  std::vector<int32_t> tokens(8);
  for (const std::string bad :
       {"ab\xff", "\xc3", "\xe2\x82", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    const auto result = t.encode(bad, tokens, scratch);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.status().code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(t.encode("xx\xff", tokens, scratch).status().a(), 2);
  EXPECT_EQ(t.encode("ZZZZZZZZZ", tokens, scratch).status().code(), StatusCode::kPromptTooLong);
  EXPECT_EQ(t.encode(std::string(1000, 'a'), tokens, scratch).status().code(), StatusCode::kPromptTooLong);
}

TEST(Utf8Stream, ShowsWholeCharactersOnly) {
  Utf8Stream stream;
  char out[8];
  const std::string text = "aé漢🙂\xff\xc3x";
  std::string shown;
  for (const char c : text) {
    const size_t n = stream.push({&c, 1}, out);
    if (shown.size() < 10) {
      EXPECT_EQ(utf8_valid_prefix({out, n}), n) << shown;
    }
    shown.append(out, n);
  }
  EXPECT_EQ(shown + std::string(stream.rest()), text);
}

}  // namespace
}  // namespace pico_llama
