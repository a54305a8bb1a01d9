// Arbitrary bytes as a tokenizer.bin are either rejected with a Failure or indexed, and then every piece is
// found and text round-trips.
#include <string>

#include "engine/check.h"
#include "engine/text/tokenizer.h"
#include "formats/failure.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "fuzz_seeds.h"
#include "tests/support/synthetic_model.h"

using namespace pico_llama;

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  static const std::vector<std::vector<std::uint8_t>> seeds = {fuzz::tokenizer_file()};
  return fuzz::mutate(seeds, data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = formats::read_tokenizer_bin({data, size}, "fuzz");
    if (file.pieces.size() > 2000) return 0;
    test_support::SyntheticModel model;
    model.config = {2, 2, 1, 1, 1, static_cast<std::int32_t>(file.pieces.size()), 2};
    const auto checkpoint_bytes = test_support::make_checkpoint(model);
    const auto image = packer::pack(formats::read_llama2c(checkpoint_bytes, "synthetic"), file, Profile::kQ8);
    const auto parsed = ModelImage::parse(image);
    CHECK(parsed.ok());
    const Tokenizer tokenizer(parsed.value().tokenizer());
    for (std::size_t id = 0; id < file.pieces.size(); ++id) {
      const std::string_view piece = tokenizer.piece(static_cast<std::int32_t>(id));
      CHECK(piece == file.pieces[id]);
      const std::int32_t found = tokenizer.find(piece);
      CHECK(found >= 0 && found <= static_cast<std::int32_t>(id));
      CHECK(tokenizer.piece(found) == piece);
    }
    const std::string text = "a b\xc3\xa9 abc";
    std::vector<std::int32_t> tokens(text.size() + 2);
    std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(text.size()));
    const auto count = tokenizer.encode(text, tokens, scratch);
    CHECK(count.ok());
    for (int i = 1; i < count.value(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      CHECK(tokens[at] >= 0 && tokens[at] < tokenizer.vocab_size());
      (void)tokenizer.decode(tokens[at - 1], tokens[at]);
    }
  } catch (const Failure&) {
  }
  return 0;
}
