// libFuzzer: any prompt, stop string and sampler setting is refused or told to its end, as whole characters.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "engine/utf8.h"
#include "tests/engine/engine_model.h"

using namespace pico_llama;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static test_support::EngineModel model(test_support::small_model(), Profile::kQ8);
  static Session session = model.session();
  SessionOptions options;
  options.steps = 24;
  float numbers[4] = {};
  size_t stop_bytes = 0;
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
  std::string shown;
  for (StopReason end = StopReason::kNone; end == StopReason::kNone;) {
    const SessionStep step = session.step();
    if (step.token >= session.tokenizer().vocab_size()) std::abort();
    shown += step.text;
    end = step.stop;
    if (end == StopReason::kSteps && utf8_valid_prefix(prompt) != prompt.size()) std::abort();
  }
  if (!stop.empty() && shown.find(stop, prompt.size()) != std::string::npos) std::abort();
  return 0;
}
