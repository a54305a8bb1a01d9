// Errors as values: a code, a static sentence and up to two numbers. The caller formats them.
#pragma once
#include <cstdint>
#include <utility>

#include "engine/check.h"

namespace pico_llama {

enum class StatusCode : uint8_t {
  kOk,
  kInvalidArgument,  ///< an option or prompt the caller gave is not usable
  kCorruptImage,     ///< the model image breaks SPEC.md
  kUnsupported,      ///< a valid request that this build cannot serve
  kOutOfMemory,      ///< the memory given is too small
  kPromptTooLong,    ///< the prompt does not fit the context or the scratch memory
};

/// One sentence for the user. The text holds up to two "{}" that stand for a() and b(); it has static storage
/// and no newline.
class [[nodiscard]] Status {
 public:
  constexpr Status() = default;
  constexpr Status(StatusCode code, const char* text, int64_t a = 0, int64_t b = 0)
      : text_(text), a_(a), b_(b), code_(code) {}

  constexpr bool ok() const { return code_ == StatusCode::kOk; }
  constexpr StatusCode code() const { return code_; }
  constexpr const char* text() const { return text_; }
  constexpr int64_t a() const { return a_; }
  constexpr int64_t b() const { return b_; }

  /// Formats text() with its placeholders into buffer, always null-terminated, truncated if it does not fit.
  /// Returns the number of characters written.
  int format(char* buffer, int capacity) const;

 private:
  const char* text_ = "ok";
  int64_t a_ = 0;
  int64_t b_ = 0;
  StatusCode code_ = StatusCode::kOk;
};

/// A model image that breaks SPEC.md.
constexpr Status corrupt(const char* text, int64_t a = 0, int64_t b = 0) {
  return {StatusCode::kCorruptImage, text, a, b};
}

/// A value, or the Status explaining why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)), ok_(true) {}          // NOLINT: implicit, as in `return value;`
  Result(Status status) : status_(status) { CHECK(!status.ok()); }  // NOLINT
  bool ok() const { return ok_; }
  const Status& status() const { return status_; }
  T& value() {
    CHECK(ok_);
    return value_;
  }
  const T& value() const {
    CHECK(ok_);
    return value_;
  }

 private:
  T value_{};
  Status status_{};
  bool ok_ = false;
};

/// Returns from the enclosing function with the Status of an expression that failed.
#define PICO_LLAMA_RETURN_IF_ERROR(expression)                                                \
  do {                                                                                        \
    if (::pico_llama::Status status_of_expression = (expression); !status_of_expression.ok()) \
      return status_of_expression;                                                            \
  } while (false)

}  // namespace pico_llama
