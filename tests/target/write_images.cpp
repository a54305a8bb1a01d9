// write_images FOLDER: writes the model images that every target must compute alike.
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>

#include "tests/engine/support/test_image.h"
#include "tests/support/models.h"
#include "tests/target/digest.h"
#include "tools/packer/drafts.h"

using namespace pico_llama;

namespace {

void write(const std::string& path, const std::vector<std::byte>& image) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size()));
  if (!file) throw std::runtime_error("cannot write " + path);
}

void write_all(const std::string& folder, const std::string& name, const test_support::RawModel& model) {
  write(folder + "/" + name + ".f32.plm", test_support::build_image(model, Profile::kF32));
  write(folder + "/" + name + ".q8.plm", test_support::build_image(model, Profile::kQ8));
  write(folder + "/" + name + ".q4.plm", test_support::build_image(model, Profile::kQ4));
}

/// A table in which every n-th token of the image's own story is its neighbour.
void write_with_guesses(const std::string& path, const std::vector<std::byte>& image, size_t n) {
  std::vector<std::byte> memory(test_support::digest_memory(image, 1));
  std::vector<int32_t> tokens(static_cast<size_t>(ModelImage::parse(image).value().config().seq_len));
  const int32_t vocabulary = ModelImage::parse(image).value().config().vocab_size;
  SingleWorker worker;
  const int count = test_support::tell_story(image, memory, 1, worker, tokens).tokens;
  packer::Text text = {kTokenBos};
  text.insert(text.end(), tokens.begin(), tokens.begin() + count);
  for (size_t i = 1; i < text.size(); i += n) text[i] = 3 + (text[i] + 1) % (vocabulary - 3);
  packer::ImageBytes bytes(image.begin(), image.end());
  packer::add_drafts(bytes, packer::make_drafts({text, text}, vocabulary));
  write(path, {bytes.begin(), bytes.end()});
}

void write_images(const std::string& folder) {
  // Odd sizes on purpose: columns that fill no pair of column pairs, rows that fill no block.
  write_all(folder, "odd", test_support::random_model({36, 54, 2, 6, 3, 300, 40}, false, 1));
  // With 64 and 96 columns, every place at which the matmul of two tokens enters its loop.
  write_all(folder, "short", test_support::random_model({44, 76, 1, 11, 11, 300, 32}, true, 6));
  write_all(folder, "grouped", test_support::random_model({64, 172, 3, 8, 2, 512, 64}, true, 2));
  write_all(folder, "wide", test_support::random_model({96, 258, 2, 2, 2, 270, 32}, true, 3));
  // stories260K's heads, which have loops of their own on the M33, over more than one block of attention.
  write(folder + "/heads8.q8.plm",
        test_support::build_image(test_support::random_model({64, 64, 2, 8, 4, 300, 160}, true, 4),
                                  Profile::kQ8));
  // Guesses that are right, half right and wrong.
  const test_support::RawModel teller = test_support::random_model({32, 48, 2, 4, 2, 400, 64}, true, 5);
  write_with_guesses(folder + "/guesses_right.f32.plm", test_support::build_image(teller, Profile::kF32),
                     1000);
  write_with_guesses(folder + "/guesses_half.q8.plm", test_support::build_image(teller, Profile::kQ8), 3);
  write_with_guesses(folder + "/guesses_wrong.q4.plm", test_support::build_image(teller, Profile::kQ4), 1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::puts("usage: write_images FOLDER"), 2;
  try {
    write_images(argv[1]);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "write_images: %s\n", e.what());
    return 1;
  }
  return 0;
}
