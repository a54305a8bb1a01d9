// Options about a model that several subcommands have. Not beside the settings, which much more code needs:
// the header of CLI11 takes seconds to compile.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/model_metadata.h"
#include "tools/model_source.h"

namespace pico_llama {

/// Adds --calibration and --q8.
void add_q4_settings(CLI::App& sub, Q4Settings& settings);

/// Adds --name, --template, --temperature, --licence and --authors.
void add_metadata_options(CLI::App& sub, ModelMetadata& metadata);

}  // namespace pico_llama
