#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "engine/status.h"

namespace pico_llama {

/// An external error (file, option, full disk): one line with problem and remedy. Thrown by everything that
/// runs on the PC only (formats, trainer, tools); main() prints it after `pico-llama: ` and exits with 1. The
/// engine reports through Status.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(fmt::format(format, std::forward<Args>(args)...));
}

/// A Status of the engine, its numbers filled in.
std::string text_of(const Status& status);

/// The description of an errno value.
std::string errno_text(int error_number);

}  // namespace pico_llama
