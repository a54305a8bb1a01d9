// digest IMAGE [POSITIONS]: prints the digest of a model image's logits, decoding one by one and in blocks,
// and of a story that it tells, without guesses and with.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>

#include "engine/model/model_image.h"
#include "tests/target/digest.h"

using namespace pico_llama;

namespace {

// malloc's, not std::vector's: the Cortex-M33 build is linked without libstdc++.
struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<std::byte[], Free>;

Memory allocate(size_t bytes) {
  Memory memory(static_cast<std::byte*>(std::calloc(bytes, 1)));
  if (memory == nullptr) std::puts("out of memory"), std::exit(1);
  return memory;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return std::puts("usage: digest IMAGE [POSITIONS]"), 2;
  std::FILE* file = std::fopen(argv[1], "rb");
  if (file == nullptr) return std::perror(argv[1]), 1;
  std::fseek(file, 0, SEEK_END);
  const auto image_bytes = static_cast<size_t>(std::ftell(file));
  const Memory image_memory = allocate(image_bytes);
  const std::span<std::byte> image(image_memory.get(), image_bytes);
  std::fseek(file, 0, SEEK_SET);
  if (std::fread(image.data(), 1, image.size(), file) != image.size()) return std::perror(argv[1]), 1;
  std::fclose(file);
  const int positions = argc > 2 ? std::atoi(argv[2]) : 0;

  SingleWorker worker;
  const size_t worker_bytes = test_support::digest_memory(image, 1);
  const Memory worker_memory = allocate(worker_bytes);
  const std::span<std::byte> memory(worker_memory.get(), worker_bytes);
  for (const int block : {1, 2, 4, 8})
    std::printf(
        "block %d: %08lx\n", block,
        static_cast<unsigned long>(test_support::logits_digest(image, memory, positions, block, worker)));
  for (const int most_logits : {1, 2, kPrefillBlock}) {
    static int32_t tokens[1024];
    const test_support::Story story = test_support::tell_story(image, memory, most_logits, worker, tokens);
    const uint32_t crc = crc32(std::as_bytes(std::span(tokens).first(static_cast<size_t>(story.tokens))), 0);
    std::printf("story %d: %08lx %d %d\n", most_logits, static_cast<unsigned long>(crc), story.drafted,
                story.accepted);
  }
  return 0;
}
