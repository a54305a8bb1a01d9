// write_corpus FOLDER: small valid model images for the fuzzer to start from.
#include <fstream>
#include <string>

#include "tests/engine/support/test_image.h"

int main(int argc, char** argv) {
  using namespace pico_llama;
  if (argc != 2) return 2;
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    const auto image =
        test_support::build_image(test_support::random_model({4, 6, 1, 2, 1, 262, 8}, false, 1), profile);
    std::ofstream file(std::string(argv[1]) + (profile == Profile::kF32  ? "/f32"
                                               : profile == Profile::kQ8 ? "/q8"
                                                                         : "/q4"),
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(image.data()), static_cast<std::streamsize>(image.size()));
    if (!file) return 1;
  }
  return 0;
}
