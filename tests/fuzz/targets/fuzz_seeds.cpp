#include "fuzz_seeds.h"

#include <algorithm>
#include <random>

#include "engine/check.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "tests/support/synthetic_model.h"
#include "tools/packer/trim.h"

namespace pico_llama::fuzz {

const std::vector<std::vector<std::uint8_t>>& checkpoints() {
  using Format = formats::Format;
  static const auto all = [] {
    std::vector<std::vector<std::uint8_t>> list;
    for (const Format format : {Format::kLlama2cLegacy, Format::kLlama2cVersion1, Format::kLlama2cVersion2}) {
      for (const bool shared : {true, false}) {
        test_support::SyntheticModel model;
        model.config = kShape;
        model.format = format;
        model.shared_classifier = shared;
        model.group_size = 8;
        list.push_back(test_support::make_checkpoint(model));
      }
    }
    return list;
  }();
  return all;
}

const std::vector<std::uint8_t>& tokenizer_file() {
  static const auto bytes = test_support::make_tokenizer(kShape.vocab_size);
  return bytes;
}

packer::ImageBytes make_image(Profile profile, Config shape) {
  const auto checkpoint = test_support::make_checkpoint({.config = shape});
  return packer::pack(formats::read_llama2c(checkpoint, "seed"),
                      formats::read_tokenizer_bin(tokenizer_file(), "seed"), profile);
}

packer::ImageBytes make_trimmed_image(Profile profile) {
  Config shape = kShape;
  shape.vocab_size = 300;
  const auto checkpoint = test_support::make_checkpoint({.config = shape});
  const auto tokenizer = test_support::make_tokenizer(shape.vocab_size);
  const formats::Vocabulary vocabulary = formats::read_tokenizer_bin(tokenizer, "seed");
  packer::ImageBytes image =
      packer::pack(formats::read_llama2c(checkpoint, "seed"),
                   packer::trimmed(vocabulary, packer::TokenCounts(vocabulary.pieces.size()), 0), profile);
  CHECK(ModelImage::parse(image).value().config().n_logits != 0);
  return image;
}

std::size_t mutate(const std::vector<std::vector<std::uint8_t>>& seeds, std::uint8_t* data, std::size_t size,
                   std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  if (size < 8 || random() % 4 == 0) {
    const auto& fresh = seeds[random() % seeds.size()];
    size = std::min(fresh.size(), max_size);
    std::copy_n(fresh.begin(), size, data);
  }
  // Half the time in place only: most files of another length fall at the first check.
  if (random() % 2 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::size_t window = std::min<std::size_t>(size, 1 + random() % 64);
  const std::size_t at = random() % (size - window + 1);
  LLVMFuzzerMutate(data + at, window, window);
  return size;
}

}  // namespace pico_llama::fuzz
