// The tokenizer: llama2.c's format and encoding.
#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <string>

#include "formats/failure.h"
#include "formats/tokenizer_bin.h"
#include "trainer/corpus/story.h"
#include "trainer/tokenizer/bpe.h"
#include "trainer/train/dataset.h"

namespace pico_llama::trainer {
namespace {

/// llama2.c's encode() as its text says it: over the whole text, without words.
std::vector<int32_t> whole_text_encode(const Vocabulary& vocabulary, const std::string& text) {
  const auto id_of = [&](const std::string& piece) {
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
      if (vocabulary.pieces[static_cast<size_t>(id)] == piece) return id;
    }
    return -1;
  };
  std::vector<int32_t> tokens{id_of(" ")};
  for (size_t i = 0; i < text.size();) {
    size_t length = 1;
    while (i + length < text.size() && (static_cast<unsigned char>(text[i + length]) & 0xc0) == 0x80)
      ++length;
    const int32_t id = id_of(text.substr(i, length));
    if (id >= 0) tokens.push_back(id);
    for (size_t b = 0; id < 0 && b < length; ++b)
      tokens.push_back(static_cast<unsigned char>(text[i + b]) + 3);
    i += length;
  }
  while (true) {
    float best = -1e10f;
    int32_t best_id = -1;
    size_t best_at = 0;
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      const int32_t id = id_of(vocabulary.pieces[static_cast<size_t>(tokens[i])] +
                               vocabulary.pieces[static_cast<size_t>(tokens[i + 1])]);
      if (id >= 0 && vocabulary.scores[static_cast<size_t>(id)] > best) {
        best = vocabulary.scores[static_cast<size_t>(id)];
        best_id = id;
        best_at = i;
      }
    }
    if (best_id < 0) return tokens;
    tokens[best_at] = best_id;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best_at) + 1);
  }
}

TEST(Bpe, LearnsMergesByFrequency) {
  const Vocabulary vocabulary = train_bpe("aab aab aab ab ab", kFirstPiece + 3 + 3);
  // " a", "a", "b" and then: 8 x "ab" in " a"+... the most frequent neighbours first.
  const std::vector<std::string> merges(vocabulary.pieces.begin() + kFirstPiece, vocabulary.pieces.end());
  EXPECT_EQ(merges[0], "ab");    // 5 times
  EXPECT_EQ(merges[1], "aab");   // 3 times
  EXPECT_EQ(merges[2], " aab");  // twice (the first word has no space), as " ab": the smaller string
  EXPECT_EQ(merges[3], " ");
  EXPECT_EQ(merges[4], "a");
  EXPECT_EQ(merges[5], "b");
  EXPECT_EQ(vocabulary.pieces[0], "<unk>");
  EXPECT_EQ(vocabulary.pieces[kFirstByte + 0x41], "<0x41>");
}

TEST(Bpe, RoundTripsAnything) {
  const Vocabulary vocabulary = train_bpe(make_corpus(1, 500), 512);
  ASSERT_EQ(vocabulary.size(), 512);
  Encoder encoder(vocabulary);
  for (const std::string text : {"Once upon a time, there was a fox.", "  two  spaces ", "12 3456\n\nlines\t",
                                 "Żółw läuft 🐢!", "\"?!\" x", " "}) {
    EXPECT_EQ(encoder.decode(encoder.encode(text)), text);
  }
  EXPECT_TRUE(encoder.encode("").empty());
}

TEST(Bpe, MatchesLlama2cOnWholeTexts) {
  const Vocabulary vocabulary = train_bpe(make_corpus(1, 500), 512);
  Encoder encoder(vocabulary);
  const std::string other = make_corpus(2, 3);
  for (const std::string& text :
       {other.substr(0, 700), std::string("Żółw  \"ran\" 12 times.\n\nThe   end!?")}) {
    EXPECT_EQ(encoder.encode(text), whole_text_encode(vocabulary, text));
  }
}

TEST(Bpe, ShortensTheCorpus) {
  const std::string text = make_corpus(1, 500);
  const Vocabulary vocabulary = train_bpe(text, 512);
  const size_t tokens = Encoder(vocabulary).encode(text).size();
  EXPECT_LT(tokens * 2, text.size());  // more than two characters a token
}

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

TEST(Bpe, FileRoundTrips) {
  const Vocabulary vocabulary = train_bpe(make_corpus(1, 100), 400);
  const std::string bytes = formats::to_tokenizer_bin(vocabulary);
  const Vocabulary again = formats::read_tokenizer_bin(bytes_of(bytes), "it");
  EXPECT_EQ(again.pieces, vocabulary.pieces);
  EXPECT_EQ(again.scores, vocabulary.scores);
  EXPECT_THROW((void)formats::read_tokenizer_bin(bytes_of(bytes).first(bytes.size() - 1), "it"), Failure);
  EXPECT_THROW((void)formats::read_tokenizer_bin(bytes_of("abc"), "it"), Failure);
}

void expect_error(const std::string& part, const std::function<void()>& act) {
  try {
    act();
    ADD_FAILURE() << "no error; wanted one with: " << part;
  } catch (const Failure& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  }
}

TEST(Bpe, ReportsSupportedVocabularySize) {
  expect_error("larger than the text supports; use --vocab 266 or less",
               [] { (void)train_bpe("aab aab aab ab ab", 1000); });
  expect_error("use --vocab 262 or more", [] { (void)train_bpe("aab aab aab ab ab", 260); });
  // The bound it states works.
  EXPECT_EQ(train_bpe("aab aab aab ab ab", 266).size(), 266);
}

}  // namespace
}  // namespace pico_llama::trainer
