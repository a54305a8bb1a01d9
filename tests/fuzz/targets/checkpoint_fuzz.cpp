// Arbitrary bytes as a checkpoint are either rejected with a Failure or packed into images the engine's
// parser accepts.
#include "engine/check.h"
#include "formats/failure.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "fuzz_seeds.h"
#include "tests/support/synthetic_model.h"

using namespace pico_llama;

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return fuzz::mutate(fuzz::checkpoints(), data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto checkpoint = formats::read_llama2c({data, size}, "fuzz");
    const Config& config = checkpoint.config;
    // Versions 1 and 2 hold no RoPE table, so a small file may ask for a large one: only its time would be
    // tested.
    if (config.vocab_size < 259 || config.seq_len > 64) return 0;
    const auto tokenizer_bytes = test_support::make_tokenizer(config.vocab_size);
    const auto tokenizer = formats::read_tokenizer_bin(tokenizer_bytes, "synthetic");
    for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
      const auto image = packer::pack(checkpoint, tokenizer, profile);
      const auto parsed = ModelImage::parse(image);
      CHECK(parsed.ok());
      CHECK(parsed.value().check_crc().ok());
    }
  } catch (const Failure&) {
  }
  return 0;
}
