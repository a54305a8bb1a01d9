// Arbitrary bytes as the body of a request are either refused with a BadRequest of one line, or become a
// story that a storyteller can be asked for, whose answers are valid JSON.
#include <nlohmann/json.hpp>
#include <string>

#include "engine/check.h"
#include "fuzz_seeds.h"
#include "tools/serve/api.h"

using namespace pico_llama;

namespace {

const std::vector<std::vector<std::uint8_t>>& seeds() {
  static const auto all = [] {
    std::vector<std::vector<std::uint8_t>> list;
    for (
        const std::string_view body :
        {R"({"prompt":"Once","temperature":0.8,"top_p":0.9,"seed":7,"stop":["a","b"],"max_tokens":9,"echo":true})",
         R"({"prompt":["One\nday"],"stream":true,"stream_options":{"include_usage":true},"stop":"x","n":1})",
         R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"Once"}],"max_tokens":3})",
         R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}],"max_completion_tokens":3})"})
      list.emplace_back(body.begin(), body.end());
    return list;
  }();
  return all;
}

/// The objects of server-sent events, or of one answer.
void check_answer(const std::string& text, bool in_pieces) {
  if (!in_pieces) {
    CHECK(nlohmann::json::accept(text));
    return;
  }
  CHECK(text.starts_with("data: ") && text.ends_with("\n\n"));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\n\n", at);
    CHECK(end != std::string::npos);
    const std::string event = text.substr(at + 6, end - at - 6);
    CHECK(event == "[DONE]" || nlohmann::json::accept(event));
    at = end + 2;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  return fuzz::mutate(seeds(), data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const serve::Kind kind : {serve::Kind::kCompletion, serve::Kind::kChat}) {
    try {
      const serve::ApiRequest request = serve::parse_request(kind, body, 5);
      const serve::StoryRequest& story = request.job.request;
      CHECK(story.seed != 0 && story.topp >= 0 && story.topp <= 1 && request.job.max_tokens >= 0);
      CHECK(!story.temperature || (*story.temperature >= 0 && *story.temperature <= 2));
      for (const std::string& stop : request.job.stop) CHECK(!stop.empty());
      const serve::Answer answer(request, "model", "id", 0);
      const std::string text(body.substr(0, 20));  // as a model can stop within a character
      check_answer(answer.whole(text, {}), false);
      check_answer(answer.piece(text, true), true);
      check_answer(answer.last({}), true);
    } catch (const serve::BadRequest& refusal) {
      CHECK(std::string_view(refusal.what()).find('\n') == std::string_view::npos);
    }
  }
  return 0;
}
