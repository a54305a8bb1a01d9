#pragma once

#include <CLI/CLI.hpp>

#include "trainer/text/stories.h"

namespace pico_llama {

/// Adds --separator and --field: how stories are separated in a text file.
void add_text_options(CLI::App& sub, trainer::TextOptions& options);

}  // namespace pico_llama
