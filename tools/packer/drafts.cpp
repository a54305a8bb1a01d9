#include "tools/packer/drafts.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "engine/check.h"
#include "engine/session.h"
#include "tools/support/failure.h"

namespace pico_llama::packer {
namespace {

constexpr std::uint64_t kFirstSeed = 2'000'000;
constexpr float kLowTemperature = 0.5f;
constexpr std::size_t kMostThreads = 8;

/// Longest context of an entry: longer ones gain nothing (docs/decisions/0018).
constexpr std::size_t kContext = 5;
/// A context that is there once says nothing about the next text.
constexpr std::uint32_t kLeastCount = 2;
/// Filled entries of a bucket, on average, so that few find theirs full.
constexpr double kFill = 3.2;

Text tell(Session& session, std::uint64_t number) {
  SessionOptions options;
  options.steps = 0;
  options.sampler.seed = kFirstSeed + number;
  if (number % 2 != 0) options.sampler.temperature = kLowTemperature;
  if (const Status status = session.begin("", options); !status.ok()) fail("{}", text_of(status));
  Text text = {kTokenBos};
  for (;;) {
    const SessionStep step = session.step();
    if (step.token >= 0) text.push_back(step.token);
    if (step.stop != StopReason::kNone) return text;
  }
}

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

std::vector<Text> own_stories(const ModelImage& image, std::uint64_t tokens,
                              const std::function<void(std::uint64_t)>& on_tokens) {
  const int context = image.config().seq_len;
  std::vector<Text> stories;
  std::mutex mutex;  // of all below
  std::size_t begun = 0;
  std::uint64_t told = 0;
  std::string failure;
  const auto work = [&] {
    SingleWorker worker;
    const Result<std::size_t> bytes = Session::bytes_needed(image, context);
    CHECK(bytes.ok());
    ImageBytes memory(bytes.value());
    Session session = Session::create(image, context, memory, worker).value();
    for (;;) {
      std::size_t number;
      {
        const std::lock_guard lock(mutex);
        if (told >= tokens) return;
        number = begun++;
        stories.emplace_back();
      }
      Text text = tell(session, number);
      const std::lock_guard lock(mutex);
      told += text.size();
      if (on_tokens) on_tokens(text.size());
      stories[number] = std::move(text);
    }
  };
  std::vector<std::jthread> threads;
  const std::size_t count = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  for (std::size_t i = 1; i < count; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  // The first stories that have as many tokens: those, whoever told more.
  std::uint64_t sum = 0;
  std::size_t enough = 0;
  while (enough < stories.size() && sum < tokens) sum += stories[enough++].size();
  stories.resize(enough);
  return stories;
}

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
  ImageHeader header;
  std::memcpy(&header, image.data(), sizeof(header));
  CHECK(header.drafts_offset == 0);
  const std::uint64_t offset = (image.size() + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
  const std::uint64_t bytes = drafts.size() * sizeof(std::uint32_t);
  if (offset + bytes > std::numeric_limits<std::uint32_t>::max())
    fail("the image with its drafts would be {} bytes, and the format reaches {}; pack it with --drafts 0",
         offset + bytes, std::numeric_limits<std::uint32_t>::max());
  image.resize(offset + bytes);
  std::memcpy(image.data() + offset, drafts.data(), bytes);
  header.drafts_offset = static_cast<std::uint32_t>(offset);
  header.file_bytes = static_cast<std::uint32_t>(image.size());
  std::memcpy(image.data(), &header, sizeof(header));
  header.crc32 = crc32(std::span(image).subspan(kCrcFrom));
  std::memcpy(image.data(), &header, sizeof(header));
}

}  // namespace pico_llama::packer
