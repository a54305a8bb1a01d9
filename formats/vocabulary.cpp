#include "formats/vocabulary.h"

#include "formats/failure.h"
#include "formats/mapped_file.h"
#include "formats/tokenizer_bin.h"

namespace pico_llama::formats {

Vocabulary Vocabulary::open(const std::string& path) {
  const MappedFile file(path);
  return read_tokenizer_bin(file.bytes(), path);
}

void Vocabulary::require_size(std::int32_t vocab_size) const {
  if (size() != vocab_size)
    fail(
        "{}: has {} tokens, and the model's vocabulary is {}; give -z the tokenizer the model was trained "
        "with",
        name, size(), vocab_size);
}

}  // namespace pico_llama::formats
