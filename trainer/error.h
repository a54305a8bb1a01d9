#pragma once
#include <stdexcept>

namespace pico_llama::trainer {

/// An outside fault while training (a file, a shape, the text): one line that says what is wrong and what to
/// do. The command prints it after `pico-llama: `.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace pico_llama::trainer
