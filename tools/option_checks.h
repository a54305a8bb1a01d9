#pragma once

#include <CLI/CLI.hpp>

namespace pico_llama {

/// Type name of file options, shown in --help; check_values() refuses an empty file name.
inline constexpr const char* kFileType = "FILE";

/// Rejects values that CLI11 would silently convert: an empty string to 0 or to a file name, -1 to the
/// largest unsigned number, out-of-range numbers to the type's limit. Applies to all options of `app` and its
/// subcommands; text options may be empty.
void check_values(CLI::App& app);

}  // namespace pico_llama
