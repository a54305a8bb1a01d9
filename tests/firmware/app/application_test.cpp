// The whole application on a fake board: input and output.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/engine/support/test_image.h"
#include "tests/firmware/app/support/fakes.h"
#include "tools/packer/metadata.h"

namespace pico_llama::app {
namespace {

using nlohmann::json;
using test_support::FakeBoard;
using test_support::FakeConsole;
using test_support::kSmall;
using test_support::RebootRequested;

class ApplicationTest : public testing::Test {
 protected:
  explicit ApplicationTest(bool model = true)
      : board(400'000, 1u << 20, 1u << 20), app(board, console, one, &two) {
    if (model) {
      board.insert(pico_llama::test_support::build_image(
          pico_llama::test_support::random_model(kSmall, true, 7), Profile::kF32));
    }
    app.load_model();
  }
  /// Types, runs until idle, returns what was shown since the last call.
  std::string type(std::string_view text) {
    console.type(text);
    while (app.step()) {
    }
    return console.take_output();
  }
  /// Each line of the answer to `text` as JSON.
  std::vector<json> ask(std::string_view text) {
    std::vector<json> lines;
    std::istringstream stream(type(text));
    for (std::string line; std::getline(stream, line);) lines.push_back(json::parse(line));
    return lines;
  }
  FakeConsole console;
  FakeBoard board;
  SingleWorker one;
  SingleWorker two;  ///< stands for both cores: results do not depend on the crew
  Application app;
};

struct NoModelTest : ApplicationTest {
  NoModelTest() : ApplicationTest(false) {}
};

TEST_F(ApplicationTest, PrintsTheBannerAfterTheTerminalSettles) {
  EXPECT_TRUE(app.step());
  EXPECT_EQ(console.output, "") << "the port has just been opened";
  EXPECT_LT(board.now_us, 50'000u);
  type("");
  EXPECT_GE(board.now_us, 50'000u);
}

TEST_F(ApplicationTest, PrintsTheBannerImmediatelyOnInput) {
  console.type("/json on\r");
  while (console.output.find("json on\"}") == std::string::npos) ASSERT_TRUE(app.step());
  EXPECT_LT(board.now_us, 50'000u);
}

TEST_F(ApplicationTest, PrintsTheBannerBeforeInputThatComesWithTheConnection) {
  console.host_listens = false;
  console.opened_by_read = true;  // after the application asked whether anybody is there
  const std::string out = type("/temp 0\r");
  EXPECT_TRUE(out.starts_with("pico-llama 0 on fake")) << out;
  EXPECT_NE(out.find("\r\n> /temp 0\r\n"), std::string::npos) << out;
  EXPECT_EQ(out.find("tok/s"), std::string::npos) << "a command, all of it: " << out;
}

TEST_F(ApplicationTest, PrintsTheBannerOnEveryConnection) {
  const std::string banner = type("");
  EXPECT_NE(banner.find("pico-llama 0 on fake"), std::string::npos);
  EXPECT_NE(banner.find("150 MHz"), std::string::npos);
  EXPECT_NE(banner.find("quad continuous read at 75 MHz (divider 3 to 2)"), std::string::npos);
  EXPECT_NE(banner.find("f32, 2 layers of 32"), std::string::npos);
  EXPECT_TRUE(banner.ends_with("> "));
  EXPECT_EQ(type(""), "");
  console.host_listens = false;
  type("");
  console.host_listens = true;
  EXPECT_NE(type("").find("pico-llama 0"), std::string::npos) << "after a replug";
}

TEST_F(ApplicationTest, GeneratesAStoryThenOneLineOfStatistics) {
  type("");
  const std::string out = type("ab\r");
  EXPECT_NE(out.find(" tokens, "), std::string::npos) << out;
  EXPECT_NE(out.find("tok/s; prefill "), std::string::npos) << out;
  EXPECT_NE(out.find(" ms; seed 42]\r\n> "), std::string::npos) << out;
  EXPECT_FALSE(console.watching);
  EXPECT_TRUE(board.lit) << "waits";
  // No line feed without its carriage return.
  for (size_t i = out.find('\n'); i != std::string::npos; i = out.find('\n', i + 1))
    EXPECT_EQ(out[i - 1], '\r');
}

TEST_F(ApplicationTest, EchoesThePromptBeforePrefill) {
  type("");
  console.flushed_at.clear();
  const std::string out = type("ab ba\r");
  // Echoed by the editor as it is typed, then told.
  const size_t told = out.find("ab ba", out.find('\n'));
  ASSERT_NE(told, std::string::npos) << out;
  ASSERT_EQ(console.flushed_at.size(), 1u);
  EXPECT_EQ(console.flushed_at[0], told + 5);
}

TEST_F(ApplicationTest, JsonIsOneObjectALine) {
  type("");
  type("/temp 0\r");
  type("/steps 20\r");
  console.type("/json on\r");
  while (app.step()) {
  }
  console.take_output();
  const std::vector<json> lines = ask("ab\r");
  ASSERT_GT(lines.size(), 3u);
  const json& last = lines.back();
  EXPECT_EQ(last["cores"], 2);
  EXPECT_TRUE(last.contains("stop"));
  EXPECT_TRUE(last.contains("tokens_per_second"));
  EXPECT_TRUE(last.contains("prefill_tokens_per_second"));
  EXPECT_TRUE(last.contains("first_token_ms"));
  int prompt = 0;
  int generated = 0;
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    ASSERT_TRUE(lines[i]["token"].is_number_integer());
    ASSERT_TRUE(lines[i]["text"].is_string());
    (lines[i].contains("prompt") ? prompt : generated)++;
  }
  EXPECT_EQ(generated, last["tokens"]);
  EXPECT_EQ(prompt + 1, last["prompt_tokens"]);
  EXPECT_EQ(ask("/temp x\r").at(0).count("error"), 1u);
  EXPECT_EQ(ask("/seed 7\r").at(0)["message"], "seed 7");
}

TEST_F(ApplicationTest, JsonNumbersAreExactInBinary64) {
  type("");
  type("/steps 2\r");
  type("/temp 0.5\r");
  console.type("/json on\r");
  while (app.step()) {
  }
  console.take_output();
  ask("/seed 9007199254740991\r");
  EXPECT_EQ(ask("ab\r").back()["seed"], json(9007199254740991u));
  for (const std::string seed : {"9007199254740992", "9007199254740993", "18446744073709551615"}) {
    ask("/seed " + seed + "\r");
    EXPECT_EQ(ask("ab\r").back()["seed"], json(seed)) << "a string";
  }
  ask("/seed random\r");
  EXPECT_TRUE(ask("ab\r").back()["seed"].is_number());
}

TEST_F(ApplicationTest, SettingsMakeStoriesRepeatable) {
  type("");
  type("/steps 40\r");
  const auto story = [this](std::string_view line) {
    std::string out = type(line);
    return out.substr(out.find("\r\n"), out.find("\r\n[") - out.find("\r\n"));
  };
  const std::string a = story("hi\r");
  const std::string b = story("hi\r");
  EXPECT_NE(a, b) << "each story draws its own seed";
  type("/seed 5\r");
  const std::string c = story("hi\r");
  EXPECT_EQ(c, story("hi\r"));
  type("/cores 1\r");
  EXPECT_EQ(c, story("hi\r"));
  type("/temp 0\r");
  const std::string d = story("hi\r");
  type("/seed 6\r");
  EXPECT_EQ(d, story("hi\r")) << "greedy does not depend on the seed";
}

TEST_F(ApplicationTest, ControlCStopsAfterTheTokenInProgress) {
  type("");
  type("/temp 0\r");
  for (const int after : {0, 1, 10, 20, 30}) {
    console.cancel_after = after;
    const std::string out = type("ab\r");
    EXPECT_NE(out.find("; stopped]"), std::string::npos) << out;
    console.cancel_after = -1;
    EXPECT_EQ(type("ab\r").find("; stopped]"), std::string::npos) << "the next story is whole";
  }
}

TEST_F(ApplicationTest, InvalidArgumentsGiveOneHelpfulLine) {
  type("");
  for (const char* name : {"help",    "model",    "temp",     "topp", "topk",    "minp",    "penalty",
                           "endless", "template", "again",    "seed", "steps",   "profile", "cores",
                           "mem",     "bench",    "selftest", "json", "bootrom", "bootsel", "reboot"}) {
    for (const char* nonsense : {"x", "-1", "1e99", "\"", "3 4", "nan", "99999999999999999999", "\xff\xfe"}) {
      const std::string line = std::string("/") + name + " " + nonsense;
      const std::string out = type(line + "\r");
      SCOPED_TRACE(line);
      const size_t answer = out.find("\r\n") + 2;
      EXPECT_EQ(out.substr(answer, 2), "! ") << out;
      EXPECT_EQ(out.find("\r\n", answer), out.rfind("\r\n")) << "one line: " << out;
    }
  }
  EXPECT_NE(type("/nothing\r").find("/help"), std::string::npos);
  EXPECT_NE(type("/\r").find("/help"), std::string::npos);
  EXPECT_EQ(app.settings().temperature, 1.0f);
  EXPECT_EQ(app.settings().cores, 2);
}

TEST_F(ApplicationTest, TheBootRomAsIntelHex) {
  board.rom.resize(0x120);
  for (size_t i = 0; i < board.rom.size(); ++i) board.rom[i] = static_cast<std::byte>(i * 7);
  const std::string out = type("/bootrom\r");
  // The first record is worked out by hand, the others add up to 0.
  EXPECT_NE(out.find("\r\n:1000000000070e151c232a31383f464d545b6269a8\r\n"), std::string::npos) << out;
  unsigned records = 0;
  for (size_t at = out.find(":10"); at != std::string::npos; at = out.find(":10", at + 1), ++records) {
    EXPECT_EQ(std::stoul(out.substr(at + 3, 4), nullptr, 16), 16 * records);
    unsigned sum = 0;
    for (unsigned byte = 0; byte < 21; ++byte)
      sum += static_cast<unsigned>(std::stoul(out.substr(at + 1 + 2 * byte, 2), nullptr, 16));
    EXPECT_EQ(sum & 0xff, 0u) << records;
    EXPECT_EQ(out.substr(at + 43, 2), "\r\n");
  }
  EXPECT_EQ(records, board.rom.size() / 16);
  EXPECT_NE(out.find(":00000001FF\r\n"), std::string::npos);
}

TEST_F(ApplicationTest, CommandsShowAndSet) {
  type("");
  EXPECT_NE(type("/temp 0.8\r").find("temperature 0.8"), std::string::npos);
  EXPECT_NE(type("/topp 0.5\r").find("top-p 0.5"), std::string::npos);
  EXPECT_NE(type("/topk 40\r").find("top-k 40"), std::string::npos);
  EXPECT_NE(type("/seed random\r").find("random for each story"), std::string::npos);
  EXPECT_NE(type("/steps 0\r").find("whole context"), std::string::npos);
  EXPECT_NE(type("/profile\r").find("profile f32"), std::string::npos);
  EXPECT_NE(type("/profile q8\r").find("pack the checkpoint again"), std::string::npos);
  EXPECT_NE(type("/mem\r").find("key/value cache"), std::string::npos);
  EXPECT_NE(type("/model\r").find("sha256"), std::string::npos);
  EXPECT_NE(type("/help\r").find("/bootsel"), std::string::npos);
  EXPECT_NE(type("/bench\r").find("two cores 60.0 MB/s"), std::string::npos);
}

TEST_F(ApplicationTest, SelftestAgreesBetweenCoresAndLoadsTheModelAgain) {
  type("");
  const std::string before = type("/mem\r");
  const std::string out = type("/selftest\r");
  EXPECT_NE(out.find("selftest: 0 failed"), std::string::npos) << out;
  EXPECT_NE(out.find("as with one core"), std::string::npos) << out;
  EXPECT_EQ(type("/mem\r"), before);
}

TEST_F(ApplicationTest, ModelAndProfileChooseAmongTheImagesInFlash) {
  type("");
  EXPECT_NE(type("/model 2\r").find("! /model takes a number from 1 to 1"), std::string::npos);
  const auto model = pico_llama::test_support::random_model(kSmall, true, 7);
  board.append(pico_llama::test_support::build_image(model, Profile::kQ8));
  const std::string listed = type("/model\r");
  EXPECT_NE(listed.find("flash * 1: f32, 2 layers of 32"), std::string::npos) << listed;
  EXPECT_NE(listed.find("flash   2: q8, 2 layers of 32"), std::string::npos) << listed;
  type("/temp 0\r");
  const std::string f32 = type("ab\r");
  EXPECT_NE(type("/profile q8\r").find("model   q8, 2 layers of 32"), std::string::npos);
  EXPECT_NE(type("/profile\r").find("profile q8"), std::string::npos);
  type("/cores 1\r");
  const std::string back = type("/model 1\r");
  EXPECT_NE(back.find("model   f32, 2 layers of 32"), std::string::npos) << back;
  EXPECT_NE(back.find("number 1 of 2 in flash"), std::string::npos) << back;
  const std::string again = type("ab\r");
  EXPECT_NE(again.find("1 core"), std::string::npos) << "the setting holds: " << again;
  EXPECT_EQ(again.substr(0, again.find("[")), f32.substr(0, f32.find("[")));
  // One that cannot be used is named, and the model before is there again.
  const Cartridge cartridge = Cartridge::in(board.slot());
  board.slot()[static_cast<size_t>(cartridge.slot(1).data() - board.slot().data()) + 500] ^= std::byte{1};
  const std::string broken = type("/model 2\r");
  EXPECT_NE(broken.find("! model   cannot be used"), std::string::npos) << broken;
  EXPECT_NE(broken.find("model   f32, 2 layers of 32"), std::string::npos) << broken;
  EXPECT_NE(type("ab\r").find(" tokens"), std::string::npos);
}

TEST_F(ApplicationTest, SaysHowMuchOfTheVocabularyTheModelSays) {
  Config part = kSmall;
  part.n_logits = 280;
  type("");
  board.append(pico_llama::test_support::build_image(pico_llama::test_support::random_model(part, false, 7),
                                                     Profile::kQ8));
  const std::string chosen = type("/model 2\r");
  EXPECT_NE(chosen.find("4 heads, vocabulary 280 of 300 pieces, context 96;"), std::string::npos) << chosen;
  // Of both lines, whose breaks are the terminal's.
  const std::string shown = type("/model\r");
  EXPECT_NE(shown.find("280 of 300"), shown.rfind("280 of 300")) << shown;
  type("/json on\r");
  int said = 0;
  for (const json& line : ask("abc\r")) {
    if (!line.contains("token") || line.contains("prompt")) continue;
    EXPECT_LT(line["token"].get<int>(), 280);
    ++said;
  }
  EXPECT_GT(said, 10);
  type("/json off\r");
  EXPECT_NE(type("/model 1\r").find("4 heads, vocabulary 300, context 96;"), std::string::npos);
}

TEST_F(ApplicationTest, AModelIsCalledByItsNameAndWrapsPrompts) {
  type("");
  const auto model = pico_llama::test_support::random_model(kSmall, true, 7);
  const auto image = pico_llama::test_support::build_image(model, Profile::kF32);
  packer::ImageBytes named(image.begin(), image.end());
  packer::add_metadata(named, {"Riddles", "ab {prompt} ba", "MIT", "Zo\xc3\xab", 0.5f});
  board.append({named.begin(), named.end()});
  EXPECT_NE(type("/model\r").find("flash   2: Riddles, f32, 2 layers of 32"), std::string::npos);
  const std::string chosen = type("/model 2\r");
  EXPECT_NE(chosen.find("model   Riddles, f32, 2 layers of 32"), std::string::npos) << chosen;
  const std::string shown = type("/model\r");
  for (const char* part : {"authors Zo\xc3\xab", "licence MIT", "template \"ab {prompt} ba\"",
                           "name    Riddles", "advice  temperature 0.5"})
    EXPECT_NE(shown.find(part), std::string::npos) << part << shown;
  EXPECT_NE(type("/temp\r").find("temperature 0.5 (default)"), std::string::npos);
  type("/temp 0\r");
  const auto story = [this](std::string_view line) {
    const std::string out = type(line);
    return out.substr(out.find("\r\n"), out.find("\r\n[") - out.find("\r\n"));
  };
  const std::string wrapped = story("abc\r");
  EXPECT_TRUE(wrapped.starts_with("\r\nab abc ba")) << wrapped;
  type("/template off\r");
  EXPECT_EQ(story("ab abc ba\r"), wrapped);
  EXPECT_TRUE(story("abc\r").starts_with("\r\nabc"));
  EXPECT_NE(type("/model 1\r").find("model   f32, 2 layers of 32"), std::string::npos);
  EXPECT_NE(type("/temp\r").find("temperature 0\r"), std::string::npos) << "what was said holds";
  EXPECT_NE(type("/temp default\r").find("temperature 1 (default)\r"), std::string::npos);
}

TEST_F(ApplicationTest, PromptsKeepLeadingAndTrailingBlanks) {
  type("");
  type("/temp 0\r");
  type("/json on\r");
  const auto prompt_of = [this](std::string_view line) {
    std::string text;
    for (const json& object : ask(line))
      if (object.contains("prompt")) text += object["text"].get<std::string>();
    return text;
  };
  EXPECT_EQ(prompt_of("ab  \r"), "ab  ");
  EXPECT_EQ(prompt_of("/tell \"ab\\nba\\tb \\u0061\"\r"), "ab\nba\tb a");
  EXPECT_EQ(prompt_of("/tell  \"\\ud83d\\udc38 \\\"/\\/\\\\\" \r"), "\U0001F438 \"//\\");
  EXPECT_EQ(prompt_of("/tell \"/ab\"\r"), "/ab");
  for (const char* wrong :
       {"/tell", "/tell ab", "/tell \"ab", "/tell \"ab\" c", "/tell \"\\x\"", "/tell \"\\u12\"",
        "/tell \"\\ud83d\"", "/tell \"\\udc38\"", "/tell \"\\u0000\"", "/tell \"\\", "/tell x \"ab\""})
    EXPECT_TRUE(ask(std::string(wrong) + "\r").at(0).contains("error")) << wrong;
  // The example in the error is one that works.
  const auto why = ask("/tell\r").at(0)["error"].get<std::string>();
  const std::size_t begin = why.find('"'), end = why.rfind('"');
  ASSERT_LT(begin, end) << why;
  EXPECT_EQ(prompt_of("/tell " + why.substr(begin, end + 1 - begin) + "\r"), "One day\nTom ran.");
}

/// Tokens of a story's lines, without those of prompts.
std::vector<int> generated(const std::vector<json>& lines) {
  std::vector<int> tokens;
  for (const json& line : lines)
    if (line.contains("token") && !line.contains("prompt")) tokens.push_back(line["token"]);
  return tokens;
}

TEST_F(ApplicationTest, ContinueTakesUpTheStoryWhereItStopped) {
  type("");
  EXPECT_NE(type("/continue\r").find("! there is no story to continue"), std::string::npos);
  EXPECT_NE(type("/again\r").find("! there is no story"), std::string::npos);
  type("/seed 7\r");
  type("/json on\r");
  ask("/steps 60\r");
  const std::vector<int> whole = generated(ask("ab\r"));
  ASSERT_GT(whole.size(), 20u);
  for (const int after : {0, 3, 12}) {
    console.cancel_after = after;
    std::vector<json> lines = ask("ab\r");
    EXPECT_EQ(lines.back()["stop"], "cancelled");
    std::vector<int> parts = generated(lines);
    console.cancel_after = -1;
    ask("/steps " + std::to_string(60 - (lines.size() - 1)) + "\r");
    ask("/seed 8\r");  // the story's random numbers go on
    lines = ask("/continue\r");
    for (const int token : generated(lines)) parts.push_back(token);
    EXPECT_EQ(parts, whole) << after;
    EXPECT_EQ(lines.back()["seed"], 7);
    ask("/seed 7\r");
    ask("/steps 60\r");
  }
  // With words: the blank before them is the story's, and they are shown as a prompt is.
  ask("/steps 10\r");
  ask("ab\r");
  std::string words;
  const std::vector<json> lines = ask("/continue ba ab \r");
  for (const json& line : lines)
    if (line.contains("prompt")) words += line["text"];
  EXPECT_EQ(words, " ba ab ");
  EXPECT_LE(lines.back()["prompt_tokens"], 7);
  EXPECT_GT(ask("/continue\r").size(), 9u) << "of any number of parts";
  EXPECT_TRUE(ask("/continue " + std::string(900, 'q') + "\r").at(0).contains("error"));
  EXPECT_TRUE(ask("/continue \xff\r").at(0).contains("error"));
  for (const char* forgets : {"/cores 1\r", "/selftest\r", "/bench\r", "/model 1\r"}) {
    ask("ab\r");
    ask(forgets);
    EXPECT_TRUE(ask("/continue\r").at(0).contains("error")) << forgets;
    EXPECT_TRUE(ask("/again\r").at(0).contains("error")) << forgets;
  }
}

TEST_F(ApplicationTest, AgainTellsTheLastStoryWithItsSeed) {
  type("");
  type("/json on\r");
  ask("/steps 40\r");
  const std::vector<json> first = ask("ab\r");
  const std::vector<json> again = ask("/again\r");
  EXPECT_EQ(generated(again), generated(first));
  EXPECT_EQ(again.back()["seed"], first.back()["seed"]);
  EXPECT_EQ(again.back()["prompt_tokens"], first.back()["prompt_tokens"]);
  ask("/continue\r");
  EXPECT_EQ(generated(ask("/again\r")), generated(first));
  ask("/temp 0\r");
  EXPECT_NE(generated(ask("/again\r")), generated(first)) << "with the settings of now";
}

TEST_F(ApplicationTest, AnEndlessStoryGoesOnUntilItIsStopped) {
  type("");
  type("/json on\r");
  ask("/endless on\r");
  ask("/steps 400\r");
  ask("/seed 3\r");
  const std::vector<json> lines = ask("ab\r");
  const json& end = lines.back();
  EXPECT_EQ(end["stop"], "steps");
  EXPECT_GE(end["refills"], 3);
  EXPECT_EQ(generated(lines).size(), end["tokens"]);
  EXPECT_GT(end["tokens"], 380);
  int refills = 0;
  for (const json& line : lines) {
    if (!line.contains("refilled")) continue;
    ++refills;
    EXPECT_GE(line["refilled"], 7);
    EXPECT_LE(line["pause_ms"], end["longest_pause_ms"]);
  }
  EXPECT_EQ(refills, end["refills"]);
  // In parts, and to Ctrl-C.
  console.cancel_after = 250;
  std::vector<int> parts = generated(ask("ab\r"));
  console.cancel_after = -1;
  ask("/steps 100\r");
  for (const int token : generated(ask("/continue\r"))) parts.push_back(token);
  const std::vector<int> whole = generated(lines);
  ASSERT_LT(parts.size(), whole.size());
  EXPECT_TRUE(std::equal(parts.begin(), parts.end(), whole.begin()));
  type("/json off\r");
  type("/steps 0\r");
  console.cancel_after = 3000;
  const std::string out = type("ab\r");
  EXPECT_NE(out.find("; refilled "), std::string::npos) << out.substr(out.size() - 200);
  EXPECT_NE(out.find("; stopped"), std::string::npos);
}

TEST_F(ApplicationTest, WhateverTheEngineSamplesWithCanBeSet) {
  type("");
  type("/seed 5\r");
  type("/steps 60\r");
  type("/json on\r");
  const std::vector<int> plain = generated(ask("ab\r"));
  for (const auto& [command, off] :
       {std::pair{"/topk 3\r", "/topk 0\r"}, std::pair{"/minp 0.5\r", "/minp 0\r"},
        std::pair{"/penalty 5\r", "/penalty 1\r"}}) {
    ask(command);
    EXPECT_NE(generated(ask("ab\r")), plain) << command;
    ask(off);
  }
  EXPECT_EQ(generated(ask("ab\r")), plain);
  std::string text;
  for (const json& line : ask("ab\r"))
    if (line.contains("token") && !line.contains("prompt")) text += line["text"];
  const auto plain_text = [](std::string_view part) {
    return std::ranges::all_of(part, [](char c) { return c >= ' ' && c < 0x7f; });
  };
  size_t at = 5;  // of three characters that a random model's text has whole
  while (at + 3 < text.size() && !plain_text(std::string_view(text).substr(at, 3))) ++at;
  ASSERT_LT(at + 3, text.size());
  const std::string stop = text.substr(at, 3);
  EXPECT_TRUE(ask("/stop " + json(stop).dump() + "\r").at(0).contains("message"));
  const std::vector<json> stopped = ask("ab\r");
  EXPECT_EQ(stopped.back()["stop"], "stop_string");
  EXPECT_LT(stopped.size(), plain.size());
  for (const auto& [command, answer] :
       {std::pair{"/stop The end", "stop \"The end\""}, std::pair{"/stop \"\\n\"", "stop \"\\n\""},
        std::pair{"/stop", "stop \"\\n\""}, std::pair{"/stop off", "stop off"},
        std::pair{"/stop \"off\"", "stop \"off\""}, std::pair{"/stop \"\"", "stop off"},
        std::pair{"/minp 0.05", "min-p 0.05"}, std::pair{"/penalty 1.1", "penalty 1.1"},
        std::pair{"/endless on", "endless on"}, std::pair{"/endless", "endless on"}})
    EXPECT_EQ(ask(std::string(command) + "\r").at(0)["message"], answer) << command;
  for (const std::string wrong :
       {"/stop \"x", "/stop \"\\q\"", "/stop \xff", "/minp 1.1", "/penalty 0", "/penalty 11", "/endless yes"})
    EXPECT_TRUE(ask(wrong + "\r").at(0).contains("error")) << wrong;
  EXPECT_TRUE(ask("/stop " + std::string(33, 'x') + "\r").at(0).contains("error"));
  EXPECT_EQ(ask("/stop " + std::string(32, 'x') + "\r").at(0)["message"],
            "stop \"" + std::string(32, 'x') + "\"");
}

TEST_F(ApplicationTest, LargeSeedsSurviveJsonReaders) {
  type("");
  type("/steps 8\r");
  type("/json on\r");
  EXPECT_LT(ask("ab\r").back()["seed"].get<uint64_t>(), uint64_t{1} << 32);
  ask("/seed 9007199254740991\r");
  EXPECT_EQ(ask("ab\r").back()["seed"], 9007199254740991u);
  ask("/seed 17009754646043629746\r");
  EXPECT_EQ(ask("ab\r").back()["seed"], "17009754646043629746");
}

TEST_F(ApplicationTest, AGreedyStoryHasNoSeed) {
  type("");
  type("/temp 0\r");
  EXPECT_EQ(type("ab\r").find("seed"), std::string::npos);
}

TEST_F(ApplicationTest, ClosingThePortEndsJson) {
  type("");
  type("/json on\r");
  EXPECT_TRUE(app.json());
  console.host_listens = false;
  type("");
  console.host_listens = true;
  EXPECT_EQ(type("").find("pico-llama 0 on fake\r\n"), 0u);
  EXPECT_NE(type("/temp 0.5\r").find("temperature 0.5\r\n> "), std::string::npos);
}

TEST_F(ApplicationTest, EchoedOutputDoesNotBecomeAPrompt) {
  std::string echo = type("");
  for (int i = 0; i < 5; ++i) echo = type(echo);
  EXPECT_EQ(echo, "") << "it goes on";
  // Ctrl-C, or what comes later than an echo does, is a person's.
  type("\x03");
  EXPECT_NE(type("ab\r").find(" tokens"), std::string::npos);
  type("pico-llama 0 on fake\r");
  EXPECT_EQ(type("ab\r"), "");
  board.now_us += 1'000'000;
  EXPECT_NE(type("ab\r").find(" tokens"), std::string::npos);
}

TEST_F(ApplicationTest, AMistypedCommandGetsASuggestion) {
  type("");
  EXPECT_NE(type("/hlep\r").find("did you mean /help?"), std::string::npos);
  EXPECT_NE(type("/tempp 1\r").find("did you mean /temp?"), std::string::npos);
  EXPECT_NE(type("/sellftest\r").find("did you mean /selftest?"), std::string::npos);
  EXPECT_EQ(type("/xyzzy\r").find("did you mean"), std::string::npos);
  EXPECT_EQ(type("/" + std::string(900, 'h') + "\r").find("did you mean"), std::string::npos);
}

TEST_F(ApplicationTest, SettingsShowsAllOfThem) {
  type("");
  const std::string all = type("/settings\r");
  for (const char* setting : {"temperature 1", "top-p 0.9", "top-k 0", "min-p 0", "penalty 1", "stop off",
                              "endless off", "seed random", "steps 0", "profile f32", "cores 2", "json off"})
    EXPECT_NE(all.find(setting), std::string::npos) << setting;
}

TEST_F(ApplicationTest, TabCompletesCommands) {
  type("");
  EXPECT_NE(type("/hel\t\r").find("/help\r\n/help"), std::string::npos);
  EXPECT_NE(type("/en\t\r").find("endless off"), std::string::npos);
  EXPECT_NE(type("/pe\t 1.5\r").find("penalty 1.5"), std::string::npos);
  EXPECT_NE(type("/contniue\r").find("did you mean /continue?"), std::string::npos);
}

TEST_F(ApplicationTest, QueriesTheTerminalWidthOnlyForInteractiveInput) {
  constexpr std::string_view kQuestion = "\x1b[6n";
  type("");
  EXPECT_EQ(type("ab\r").find(kQuestion), std::string::npos) << "a program's line comes at once";
  type("a");
  board.now_us += 20'000;
  EXPECT_NE(type("").find(kQuestion), std::string::npos);
  board.now_us += 20'000;
  EXPECT_EQ(type("").find(kQuestion), std::string::npos) << "once a pause";
  type("\x1b[24;40R");
  EXPECT_EQ(type("b").find(kQuestion), std::string::npos);
  board.now_us += 20'000;
  EXPECT_NE(type("").find(kQuestion), std::string::npos) << "the window may have been resized";
  type("\x1b[24;20R");
  const std::string out = type("\r");
  size_t longest = 0, row = 0;
  for (const char c : out.substr(0, out.find("\r\n[")))
    longest = std::max(longest, row = c == '\n' ? 0 : row + 1);
  EXPECT_LE(longest, 25u) << "rows of 20 columns";
}

TEST_F(ApplicationTest, AllSystemLinesFit80Columns) {
  std::string all = type("");
  for (const char* command : {"/help", "/settings", "/model", "/mem", "/steps x", "/profile q4", "/tell"})
    all += type(std::string(command) + "\r");
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;  // with its CR
}

TEST_F(ApplicationTest, RebootsOnRequest) {
  type("");
  EXPECT_THROW(type("/reboot\r"), RebootRequested);
  std::string bootsel = "/bootsel";
  EXPECT_THROW(app.handle_line(bootsel), RebootRequested);
}

TEST_F(ApplicationTest, UnusablePromptsGiveOneLine) {
  type("");
  EXPECT_NE(type("\xff\xfe\r").find("! "), std::string::npos);
  const std::string long_prompt(1000, 'q');
  EXPECT_NE(type(long_prompt + "\r").find("! "), std::string::npos);
  const std::string paste(100'000, 'x');
  EXPECT_NE(type(paste + "\r").find("longer than 1023 bytes"), std::string::npos);
  EXPECT_NE(type("ab\r").find(" tokens"), std::string::npos);
}

TEST_F(ApplicationTest, ButtonStartsAndStopsAStory) {
  type("");
  board.button = true;
  for (int i = 0; i < 10; ++i) app.step();  // not yet: a contact bounces for up to 20 ms
  EXPECT_EQ(console.take_output(), "");
  for (int i = 0; i < 400; ++i) app.step();
  const std::string out = console.take_output();
  EXPECT_NE(out.find(" tokens"), std::string::npos);
  EXPECT_EQ(out.find("stopped"), std::string::npos) << "holding it down is not a second press";
  EXPECT_EQ(out.find("seed"), out.rfind("seed")) << "one story a press";
}

TEST_F(ApplicationTest, LostTypeAheadIsReported) {
  type("");
  console.lost_input = 12;
  EXPECT_NE(type("ab\r").find("! 12 bytes typed during the story"), std::string::npos);
}

TEST_F(NoModelTest, ExplainsHowToAddAModelAndAcceptsCommands) {
  EXPECT_NE(type("").find("drag a MODEL.uf2"), std::string::npos);
  EXPECT_NE(type("Once\r").find("pico-llama pack"), std::string::npos);
  EXPECT_NE(type("/temp 0.5\r").find("temperature 0.5"), std::string::npos);
  EXPECT_NE(type("/mem\r").find("stack of core 0"), std::string::npos);
  EXPECT_NE(type("/bench\r").find("no model"), std::string::npos);
  EXPECT_NE(type("/selftest\r").find("selftest: 0 failed"), std::string::npos);
}

}  // namespace
}  // namespace pico_llama::app
