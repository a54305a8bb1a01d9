#include "tools/serve/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace pico_llama::serve {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kMostStopStrings = 4;
constexpr std::size_t kLongestStopString = 256;

std::string dumped(const OrderedJson& object) {
  // A model can end inside a character: JSON must stay UTF-8.
  return object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

/// Fields of one request; a field that is null is absent.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  const Json* find(const char* name) const {
    const auto at = object_.find(name);
    return at == object_.end() || at->is_null() ? nullptr : &*at;
  }
  double number(const char* name, double otherwise, double low, double high) const {
    const Json* field = find(name);
    if (field == nullptr) return otherwise;
    const double value = field->is_number() ? field->get<double>() : std::nan("");
    if (!(value >= low && value <= high))
      throw BadRequest(fmt::format("{} must be a number from {} to {}", name, low, high), name);
    return value;
  }
  int count(const char* name, int low) const {
    const Json* field = find(name);
    if (field == nullptr) return 0;
    const bool fits = field->is_number_integer() && !field->is_number_float() &&
                      (!field->is_number_unsigned() ||
                       field->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<int>::max()}) &&
                      field->get<std::int64_t>() >= low;
    if (!fits) throw BadRequest(fmt::format("{} must be a whole number, {} or more", name, low), name);
    return field->get<int>();
  }
  bool flag(const char* name) const {
    const Json* field = find(name);
    if (field == nullptr) return false;
    if (!field->is_boolean()) throw BadRequest(fmt::format("{} must be true or false", name), name);
    return field->get<bool>();
  }
  std::string text(const char* name) const {
    const Json* field = find(name);
    if (field == nullptr) return {};
    if (!field->is_string()) throw BadRequest(fmt::format("{} must be a string", name), name);
    return field->get<std::string>();
  }
  /// Refuses a field whose effect would be missing from the answer.
  void refuse(const char* name, const Json& harmless) const {
    const Json* field = find(name);
    if (field == nullptr || *field == harmless || (field->is_array() && field->empty())) return;
    throw BadRequest(fmt::format("{} is not supported here; leave it out", name), name);
  }

 private:
  const Json& object_;
};

std::vector<std::string> stop_strings(const Fields& fields) {
  const Json* field = fields.find("stop");
  if (field == nullptr) return {};
  std::vector<std::string> strings;
  const Json list = field->is_array() ? *field : Json::array({*field});
  for (const Json& each : list) {
    if (!each.is_string()) throw BadRequest("stop must be a string or a list of strings", "stop");
    strings.push_back(each.get<std::string>());
    if (strings.back().empty() || strings.back().size() > kLongestStopString)
      throw BadRequest(fmt::format("a stop string must have 1 to {} bytes", kLongestStopString), "stop");
  }
  if (strings.size() > kMostStopStrings)
    throw BadRequest(fmt::format("stop takes up to {} strings", kMostStopStrings), "stop");
  return strings;
}

std::string completion_prompt(const Fields& fields) {
  const Json* field = fields.find("prompt");
  if (field == nullptr) return {};
  // A list of one is what some clients send.
  const Json& prompt = field->is_array() && field->size() == 1 ? field->front() : *field;
  if (!prompt.is_string()) throw BadRequest("prompt must be a string, one a request", "prompt");
  return prompt.get<std::string>();
}

std::string content_of(const Json& message) {
  const auto content = message.find("content");
  if (content == message.end() || content->is_null()) return {};
  if (content->is_string()) return content->get<std::string>();
  std::string text;
  const bool parts =
      content->is_array() && std::all_of(content->begin(), content->end(), [&](const Json& part) {
        const bool is_text = part.is_object() && part.value("type", Json()) == "text" &&
                             part.contains("text") && part["text"].is_string();
        if (is_text) text += part["text"].get<std::string>();
        return is_text;
      });
  if (!parts) throw BadRequest("a message's content must be text", "messages");
  return text;
}

/// A story model knows no roles: what was said, by user and assistant, is the story so far.
std::string chat_prompt(const Fields& fields) {
  const Json* messages = fields.find("messages");
  if (messages == nullptr || !messages->is_array() || messages->empty())
    throw BadRequest("messages must be a list with at least one message", "messages");
  std::string prompt;
  for (const Json& message : *messages) {
    const Json role = message.is_object() ? message.value("role", Json()) : Json();
    if (!role.is_string()) throw BadRequest("each message must have a role and a content", "messages");
    if (role == "user" || role == "assistant")
      prompt += content_of(message);
    else if (role != "system" && role != "developer")
      throw BadRequest(fmt::format("messages of role {} are not supported here", role.get<std::string>()),
                       "messages");
  }
  return prompt;
}

OrderedJson usage(const JobEnd& end) {
  return {{"prompt_tokens", end.prompt_tokens},
          {"completion_tokens", end.completion_tokens},
          {"total_tokens", end.prompt_tokens + end.completion_tokens}};
}

const char* finish_reason(const JobEnd& end) { return end.length ? "length" : "stop"; }

}  // namespace

ApiRequest parse_request(Kind kind, std::string_view body, std::uint64_t random_seed) {
  const Json parsed = Json::parse(body, nullptr, false);
  if (parsed.is_discarded()) throw BadRequest("the body is not JSON");
  if (!parsed.is_object()) throw BadRequest("the body must be a JSON object");
  const Fields fields(parsed);
  ApiRequest request;
  request.kind = kind;
  StoryRequest& story = request.job.request;
  (void)fields.text("model");  // there is one, whatever it is called
  story.prompt = kind == Kind::kChat ? chat_prompt(fields) : completion_prompt(fields);
  if (fields.find("temperature") != nullptr) story.temperature = fields.number("temperature", 1.0, 0, 2);
  story.use_template = kind == Kind::kChat;
  story.topp = fields.number("top_p", 0.9, 0, 1);
  story.seed = random_seed;
  if (const Json* seed = fields.find("seed"); seed != nullptr) {
    if (!seed->is_number_integer()) throw BadRequest("seed must be a whole number", "seed");
    story.seed = seed->is_number_unsigned() ? seed->get<std::uint64_t>()
                                            : static_cast<std::uint64_t>(seed->get<std::int64_t>());
  }
  if (story.seed == 0) story.seed = 1;  // as the board does
  request.job.stop = stop_strings(fields);
  request.job.max_tokens = std::max(fields.count("max_tokens", 1), fields.count("max_completion_tokens", 1));
  request.stream = fields.flag("stream");
  if (const Json* options = fields.find("stream_options"); options != nullptr) {
    if (!options->is_object()) throw BadRequest("stream_options must be an object", "stream_options");
    request.include_usage = Fields(*options).flag("include_usage");
  }
  if (kind == Kind::kCompletion) {
    request.echo = fields.flag("echo");
    fields.refuse("suffix", "");
    fields.refuse("best_of", 1);
    fields.refuse("logprobs", 0);
  } else {
    fields.refuse("logprobs", false);
    fields.refuse("tools", Json::array());
    fields.refuse("response_format", Json{{"type", "text"}});
  }
  fields.refuse("n", 1);
  fields.refuse("presence_penalty", 0);
  fields.refuse("frequency_penalty", 0);
  fields.refuse("logit_bias", Json::object());
  return request;
}

OrderedJson Answer::object(bool in_pieces) const {
  const bool chat = request_.kind == Kind::kChat;
  return {{"id", id_},
          {"object", !chat       ? "text_completion"
                     : in_pieces ? "chat.completion.chunk"
                                 : "chat.completion"},
          {"created", created_},
          {"model", model_}};
}

std::string Answer::event(const OrderedJson& object) const { return "data: " + dumped(object) + "\n\n"; }

std::string Answer::whole(std::string_view text, const JobEnd& end) const {
  OrderedJson answer = object(false);
  const std::string said = (request_.echo ? request_.job.request.prompt : std::string()) + std::string(text);
  OrderedJson choice = {{"index", 0}};
  if (request_.kind == Kind::kChat)
    choice["message"] = {{"role", "assistant"}, {"content", said}};
  else
    choice["text"] = said;
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = finish_reason(end);
  answer["choices"] = OrderedJson::array({choice});
  answer["usage"] = usage(end);
  return dumped(answer) + "\n";
}

std::string Answer::piece(std::string_view text, bool first) const {
  OrderedJson answer = object(true);
  OrderedJson choice = {{"index", 0}};
  if (request_.kind == Kind::kChat) {
    OrderedJson delta = OrderedJson::object();
    if (first) delta["role"] = "assistant";
    delta["content"] = text;
    choice["delta"] = delta;
  } else {
    choice["text"] =
        (first && request_.echo ? request_.job.request.prompt : std::string()) + std::string(text);
  }
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = nullptr;
  answer["choices"] = OrderedJson::array({choice});
  return event(answer);
}

std::string Answer::last(const JobEnd& end) const {
  OrderedJson answer = object(true);
  OrderedJson choice = {{"index", 0}};
  if (request_.kind == Kind::kChat)
    choice["delta"] = OrderedJson::object();
  else
    choice["text"] = "";
  choice["logprobs"] = nullptr;
  choice["finish_reason"] = finish_reason(end);
  answer["choices"] = OrderedJson::array({choice});
  std::string events = event(answer);
  if (request_.include_usage) {
    answer["choices"] = OrderedJson::array();
    answer["usage"] = usage(end);
    events += event(answer);
  }
  return events + "data: [DONE]\n\n";
}

std::string error_body(std::string_view message, std::string_view type, std::string_view parameter,
                       std::string_view code) {
  const auto text_or_null = [](std::string_view text) {
    return text.empty() ? OrderedJson() : OrderedJson(text);
  };
  return dumped({{"error",
                  {{"message", message},
                   {"type", type},
                   {"param", text_or_null(parameter)},
                   {"code", text_or_null(code)}}}}) +
         "\n";
}

std::string models_body(const std::string& model, std::int64_t created) {
  return dumped({{"object", "list"},
                 {"data", OrderedJson::array({{{"id", model},
                                               {"object", "model"},
                                               {"created", created},
                                               {"owned_by", "pico-llama"}}})}}) +
         "\n";
}

}  // namespace pico_llama::serve
