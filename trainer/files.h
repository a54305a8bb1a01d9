#pragma once
#include <string>
#include <string_view>

namespace pico_llama::trainer {

/// Reads a whole file. Errors: Error (missing, a directory, unreadable).
std::string read_file(const std::string& path);

/// Writes beside the target, flushes to the disk and renames: at any moment the path holds the old bytes or
/// the new ones, whole. Errors: Error (disk full, no such folder); the old file stays.
void write_file_atomically(const std::string& path, std::string_view bytes);

}  // namespace pico_llama::trainer
