#include "tests/target/digest.h"

#include "engine/check.h"
#include "engine/forward/transformer.h"
#include "engine/model/model_image.h"

namespace pico_llama::test_support {

size_t digest_memory(std::span<const std::byte> image, int worker_count) {
  const Result<ModelImage> parsed = ModelImage::parse(image);
  CHECK(parsed.ok());
  const ModelImage& m = parsed.value();
  return bytes_needed(m.config(), m.profile(), m.config().seq_len, worker_count).value();
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

}  // namespace pico_llama::test_support
