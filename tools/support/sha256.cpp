#include "tools/support/sha256.h"

#include <fmt/format.h>
#include <sha2.h>
#include <sys/types.h>

#include <iterator>

namespace pico_llama {

Sha256 sha256(std::span<const std::uint8_t> bytes) {
  return sha256(std::span<const std::span<const std::uint8_t>>(&bytes, 1));
}

Sha256 sha256(std::span<const std::span<const std::uint8_t>> parts) {
  SHA2_CTX context;
  SHA256Init(&context);
  for (const auto part : parts) SHA256Update(&context, part.data(), part.size());
  Sha256 digest;
  SHA256Final(digest.data(), &context);
  return digest;
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

}  // namespace pico_llama
