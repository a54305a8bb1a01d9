#include "tests/target/digest.h"

#include "engine/check.h"
#include "engine/forward/transformer.h"
#include "engine/model/model_image.h"
#include "engine/session.h"

namespace pico_llama::test_support {

size_t digest_memory(std::span<const std::byte> image, int worker_count) {
  const Result<ModelImage> parsed = ModelImage::parse(image);
  CHECK(parsed.ok());
  const ModelImage& m = parsed.value();
  return Session::bytes_needed(m, m.config().seq_len, worker_count, kPrefillBlock).value();
}

uint32_t logits_digest(std::span<const std::byte> image, std::span<std::byte> memory, int positions,
                       int block, Workers& workers) {
  const Result<ModelImage> parsed = ModelImage::parse(image);
  CHECK(parsed.ok() && parsed.value().check_crc().ok());
  const Config& config = parsed.value().config();
  Result<Transformer> created = Transformer::create(parsed.value(), config.seq_len, memory, workers);
  CHECK(created.ok());
  const int most = config.seq_len / kPrefillBlock * kPrefillBlock;
  if (positions == 0 || positions > most) positions = most;
  Transformer& transformer = created.value();

  uint32_t crc = 0;
  for (int pos = 0; pos < positions; pos += block) {
    int32_t tokens[kPrefillBlock];
    for (int t = 0; t < block; ++t) tokens[t] = ((pos + t) * 7919 + (pos + t) / 3 + 1) % config.vocab_size;
    // Every block size sees the positions that end a block of kPrefillBlock; the others want no logits, as
    // those of a prompt.
    const bool want_logits = (pos + block) % kPrefillBlock == 0;
    transformer.forward({tokens, static_cast<size_t>(block)}, pos, want_logits);
    if (want_logits) crc = crc32(std::as_bytes(transformer.logits()), crc);
  }
  return crc;
}

Story tell_story(std::span<const std::byte> image, std::span<std::byte> memory, int most_logits,
                 Workers& workers, std::span<int32_t> tokens) {
  const Result<ModelImage> parsed = ModelImage::parse(image);
  CHECK(parsed.ok() && parsed.value().check_crc().ok());
  Session session;
  CHECK(session.open(parsed.value(), parsed.value().config().seq_len, memory, {}, workers, most_logits).ok());
  SessionOptions options;
  options.steps = 0;
  options.sampler.seed = 3;
  CHECK(session.begin("ab", options).ok());
  Story story;
  for (;;) {
    const SessionStep step = session.step();
    if (step.token >= 0) tokens[static_cast<size_t>(story.tokens++)] = step.token;
    if (step.stop != StopReason::kNone) break;
  }
  story.drafted = session.drafted();
  story.accepted = session.accepted();
  return story;
}

}  // namespace pico_llama::test_support
