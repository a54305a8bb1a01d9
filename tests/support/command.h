#pragma once

#include <string>
#include <vector>

namespace pico_llama::test_support {

/// Result of a program.
struct CommandResult {
  int exit_code = -1;  ///< 128 + the signal's number if one ended it
  std::string out;
  std::string err;
};

struct CommandOptions {
  std::string working_directory{};    ///< empty: this process's
  std::string out_path{};             ///< where stdout goes instead of into `out`, such as /dev/full
  unsigned long file_size_limit = 0;  ///< RLIMIT_FSIZE in bytes, as a disk that fills up; 0: none
  int interrupt_after_ms = 0;  ///< sends SIGINT once something is on stdout and this has passed; 0: never
};

/// Runs a program (argv[0] is its path) with its standard input closed, and waits for it.
CommandResult run_command(const std::vector<std::string>& argv, const CommandOptions& options = {});

/// An empty folder that disappears with this object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  /// Names of everything inside, sorted.
  std::vector<std::string> names() const;

 private:
  std::string path_;
};

}  // namespace pico_llama::test_support
