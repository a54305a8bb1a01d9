#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "engine/status.h"

namespace pico_llama {

/// An outside fault of the command: one line that says what is wrong and what to do. main() prints it after
/// `pico-llama: ` and exits with 1. Only tools/ throws; the engine reports through Status.
class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A fault of the command line itself (a value no run could accept): the same line, but exit code 2.
class UsageFailure : public Failure {
 public:
  using Failure::Failure;
};

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Failure(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageFailure(fmt::format(format, std::forward<Args>(args)...));
}

/// A Status of the engine, its numbers filled in.
std::string text_of(const Status& status);

/// What errno says, in words.
std::string errno_text(int error_number);

}  // namespace pico_llama
