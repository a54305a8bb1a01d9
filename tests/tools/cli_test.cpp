// End-to-end tests of the command: valid runs; every invalid input gives one line and leaves no files.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/models.h"
#include "tests/support/synthetic_model.h"

namespace pico_llama {
namespace {

using test_support::CommandOptions;
using test_support::CommandResult;
using test_support::make_checkpoint;
using test_support::make_tokenizer;
using test_support::SyntheticModel;
using test_support::TemporaryFolder;
using Arguments = std::vector<std::string>;
using Format = formats::Format;

constexpr int kUsage = 2;

class Cli : public testing::Test {
 protected:
  Cli() {
    test_support::write_file(model_, make_checkpoint(tiny_));
    test_support::write_file(tokenizer_, make_tokenizer(tiny_.config.vocab_size));
    names_ = folder_.names();
  }

  CommandResult command(Arguments arguments, const CommandOptions& options = {}) const {
    arguments.insert(arguments.begin(), PICO_LLAMA_COMMAND);
    return test_support::run_command(arguments, options);
  }
  CommandResult run(Arguments more = {}) const {
    Arguments arguments = {"run", model_, "-z", tokenizer_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command(arguments);
  }
  CommandResult pack(const std::string& output, const CommandOptions& options = {}) const {
    return command({"pack", model_, "-z", tokenizer_, "-o", output}, options);
  }

  /// One line on stderr that starts with the command's name and says `part`; nothing new in the folder.
  void expect_error(const CommandResult& result, int exit_code, const std::string& part) const {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_EQ(result.out, "");
    EXPECT_TRUE(result.err.starts_with("pico-llama: ")) << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_TRUE(result.err.ends_with('\n'));
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
    EXPECT_EQ(folder_.names(), names_) << "something was left behind";
  }

  /// A file beside the model, part of what is there before the command.
  std::string add_file(const std::string& name, const std::vector<std::uint8_t>& bytes) {
    test_support::write_file(folder_.file(name), bytes);
    names_ = folder_.names();
    return folder_.file(name);
  }

  const TemporaryFolder folder_;
  const SyntheticModel tiny_{.config = test_support::kShapeTiny, .seed = 3};
  const std::string model_ = folder_.file("model.bin");
  const std::string tokenizer_ = folder_.file("tok.bin");
  std::vector<std::string> names_;
};

nlohmann::json json_of(const CommandResult& result) {
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return nlohmann::json::parse(result.out);
}

// ---- Valid use

TEST_F(Cli, HelpHasExamples) {
  const CommandResult help = command({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.out.find("Examples:"), std::string::npos);
  for (const std::string sub :
       {"run", "pack", "info", "eval", "uf2", "corpus", "train", "simulate", "console"}) {
    EXPECT_NE(help.out.find("\n  " + sub + " "), std::string::npos) << sub;
    const CommandResult of_sub = command({sub, "--help"});
    EXPECT_EQ(of_sub.exit_code, 0);
    EXPECT_NE(of_sub.out.find("pico-llama " + sub + " "), std::string::npos) << "an example of " << sub;
  }
}

TEST_F(Cli, RunPutsTextOnStdoutAndSpeedsOnStderr) {
  const CommandResult result = run({"-s", "5", "-n", "20", "-i", "once upon"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out.starts_with("once upon")) << result.out;
  EXPECT_TRUE(result.out.ends_with('\n'));
  for (const char* part : {"prefill ", "generation ", "(prompt ", ", n 20, seed 5, f32, 1 thread)"})
    EXPECT_NE(result.err.find(part), std::string::npos) << part << " in " << result.err;
  const CommandResult greedy = run({"-t", "0", "-s", "5", "-n", "20"});
  EXPECT_NE(greedy.err.find(", n 20, f32, 1 thread)"), std::string::npos) << "no seed: none is drawn from";
}

TEST_F(Cli, SeedDeterminesTheStoryForAnyThreadsAndImage) {
  for (const std::string profile : {"f32", "q8"}) {
    const std::string image = folder_.file(profile + ".plm");
    ASSERT_EQ(command({"pack", model_, "-z", tokenizer_, "--profile", profile, "-o", image}).exit_code, 0);
    const auto reference = json_of(run({"-s", "9", "--profile", profile, "--json"}));
    EXPECT_EQ(json_of(run({"-s", "9", "--profile", profile, "--json", "--threads", "3"}))["tokens"],
              reference["tokens"]);
    EXPECT_EQ(json_of(command({"run", image, "-s", "9", "--json"}))["tokens"], reference["tokens"]);
    // The image's own tokenizer may be named as well; that is how a checkpoint's command line is reused.
    EXPECT_EQ(json_of(command({"run", image, "-z", tokenizer_, "-s", "9", "--json"}))["text"],
              reference["text"]);
  }
}

TEST_F(Cli, StepsAreClampedToTheContextAsInLlama2c) {
  const int context = tiny_.config.seq_len;
  for (const char* steps : {"0", "100000"}) {
    const auto story = json_of(run({"-n", steps, "-s", "1", "-p", "1", "--json"}));
    EXPECT_EQ(story["steps"], context) << steps << " is as many as the context holds, as in llama2.c";
    EXPECT_LE(story["tokens"].size(), static_cast<std::size_t>(context));
  }
  EXPECT_EQ(json_of(run({"-n", "3", "-s", "1", "-i", "a longer prompt", "--json"}))["tokens"].size(), 3u);
}

TEST_F(Cli, SeedZeroMeansTheClock) {
  EXPECT_GT(json_of(run({"--json"}))["seed"], 1'000'000'000u);
  EXPECT_GT(json_of(run({"-s", "0", "--json"}))["seed"], 1'000'000'000u);
}

TEST_F(Cli, FindsTheTokenizerBesideTheModel) {
  const std::string beside = add_file("tok288.bin", make_tokenizer(288));
  EXPECT_EQ(command({"run", model_, "-n", "3"}).exit_code, 0);
  ::unlink(beside.c_str());
  names_ = folder_.names();
  expect_error(command({"run", model_}, {.working_directory = "/"}), 1, "give it with -z");
}

TEST_F(Cli, EveryFormatRunsAndPacks) {
  for (const Format format : {Format::kLlama2cLegacy, Format::kLlama2cVersion1, Format::kLlama2cVersion2}) {
    for (const bool shared : {true, false}) {
      // Groups of 32 cross the rows of 24 and 16.
      test_support::write_file(
          model_,
          make_checkpoint(
              {.config = tiny_.config, .format = format, .shared_classifier = shared, .group_size = 32}));
      EXPECT_EQ(run({"-n", "5", "--profile", "q8"}).exit_code, 0);
      const std::string image = folder_.file("m.plm");
      EXPECT_EQ(pack(image).exit_code, 0);
      const auto info = json_of(command({"info", "--json", image}));
      EXPECT_EQ(info["shared_classifier"], shared);
      EXPECT_EQ(info["tensors"].size(), 1 + 2 * 9 + 2 + (shared ? 0u : 1u));
      EXPECT_EQ(json_of(command({"info", "--json", model_}))["sha256"], info["checkpoint_sha256"]);
    }
  }
}

TEST_F(Cli, JsonSeedsAreExactInBinary64) {
  EXPECT_EQ(json_of(run({"-n", "2", "-s", "9007199254740991", "--json"}))["seed"], 9007199254740991u);
  EXPECT_EQ(json_of(run({"-n", "2", "-s", "9007199254740993", "--json"}))["seed"], "9007199254740993");
}

TEST_F(Cli, Uf2FilesAreTakenForTheirFirstModel) {
  const std::string q8 = folder_.file("q8.plm"), f32 = folder_.file("f32.plm"),
                    uf2 = folder_.file("both.uf2");
  ASSERT_EQ(command({"pack", model_, "-z", tokenizer_, "--profile", "q8", "-o", q8}).exit_code, 0);
  ASSERT_EQ(command({"pack", model_, "-z", tokenizer_, "--profile", "f32", "-o", f32}).exit_code, 0);
  ASSERT_EQ(command({"uf2", q8, f32, "-o", uf2}).exit_code, 0);
  names_ = folder_.names();

  EXPECT_EQ(json_of(command({"run", uf2, "-s", "9", "--json"}))["tokens"],
            json_of(command({"run", q8, "-s", "9", "--json"}))["tokens"]);
  expect_error(command({"run", uf2, "--profile", "q4"}), 1, "is packed as q8");

  const auto info = json_of(command({"info", uf2, "--json"}));
  ASSERT_EQ(info["models"].size(), 2u);
  auto alone = json_of(command({"info", f32, "--json"}));
  alone.erase("file");
  EXPECT_EQ(info["models"][1], alone);
  EXPECT_FALSE(info.contains("program"));
  const CommandResult shown = command({"info", uf2});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_NE(shown.out.find("models             2\n"), std::string::npos) << shown.out;

  const std::string text = folder_.file("text");
  test_support::write_file(text, {'a', 'b', ' ', 'b', 'a', '\n'});
  names_ = folder_.names();
  const auto of_uf2 = json_of(command({"eval", uf2, "--text", text, "--json"}));
  const auto of_both =
      json_of(command({"eval", model_, "-z", tokenizer_, "--profile", "q8", "--text", text, "--json"}));
  EXPECT_EQ(of_uf2["perplexity"], of_both["perplexity"]);
  EXPECT_EQ(of_uf2["tokens"], of_both["tokens"]);
  expect_error(command({"eval", uf2}), 1, "give the checkpoint it was packed from, or --text");
  expect_error(command({"pack", uf2, "-o", folder_.file("out.plm")}), 1, "any model in it packed already");
}

TEST_F(Cli, DamagedModelsInAUf2) {
  const std::string image = folder_.file("m.plm"), uf2 = folder_.file("m.uf2");
  ASSERT_EQ(pack(image).exit_code, 0);
  ASSERT_EQ(command({"uf2", image, "-o", uf2}).exit_code, 0);
  std::string blocks = test_support::read_file(uf2);
  names_ = folder_.names();
  blocks[32 + 85] ^= 1;  // in the first block's data: the checkpoint's sha256
  test_support::write_file(uf2, {blocks.begin(), blocks.end()});
  for (const char* sub : {"run", "info"}) expect_error(command({sub, uf2}), 1, "get or pack the file again");
  blocks.resize(blocks.size() - 512);
  test_support::write_file(uf2, {blocks.begin(), blocks.end()});
  for (const char* sub : {"run", "info"}) expect_error(command({sub, uf2}), 1, "m.uf2");
  blocks.resize(700);
  test_support::write_file(uf2, {blocks.begin(), blocks.end()});
  for (const char* sub : {"run", "info"}) expect_error(command({sub, uf2}), 1, "m.uf2");
}

TEST_F(Cli, PackSaysWhereTheModelFits) {
  const CommandResult result = pack(folder_.file("m.plm"));
  EXPECT_EQ(result.exit_code, 0);
  for (const char* board : {"\nPico Plus 2 W  yes ", "\nPico 2         yes "})
    EXPECT_NE(result.err.find(board), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("key/value cache in SRAM, context 32\n"), std::string::npos) << result.err;
}

TEST_F(Cli, PackingTwiceGivesTheSameBytesAndReplacesTheFile) {
  const std::string image = folder_.file("m.plm");
  ASSERT_EQ(pack(image).exit_code, 0);
  const std::string first = test_support::read_file(image);
  ASSERT_EQ(pack(image).exit_code, 0);
  EXPECT_EQ(test_support::read_file(image), first);
}

TEST_F(Cli, EvalComparesAProfileWithF32) {
  const auto same =
      json_of(command({"eval", model_, "-z", tokenizer_, "--profile", "f32", "-n", "100", "--json"}));
  EXPECT_EQ(same["tokens"], 100);
  EXPECT_EQ(same["perplexity"], same["perplexity_f32"]);
  EXPECT_EQ(same["mean_kl"], 0.0);
  EXPECT_EQ(same["top1_agreement"], 1.0);
  const auto q8 = json_of(command({"eval", model_, "-z", tokenizer_, "-n", "100", "--json"}));
  EXPECT_GT(q8["mean_kl"], 0.0);
  EXPECT_LT(q8["mean_kl"], 0.1);
  // Random weights predict about as well as chance: the vocabulary's size, give or take.
  EXPECT_GT(q8["perplexity_f32"], 20.0);

  const std::string text = folder_.file("text.txt");
  const std::string words = "the cat sat on the mat\n";
  std::string all;
  for (int i = 0; i < 40; ++i) all += words;
  test_support::write_file(text, {all.begin(), all.end()});
  const auto on_text =
      json_of(command({"eval", model_, "-z", tokenizer_, "--text", text, "-n", "70", "--json"}));
  EXPECT_EQ(on_text["tokens"], 70);
  EXPECT_EQ(on_text["sequences"], 3) << "70 tokens in pieces of the context, 32";

  test_support::write_file(text, {'A', ' ', 'b', '.', '\n', '\n', 'C', '.'});
  const auto stories = json_of(command({"eval", model_, "-z", tokenizer_, "--text", text, "--json"}));
  EXPECT_EQ(stories["stories"], 2);
  EXPECT_EQ(stories["sequences"], 2) << "each from BOS to BOS, the blank line is none of them";
  EXPECT_EQ(stories["tokens"], 6 + 4) << "a dummy space, the characters, BOS";
}

TEST_F(Cli, Q8WeightsOfStories260KTakeAtMost280Kilobytes) {
  PICO_LLAMA_MODEL_OR_SKIP(stories, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  const std::string image = folder_.file("s.plm");
  ASSERT_EQ(command({"pack", stories, "-z", tokenizer, "-o", image}).exit_code, 0);
  EXPECT_LE(json_of(command({"info", "--json", image}))["weight_bytes"], 280'000);
}

TEST_F(Cli, CtrlCEndsAStoryCleanly) {
  // A long context, so that the story is still going on when the signal comes.
  Config config = tiny_.config;
  config.seq_len = 60'000;
  test_support::write_file(model_, make_checkpoint({.config = config, .seed = 3}));
  const CommandResult result =
      command({"run", model_, "-z", tokenizer_, "-n", "0", "-t", "0"}, {.interrupt_after_ms = 20});
  EXPECT_EQ(result.exit_code, 128 + SIGINT);
  EXPECT_TRUE(result.out.ends_with('\n'));
  EXPECT_NE(result.err.find("generation "), std::string::npos) << result.err;
}

// ---- Errors

TEST_F(Cli, UsageErrorsExitWithTwo) {
  expect_error(command({}), kUsage, "subcommand");
  expect_error(command({"dance"}), kUsage, "there is no subcommand 'dance'; see pico-llama --help");
  expect_error(command({"run"}), kUsage, "model is required");
  expect_error(run({"--frobnicate"}), kUsage, "--frobnicate");
  expect_error(run({"-t", "-1"}), kUsage, "temperature");
  expect_error(run({"-t", "nan"}), kUsage, "temperature");
  expect_error(run({"-t", "hot"}), kUsage, "hot");
  expect_error(run({"-p", "nan"}), kUsage, "top");
  expect_error(run({"-n", "many"}), kUsage, "many");
  expect_error(run({"-n", "-5"}), kUsage, "--steps: -5 is negative; 0 is the whole context");
  expect_error(run({"-s", "-1"}), kUsage, "-1");
  expect_error(run({"--threads", "0"}), kUsage, "threads");
  expect_error(run({"--profile", "q2"}), kUsage, "q2");
  expect_error(run({"--stop", std::string(100, 'x')}), kUsage, "--stop");
  expect_error(command({"pack", model_, "-z", tokenizer_}), kUsage, "output is required");
  expect_error(command({"eval", model_, "-n", "0"}), kUsage, "tokens");
}

TEST_F(Cli, MistypedWordsGetASuggestion) {
  expect_error(command({"pakc"}), kUsage, "no subcommand 'pakc'; did you mean 'pack'?");
  expect_error(command({"simulat", "x.uf2", "--expect", "y"}), kUsage, "did you mean 'simulate'?");
  expect_error(command({"infoo", "file"}), kUsage, "did you mean 'info'?");
  expect_error(run({"--temprature", "0"}), kUsage, "no option '--temprature'; did you mean '--temperature'?");
  expect_error(run({"--sede=7"}), kUsage, "did you mean '--seed'?");
  expect_error(run({"left over"}), kUsage, "run takes no 'left over'; see pico-llama run --help");
  const CommandResult other = command({"xylophone"});
  EXPECT_EQ(other.err.find("did you mean"), std::string::npos) << other.err;
}

TEST_F(Cli, RejectsValuesCli11WouldConvert) {
  const std::string out = folder_.file("out");
  expect_error(run({"-n", ""}), kUsage, "--steps: empty value; expected a number");
  expect_error(run({"-t", ""}), kUsage, "--temperature: empty value; expected a number");
  expect_error(run({"-s", "99999999999999999999"}), kUsage, "--seed: 99999999999999999999 is out of range");
  expect_error(command({"corpus", "--seed", "-1", "-o", out}), kUsage, "--seed: -1 is negative");
  expect_error(command({"corpus", "--seed", "18446744073709551616", "-o", out}), kUsage, "is out of range");
  expect_error(command({"simulate", model_, "--max-cycles", "-1"}), kUsage, "--max-cycles: -1 is negative");
  expect_error(command({"simulate", model_, "--max-cycles", "0"}), kUsage,
               "--max-cycles 0 would end the run");
  expect_error(command({"simulate", model_, "--max-seconds", "0"}), kUsage,
               "--max-seconds 0 would end the run");
  expect_error(command({"simulate", model_, "--expect", ""}), kUsage, "--expect needs a text");
  expect_error(pack(""), kUsage, "--output: empty file name");
  expect_error(command({"info", ""}), kUsage, "file: empty file name");
  expect_error(command({"run", model_, "-z", ""}), kUsage, "--tokenizer: empty file name");
  EXPECT_EQ(run({"-i", "", "--stop", "", "-n", "3"}).exit_code, 0) << "texts may be empty";
}

TEST_F(Cli, MissingDirectoryAndEmptyFiles) {
  add_file("empty.bin", {});
  const std::string out = folder_.file("out");
  for (const Arguments& rest : std::vector<Arguments>{{"run"},
                                                      {"info"},
                                                      {"eval"},
                                                      {"pack", "-o", out},
                                                      {"uf2", "-o", out},
                                                      {"train", "-o", out},
                                                      {"simulate", "--max-seconds", "0.001"}}) {
    const auto with = [&](const std::string& file) {
      Arguments arguments = rest;
      arguments.push_back(file);
      return command(arguments);
    };
    const bool text = rest[0] == "train";
    expect_error(with(folder_.file("none.bin")), 1, "no such file; check the path");
    expect_error(with(folder_.path()), 1,
                 rest[0] == "simulate" ? "is not a regular file" : "is a directory; give the file inside it");
    expect_error(with(folder_.file("empty.bin")), 1, text ? "contains no text" : "is empty");
    expect_error(with("/dev/zero"), 1, "is not a regular file");
  }
  expect_error(command({"run", model_, "-z", folder_.file("none.bin")}), 1, "no such file");
  expect_error(command({"run", model_, "-z", folder_.path()}), 1, "is a directory");
  expect_error(command({"run", model_, "-z", folder_.file("empty.bin")}), 1, "is empty");
}

TEST_F(Cli, DamagedCheckpoints) {
  const std::vector<std::uint8_t> good = make_checkpoint(tiny_);
  const std::string bad = add_file("bad.bin", good);
  const auto expect = [&](const std::vector<std::uint8_t>& bytes, const std::string& part) {
    test_support::write_file(bad, bytes);
    for (const char* sub : {"run", "pack"}) {
      Arguments arguments = {sub, bad, "-z", tokenizer_};
      if (std::string(sub) == "pack") arguments.insert(arguments.end(), {"-o", folder_.file("out.plm")});
      expect_error(command(arguments), 1, part);
    }
  };
  expect({good.begin(), good.end() - 4}, "truncated");
  std::vector<std::uint8_t> bytes = good;
  bytes.push_back(0);
  expect(bytes, "oversized");
  const std::string magic = "not a model, but long enough for a header of any kind";
  expect({magic.begin(), magic.end()}, "is this a llama2.c checkpoint?");
  bytes = good;
  const std::int32_t huge = std::numeric_limits<std::int32_t>::max();
  std::memcpy(bytes.data(), &huge, 4);
  expect(bytes, "dim is 2147483647");
  bytes = good;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + 28, &nan, 4);
  expect(bytes, "value 0 of token_embedding is nan");
  bytes = make_checkpoint({.config = tiny_.config, .format = Format::kLlama2cVersion2, .group_size = 8});
  const std::int32_t group = 7;
  std::memcpy(bytes.data() + 37, &group, 4);
  expect(bytes, "group size 7 does not divide");
}

TEST_F(Cli, DamagedOrForeignTokenizers) {
  const std::string other = add_file("other.bin", make_tokenizer(300));
  expect_error(command({"run", model_, "-z", other}), 1, "has 300 tokens, and the model's vocabulary is 288");
  expect_error(command({"run", model_, "-z", model_}), 1, "tokenizer.bin");
  std::vector<std::uint8_t> cut = make_tokenizer(288);
  cut.pop_back();
  expect_error(command({"run", model_, "-z", add_file("cut.bin", cut)}), 1, "truncated");
}

TEST_F(Cli, DamagedImages) {
  const std::string image = folder_.file("m.plm");
  ASSERT_EQ(pack(image).exit_code, 0);
  const std::string good = test_support::read_file(image);
  names_ = folder_.names();
  const auto expect = [&](const std::string& bytes, const std::string& part) {
    test_support::write_file(image, {bytes.begin(), bytes.end()});
    for (const char* sub : {"run", "info"}) expect_error(command({sub, image}), 1, part);
  };
  expect(good.substr(0, good.size() - 1), "pack the checkpoint again");
  expect(good + "x", "pack the checkpoint again");
  std::string flipped = good;
  flipped[85] ^= 1;  // in the checkpoint's sha256: only the CRC can notice
  expect(flipped, "get or pack the file again");
  expect(good.substr(0, 3), "truncated");

  test_support::write_file(image, {good.begin(), good.end()});
  expect_error(command({"run", image, "--profile", "f32"}), 1, "is packed as q8");
  expect_error(command({"run", image, "--profile", "q80"}), 1,
               "is not a llama2.c checkpoint but a model image");
  const std::string other = add_file("other.bin", make_tokenizer(300));
  expect_error(command({"run", image, "-z", other}), 1, "contains a different tokenizer");
  expect_error(command({"eval", image}), 1, "give the checkpoint");
  expect_error(command({"pack", image, "-o", folder_.file("out.plm")}), 1, "is a model image already");
}

TEST_F(Cli, RejectsInvalidPrompts) {
  expect_error(run({"-i", std::string(1000, 'x')}), 1, "; shorten it");
  expect_error(run({"-i", "caf\xc3"}), 1, "the prompt is not UTF-8 at byte 3; give it in that encoding");
  expect_error(run({"-i", "\xff\xfe"}), 1, "UTF-8");
  expect_error(run({"--profile", "q80"}), 1, "needs a version 2");
}

TEST_F(Cli, RejectsNonUtf8Text) {
  const std::string text = add_file("bad.txt", {'c', 'a', 'f', 0xc3});
  expect_error(command({"eval", model_, "-z", tokenizer_, "--text", text}), 1,
               "bad.txt: is not text: byte 3 is not UTF-8");
  expect_error(command({"train", text, "-o", folder_.file("out")}), 1,
               "bad.txt: is not text: byte 3 is not UTF-8");
}

TEST_F(Cli, RejectsInvalidTrainingParameters) {
  const std::string text = add_file("text.txt", {'a', '\n', '\n', 'b'});
  for (const auto& [option, value] :
       std::vector<std::pair<std::string, std::string>>{{"--learning-rate", "inf"},
                                                        {"--learning-rate", "nan"},
                                                        {"--weight-decay", "-1"},
                                                        {"--clip", "0"},
                                                        {"--vocab", "-1"},
                                                        {"--dim", "0"}})
    expect_error(command({"train", text, "-o", folder_.file("out"), option, value}), 1, option);
}

TEST_F(Cli, AnInputIsNeverOverwritten) {
  const std::string model = test_support::read_file(model_);
  expect_error(pack(model_), 1, "is an input as well");
  expect_error(pack(folder_.path() + "/./tok.bin"), 1, "is an input as well");
  expect_error(command({"uf2", model_, "-o", model_}), 1, "is an input as well");
  expect_error(command({"simulate", model_, "--stats", model_}), 1, "is an input as well");
  expect_error(command({"train", model_, "-o", folder_.file("model")}), 1, "is an input as well");
  EXPECT_EQ(test_support::read_file(model_), model);
}

TEST_F(Cli, ChecksOutputPathsBeforeLongWork) {
  const std::string nowhere = "/nonexistent/folder/out";
  expect_error(command({"simulate", model_, "--stats", nowhere}), 1, "cannot be created");
  expect_error(command({"simulate", model_, "--profile", folder_.path()}), 1, "is a directory");
  expect_error(command({"train", model_, "-o", nowhere}), 1, "cannot be created");
}

TEST_F(Cli, OutputsThatCannotBeWritten) {
  expect_error(pack("/nonexistent/folder/m.plm"), 1, "No such file or directory");
  expect_error(pack(folder_.path()), 1, "is a directory");
  expect_error(pack("/dev/full"), 1, "No space left on device");
  struct stat status = {};
  ASSERT_EQ(::stat("/dev/full", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode)) << "the device itself was replaced";
  // A disk that fills up while the image is being written.
  expect_error(pack(folder_.file("m.plm"), {.file_size_limit = 4096}), 1, "cannot be written");
  EXPECT_EQ(command({"run", model_, "-z", tokenizer_}, {.out_path = "/dev/full"}).exit_code, 1);
  for (const Arguments& arguments :
       {Arguments{"info", model_}, Arguments{"--help"}, Arguments{"--version"}}) {
    const CommandResult result = command(arguments, {.out_path = "/dev/full"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_EQ(result.err, "pico-llama: standard output cannot be written; is the disk full?\n");
  }
}

TEST_F(Cli, DanglingSymlinkIsNotReplaced) {
  const std::string link = folder_.file("link.plm");
  ASSERT_EQ(::symlink("/nonexistent/folder/m.plm", link.c_str()), 0);
  names_ = folder_.names();
  expect_error(pack(link), 1, "is a link that leads nowhere");
  struct stat status = {};
  ASSERT_EQ(::lstat(link.c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
}

TEST_F(Cli, ClosedStdStreamsAreNotReused) {
  const std::string image = folder_.file("m.plm");
  const auto closed = [&](const std::string& arguments) {
    return test_support::run_command({"/bin/sh", "-c", "exec " PICO_LLAMA_COMMAND " " + arguments});
  };
  EXPECT_EQ(closed("pack " + model_ + " -z " + tokenizer_ + " -o " + image + " >&- 2>&-").exit_code, 0);
  EXPECT_EQ(test_support::read_file(image).substr(0, 4), "PLM1");
  const std::string packed = test_support::read_file(image);
  EXPECT_EQ(closed("info /nonexistent 2>/dev/full").exit_code, 1);
  EXPECT_EQ(closed("info " + image + " >&-").exit_code, 1) << "what was asked for went nowhere";
  EXPECT_EQ(test_support::read_file(image), packed);
}

TEST_F(Cli, FailedPackKeepsTheOldFile) {
  const std::string image = add_file("m.plm", {1, 2, 3});
  expect_error(pack(image, {.file_size_limit = 4096}), 1, "cannot be written");
  EXPECT_EQ(test_support::read_file(image), "\x01\x02\x03");
}

}  // namespace
}  // namespace pico_llama
