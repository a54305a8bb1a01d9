// How much an endless text should keep (docs/decisions/0020): perplexity of a model's own stories, one behind
// the other, where the context is shortened to its beginning and its end whenever it is full.
// `endless_perplexity MODEL.plm [TOKENS]`.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "engine/forward/transformer.h"
#include "tools/model_source.h"
#include "tools/packer/drafts.h"
#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

struct Cost {
  double perplexity;
  double prefilled;  // positions that are prefilled again, per token
};

double negative_log_likelihood(std::span<const float> logits, std::int32_t token) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  return most + std::log(sum) - static_cast<double>(logits[static_cast<std::size_t>(token)]);
}

/// Of the tokens behind the first full context.
Cost measure(Transformer& transformer, const std::vector<std::int32_t>& text, std::size_t head,
             std::size_t end) {
  const auto context = static_cast<std::size_t>(transformer.context());
  std::vector<std::int32_t> known = {text[0]};
  std::size_t ran = 0, told = 0, again = 0;
  double sum = 0;
  for (std::size_t next = 1; next < text.size();) {
    if (known.size() == context + 1) {
      known.erase(known.begin() + static_cast<std::ptrdiff_t>(head),
                  known.end() - static_cast<std::ptrdiff_t>(end));
      for (ran = head; known.size() - ran > kPrefillBlock; ran += kPrefillBlock)
        transformer.forward(std::span(known).subspan(ran, kPrefillBlock), static_cast<int>(ran), 0);
      again += end;
    }
    // The text decides each token, so a block of them can be checked at once.
    const std::size_t first = known.size() - 1;
    std::size_t count =
        std::min({std::size_t{kPrefillBlock} - (first - ran), context - first, text.size() - next});
    for (std::size_t i = 0; i + 1 < count; ++i) known.push_back(text[next + i]);
    transformer.forward(std::span(known).subspan(ran), static_cast<int>(ran), static_cast<int>(count));
    ran = known.size();
    for (std::size_t i = 0; i < count; ++i, ++next) {
      if (next <= context) continue;
      sum += negative_log_likelihood(transformer.logits(static_cast<int>(i)), text[next]);
      ++told;
    }
    known.push_back(text[next - 1]);
  }
  return {std::exp(sum / static_cast<double>(told)), static_cast<double>(again) / static_cast<double>(told)};
}

int run(const char* path, std::size_t tokens) {
  const ModelSource source = ModelSource::open(path, {}, {});
  const ModelImage& image = source.image();
  std::vector<std::int32_t> text;
  for (const packer::Text& story : packer::own_stories(image, tokens, packer::StoriesFor::kVocabulary))
    text.insert(text.end(), story.begin(), story.end() - (story.back() == kTokenBos));
  ThreadWorkers workers(1);
  const int context = image.config().seq_len;
  packer::ImageBytes memory(bytes_needed(image.config(), image.profile(), context, 1, kPrefillBlock).value());
  Transformer transformer;
  if (!transformer.open(image, context, memory, {}, workers, kPrefillBlock).ok()) return 1;
  const auto size = static_cast<std::size_t>(context);
  fmt::print("{} tokens, context {}\nprompt kept  end kept  perplexity  prefilled again per token\n",
             text.size(), context);
  const auto row = [&](std::size_t head, std::size_t end) {
    const Cost cost = measure(transformer, text, head, end);
    fmt::print("{:>11}  {:>8}  {:>10.4f}  {:.2f}\n", head, end, cost.perplexity, cost.prefilled);
    std::fflush(stdout);
  };
  for (const std::size_t sixteenths : {1, 2, 4, 6, 8, 10, 12, 14}) row(1, size * sixteenths / 16);
  for (const std::size_t part : {16, 8, 4}) row(size / part, size / 2);
  return 0;
}

}  // namespace
}  // namespace pico_llama

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "endless_perplexity MODEL.plm [TOKENS]\n");
    return 2;
  }
  return pico_llama::run(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 20'000);
}
