/// Edit distance of two words, for suggestions in error messages.
#pragma once

#include <string_view>

namespace pico_llama {

/// Words further apart are not suggested.
inline constexpr unsigned kMostTypos = 2;

/// Edit distance (optimal string alignment) of two words of up to 15 letters; more than kMostTypos if either
/// is longer.
unsigned edit_distance(std::string_view a, std::string_view b);

}  // namespace pico_llama
