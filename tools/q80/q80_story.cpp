#include "tools/q80/q80_story.h"

#include <chrono>
#include <vector>

#include "engine/text/tokenizer.h"
#include "engine/text/utf8.h"
#include "tools/model_source.h"
#include "tools/q80/q80_transformer.h"
#include "tools/support/failure.h"

namespace pico_llama::q80 {
namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

Story tell_story(const std::string& model, const std::string& tokenizer_path, const std::string& prompt,
                 const SessionOptions& options, const OnText& on_text) {
  const auto checkpoint = formats::Checkpoint::open(model);
  Q80Transformer transformer(checkpoint, model);
  // The engine's tokenizer works on an image's index; the weights of this one are not used.
  const ModelSource source = ModelSource::open(model, tokenizer_path, Profile::kQ8);
  const Tokenizer tokenizer(source.image().tokenizer());

  const int context = checkpoint.config.seq_len;
  Story story;
  story.steps = clamp_steps(options.steps, context);
  story.prompt_tokens.resize(static_cast<std::size_t>(context) + 1);
  std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(prompt.size()));
  const Result<int> count = tokenizer.encode(prompt, story.prompt_tokens, scratch);
  if (!count.ok()) fail("{}", text_of(count.status()));
  story.prompt_tokens.resize(static_cast<std::size_t>(count.value()));
  if (count.value() > context)
    fail("prompt: {} tokens, and the context holds {}; shorten it", count.value(), context);

  std::vector<std::uint32_t> sampler_scratch(static_cast<std::size_t>(tokenizer.vocab_size()));
  Sampler sampler(options.sampler, sampler_scratch);
  Utf8Stream utf8;
  std::vector<std::int32_t> seen = {story.prompt_tokens.front()};
  auto begin = std::chrono::steady_clock::now();
  for (int pos = 0; pos < story.steps; ++pos) {
    if (options.cancel != nullptr && options.cancel->load()) {
      story.cancelled = true;
      break;
    }
    const std::int32_t token = seen.back();
    const auto logits = transformer.forward(token, pos);
    const auto place = static_cast<std::size_t>(pos) + 1;
    const bool from_prompt = place < story.prompt_tokens.size();
    const std::int32_t next = from_prompt ? story.prompt_tokens[place] : sampler.sample(logits, seen);
    if (!from_prompt && story.prefilled > 0) {
      ++story.generated;
    } else if (!from_prompt) {
      story.prefilled = pos + 1;
      story.prefill_seconds = seconds_since(begin);
      begin = std::chrono::steady_clock::now();
    }
    seen.push_back(next);
    story.tokens.push_back(next);
    if (tokenizer.ends_text(next)) break;
    const std::string_view piece = tokenizer.decode(token, next);
    std::string text(piece.size() + 4, '\0');
    text.resize(utf8.push(piece, text.data()));
    story.text += text;
    if (on_text && !text.empty()) on_text(text);
  }
  if (on_text) on_text(utf8.rest());
  story.text += utf8.rest();
  story.generation_seconds = seconds_since(begin);
  return story;
}

}  // namespace pico_llama::q80
