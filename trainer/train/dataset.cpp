#include "trainer/train/dataset.h"

#include <algorithm>

#include "engine/text/utf8.h"
#include "trainer/error.h"
#include "trainer/random.h"

namespace pico_llama::trainer {

void check_text(std::string_view text, const std::string& name) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw Error(name + ": holds no text; give stories with an empty line between them");
  }
  if (const size_t bad = std::min(utf8_valid_prefix(text), text.find('\0')); bad < text.size()) {
    throw Error(name + ": is not text: byte " + std::to_string(bad) +
                " is not UTF-8; give a plain text file");
  }
}

std::vector<std::string_view> split_stories(std::string_view text) {
  std::vector<std::string_view> stories;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find("\n\n", begin);
    if (end == std::string_view::npos) end = text.size();
    std::string_view story = text.substr(begin, end - begin);
    const size_t first = story.find_first_not_of("\n\r ");
    if (first != std::string_view::npos) {
      const size_t last = story.find_last_not_of("\n\r ");
      stories.push_back(story.substr(first, last - first + 1));
    }
    begin = end + 2;
  }
  return stories;
}

Dataset::Dataset(std::string_view text, const Vocabulary& vocabulary, int32_t seq_len) {
  Encoder encoder(vocabulary);
  std::vector<Sequence> all;
  for (const std::string_view story : split_stories(text)) {
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
    throw Error("the text is a single short story: give at least two, with an empty line between them");
  }
  for (const int32_t token : tokens_) fingerprint_ = mix64(fingerprint_ ^ static_cast<uint64_t>(token));
  fingerprint_ = mix64(fingerprint_ ^ static_cast<uint64_t>(seq_len));
}

}  // namespace pico_llama::trainer
