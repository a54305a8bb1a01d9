// A model's name, template, licence, authors and recommended temperature (SPEC.md, "Metadata").
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include "engine/status.h"

namespace pico_llama {

/// Stands in a template for the prompt.
inline constexpr std::string_view kPromptMark = "{prompt}";

struct Metadata {
  std::string_view name{};
  /// How a prompt is wrapped before it is encoded; empty: not at all.
  std::string_view prompt_template{};
  std::string_view licence{};
  std::string_view authors{};
  float temperature = -1;  ///< recommended; below 0: none

  /// Views into an image, of which only the header needs to be valid; empty where it has none.
  /// Errors: kCorruptImage.
  static Result<Metadata> read(std::span<const std::byte> image);
  /// Errors: kCorruptImage, with the rule of SPEC.md that it breaks.
  Status validate() const;
  /// The recommended temperature, or llama2.c's default.
  float temperature_or_default() const { return temperature >= 0 ? temperature : 1.0f; }
};

}  // namespace pico_llama
