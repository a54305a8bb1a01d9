// Arbitrary bytes as a model image are either rejected with a Status, or a session runs on it without a
// fault.
#include <cstring>
#include <vector>

#include "engine/check.h"
#include "engine/session.h"
#include "fuzz_seeds.h"
#include "tools/packer/drafts.h"
#include "tools/packer/metadata.h"

using namespace pico_llama;

namespace {

const std::vector<std::vector<std::uint8_t>>& seeds() {
  static const auto all = [] {
    std::vector<std::vector<std::uint8_t>> list;
    for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
      auto image = fuzz::make_image(profile);
      // Every second with drafts.
      if (profile != Profile::kQ8)
        packer::add_drafts(image, packer::make_drafts({{1, 5, 6, 7}, {1, 5, 6, 7}}, fuzz::kShape.vocab_size));
      if (profile != Profile::kF32) packer::add_metadata(image, {"N", "a{prompt}b", "MIT", "Z", 0.5f});
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(image.data());
      list.emplace_back(bytes, bytes + image.size());
    }
    const auto trimmed = fuzz::make_trimmed_image(Profile::kQ4);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(trimmed.data());
    list.emplace_back(bytes, bytes + trimmed.size());
    return list;
  }();
  return all;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return fuzz::mutate(seeds(), data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy with the alignment parse() asks for, and with nothing behind it that ASan would let pass.
  packer::ImageBytes image(size);
  if (size > 0) std::memcpy(image.data(), data, size);
  const auto parsed = ModelImage::parse(image);
  if (!parsed.ok()) return 0;
  (void)parsed.value().check_crc();
  const int context = parsed.value().config().seq_len < 8 ? parsed.value().config().seq_len : 8;
  SingleWorker worker;
  const auto bytes = Session::bytes_needed(parsed.value(), context, 1, kPrefillBlock);
  CHECK(bytes.ok());
  std::vector<std::byte> memory(bytes.value());
  Session session;
  CHECK(session.open(parsed.value(), context, memory, {}, worker, kPrefillBlock).ok());
  SessionOptions options;
  options.use_template = true;
  if (!session.begin("ab", options).ok()) return 0;
  for (StopReason stop = StopReason::kNone; stop == StopReason::kNone;) {
    const SessionStep step = session.step();
    CHECK(step.token < parsed.value().config().vocab_size);
    stop = step.stop;
  }
  return 0;
}
