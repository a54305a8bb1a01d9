// Any prompt, stop string and sampler setting is either rejected or gives a complete story whose text ends
// before the stop string.
#include <cstring>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/session.h"
#include "engine/text/utf8.h"
#include "fuzz_seeds.h"

using namespace pico_llama;

namespace {

/// A session that lives as long as the fuzzer does.
struct Teller {
  Teller() {
    const int context = image.config().seq_len;
    memory.resize(Session::bytes_needed(image, context).value());
    session = Session::create(image, context, memory, worker).value();
  }
  Config shape() {
    Config config = fuzz::kShape;
    config.seq_len = 64;
    return config;
  }
  const packer::ImageBytes bytes = fuzz::make_image(Profile::kQ8, shape());
  const ModelImage image = ModelImage::parse(bytes).value();
  std::vector<std::byte> memory;
  SingleWorker worker;
  Session session;
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
  if (!session.begin(prompt, options).ok()) return 0;
  CHECK(utf8_valid_prefix(prompt) == prompt.size());
  std::string shown;
  for (StopReason end = StopReason::kNone; end == StopReason::kNone;) {
    const SessionStep step = session.step();
    CHECK(step.token < session.tokenizer().vocab_size());
    shown += step.text;
    end = step.stop;
  }
  CHECK(stop.empty() || shown.find(stop, prompt.size()) == std::string::npos);
  return 0;
}
