#pragma once

#include <CLI/CLI.hpp>

#include "trainer/text/stories.h"

namespace pico_llama {

/// Adds --separator and --field: how the stories of a text file are told apart.
void add_text_options(CLI::App& sub, trainer::TextOptions& options);

}  // namespace pico_llama
