#include "firmware/app/word_wrap.h"

#include <gtest/gtest.h>

#include "firmware/app/output.h"
#include "tests/firmware/app/support/terminal.h"

namespace pico_llama::app {
namespace {

using test_support::Terminal;

std::vector<std::string> told(std::string_view text, size_t terminal_columns, unsigned said, size_t piece) {
  Terminal terminal(terminal_columns);
  Output output(terminal);
  output.begin_story(said);
  for (size_t at = 0; at < text.size(); at += piece) output.story(text.substr(at, piece));
  return terminal.rows();
}

TEST(WordWrap, WordsAreWholeHoweverTheTextArrives) {
  const std::string text = "Once upon a time, there was a little boy named Timmy. He liked to play.";
  const std::vector<std::string> rows = {"Once upon a time,", "there was a little", "boy named Timmy. He",
                                         "liked to play."};
  for (const size_t piece : {1, 2, 3, 7, 100}) EXPECT_EQ(told(text, 20, 20, piece), rows) << piece;
}

TEST(WordWrap, LineFeedsTabsAndLongWords) {
  EXPECT_EQ(told("one\ntwo\n\nthree", 20, 20, 1), (std::vector<std::string>{"one", "two", "", "three"}));
  EXPECT_EQ(told("a\tb", 20, 20, 1), (std::vector<std::string>{"a       b"}));
  EXPECT_EQ(told("hi " + std::string(30, 'x'), 20, 20, 1),
            (std::vector<std::string>{"hi", std::string(19, 'x'), std::string(11, 'x')}));
  EXPECT_EQ(told(std::string(100, 'x'), 20, 20, 1).size(), 6u);
}

TEST(WordWrap, EastAsianTextBreaksBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "\u4f60";
  const auto rows = told(text, 20, 20, 3);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].size(), 27u) << "9 characters, 18 columns; the last column stays free";
}

TEST(WordWrap, UnknownWidthDisablesWrapping) {
  EXPECT_EQ(told("Once upon a time, there", 20, 0, 1),
            (std::vector<std::string>{"Once upon a time, th", "ere"}));
}

TEST(WordWrap, ControlCharactersOfAStoryAreNotShown) {
  const std::string text = std::string("a\x05\x07\x08\x0e\x1b[2Jb\x7f\r\u009bc\u0085d\u00a0e", 21);
  for (const size_t piece : {1, 21}) {
    // Pieces of a session are whole characters.
    Terminal terminal(80);
    Output output(terminal);
    output.begin_story(80);
    for (size_t at = 0; at < text.size();) {
      size_t n = piece;
      while (at + n < text.size() && (static_cast<unsigned char>(text[at + n]) & 0xc0) == 0x80) ++n;
      output.story(std::string_view(text).substr(at, n));
      at += n;
    }
    EXPECT_EQ(terminal.shown(), "a[2Jbcd\u00a0e");
  }
}

TEST(OwnLines, FitAnEightyColumnTerminalBelowTheirText) {
  Terminal terminal(80);
  Output output(terminal);
  output.line("model   " + std::string(60, 'x') + " and more than the row has room for");
  output.error("an error that is longer than one row of a terminal that is eighty columns wide, as most are");
  for (const std::string& row : terminal.rows()) EXPECT_LE(row.size(), 79u);
  EXPECT_EQ(terminal.rows()[1], "        than the row has room for");
  EXPECT_EQ(terminal.rows()[3].substr(0, 2), "  ");
}

}  // namespace
}  // namespace pico_llama::app
