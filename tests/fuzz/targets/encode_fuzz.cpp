// Arbitrary bytes as a prompt are either rejected as bad UTF-8 or encoded into tokens that decode to the
// prompt.
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/text/tokenizer.h"
#include "engine/text/utf8.h"
#include "fuzz_seeds.h"

using namespace pico_llama;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto image = fuzz::make_image(Profile::kQ8);
  static const auto parsed = ModelImage::parse(image);
  const Tokenizer tokenizer(parsed.value().tokenizer());
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::int32_t> tokens(size + 2);
  std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(size));
  const auto count = tokenizer.encode(text, tokens, scratch);
  CHECK(count.ok() == (utf8_valid_prefix(text) == size));
  if (!count.ok()) return 0;
  std::string back;
  for (std::size_t i = 1; i < static_cast<std::size_t>(count.value()); ++i)
    back += tokenizer.decode(tokens[i - 1], tokens[i]);
  CHECK(back == text);
  return 0;
}
