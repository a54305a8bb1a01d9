#pragma once
#include <stdexcept>

namespace pico_llama::formats {

/// A file that cannot be used: what() is one line that names the file, says what is wrong and what to do.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pico_llama::formats
