#pragma once

#include <CLI/CLI.hpp>

namespace pico_llama {

/// Type name of file options, shown in --help; check_values() refuses an empty file name.
inline constexpr const char* kFileType = "FILE";

/// Refuses values that CLI11 would silently convert: an empty word as the number 0 or as a file's name, -1 as
/// the largest unsigned number, and numbers beyond the type's range as its last one. Of all options of `app`
/// and its subcommands; texts (a prompt, what to type) may be empty.
void check_values(CLI::App& app);

}  // namespace pico_llama
