// `pack --vocabulary`: a model that says fewer pieces, and reads them all.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>
#include <string>

#include "engine/forward/transformer.h"
#include "engine/text/tokenizer.h"
#include "formats/failure.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "tests/support/command.h"
#include "tests/support/models.h"
#include "tests/support/synthetic_model.h"
#include "tools/packer/packer.h"
#include "tools/packer/trim.h"

namespace pico_llama {
namespace {

using formats::Vocabulary;
using packer::TokenCounts;
using test_support::run_command;
using test_support::TemporaryFolder;

constexpr const char* kTales = "models/pico-tales.bin";
constexpr const char* kTalesTokens = "models/pico-tales.tok.bin";

/// The tokenizer of the model that ships: real merges.
Vocabulary tales_vocabulary() { return Vocabulary::open(kTalesTokens); }

/// A vocabulary in an image around it, for the engine's tokenizer.
struct Encoder {
  explicit Encoder(const Vocabulary& vocabulary)
      : file(test_support::make_checkpoint({.config = {16, 24, 1, 2, 2, vocabulary.size(), 64}})),
        bytes(packer::pack(formats::read_llama2c(file, "synthetic"), vocabulary, Profile::kF32)),
        image(ModelImage::parse(bytes).value()),
        tokenizer(image.tokenizer()) {}

  std::vector<std::int32_t> operator()(std::string_view text) const {
    std::vector<std::int32_t> tokens(text.size() + 2);
    std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(text.size()));
    tokens.resize(static_cast<std::size_t>(tokenizer.encode(text, tokens, scratch).value()));
    return tokens;
  }
  std::string text_of(const std::vector<std::int32_t>& tokens) const {
    std::string text;
    for (std::size_t i = 1; i < tokens.size(); ++i) text += tokenizer.decode(tokens[i - 1], tokens[i]);
    return text;
  }

  std::vector<std::uint8_t> file;
  packer::ImageBytes bytes;
  ModelImage image;
  Tokenizer tokenizer;
};

TokenCounts random_counts(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed);
  TokenCounts counts(size);
  for (auto& count : counts) count = random() % 3 == 0 ? random() % 1000 : 0;
  return counts;
}

const std::vector<std::string> kTexts = {
    "Once upon a time, there was a little fox who lived in a forest.",
    "The old fox said: \"I am not afraid!\" \n\nZebras? 12,345 xylophones...",
    "caf\xc3\xa9 na\xc3\xafve \xe2\x80\x9cquotes\xe2\x80\x9d \xf0\x9f\xa6\x8a \xe6\x97\xa5\xe6\x9c\xac",
    "a",
    " ",
    "   two  spaces",
    "\t\r\n",
    "zzzzqqqq",
};

TEST(Trim, SaysAsManyAsAskedAndTheMostUsed) {
  const Vocabulary whole = tales_vocabulary();
  const std::vector<bool> always = packer::always_said(whole);
  const auto fewest = static_cast<std::int32_t>(std::ranges::count(always, true));
  EXPECT_GE(fewest, 259);
  for (std::int32_t size = fewest; size < whole.size(); size += 17) {
    const TokenCounts counts = random_counts(whole.pieces.size(), static_cast<unsigned>(size));
    const Vocabulary trimmed = packer::trimmed(whole, counts, size);
    ASSERT_EQ(trimmed.said, size);
    ASSERT_EQ(trimmed.size(), whole.size());
    const std::vector<std::uint32_t> before = packer::tokens_before(whole, trimmed);
    const auto end_of_said = before.begin() + size;
    EXPECT_TRUE(std::is_sorted(before.begin(), end_of_said));
    EXPECT_TRUE(std::is_sorted(end_of_said, before.end()));
    EXPECT_EQ(std::set(before.begin(), before.end()).size(), whole.pieces.size());
    std::uint64_t most_of_others = 0, least = ~0ull;
    for (std::size_t id = 0; id < before.size(); ++id) {
      ASSERT_EQ(trimmed.pieces[id], whole.pieces[before[id]]);
      ASSERT_EQ(trimmed.scores[id], whole.scores[before[id]]);
      if (id >= static_cast<std::size_t>(size)) {
        EXPECT_FALSE(always[before[id]]) << trimmed.pieces[id];
        most_of_others = std::max(most_of_others, counts[before[id]]);
      } else if (!always[before[id]]) {
        least = std::min(least, counts[before[id]]);
      }
    }
    EXPECT_GE(least, most_of_others);
    for (std::uint32_t id = 0; id < 259; ++id)
      EXPECT_EQ(before[id], id) << "specials and bytes have their places";
  }
}

TEST(Trim, ATextEncodesIntoTheSamePieces) {
  const Vocabulary whole = tales_vocabulary();
  const Encoder of_whole(whole);
  for (const std::int32_t size : {0, 400, whole.size() - 1}) {
    const Vocabulary vocabulary = packer::trimmed(whole, random_counts(whole.pieces.size(), 7), size);
    const std::vector<std::uint32_t> before = packer::tokens_before(whole, vocabulary);
    const Encoder of_trimmed(vocabulary);
    EXPECT_EQ(of_trimmed.image.config().logit_count(), vocabulary.said);
    for (const std::string& text : kTexts) {
      std::vector<std::int32_t> in_whole;
      for (const std::int32_t token : of_trimmed(text))
        in_whole.push_back(static_cast<std::int32_t>(before[static_cast<std::size_t>(token)]));
      EXPECT_EQ(in_whole, of_whole(text));
      EXPECT_EQ(of_trimmed.text_of(of_trimmed(text)), text);
    }
  }
}

TEST(Trim, WithoutANumberSaysWhatIsUsed) {
  const Vocabulary whole = tales_vocabulary();
  TokenCounts counts(whole.pieces.size());
  const std::vector<bool> always = packer::always_said(whole);
  const auto used = static_cast<std::size_t>(std::ranges::find(always, false) - always.begin()) + 3;
  ASSERT_FALSE(always[used]);
  counts[used] = 1;
  const Vocabulary trimmed = packer::trimmed(whole, counts, 0);
  EXPECT_EQ(trimmed.said, std::ranges::count(always, true) + 1);
  const auto end_of_said = trimmed.pieces.begin() + trimmed.said;
  EXPECT_NE(std::find(trimmed.pieces.begin(), end_of_said, whole.pieces[used]), end_of_said);
}

TEST(Trim, NothingChangesWhereAllIsSaid) {
  const Vocabulary whole = tales_vocabulary();
  const Vocabulary all = packer::trimmed(whole, TokenCounts(whole.pieces.size()), whole.size());
  EXPECT_EQ(all.said, 0);
  EXPECT_EQ(all.pieces, whole.pieces);
  EXPECT_TRUE(all.file_ids.empty());
  const auto before = packer::tokens_before(whole, all);
  EXPECT_TRUE(std::ranges::is_sorted(before));
  EXPECT_EQ(before.size(), whole.pieces.size());
}

TEST(Trim, AFilesOwnOrderOfTokensIsKeptInMind) {
  Vocabulary whole = tales_vocabulary();
  for (std::uint32_t id = 0; id < whole.pieces.size(); ++id)  // as a file has them that begins with the last
    whole.file_ids.push_back(static_cast<std::uint32_t>(whole.pieces.size()) - 1 - id);
  const Vocabulary trimmed = packer::trimmed(whole, random_counts(whole.pieces.size(), 5), 400);
  const auto before = packer::tokens_before(whole, trimmed);
  for (std::size_t id = 0; id < before.size(); ++id) {
    EXPECT_EQ(trimmed.file_ids[id], whole.file_ids[before[id]]);
    EXPECT_EQ(trimmed.pieces[id], whole.pieces[before[id]]);
  }
}

TEST(Trim, RefusesTooManyAndTooFew) {
  const Vocabulary whole = tales_vocabulary();
  const TokenCounts counts(whole.pieces.size());
  const auto message = [&](std::int32_t size) -> std::string {
    try {
      packer::trimmed(whole, counts, size);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "";
  };
  EXPECT_NE(message(whole.size() + 1).find("cannot be kept"), std::string::npos);
  const auto fewest = std::ranges::count(packer::always_said(whole), true);
  EXPECT_NE(message(static_cast<std::int32_t>(fewest) - 1).find("alone are " + std::to_string(fewest)),
            std::string::npos);
  EXPECT_EQ(message(static_cast<std::int32_t>(fewest)), "");
}

/// Logits after a token at position 0.
std::vector<float> logits_of(const packer::ImageBytes& bytes, std::int32_t token) {
  const ModelImage image = ModelImage::parse(bytes).value();
  SingleWorker worker;
  packer::ImageBytes memory(bytes_needed(image.config(), image.profile(), 8, 1).value());
  Transformer transformer = Transformer::create(image, 8, memory, worker).value();
  transformer.forward({&token, 1}, 0);
  const auto logits = transformer.logits();
  return {logits.begin(), logits.end()};
}

TEST(Trim, ATokensLogitIsThatOfTheWholeModel) {
  constexpr std::int32_t kSize = 301;  // no multiple of a row block
  test_support::SyntheticModel model{.config = {32, 48, 2, 4, 2, 1200, 32}};
  for (const bool shared : {true, false}) {
    for (const auto format : {formats::Format::kLlama2cLegacy, formats::Format::kLlama2cVersion2}) {
      model.format = format;
      model.shared_classifier = shared;
      const auto file = test_support::make_checkpoint(model);
      const auto tokens = test_support::make_tokenizer(model.config.vocab_size);
      const Vocabulary whole = formats::read_tokenizer_bin(tokens, "synthetic");
      const formats::Checkpoint checkpoint = formats::read_llama2c(file, "synthetic");
      const Vocabulary trimmed = packer::trimmed(whole, random_counts(1200, 3), kSize);
      const std::vector<std::uint32_t> before = packer::tokens_before(whole, trimmed);
      for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
        SCOPED_TRACE(profile_name(profile));
        const packer::ImageBytes of_whole = packer::pack(checkpoint, whole, profile);
        const packer::ImageBytes of_trimmed = packer::pack(checkpoint, trimmed, profile);
        const ModelImage image = ModelImage::parse(of_trimmed).value();
        EXPECT_EQ(image.tensor(TensorKind::kWcls).rows, static_cast<std::uint32_t>(kSize));
        EXPECT_EQ(image.tensor(TensorKind::kTokenEmbedding).rows, 1200u);
        // A token with a new number that is said, and one that is only read.
        for (const std::int32_t token : {kSize - 1, kSize}) {
          ASSERT_NE(before[static_cast<std::size_t>(token)], static_cast<std::uint32_t>(token));
          const auto ours = logits_of(of_trimmed, token);
          const auto theirs =
              logits_of(of_whole, static_cast<std::int32_t>(before[static_cast<std::size_t>(token)]));
          ASSERT_EQ(ours.size(), static_cast<std::size_t>(kSize));
          // q8's activations have as many bits as the rows that are there allow; q4's rows share scales in
          // eights, and the whole one's shared embedding has four bits.
          const float close = profile == Profile::kF32 ? 0.0f : profile == Profile::kQ8 ? 0.02f : 1.0f;
          for (std::size_t id = 0; id < ours.size(); ++id)
            EXPECT_NEAR(ours[id], theirs[before[id]], close) << id;
        }
      }
    }
  }
}

class VocabularyCommand : public testing::Test {
 protected:
  test_support::CommandResult command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), PICO_LLAMA_COMMAND);
    return run_command(arguments);
  }
  std::string write(const std::string& name, const std::string& text) const {
    test_support::write_file(folder_.file(name), {text.begin(), text.end()});
    return folder_.file(name);
  }
  void expect_error(const test_support::CommandResult& result, int exit_code, const std::string& part) const {
    EXPECT_EQ(result.exit_code, exit_code) << result.err;
    EXPECT_TRUE(result.err.starts_with("pico-llama: ")) << result.err;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
  }

  const TemporaryFolder folder_;
  const std::string image_ = folder_.file("m.plm");
};

TEST_F(VocabularyCommand, PacksRunsAndSaysSo) {
  const std::string text =
      write("stories.txt", "Once upon a time there was a fox.\n\nThe fox had a friend.\n");
  for (const std::string profile : {"f32", "q8", "q4"}) {
    SCOPED_TRACE(profile);
    const std::vector<std::string> pack = {"pack",         kTales,          "-z",
                                           kTalesTokens,   "--profile",     profile,
                                           "--vocabulary", "400",           "--vocabulary-text",
                                           text,           "--calibration", "64",
                                           "--drafts",     "500",           "-o",
                                           image_};
    const auto packed = command(pack);
    ASSERT_EQ(packed.exit_code, 0) << packed.err;
    EXPECT_NE(packed.err.find("vocabulary 400 of 512 pieces: 100.00 % of "), std::string::npos) << packed.err;
    const auto info = nlohmann::json::parse(command({"info", image_, "--json"}).out);
    EXPECT_EQ(info["vocabulary"], "400 of 512 pieces");
    EXPECT_EQ(info["config"]["vocab_size"], 512);
    EXPECT_EQ(info["tensors"].back()["name"], "wcls");
    EXPECT_EQ(info["tensors"].back()["rows"], 400);
    const std::string bytes = test_support::read_file(image_);
    ASSERT_EQ(command(pack).exit_code, 0);
    EXPECT_EQ(test_support::read_file(image_), bytes) << "the same command, the same bytes";

    // Another reader has the same tokens and text.
    const auto story = nlohmann::json::parse(
        command({"run", image_, "-t", "0", "-n", "24", "-i", "The zebra", "--json"}).out);
    EXPECT_TRUE(story["text"].get<std::string>().starts_with("The zebra")) << story;
    if (profile == "q4") continue;  // nearly equal logits may part it from binary64
    std::vector<std::string> reader = {"/usr/bin/env", "python3", "scripts/read_image.py", image_, "24"};
    for (std::size_t i = 1; i < story["prompt_tokens"].size(); ++i)
      reader.push_back(story["prompt_tokens"][i].dump());
    const auto theirs = run_command(reader);
    ASSERT_EQ(theirs.exit_code, 0) << theirs.err;
    std::istringstream numbers(theirs.out);
    std::vector<int> read;
    for (int token; numbers >> token;) read.push_back(token);
    EXPECT_EQ(read, story["tokens"].get<std::vector<int>>());
    const auto pieces =
        run_command({"/usr/bin/env", "python3", "scripts/read_image.py", image_, "--vocabulary"});
    EXPECT_EQ(pieces.out, "400 of 512\n") << pieces.err;
  }
  // Without a number, what the text uses.
  const auto packed = command({"pack", kTales, "-z", kTalesTokens, "--vocabulary-text", text, "-o", image_});
  ASSERT_EQ(packed.exit_code, 0) << packed.err;
  EXPECT_NE(packed.err.find(" of 512 pieces: 100.00 % of "), std::string::npos) << packed.err;
}

TEST_F(VocabularyCommand, EvalComparesWithTheWholeModel) {
  const std::string text =
      write("stories.txt",
            "Once upon a time there was a fox who lived in a big forest near the river.\n\n"
            "The fox had a friend. They played all day and then they went home.\n");
  const auto eval = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"eval", kTales, "-z", kTalesTokens, "--profile", "f32", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto result = command(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  // All that the text uses is said: no token of it is lost, and each is a little likelier without the others.
  const auto used = eval({"--text", text, "--vocabulary-text", text});
  EXPECT_LT(used["vocabulary"], used["whole_vocabulary"]);
  EXPECT_EQ(used["tokens_said"], used["tokens"]);
  EXPECT_LT(used["perplexity_ratio"].get<double>(), 1.0);
  // In f32 what is left keeps its proportions: the KL is that of the probability that is gone.
  const double gone = used["probability_never_said"];
  EXPECT_GT(gone, 0.0);
  EXPECT_LT(gone, 0.5);
  EXPECT_GE(used["mean_kl"].get<double>(), -std::log(1 - gone) - 1e-6);  // of a mean: Jensen
  // Nothing is said but what must be.
  const std::int32_t fewest =
      static_cast<std::int32_t>(std::ranges::count(packer::always_said(tales_vocabulary()), true));
  const auto least =
      eval({"--text", text, "--vocabulary-text", text, "--vocabulary", std::to_string(fewest)});
  EXPECT_EQ(least["vocabulary"], fewest);
  EXPECT_EQ(least["tokens"], used["tokens"]);
  EXPECT_LT(least["tokens_said"], least["tokens"]);
  EXPECT_LT(least["top1_agreement"].get<double>(), used["top1_agreement"].get<double>());
  EXPECT_GT(least["mean_kl"].get<double>(), used["mean_kl"].get<double>());
  // The whole vocabulary is the whole model.
  const auto all = eval({"--text", text, "--vocabulary-text", text, "--vocabulary", "512"});
  EXPECT_FALSE(all.contains("vocabulary"));
  EXPECT_EQ(all["mean_kl"], 0.0);
  EXPECT_EQ(all["top1_agreement"], 1.0);
  EXPECT_EQ(all["perplexity_ratio"], 1.0);
}

TEST_F(VocabularyCommand, RefusesInOneLine) {
  const auto pack = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"pack", kTales, "-z", kTalesTokens, "-o", image_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return command(arguments);
  };
  expect_error(pack({"--vocabulary", "513"}), 1, "has 512 pieces, so 513 of them cannot be kept");
  expect_error(pack({"--vocabulary", "260"}), 1, "260 pieces are too few");
  expect_error(pack({"--vocabulary", "0"}), 2, "--vocabulary");
  expect_error(pack({"--vocabulary", "-5"}), 2, "--vocabulary");
  expect_error(pack({"--vocabulary", "stories.txt"}), 2, "--vocabulary");
  expect_error(pack({"--vocabulary-text", ""}), 2, "empty file name");
  expect_error(pack({"--vocabulary-text", folder_.file("absent.txt")}), 1, "absent.txt");
  expect_error(pack({"--vocabulary-text", write("latin1.txt", "caf\xe9")}), 1, "UTF-8");
  const std::string text = write("image-and-text.plm", "Once upon a time.");
  expect_error(command({"pack", kTales, "-z", kTalesTokens, "--vocabulary-text", text, "-o", text}), 1,
               "is an input as well");
  EXPECT_FALSE(std::ranges::count(folder_.names(), "m.plm"));
}

}  // namespace
}  // namespace pico_llama
