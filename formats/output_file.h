#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pico_llama {

/// A file that appears whole under its name, or not at all: bytes go to a temporary file beside it, which
/// commit() renames. An error, an exception, Ctrl-C or a termination signal removes the temporary file.
/// A name that is already a device or a pipe (/dev/stdout) is written to directly.
/// One at a time: the signal handler knows one temporary file.
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

  /// Everything is written: give the file its name.
  void commit();

 private:
  [[noreturn]] void fail_write(int error_number);

  std::string path_;
  std::string temporary_;  // empty when path_ is written to directly, and after commit
  int fd_ = -1;
};

/// For a file that is written at the end of long work: fails now where OutputFile would fail then.
void require_writable(const std::string& path, std::span<const std::string> inputs = {});

}  // namespace pico_llama
