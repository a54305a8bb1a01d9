// The part of OpenAI's HTTP interface that a story model can serve: what requests and answers look like.
// Source: OpenAI's API reference, "Completions" and "Chat completions".
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tools/serve/story_queue.h"

namespace pico_llama::serve {

/// A request that no server of this kind could serve (HTTP 400).
class BadRequest : public Failure {
 public:
  BadRequest(const std::string& what, std::string parameter = {})
      : Failure(what), parameter_(std::move(parameter)) {}
  /// The field that is wrong, or empty.
  const std::string& parameter() const { return parameter_; }

 private:
  std::string parameter_;
};

enum class Kind { kCompletion, kChat };

struct ApiRequest {
  Kind kind = Kind::kCompletion;
  Job job;
  bool echo = false;           ///< completions: the prompt is part of the answer
  bool stream = false;         ///< server-sent events
  bool include_usage = false;  ///< a last event with the usage
};

/// `body`: JSON. `random_seed`: taken where the request names none.
/// Errors: BadRequest.
ApiRequest parse_request(Kind kind, std::string_view body, std::uint64_t random_seed);

/// What all answers to one request share.
struct Answer {
  Answer(const ApiRequest& request, std::string model, std::string id, std::int64_t created)
      : request_(request), model_(std::move(model)), id_(std::move(id)), created_(created) {}

  /// The whole story in one object.
  std::string whole(std::string_view text, const JobEnd& end) const;
  /// A server-sent event with a piece of the story. `first`: of this answer.
  std::string piece(std::string_view text, bool first) const;
  /// The events that end a stream.
  std::string last(const JobEnd& end) const;

 private:
  nlohmann::ordered_json object(bool in_pieces) const;
  std::string event(const nlohmann::ordered_json& object) const;

  const ApiRequest& request_;
  const std::string model_;
  const std::string id_;
  const std::int64_t created_;
};

std::string error_body(std::string_view message, std::string_view type, std::string_view parameter = {},
                       std::string_view code = {});
std::string models_body(const std::string& model, std::int64_t created);

}  // namespace pico_llama::serve
