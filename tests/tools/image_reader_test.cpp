// SPEC.md is enough to write a reader: scripts/read_image.py shares no code with us and generates the same
// tokens.
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "engine/drafts/draft_table.h"
#include "tests/support/command.h"
#include "tests/support/models.h"
#include "tests/support/synthetic_model.h"
#include "tools/packer/drafts.h"

namespace pico_llama {
namespace {

using test_support::run_command;
using test_support::TemporaryFolder;

/// Packs a checkpoint, then asks the command and the Python reader for the same greedy text.
void expect_same_tokens(const std::string& checkpoint, const std::string& tokenizer,
                        const std::string& prompt) {
  const TemporaryFolder folder;
  for (const std::string profile : {"f32", "q8", "q4"}) {
    const std::string image = folder.file(profile + ".plm");
    const auto packed = run_command({PICO_LLAMA_COMMAND, "pack", checkpoint, "-z", tokenizer, "--profile",
                                     profile, "--q8", "none", "--drafts", "0", "-o", image});
    ASSERT_EQ(packed.exit_code, 0) << packed.err;
    const auto ours =
        run_command({PICO_LLAMA_COMMAND, "run", image, "-t", "0", "-n", "24", "-i", prompt, "--json"});
    ASSERT_EQ(ours.exit_code, 0) << ours.err;
    const auto story = nlohmann::json::parse(ours.out);
    const auto& prompt_tokens = story["prompt_tokens"];
    if (profile == "q4") {
      // Its distributions are flatter: where two tokens are nearly as likely, integer activations may choose
      // one and binary64 the other, and the texts part. So each choice is judged on our text.
      std::vector<std::string> reader = {"/usr/bin/env", "python3", "scripts/read_image.py", image, "--gaps"};
      for (const auto& token : story["tokens"]) reader.push_back(token.dump());
      const auto theirs = run_command(reader);
      ASSERT_EQ(theirs.exit_code, 0) << theirs.err;
      std::istringstream gaps(theirs.out);
      std::size_t count = 0, same = 0;
      for (double gap; gaps >> gap;) {
        if (++count < prompt_tokens.size()) continue;
        EXPECT_LT(gap, 0.1) << "token " << count;
        same += gap == 0;
      }
      EXPECT_EQ(count, 24u);
      EXPECT_GE(same + 3, count - prompt_tokens.size());
      continue;
    }
    std::vector<std::string> reader = {"/usr/bin/env", "python3", "scripts/read_image.py", image, "24"};
    for (std::size_t i = 1; i < prompt_tokens.size(); ++i) reader.push_back(prompt_tokens[i].dump());
    const auto theirs = run_command(reader);
    ASSERT_EQ(theirs.exit_code, 0) << theirs.err;
    std::istringstream tokens(theirs.out);
    std::vector<int> read;
    for (int token; tokens >> token;) read.push_back(token);
    EXPECT_EQ(read, story["tokens"].get<std::vector<int>>()) << profile;
    EXPECT_EQ(theirs.err, story["text"].get<std::string>() + "\n") << profile;
  }
}

TEST(ImageReader, PythonReaderMatchesOnStories260K) {
  PICO_LLAMA_MODEL_OR_SKIP(model, "stories260K.bin");
  PICO_LLAMA_MODEL_OR_SKIP(tokenizer, "tok512.bin");
  expect_same_tokens(model, tokenizer, "The little dog");
}

TEST(ImageReader, RefusesAnImageWithAWrongCrc) {
  const TemporaryFolder folder;
  const test_support::SyntheticModel tiny{.config = test_support::kShapeTiny};
  const std::string model = folder.file("m.bin"), tokenizer = folder.file("t.bin"),
                    image = folder.file("m.plm");
  test_support::write_file(model, test_support::make_checkpoint(tiny));
  test_support::write_file(tokenizer, test_support::make_tokenizer(tiny.config.vocab_size));
  ASSERT_EQ(run_command({PICO_LLAMA_COMMAND, "pack", model, "-z", tokenizer, "-o", image}).exit_code, 0);
  EXPECT_EQ(run_command({"/usr/bin/env", "python3", "scripts/read_image.py", image, "1"}).exit_code, 0);
  std::string bytes = test_support::read_file(image);
  bytes.back() ^= 1;
  test_support::write_file(image, {bytes.begin(), bytes.end()});
  const auto result = run_command({"/usr/bin/env", "python3", "scripts/read_image.py", image, "1"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_NE(result.err.find("CRC"), std::string::npos);
}

TEST(ImageReader, GuessesAsTheDraftTable) {
  const TemporaryFolder folder;
  test_support::SyntheticModel tiny{.config = test_support::kShapeTiny};
  const std::string model = folder.file("m.bin"), tokenizer = folder.file("t.bin"),
                    image_path = folder.file("m.plm");
  test_support::write_file(model, test_support::make_checkpoint(tiny));
  test_support::write_file(tokenizer, test_support::make_tokenizer(tiny.config.vocab_size));
  const auto guesses = [&](const std::vector<int>& tokens) {
    std::vector<std::string> reader = {"/usr/bin/env", "python3", "scripts/read_image.py", image_path,
                                       "--guesses"};
    for (const int token : tokens) reader.push_back(std::to_string(token));
    return run_command(reader);
  };
  const std::vector<std::string> pack = {PICO_LLAMA_COMMAND, "pack", model,     "-z",
                                         tokenizer,          "-o",   image_path};
  ASSERT_EQ(run_command(pack).exit_code, 0);
  EXPECT_NE(guesses({1}).err.find("no drafts"), std::string::npos);  // it fits SRAM
  auto with_drafts = pack;
  with_drafts.insert(with_drafts.end(), {"--drafts", "3000"});
  ASSERT_EQ(run_command(with_drafts).exit_code, 0);

  const std::string file = test_support::read_file(image_path);
  packer::ImageBytes bytes(file.size());
  std::memcpy(bytes.data(), file.data(), file.size());
  const ModelImage image = ModelImage::parse(bytes).value();
  ASSERT_NE(image.drafts(), nullptr);
  const DraftTable table(*image.drafts(), image.config().vocab_size);
  std::vector<int32_t> text;
  for (const auto& story : packer::own_stories(image, 300, packer::StoriesFor::kDrafts))
    text.insert(text.end(), story.begin(), story.end());
  std::vector<int> ours;
  int guessed = 0;
  for (std::size_t i = 1; i <= text.size(); ++i) {
    ours.push_back(table.after(std::span(text).first(i)).token);
    guessed += ours.back() >= 0;
  }
  EXPECT_GT(guessed, 10);
  const auto theirs = guesses({text.begin(), text.end()});
  ASSERT_EQ(theirs.exit_code, 0) << theirs.err;
  std::istringstream tokens(theirs.out);
  std::vector<int> read;
  for (int token; tokens >> token;) read.push_back(token);
  EXPECT_EQ(read, ours);
  // The same command makes the same bytes.
  ASSERT_EQ(run_command(with_drafts).exit_code, 0);
  EXPECT_EQ(test_support::read_file(image_path), file);
}

}  // namespace
}  // namespace pico_llama
