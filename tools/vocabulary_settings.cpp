#include "tools/vocabulary_settings.h"

#include <fmt/format.h>

#include <cstdio>
#include <numeric>

#include "formats/mapped_file.h"
#include "tools/model_source.h"
#include "tools/option_checks.h"
#include "tools/packer/own_stories.h"
#include "tools/packer/trim.h"
#include "tools/story.h"
#include "tools/support/progress.h"

namespace pico_llama {
namespace {

std::vector<packer::Text> stories_of(const ModelImage& image, const VocabularySettings& settings,
                                     const trainer::TextOptions& text_options) {
  if (settings.text.empty()) {
    const std::uint64_t tokens = packer::default_story_tokens(image.config());
    Progress progress("telling stories for the vocabulary", tokens);
    return packer::own_stories(image, tokens, packer::StoriesFor::kVocabulary,
                               [&progress](std::uint64_t more) { progress.advance(more); });
  }
  const trainer::Stories text =
      trainer::read_stories(MappedFile(settings.text).text(), settings.text, text_options);
  fmt::print(stderr, "{}: {}\n", settings.text, text.summary());
  for (const std::string& warning : text.warnings) fmt::print(stderr, "warning: {}\n", warning);
  const Tokenizer tokenizer(image.tokenizer());
  std::vector<packer::Text> stories;
  for (const std::string& story : text.stories)
    stories.push_back(encode_text(tokenizer, story, settings.text));
  return stories;
}

}  // namespace

void add_vocabulary_settings(CLI::App& sub, VocabularySettings& settings) {
  sub.add_option("--vocabulary", settings.pieces,
                 "The model says only the N pieces that its own stories use most, which makes the classifier "
                 "smaller; "
                 "it reads every prompt as before. By default all")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxVocab));
  sub.add_option(
         "--vocabulary-text", settings.text,
         "Count the pieces of these stories instead, read as `train` reads them; without --vocabulary, "
         "all that they use")
      ->type_name(kFileType);
}

void trim_vocabulary(const formats::Checkpoint& checkpoint, formats::Vocabulary& tokenizer,
                     const VocabularySettings& settings, const trainer::TextOptions& text_options) {
  packer::TokenCounts counts(static_cast<std::size_t>(tokenizer.size()));
  // Refuses a number that cannot be, before the work.
  if (settings.pieces != 0) (void)packer::trimmed(tokenizer, counts, settings.pieces);
  std::vector<packer::Text> stories;
  {
    // In f32, whatever profile is packed: each gets the same tokens.
    const ModelSource whole = ModelSource::pack(checkpoint, tokenizer, Profile::kF32);
    stories = stories_of(whole.image(), settings, text_options);
  }
  for (const packer::Text& story : stories)
    for (const std::int32_t token : story) ++counts[static_cast<std::size_t>(token)];
  const std::uint64_t told = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});

  formats::Vocabulary trimmed = packer::trimmed(tokenizer, counts, settings.pieces);
  const int said = trimmed.said != 0 ? trimmed.said : trimmed.size();
  const std::vector<std::uint32_t> before = packer::tokens_before(tokenizer, trimmed);
  std::uint64_t of_said = 0;
  for (std::size_t id = 0; id < static_cast<std::size_t>(said); ++id) of_said += counts[before[id]];
  fmt::print(stderr, "vocabulary {} of {} pieces: {:.2f} % of {} tokens of {}\n", said, tokenizer.size(),
             100.0 * static_cast<double>(of_said) / static_cast<double>(told), told,
             settings.text.empty() ? "its own stories" : settings.text);
  tokenizer = std::move(trimmed);
}

}  // namespace pico_llama
