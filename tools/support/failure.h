#pragma once

#include "formats/failure.h"

namespace pico_llama {

/// A fault of the command line itself (a value no run could accept): as a Failure, but exit code 2.
class UsageFailure : public Failure {
 public:
  using Failure::Failure;
};

template <typename... Args>
[[noreturn]] void fail_usage(fmt::format_string<Args...> format, Args&&... args) {
  throw UsageFailure(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace pico_llama
