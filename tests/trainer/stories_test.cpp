// Training text as other systems write it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/failure.h"
#include "trainer/text/stories.h"

namespace pico_llama::trainer {
namespace {

using Texts = std::vector<std::string>;

Texts stories(const std::string& text, const TextOptions& options = {}) {
  return read_stories(text, "t.txt", options).stories;
}

void expect_failure(const std::string& text, const std::string& part, const TextOptions& options = {}) {
  try {
    (void)read_stories(text, "t.txt", options);
    ADD_FAILURE() << "no error; wanted one with: " << part;
  } catch (const Failure& failure) {
    EXPECT_NE(std::string(failure.what()).find(part), std::string::npos) << failure.what();
    EXPECT_TRUE(std::string(failure.what()).starts_with("t.txt")) << failure.what();
    EXPECT_EQ(std::string(failure.what()).find('\n'), std::string::npos) << failure.what();
  }
}

TEST(Stories, LineEndsOfEverySystemGiveTheSameStories) {
  const Texts expected = {"One.\nTwo.", "Three.", "Four."};
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const std::string text =
        "One." + end + "Two." + end + end + "Three." + end + " \t " + end + end + "  Four. " + end;
    EXPECT_EQ(stories(text), expected);
    EXPECT_EQ(stories("\xef\xbb\xbf" + text), expected) << "a byte order mark is no text";
  }
  EXPECT_EQ(stories("One.\r\nTwo.\n\nThree.\r\n\nFour."), expected) << "mixed";
}

TEST(Stories, MarkersSeparateAnywhere) {
  const Texts expected = {"One.\n\nStill one.", "Two."};
  EXPECT_EQ(stories("One.\n\nStill one.\n<|endoftext|>\nTwo.\n<|endoftext|>\n"), expected);
  EXPECT_EQ(stories("One.\n\nStill one.<|endoftext|>Two."), expected);
  EXPECT_EQ(stories("<s_end>One.\n\nStill one.\n<s_end>\nTwo.", {.separator = "<s_end>"}), expected);
  EXPECT_EQ(stories("One.\n\nStill one.\r\n *** \r\nTwo.", {.separator = "***"}), expected);
  const Texts whole = {"One *** is no mark.", "Two."};
  EXPECT_EQ(stories("One *** is no mark.\n***\nTwo.", {.separator = "***"}), whole);
  EXPECT_EQ(read_stories("A.</s>B.", "t.txt").layout, "separated by </s>");
}

TEST(Stories, OneALine) {
  const Texts expected = {"Tom ran.", "\"Stop!\" said Ann.", "He stopped."};
  EXPECT_EQ(stories("Tom ran.\n\"Stop!\" said Ann.\nHe stopped.\n"), expected);
  // A story that is only wrapped is one.
  EXPECT_EQ(stories("Tom ran\nto the hill and\nstopped.\n").size(), 1u);
  EXPECT_EQ(stories("Tom ran.\nHe fell.", {.separator = "blank"}).size(), 1u);
  EXPECT_EQ(stories("Tom ran\nHe fell", {.separator = "line"}).size(), 2u);
}

TEST(Stories, JsonLines) {
  const Texts expected = {"Tom said \"hi\".\nCafé 🐢.", "Two."};
  EXPECT_EQ(stories("{\"id\": 1, \"text\": \"Tom said \\\"hi\\\".\\r\\nCaf\\u00e9 "
                    "\\ud83d\\udc22.\"}\n\n{\"text\": \"Two.\"}\n"),
            expected);
  EXPECT_EQ(stories("{\"story\": \"Tom said \\\"hi\\\".\\nCafé 🐢.\"}\r\n{\"story\": \" Two. \"}",
                    {.field = "story"}),
            expected);
  EXPECT_EQ(stories("\"Tom said \\\"hi\\\".\\nCafé 🐢.\"\n\"Two.\"\n"), expected);
  expect_failure("{\"story\": \"a\", \"title\": \"b\", \"n\": 1}\n",
                 "select the story's field with --field (available: story, title)");
  expect_failure("{\"text\": \"a\"}\n{\"text\": 1}\n", "line 2 has no text in field text");
  expect_failure("{\"text\": \"a\"}\nplain\n", "line 2 is no JSON object");
  expect_failure("plain text", "--field needs one JSON object a line", {.field = "text"});
  expect_failure("{\"text\": \"a\\u0000b\"}", "line 1: is not text");
}

TEST(Stories, ReportsNonUtf8Encodings) {
  using namespace std::string_literals;
  expect_failure("\xff\xfeO\0n\0e\0"s, "is UTF-16 text");
  expect_failure("\xfe\xff\0O\0n\0e"s, "is UTF-16 text");
  expect_failure("O\0n\0c\0e\0 \0"s, "is UTF-16 text");
  expect_failure("\xff\xfe\0\0O\0\0\0"s, "is UTF-32 text");
  expect_failure("caf\xe9", "byte 3 is not UTF-8");
  expect_failure("One story with a zero\0 in it, far from UTF-16"s, "byte 21 is not UTF-8");
  expect_failure(" \r\n\t\n", "contains no text");
  expect_failure("<|endoftext|>\n<|endoftext|>\n", "contains no text");
  expect_failure("One.\n\nTwo.", "--separator *** stands nowhere alone on a line", {.separator = "***"});
}

TEST(Stories, ReportsCountAndWarnings) {
  const Stories three = read_stories("One.\n\nThree!\n\nFour", "t.txt");
  EXPECT_EQ(three.summary(), "3 stories (separated by empty lines), median 4 bytes");
  EXPECT_TRUE(three.warnings.empty());
  const Stories one = read_stories("Only one", "t.txt");
  ASSERT_EQ(one.warnings.size(), 1u);
  EXPECT_NE(one.warnings[0].find("one story of 8 bytes"), std::string::npos);
  std::string text;
  for (const char* word : {"One", "Two", "Six", "Ten"}) text += std::string(word) + " is told.\n\n***\n\n";
  const Stories marked = read_stories(text, "t.txt");
  ASSERT_EQ(marked.warnings.size(), 1u);
  EXPECT_NE(marked.warnings[0].find("the line *** stands 4 times"), std::string::npos) << marked.warnings[0];
  EXPECT_EQ(read_stories(text, "t.txt", {.separator = "***"}).stories.size(), 4u);
}

}  // namespace
}  // namespace pico_llama::trainer
