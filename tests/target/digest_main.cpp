// digest IMAGE [POSITIONS]: prints the digest of a model image's logits, decoding one by one and in blocks.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/target/digest.h"

using namespace pico_llama;

int main(int argc, char** argv) {
  if (argc < 2) return std::puts("usage: digest IMAGE [POSITIONS]"), 2;
  std::FILE* file = std::fopen(argv[1], "rb");
  if (file == nullptr) return std::perror(argv[1]), 1;
  std::fseek(file, 0, SEEK_END);
  std::vector<std::byte> image(static_cast<size_t>(std::ftell(file)));
  std::fseek(file, 0, SEEK_SET);
  if (std::fread(image.data(), 1, image.size(), file) != image.size()) return std::perror(argv[1]), 1;
  std::fclose(file);
  const int positions = argc > 2 ? std::atoi(argv[2]) : 0;

  SingleWorker worker;
  std::vector<std::byte> memory(test_support::digest_memory(image, 1));
  for (const int block : {1, 2, 4, 8})
    std::printf(
        "block %d: %08lx\n", block,
        static_cast<unsigned long>(test_support::logits_digest(image, memory, positions, block, worker)));
  return 0;
}
