#include "tools/packer/own_stories.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include "engine/check.h"
#include "engine/session.h"
#include "tools/packer/image_bytes.h"
#include "tools/support/failure.h"

namespace pico_llama::packer {
namespace {

constexpr std::uint64_t kFirstDraftsSeed = 2'000'000;
constexpr std::uint64_t kFirstVocabularySeed = 3'000'000;
constexpr float kLowTemperature = 0.5f;
constexpr std::size_t kMostThreads = 8;

Text tell(Session& session, StoriesFor use, std::uint64_t number) {
  SessionOptions options;
  options.steps = 0;
  options.sampler.seed = (use == StoriesFor::kDrafts ? kFirstDraftsSeed : kFirstVocabularySeed) + number;
  if (use == StoriesFor::kDrafts && number % 2 != 0) options.sampler.temperature = kLowTemperature;
  if (const Status status = session.begin("", options); !status.ok()) fail("{}", text_of(status));
  Text text = {kTokenBos};
  for (;;) {
    const SessionStep step = session.step();
    if (step.token >= 0) text.push_back(step.token);
    if (step.stop != StopReason::kNone) return text;
  }
}

}  // namespace

std::vector<Text> own_stories(const ModelImage& image, std::uint64_t tokens, StoriesFor use,
                              const std::function<void(std::uint64_t)>& on_tokens) {
  const int context = image.config().seq_len;
  std::vector<Text> stories;
  std::mutex mutex;  // of all below
  std::size_t begun = 0;
  std::uint64_t told = 0;
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
      Text text = tell(session, use, number);
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

std::uint64_t default_story_tokens(const Config& c) {
  constexpr std::uint64_t kMultiplies = 250'000'000'000;
  constexpr std::uint64_t kMost = 200'000;
  const auto dim = static_cast<std::uint64_t>(c.dim);
  const auto layer =
      2 * dim + 2 * static_cast<std::uint64_t>(c.kv_dim()) + 3 * static_cast<std::uint64_t>(c.hidden_dim);
  const std::uint64_t of_token =
      dim * (static_cast<std::uint64_t>(c.n_layers) * layer + static_cast<std::uint64_t>(c.vocab_size));
  return std::min(kMost, kMultiplies / of_token);
}

}  // namespace pico_llama::packer
