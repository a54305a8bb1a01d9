// Tokens per second of the whole engine, one thread, and how that compares with reading the same bytes.
//   tokens_bench [stories260K.bin tok512.bin]
// Every token reads every weight once, so a plain read of the image's weights is the bound memory sets. Both
// are measured in this run, in turns, and the best of each counts: a busy machine slows single rounds, not
// all.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "engine/forward/transformer.h"
#include "formats/llama2c.h"
#include "formats/tokenizer_bin.h"
#include "tests/support/models.h"
#include "tests/support/synthetic_model.h"
#include "tools/packer/packer.h"

namespace pico_llama {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What the compiler must not leave out.
volatile std::uint64_t sink = 0;

#if defined(__x86_64__)
#define BEST_OF_MACHINE gnu::target_clones("avx512f", "avx2", "default"),
#else
#define BEST_OF_MACHINE
#endif

/// Sums the image's words on independent accumulators, in the widest vectors there are: as fast as this core
/// reads.
[[BEST_OF_MACHINE gnu::optimize("O3")]] void read_all(std::span<const std::byte> bytes) {
  std::uint64_t sums[32] = {};
  std::uint64_t words[32];
  for (std::size_t at = 0; at + sizeof(words) <= bytes.size(); at += sizeof(words)) {
    std::memcpy(words, bytes.data() + at, sizeof(words));
    for (int i = 0; i < 32; ++i) sums[i] += words[i];
  }
  for (const std::uint64_t sum : sums) sink = sink + sum;
}

/// From the first tensor a token reads after the RoPE table to the end: norms and matrices.
std::span<const std::byte> weights_of(const ModelImage& image) {
  return image.bytes().subspan(image.entry(1).offset);
}

struct Speed {
  double seconds_per_token = 1e9;
  double seconds_per_read = 1e9;
  std::size_t bytes = 0;
};

/// Generation at positions 0 to `tokens` - 1, as often as `rounds`, a plain read before each token.
Speed measure(const formats::Checkpoint& checkpoint, const formats::Vocabulary& tokenizer, Profile profile,
              int tokens, int rounds) {
  const packer::ImageBytes bytes = packer::pack(checkpoint, tokenizer, profile);
  const Result<ModelImage> image = ModelImage::parse(bytes);
  CHECK(image.ok());
  SingleWorker worker;
  packer::ImageBytes memory(bytes_needed(image.value().config(), profile, tokens).value());
  Result<Transformer> transformer = Transformer::create(image.value(), tokens, memory, worker);
  CHECK(transformer.ok());
  const auto weights = weights_of(image.value());
  Speed speed;
  speed.bytes = weights.size();
  for (int round = 0; round < rounds; ++round) {
    for (int pos = 0; pos < tokens; ++pos) {
      auto begin = Clock::now();
      read_all(weights);
      speed.seconds_per_read = std::min(speed.seconds_per_read, seconds_since(begin));
      const std::int32_t token = (pos * 7 + 1) % image.value().config().vocab_size;
      begin = Clock::now();
      transformer.value().forward({&token, 1}, pos);
      speed.seconds_per_token = std::min(speed.seconds_per_token, seconds_since(begin));
    }
  }
  return speed;
}

void bench(const std::string& name, const formats::Checkpoint& checkpoint,
           const formats::Vocabulary& tokenizer, int tokens, int rounds) {
  double f32_seconds = 0;
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    const Speed speed = measure(checkpoint, tokenizer, profile, tokens, rounds);
    fmt::print(
        "{:<12} {:<4} {:>10.1f} tokens/s  {:>7.2f} GB/s of weights  {:>6.1f} % of a plain read of {} bytes",
        name, profile_name(profile), 1 / speed.seconds_per_token,
        static_cast<double>(speed.bytes) / speed.seconds_per_token / 1e9,
        100 * speed.seconds_per_read / speed.seconds_per_token, speed.bytes);
    if (profile == Profile::kF32) {
      f32_seconds = speed.seconds_per_token;
    } else {
      fmt::print("  {:.2f} x f32", f32_seconds / speed.seconds_per_token);
    }
    fmt::print("\n");
  }
}

void bench_files(const std::string& model, const std::string& tokenizer) {
  const auto checkpoint = formats::Checkpoint::open(model);
  bench(model.substr(model.rfind('/') + 1), checkpoint, formats::Vocabulary::open(tokenizer), 200, 10);
}

void bench_synthetic_15m() {
  test_support::SyntheticModel model;
  model.config = test_support::kShape15M;
  const auto checkpoint_bytes = test_support::make_checkpoint(model);
  const auto tokenizer_bytes = test_support::make_tokenizer(model.config.vocab_size);
  bench("synthetic15M", formats::read_llama2c(checkpoint_bytes, "synthetic"),
        formats::read_tokenizer_bin(tokenizer_bytes, "synthetic"), 16, 12);
}

}  // namespace
}  // namespace pico_llama

int main(int argc, char** argv) {
  try {
    if (argc == 3) {
      pico_llama::bench_files(argv[1], argv[2]);
      return 0;
    }
    const auto model = pico_llama::test_support::find_model("stories260K.bin");
    const auto tokenizer = pico_llama::test_support::find_model("tok512.bin");
    if (model && tokenizer)
      pico_llama::bench_files(*model, *tokenizer);
    else
      fmt::print("stories260K.bin is absent; run scripts/get-models.sh\n");
    pico_llama::bench_synthetic_15m();
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "tokens_bench: {}\n", error.what());
    return 1;
  }
}
