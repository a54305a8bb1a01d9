#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "formats/checkpoint.h"
#include "formats/vocabulary.h"
#include "trainer/text/stories.h"

namespace pico_llama {

/// Command-line settings of a vocabulary of which the model may say a part.
struct VocabularySettings {
  std::int32_t pieces = 0;  ///< that it may say; 0: all, or those that `text` uses
  std::string text{};       ///< file with stories whose pieces are counted; empty: the model's own stories

  bool trims() const { return pieces != 0 || !text.empty(); }
};

/// Adds --vocabulary and --vocabulary-text.
void add_vocabulary_settings(CLI::App& sub, VocabularySettings& settings);

/// packer::trimmed() of a model's tokenizer; says on stderr how much of the stories is made of the pieces
/// that the model may say. `text_options`: how `settings.text` separates its stories. Errors: Failure, as
/// packer::trimmed(), and for what is wrong with the text.
void trim_vocabulary(const formats::Checkpoint& checkpoint, formats::Vocabulary& tokenizer,
                     const VocabularySettings& settings, const trainer::TextOptions& text_options);

}  // namespace pico_llama
