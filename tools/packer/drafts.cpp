#include "tools/packer/drafts.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <unordered_map>

#include "tools/packer/section.h"

namespace pico_llama::packer {
namespace {

/// Longest context of an entry: longer ones gain nothing (docs/decisions/0018).
constexpr std::size_t kContext = 5;
/// A context that is there once says nothing about the next text.
constexpr std::uint32_t kLeastCount = 2;
/// Filled entries of a bucket, on average, so that few find theirs full.
constexpr double kFill = 3.2;

using Context = std::u32string;

struct Entry {
  std::uint32_t gain;  ///< right guesses in the texts that a shorter context would not have made
  Context context;     ///< oldest token first
  std::uint32_t token;
  std::uint32_t confidence;
};

/// Where a token comes after a context of at least `length` tokens of its text, in order of that context and
/// then of the token.
std::vector<const std::int32_t*> sorted_ends(const std::vector<Text>& texts, std::size_t length) {
  std::vector<const std::int32_t*> ends;
  for (const Text& text : texts)
    for (std::size_t i = length; i < text.size(); ++i) ends.push_back(text.data() + i);
  std::ranges::sort(ends, [length](const std::int32_t* a, const std::int32_t* b) {
    return std::lexicographical_compare(a - length, a + 1, b - length, b + 1);
  });
  return ends;
}

/// The entries of contexts of one length. `guesses`: what shorter contexts guess, to which these are added.
void collect(const std::vector<Text>& texts, std::size_t length,
             std::unordered_map<Context, std::uint32_t>& guesses, std::vector<Entry>& entries) {
  const auto ends = sorted_ends(texts, length);
  const auto same = [length](const std::int32_t* a, const std::int32_t* b) {
    return std::equal(a - length, a, b - length);
  };
  for (auto begin = ends.begin(); begin != ends.end();) {
    const auto end =
        std::find_if(begin, ends.end(), [&](const std::int32_t* at) { return !same(*begin, at); });
    const auto total = static_cast<std::uint32_t>(end - begin);
    const Context context(*begin - length, *begin);
    const std::uint32_t* shorter = nullptr;
    for (std::size_t from = 1; from < length && shorter == nullptr; ++from)
      if (const auto found = guesses.find(context.substr(from)); found != guesses.end())
        shorter = &found->second;
    std::uint32_t most = 0, token = 0, of_shorter = 0;
    for (auto run = begin; run != end;) {
      const auto next = std::find_if(run, end, [&](const std::int32_t* at) { return *at != **run; });
      const auto count = static_cast<std::uint32_t>(next - run);
      const auto id = static_cast<std::uint32_t>(**run);
      if (count > most) most = count, token = id;
      if (shorter != nullptr && id == *shorter) of_shorter = count;
      run = next;
    }
    begin = end;
    if (most < kLeastCount || most <= of_shorter) continue;
    const std::uint32_t confidence = std::clamp((16 * most + total / 2) / total, 1u, kDraftMostConfidence);
    entries.push_back({most - of_shorter, context, token, confidence});
    guesses[context] = token;
  }
}

}  // namespace

std::vector<std::uint32_t> make_drafts(const std::vector<Text>& texts, std::int32_t vocab_size) {
  std::vector<Entry> entries;
  std::unordered_map<Context, std::uint32_t> guesses;
  for (std::size_t length = 1; length <= kContext; ++length) collect(texts, length, guesses, entries);
  // Those of one length are in order already.
  std::ranges::stable_sort(entries, [](const Entry& a, const Entry& b) { return a.gain > b.gain; });
  if (entries.size() > kMostDrafts) entries.resize(kMostDrafts);

  DraftsHeader header{};
  header.buckets = static_cast<std::uint32_t>(static_cast<double>(entries.size()) / kFill) + 1;
  header.longest = kContext;
  std::vector<std::uint32_t> section(drafts_bytes(header.buckets) / sizeof(std::uint32_t));
  std::memcpy(section.data(), &header, sizeof(header));
  const int token_bits = draft_token_bits(vocab_size);
  for (const Entry& entry : entries) {
    std::uint32_t hash = 0;
    for (std::size_t i = entry.context.size(); i-- > 0;)
      hash = draft_hash(hash, static_cast<std::int32_t>(entry.context[i]));
    const std::uint32_t check = draft_check(hash, token_bits);
    std::uint32_t* const bucket = section.data() + sizeof(header) / sizeof(std::uint32_t) +
                                  std::size_t{draft_bucket(hash, header.buckets)} * kDraftBucketEntries;
    // A full bucket keeps what gains more, and the first of two contexts with one check hides the other.
    for (std::uint32_t i = 0; i < kDraftBucketEntries; ++i) {
      if (bucket[i] == 0) {
        bucket[i] =
            check << (token_bits + kDraftConfidenceBits) | entry.confidence << token_bits | entry.token;
        break;
      }
      if (bucket[i] >> (token_bits + kDraftConfidenceBits) == check) break;
    }
  }
  return section;
}

void add_drafts(ImageBytes& image, const std::vector<std::uint32_t>& drafts) {
  add_section(image, std::as_bytes(std::span(drafts)), &ImageHeader::drafts_offset, "drafts",
              "; pack it with --drafts 0");
}

}  // namespace pico_llama::packer
