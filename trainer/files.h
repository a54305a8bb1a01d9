#pragma once
#include <string>
#include <string_view>

namespace pico_llama::trainer {

/// Reads a whole file. Errors: returns a sentence saying what went wrong, or an empty string.
std::string read_file(const std::string& path, std::string& bytes);

/// Writes beside the target, flushes to the disk and renames: at any moment the path holds the old bytes or
/// the new ones, whole. Errors: a sentence (disk full, no such folder), or an empty string; the old file
/// stays.
std::string write_file_atomically(const std::string& path, std::string_view bytes);

}  // namespace pico_llama::trainer
