// Any prompt, stop string and sampler setting is either rejected or gives a complete story whose text ends
// before the stop string, the same with guesses ahead as without.
#include <cstring>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/session.h"
#include "engine/text/utf8.h"
#include "fuzz_seeds.h"
#include "tools/packer/drafts.h"

using namespace pico_llama;

namespace {

/// A session that lives as long as the fuzzer does.
struct Teller {
  Teller() {
    const int context = image.config().seq_len;
    memory.resize(Session::bytes_needed(image, context).value());
    session = Session::create(image, context, memory, worker).value();
    guessing_memory.resize(Session::bytes_needed(image, context, 1, kPrefillBlock).value());
    CHECK(guessing.open(image, context, guessing_memory, {}, worker, kPrefillBlock).ok());
  }
  Config shape() {
    Config config = fuzz::kShape;
    config.seq_len = 64;
    return config;
  }
  packer::ImageBytes make_image() {
    packer::ImageBytes image_bytes = fuzz::make_image(Profile::kQ8, shape());
    const auto stories =
        packer::own_stories(ModelImage::parse(image_bytes).value(), 500, packer::StoriesFor::kDrafts);
    packer::add_drafts(image_bytes, packer::make_drafts(stories, fuzz::kShape.vocab_size));
    return image_bytes;
  }
  const packer::ImageBytes bytes = make_image();
  const ModelImage image = ModelImage::parse(bytes).value();
  std::vector<std::byte> memory;
  std::vector<std::byte> guessing_memory;
  SingleWorker worker;
  Session session;
  Session guessing;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Teller teller;
  Session& session = teller.session;
  SessionOptions options;
  options.steps = 24;
  float numbers[4] = {};
  std::size_t stop_bytes = 0;
  if (size >= sizeof numbers + 2) {
    std::memcpy(numbers, data, sizeof numbers);
    options.sampler = {numbers[0], numbers[1], data[16] % 8, numbers[2], numbers[3], 1 + data[16] / 8u};
    stop_bytes = data[17] % 40;
    data += sizeof numbers + 2;
    size -= sizeof numbers + 2;
  }
  if (stop_bytes > size) stop_bytes = size;
  const std::string stop(reinterpret_cast<const char*>(data), stop_bytes);
  const std::string prompt(reinterpret_cast<const char*>(data) + stop_bytes, size - stop_bytes);
  options.stop = stop;
  const bool begun = session.begin(prompt, options).ok();
  CHECK(teller.guessing.begin(prompt, options).ok() == begun);
  if (!begun) return 0;
  CHECK(utf8_valid_prefix(prompt) == prompt.size());
  std::string shown;
  for (StopReason end = StopReason::kNone; end == StopReason::kNone;) {
    const SessionStep step = session.step();
    CHECK(step.token < session.tokenizer().vocab_size());
    const SessionStep same = teller.guessing.step();
    CHECK(same.token == step.token && same.text == step.text && same.stop == step.stop);
    shown += step.text;
    end = step.stop;
  }
  CHECK(stop.empty() || shown.find(stop, prompt.size()) == std::string::npos);
  return 0;
}
