// The grammar: its stories are well formed, consistent and different.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_set>

#include "trainer/corpus/plots.h"
#include "trainer/corpus/story.h"
#include "trainer/corpus/teller.h"
#include "trainer/text/stories.h"

namespace pico_llama::trainer {
namespace {

constexpr uint64_t kSeed = 3;
constexpr int kStories = 2000;

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text + " ") {
    if (std::isalpha(static_cast<unsigned char>(c)) || c == '\'') {
      word.push_back(c);
    } else if (!word.empty()) {
      words.push_back(word);
      word.clear();
    }
  }
  return words;
}

TEST(Corpus, DependsOnSeedAndIndexAlone) {
  EXPECT_EQ(make_story(kSeed, 5), make_story(kSeed, 5));
  EXPECT_NE(make_story(kSeed, 5), make_story(kSeed, 6));
  EXPECT_NE(make_story(kSeed, 5), make_story(kSeed + 1, 5));
  EXPECT_EQ(make_corpus(kSeed, 50), make_corpus(kSeed, 100).substr(0, make_corpus(kSeed, 50).size()));
}

TEST(Corpus, NoTwoStoriesAreEqualAndTheGrammarHardlyRepeatsItself) {
  std::unordered_set<std::string> told;
  constexpr int kMany = 20000;
  for (uint64_t i = 0; i < kMany; ++i) told.insert(make_story(kSeed, i));
  EXPECT_EQ(told.size(), size_t{kMany});  // before make_corpus drops anything
  const std::string corpus = make_corpus(kSeed, 3000);
  const auto stories = read_stories(corpus, "corpus").stories;
  EXPECT_EQ(stories.size(), 3000u);
  EXPECT_EQ(std::set<std::string_view>(stories.begin(), stories.end()).size(), 3000u);
}

TEST(Corpus, SentencesAreWellFormed) {
  const std::regex wrong_article("\\b([Aa] [aeiouAEIOU]|[Aa]n [^aeiouAEIOU ])");
  const std::regex twice("\\b([A-Za-z]+) \\1\\b");
  const std::regex small_start("([a-z][.] [a-z]|,\"[A-Z ]* [A-Z][a-z]+[.]\" [a-z])");
  for (uint64_t i = 0; i < kStories; ++i) {
    const std::string story = make_story(kSeed, i);
    EXPECT_EQ(story.find_first_of("{}[]|^\n"), std::string::npos) << story;
    EXPECT_EQ(story.find("  "), std::string::npos) << story;
    EXPECT_EQ(std::count(story.begin(), story.end(), '"') % 2, 0) << story;
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(story[0]))) << story;
    EXPECT_TRUE(std::regex_search(story, std::regex("[.!?]\"?$"))) << story;
    EXPECT_FALSE(std::regex_search(story, wrong_article)) << story;
    EXPECT_FALSE(std::regex_search(story, small_start)) << story;
    // "Rain, rain" and "ran and ran" have something between; a word right after itself is a slip.
    EXPECT_FALSE(std::regex_search(story, twice)) << story;
    EXPECT_EQ(story.find(" ,"), std::string::npos) << story;
    EXPECT_EQ(story.find(" ."), std::string::npos) << story;
  }
}

TEST(Corpus, LengthAndVocabularySuitASmallModel) {
  std::map<std::string, int> counts;
  std::istringstream lines(make_corpus(kSeed, kStories));
  for (std::string story; std::getline(lines, story);) {
    if (story.empty()) continue;
    const auto words = words_of(story);
    EXPECT_GE(words.size(), 60u) << story;
    EXPECT_LE(words.size(), 200u) << story;
    for (std::string word : words) {
      std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
      ++counts[word];
    }
  }
  EXPECT_GE(counts.size(), 600u);
  EXPECT_LE(counts.size(), 1000u);
}

TEST(Corpus, HeroAndThingAppearInTheEnding) {
  const std::regex wish("(wanted|wished for|dreamed of) (a|an|his|her|the) [a-z]+ ([a-z]+)");
  for (uint64_t i = 0; i < kStories; ++i) {
    const std::string story = make_story(kSeed, i);
    std::smatch found;
    ASSERT_TRUE(std::regex_search(story, found, wish)) << story;
    const std::string end = story.substr(story.size() - std::min<size_t>(story.size(), 330));
    EXPECT_NE(end.find(found[3]), std::string::npos) << found[3] << ": " << story;
  }
}

TEST(Corpus, EveryPlotYieldsManyStories) {
  for (const Plot& plot : plots()) {
    std::set<std::string> told;
    for (uint64_t i = 0; i < 200; ++i) {
      Random random(kSeed, i);
      Teller teller(random);
      plot.tell(teller);
      told.insert(teller.text());
    }
    EXPECT_EQ(told.size(), 200u) << plot.name;
  }
}

TEST(Teller, FollowsItsNotation) {
  Random random(1);
  Teller teller(random);
  teller.set("thing", "orange kite");
  teller.say({"{a thing} flew. then it [|fell|rose]."});
  EXPECT_TRUE(teller.text() == "An orange kite flew. Then it." ||
              teller.text() == "An orange kite flew. Then it fell." ||
              teller.text() == "An orange kite flew. Then it rose.")
      << teller.text();
  Teller quoting(random);
  quoting.say({"\"Help!\" he cried. \"No,\" she said."});
  EXPECT_EQ(quoting.text(), "\"Help!\" he cried. \"No,\" she said.");
  EXPECT_DEATH(quoting.say({"{nobody} came."}), "unknown name");
  EXPECT_DEATH(quoting.say({"[a|b"}), "unclosed");
}

}  // namespace
}  // namespace pico_llama::trainer
