// pico-llama pack: a checkpoint and its tokenizer into one model image.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/check.h"
#include "firmware/chips/rp2350.h"
#include "formats/output_file.h"
#include "tools/board_fit.h"
#include "tools/cli.h"
#include "tools/model_metadata.h"
#include "tools/model_options.h"
#include "tools/model_source.h"
#include "tools/option_checks.h"
#include "tools/packer/drafts.h"
#include "tools/packer/metadata.h"
#include "tools/packer/packer.h"
#include "tools/support/failure.h"
#include "tools/support/progress.h"
#include "tools/text_options.h"
#include "tools/uf2/flash_image.h"
#include "tools/vocabulary_settings.h"

namespace pico_llama {
namespace {

struct PackOptions {
  std::string checkpoint;
  std::string tokenizer;
  std::string profile = "q8";
  std::string output;
  Q4Settings q4{};
  std::optional<std::uint64_t> draft_tokens;
  ModelMetadata metadata;
  VocabularySettings vocabulary{};
  trainer::TextOptions text_options{};
};

/// Only a model that the board streams guesses ahead.
void draft(const PackOptions& options, packer::ImageBytes& bytes) {
  const ModelImage image = parse_image(bytes, options.output);
  std::uint64_t tokens = options.draft_tokens.value_or(0);
  if (!options.draft_tokens && streams_on_board(image)) tokens = packer::default_story_tokens(image.config());
  if (tokens == 0) return;
  std::vector<packer::Text> stories;
  {
    Progress progress("telling stories for drafts", tokens);
    stories = packer::own_stories(image, tokens, packer::StoriesFor::kDrafts,
                                  [&progress](std::uint64_t more) { progress.advance(more); });
  }
  packer::add_drafts(bytes, packer::make_drafts(stories, image.config().vocab_size));
}

std::span<const std::uint8_t> octets(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// Profiles that make a smaller image of this checkpoint, for a model that does not fit as it is.
std::string advice(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer,
                   const ModelImage& image, const Q4Settings& q4) {
  for (const Profile profile : {Profile::kQ8, Profile::kQ4}) {
    const std::uint64_t bytes = packed_bytes(checkpoint, tokenizer, profile, q4);
    if (bytes < image.bytes().size())
      return fmt::format("--profile {} makes an image of {} bytes", profile_name(profile), bytes);
  }
  return "no other profile is smaller";
}

void report(const std::string& output, const ModelImage& image, const std::string& smaller) {
  const ImageSizes sizes = sizes_of(image);
  const int context = image.config().seq_len;
  fmt::print(stderr, "{}: {}, {} bytes (weights {}, RoPE tables {}, tokenizer {})\n", output,
             profile_name(image.profile()), sizes.image, sizes.weights, sizes.rope, sizes.tokenizer);
  fmt::print(stderr, "working memory at context {}: {} bytes\n", context, working_bytes(image, context));
  for (const BoardFit& fit : board_fits(image))
    fmt::print(stderr, "{:<14} {:<4} {}{}\n", fit.board, fit.fits ? "yes" : "no", fit.details,
               fit.fits ? "" : "; " + smaller);
}

int pack(const PackOptions& options) {
  if (is_memory_image(options.checkpoint))
    fail("{}: is for the board, and any model in it packed already; give the checkpoint", options.checkpoint);
  if (is_image(options.checkpoint))
    fail("{}: is a model image already; give the checkpoint it was packed from", options.checkpoint);
  check_metadata_options(options.metadata);
  const auto checkpoint = formats::Checkpoint::open(options.checkpoint);
  ModelMetadata metadata = options.metadata;
  metadata.complete(metadata_of(checkpoint, options.checkpoint));
  const std::string tokenizer_path =
      find_tokenizer(options.tokenizer, options.checkpoint, checkpoint.config.vocab_size);
  auto tokenizer = open_tokenizer(tokenizer_path, checkpoint);
  const Profile profile = profile_of(options.profile).value();
  // Opened before the work, so that an unwritable path fails at once.
  std::vector<std::string> inputs = {options.checkpoint, tokenizer_path};
  if (!options.vocabulary.text.empty()) inputs.push_back(options.vocabulary.text);
  OutputFile output(options.output, inputs);
  if (options.vocabulary.trims())
    trim_vocabulary(checkpoint, tokenizer, options.vocabulary, options.text_options);
  packer::ImageBytes bytes = pack_with_progress(checkpoint, tokenizer, profile, options.q4);
  draft(options, bytes);
  if (!metadata.empty()) packer::add_metadata(bytes, metadata.view());
  // Re-parse the image before writing it.
  const ModelImage image = parse_image(bytes, options.output);
  if (options.output.ends_with(".uf2")) {
    uf2::FlashImage flash;
    flash.add(chips::Cartridge::kAddress, octets(bytes), options.output);
    output.write(flash.to_uf2(formats::kUf2FamilyData));
  } else {
    output.write(octets(bytes));
  }
  output.commit();
  report(options.output, image, advice(checkpoint, tokenizer, image, options.q4));
  return 0;
}

}  // namespace

void add_pack(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand("pack", "Turn a checkpoint and its tokenizer into a model image");
  const auto options = std::make_shared<PackOptions>();
  sub->add_option("checkpoint", options->checkpoint,
                  "llama2.c checkpoint, GGUF file, safetensors file or folder")
      ->type_name(kFileType)
      ->required();
  sub->add_option(
         "-z,--tokenizer", options->tokenizer,
         "Its tokenizer (.bin, .model or .json); by default looked for in a GGUF file, beside it and here")
      ->type_name(kFileType);
  sub->add_option(
         "--profile", options->profile,
         "f32: llama2.c's exact tokens; q8: a quarter of the size, faster; q4: half the bytes a token reads, "
         "for models too large for SRAM")
      ->check(CLI::IsMember({"f32", "q8", "q4"}))
      ->capture_default_str();
  add_q4_settings(*sub, options->q4);
  sub->add_option(
         "--drafts", options->draft_tokens,
         "Tokens of its own stories from which the model learns to guess ahead, which makes it faster "
         "where it streams; 0: none; by default some seconds' worth for a model that streams")
      ->type_name("TOKENS")
      ->check(CLI::Range(0, 1 << 24));
  add_vocabulary_settings(*sub, options->vocabulary);
  add_text_options(*sub, options->text_options);
  add_metadata_options(*sub, options->metadata);
  sub->add_option("-o,--output", options->output,
                  "The image to write: NAME.plm, or NAME.uf2 to drag onto the board")
      ->type_name(kFileType)
      ->required();
  sub->footer(R"(Says afterwards on which boards the model fits and where, or why not.

Examples:
  pico-llama pack stories260K.bin -z tok512.bin --profile q8 -o stories260K.plm
  pico-llama pack stories260K.bin -z tok512.bin --profile q8 -o stories260K.uf2
  pico-llama pack riddles.bin --name Riddles --template 'Question: {prompt} Answer:' -o riddles.uf2
  pico-llama pack stories15M.bin --profile q4 --vocabulary 8192 -o stories15M.uf2)");
  sub->callback([&cli, options] { cli.action = [options] { return pack(*options); }; });
}

}  // namespace pico_llama
