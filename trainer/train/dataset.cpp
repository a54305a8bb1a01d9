#include "trainer/train/dataset.h"

#include <algorithm>

#include "formats/failure.h"
#include "trainer/random.h"

namespace pico_llama::trainer {

Dataset::Dataset(std::span<const std::string> stories, const Vocabulary& vocabulary, int32_t seq_len) {
  Encoder encoder(vocabulary);
  std::vector<Sequence> all;
  for (const std::string& story : stories) {
    const size_t begin = tokens_.size();
    tokens_.push_back(kBos);
    const std::vector<int32_t> ids = encoder.encode(story);
    tokens_.insert(tokens_.end(), ids.begin(), ids.end());
    // The BOS that ends it is its last target.
    for (size_t at = begin; at < tokens_.size(); at += static_cast<size_t>(seq_len)) {
      all.push_back(
          {at, static_cast<int32_t>(std::min<size_t>(tokens_.size() - at, static_cast<size_t>(seq_len)))});
    }
    tokens_.push_back(kBos);
  }
  constexpr size_t kEvery = 50;
  constexpr size_t kMost = 256;
  for (size_t i = 0; i < all.size(); ++i) {
    // The last of a short text is held out, so that there always is one.
    const bool held =
        (i % kEvery == kEvery - 1 || (i + 1 == all.size() && held_out_.empty())) && held_out_.size() < kMost;
    (held ? held_out_ : training_).push_back(all[i]);
  }
  if (training_.empty() || held_out_.empty()) {
    fail("the text is a single short story: give at least two, with an empty line between them");
  }
  for (const int32_t token : tokens_) fingerprint_ = mix64(fingerprint_ ^ static_cast<uint64_t>(token));
  fingerprint_ = mix64(fingerprint_ ^ static_cast<uint64_t>(seq_len));
}

}  // namespace pico_llama::trainer
