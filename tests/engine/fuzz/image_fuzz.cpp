// libFuzzer: any bytes are refused, or are a model image that runs within its bounds.
#include <cstdint>
#include <cstring>
#include <vector>

#include "engine/session.h"

using namespace pico_llama;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A buffer of its own, so that the sanitizer sees a read one byte past the end; aligned as flash is.
  std::vector<uint64_t> memory((size + 7) / 8);
  if (size > 0) std::memcpy(memory.data(), data, size);
  const std::span image(reinterpret_cast<const std::byte*>(memory.data()), size);
  const Result<ModelImage> parsed = ModelImage::parse(image);
  if (!parsed.ok()) return 0;
  const ModelImage& m = parsed.value();
  const int context = m.config().seq_len < 16 ? m.config().seq_len : 16;
  const Result<size_t> needed = Session::bytes_needed(m, context);
  if (!needed.ok() || needed.value() > (size_t{1} << 26)) return 0;
  std::vector<std::byte> arena(needed.value());
  SingleWorker worker;
  Session session = Session::create(m, context, arena, worker).value();
  SessionOptions options;
  options.steps = 4;
  if (!session.begin("ab", options).ok()) return 0;
  while (session.step().stop == StopReason::kNone) {
  }
  return 0;
}
