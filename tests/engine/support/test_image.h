// Model images for the engine's tests, written from SPEC.md apart from the packer of tools/.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/config.h"

namespace pico_llama::test_support {

/// A model as plain numbers: one row-major tensor for each entry of the image's tensor table but the first
/// (RoPE).
struct RawModel {
  Config config;
  bool shared_classifier = true;
  std::vector<std::vector<float>> tensors;
  std::vector<std::string> pieces;
  std::vector<float> scores;
};

/// llama2.c's legacy checkpoint with a shared classifier, and its tokenizer.bin.
RawModel load_legacy(const std::string& checkpoint, const std::string& tokenizer);

/// Weights from a seed, of a trained model's size. The vocabulary is <unk> <s> </s>, the bytes, then made-up
/// pieces. Requires: vocab_size >= 3, and >= 259 to encode any text.
RawModel random_model(const Config& config, bool shared_classifier, uint32_t seed);

/// The bytes of an image, aligned as std::vector's are (16).
std::vector<std::byte> build_image(const RawModel& model, Profile profile, int chunk_pairs = 32);

/// Writes the CRC of a changed image anew.
void seal(std::vector<std::byte>& image);

}  // namespace pico_llama::test_support
