#include "formats/failure.h"

#include <array>
#include <system_error>

namespace pico_llama {

std::string text_of(const Status& status) {
  std::array<char, 256> text{};
  const int length = status.format(text.data(), static_cast<int>(text.size()));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string errno_text(int error_number) { return std::generic_category().message(error_number); }

}  // namespace pico_llama
