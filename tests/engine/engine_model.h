// A model image with the memory to run it, for tests.
#pragma once
#include <stdexcept>
#include <vector>

#include "engine/session.h"
#include "tests/engine/support/test_image.h"

namespace pico_llama::test_support {

struct EngineModel {
  explicit EngineModel(std::vector<std::byte> image_bytes) : bytes(std::move(image_bytes)) {
    Result<ModelImage> parsed = ModelImage::parse(bytes);
    if (!parsed.ok()) throw std::runtime_error(parsed.status().text());
    image = parsed.value();
  }
  explicit EngineModel(const RawModel& raw, Profile profile = Profile::kF32)
      : EngineModel(build_image(raw, profile)) {}

  Session session() { return session(worker); }
  Session session(Workers& workers) {
    const int context = image.config().seq_len;
    memory.resize(Session::bytes_needed(image, context, workers.count()).value());
    return Session::create(image, context, memory, workers).value();
  }

  std::vector<std::byte> bytes;
  ModelImage image;
  std::vector<std::byte> memory;
  SingleWorker worker;
};

/// Small, and able to encode any text.
inline RawModel small_model() { return random_model({32, 48, 2, 4, 2, 400, 64}, true, 5); }

}  // namespace pico_llama::test_support
