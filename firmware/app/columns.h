/// How many columns of a terminal a character takes.
#pragma once

#include <cstddef>
#include <string_view>

namespace pico_llama::app {

/// Width assumed for a terminal that has not reported one.
inline constexpr unsigned kDefaultColumns = 80;

/// Bytes of the first character of `text`: a whole UTF-8 character, or 1 where there is none. 0 if `text` is
/// empty.
size_t character_length(std::string_view text);

/// Columns of one character, as character_length() delimits it: 2 for East Asian wide characters and emoji, 0
/// for combining ones and joiners, 2 for a control character (^X), else 1.
unsigned columns_of(std::string_view character);

}  // namespace pico_llama::app
