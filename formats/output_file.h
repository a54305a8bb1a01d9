#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pico_llama {

/// Writes a file atomically: bytes go to a temporary file next to it, which commit() renames. On error,
/// exception, Ctrl-C or termination the temporary file is removed. Devices and pipes (/dev/stdout) are
/// written directly. Only one instance at a time: the signal handler tracks one temporary file.
class OutputFile {
 public:
  /// Errors: Failure if the name is a directory, cannot be created, or is one of `inputs`: the output must
  /// not replace the model it is made of.
  explicit OutputFile(const std::string& path, std::span<const std::string> inputs = {});
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Errors: Failure on a full disk or any other write error.
  void write(std::span<const std::uint8_t> bytes);
  void write(std::string_view text);

  /// Renames the finished file into place.
  void commit();

 private:
  [[noreturn]] void fail_write(int error_number);

  std::string path_;
  std::string temporary_;  // empty when path_ is written to directly, and after commit
  int fd_ = -1;
};

/// For files written at the end of long work: fails now if OutputFile would fail later.
void require_writable(const std::string& path, std::span<const std::string> inputs = {});

}  // namespace pico_llama
