#include "tools/serve/http_server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <pthread.h>
#include <sys/socket.h>

#include <csignal>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "tools/serve/api.h"
#include "tools/serve/client_connection.h"
#include "tools/serve/story_queue.h"

namespace pico_llama::serve {
namespace {

constexpr std::size_t kMostBodyBytes = 1 << 20;
/// How long a client may take to send a request or to accept a piece of an answer.
constexpr int kClientSeconds = 15;
/// How often a story without news looks whether its client is still there.
constexpr std::chrono::milliseconds kBetweenLooks{100};
/// Threads for connections that are not stories: refusals, /health, /metrics.
constexpr std::size_t kSpareThreads = 16;
constexpr const char* kJson = "application/json";

void set_error(httplib::Response& response, int status, std::string_view message, std::string_view type,
               std::string_view parameter = {}, std::string_view code = {}) {
  response.status = status;
  response.set_content(error_body(message, type, parameter, code), kJson);
}

/// In constant time, so that a wrong key tells nothing about the right one.
bool same_key(std::string_view given, std::string_view key) {
  unsigned difference = given.size() == key.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(key[i % key.size()]);
  return difference == 0;
}

class HttpServer {
 public:
  HttpServer(Storyteller& storyteller, const ServerOptions& options)
      : options_(options), storyteller_(storyteller), queue_(storyteller, options.queue) {
    server_.new_task_queue = [&options] { return new httplib::ThreadPool(options.queue + kSpareThreads); };
    server_.set_payload_max_length(kMostBodyBytes);
    server_.set_read_timeout(kClientSeconds);
    server_.set_write_timeout(kClientSeconds);
    server_.set_keep_alive_max_count(1);  // a connection that waits for its next request would hold a thread
    server_.set_socket_options([this](socket_t socket) {
      httplib::default_socket_options(socket);
      listening_ = socket;
    });
    server_.set_pre_routing_handler(
        [this](const auto& request, auto& response) { return admit(request, response); });
    server_.set_post_routing_handler([this](const auto&, auto& response) { count(response.status); });
    server_.set_error_handler([](const auto& request, auto& response) { explain(request, response); });
    server_.set_exception_handler(
        [](const auto&, auto& response, const std::exception_ptr& error) { fail_with(response, error); });
    server_.Post("/v1/completions", [this](const auto& request, auto& response) {
      story(Kind::kCompletion, request, response);
    });
    server_.Post("/v1/chat/completions",
                 [this](const auto& request, auto& response) { story(Kind::kChat, request, response); });
    server_.Get("/v1/models", [this](const auto&, auto& response) {
      response.set_content(models_body(storyteller_.model(), started_), kJson);
    });
    server_.Get("/health", [this](const auto&, auto& response) { health(response); });
    server_.Get("/metrics", [this](const auto&, auto& response) { metrics(response); });
  }

  int bind() {
    const int port = options_.port == 0 ? server_.bind_to_any_port(options_.host.c_str())
                     : server_.bind_to_port(options_.host.c_str(), options_.port) ? options_.port
                                                                                  : -1;
    if (port < 0)
      fail("{}:{} cannot be listened at; is another program there? --port 0 takes a free one", options_.host,
           options_.port);
    // The library lets 5 clients wait to be accepted; Linux resets the connections of some beyond those.
    ::listen(listening_, SOMAXCONN);
    return port;
  }
  void listen() { server_.listen_after_bind(); }
  void stop() { server_.stop(); }

 private:
  using HandlerResponse = httplib::Server::HandlerResponse;

  HandlerResponse admit(const httplib::Request& request, httplib::Response& response) {
    if (!options_.cors_origin.empty()) {
      response.set_header("Access-Control-Allow-Origin", options_.cors_origin);
      if (request.method == "OPTIONS") {
        response.set_header("Access-Control-Allow-Methods", "GET, POST");
        response.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type");
        response.status = 204;
        return HandlerResponse::Handled;
      }
    }
    if (options_.api_key.empty() || request.path == "/health") return HandlerResponse::Unhandled;
    constexpr std::string_view kBearer = "Bearer ";
    const std::string header = request.get_header_value("Authorization");
    if (header.starts_with(kBearer) &&
        same_key(std::string_view(header).substr(kBearer.size()), options_.api_key))
      return HandlerResponse::Unhandled;
    set_error(response, 401, "this server wants its API key: Authorization: Bearer KEY",
              "invalid_request_error", {}, "invalid_api_key");
    return HandlerResponse::Handled;
  }

  /// Answers that the library makes without a body.
  static void explain(const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    switch (response.status) {
      case 404:
        return set_error(
            response, 404,
            fmt::format("there is no {} {} here; see pico-llama serve --help", request.method, request.path),
            "invalid_request_error");
      case 413:
        return set_error(response, 413, fmt::format("a body may have {} bytes", kMostBodyBytes),
                         "invalid_request_error");
      default:
        return set_error(response, response.status, "the request is not understood", "invalid_request_error");
    }
  }

  static void fail_with(httplib::Response& response, const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const BadRequest& failure) {
      set_error(response, 400, failure.what(), "invalid_request_error", failure.parameter());
    } catch (const Refused& failure) {
      set_error(response, 400, failure.what(), "invalid_request_error");
    } catch (const Busy& failure) {
      response.set_header("Retry-After", "1");
      set_error(response, 429, failure.what(), "rate_limit_error", {}, "rate_limit_exceeded");
    } catch (const Unavailable& failure) {
      response.set_header("Retry-After", "2");
      set_error(response, 503, failure.what(), "server_error", {}, "board_unavailable");
    } catch (const std::exception& failure) {
      set_error(response, 500, failure.what(), "server_error");
    }
  }

  void story(Kind kind, const httplib::Request& request, httplib::Response& response) {
    // Another site's page can POST a form or text/plain without a CORS preflight, but not application/json.
    if (!request.get_header_value("Content-Type").starts_with(kJson))
      return set_error(response, 415, "the body must be sent as Content-Type: application/json",
                       "invalid_request_error");
    // The response refers to it until the last piece is sent.
    const auto asked = std::make_shared<const ApiRequest>(parse_request(kind, request.body, random_seed()));
    const auto story = queue_.submit(asked->job);
    const ClientConnection client(request.remote_addr, request.remote_port);
    const auto answer =
        std::make_shared<const Answer>(*asked, storyteller_.model(), id(kind), std::time(nullptr));

    std::string text;
    std::optional<JobEnd> end;
    // The first piece decides between an answer and an error.
    do {
      text += story->next(kBetweenLooks);
      end = story->end();
      if (client.closed()) {
        queue_.cancel(story);
        response.status = 499;  // nobody reads it
        return;
      }
    } while (!end && (!asked->stream || text.empty()));
    if (!asked->stream) return response.set_content(answer->whole(text, *end), kJson);

    const auto send = [this, asked, answer, story, client, text, first = true](
                          std::size_t, httplib::DataSink& sink) mutable {
      std::string events;
      try {
        if (!first) text = story->next(kBetweenLooks);
        if (first || !text.empty()) events = answer->piece(text, std::exchange(first, false));
      } catch (const Failure& failure) {
        // The status is long sent: an event is all that can say it, and the missing [DONE].
        events = "data: " + error_body(failure.what(), "server_error") + "\n";
        sink.write(events.data(), events.size());
        sink.done();
        return true;
      }
      const std::optional<JobEnd> ended = story->end();
      if (ended) events += answer->last(*ended);
      if (client.closed() || (!events.empty() && !sink.write(events.data(), events.size()))) return false;
      if (ended) sink.done();
      return true;
    };
    response.set_header("Cache-Control", "no-store");
    response.set_chunked_content_provider("text/event-stream", send,
                                          [this, story](bool) { queue_.cancel(story); });
  }

  void health(httplib::Response& response) {
    const std::optional<std::string> why = queue_.unavailable();
    response.status = why ? 503 : 200;
    nlohmann::ordered_json body = {{"status", why ? "unavailable" : "ok"}};
    if (why) body["message"] = *why;
    response.set_content(body.dump() + "\n", kJson);
  }

  /// Source: the Prometheus exposition format, version 0.0.4.
  void metrics(httplib::Response& response) {
    const QueueFigures f = queue_.figures();
    std::string text;
    const auto add = [&text](const char* name, const char* type, const char* help, auto value) {
      text += fmt::format("# HELP pico_llama_{0} {1}\n# TYPE pico_llama_{0} {2}\npico_llama_{0} {3}\n", name,
                          help, type, value);
    };
    add("stories_total", "counter", "Stories told to their end.", f.stories);
    add("stories_failed_total", "counter", "Stories that an error ended.", f.failed);
    add("stories_cancelled_total", "counter", "Stories whose client went away.", f.cancelled);
    add("stories_refused_total", "counter", "Requests refused because too many waited.", f.refused_busy);
    add("prompt_tokens_total", "counter", "Tokens of prompts, BOS included.", f.prompt_tokens);
    add("completion_tokens_total", "counter", "Tokens generated.", f.completion_tokens);
    add("tokens_per_second", "gauge", "Generation rate of the last story.", f.tokens_per_second);
    add("queue_length", "gauge", "Stories that wait.", f.waiting);
    add("telling", "gauge", "1 while a story is told.", f.telling ? 1 : 0);
    add("available", "gauge", "1 while a story could be told.", f.available ? 1 : 0);
    text +=
        "# HELP pico_llama_http_responses_total HTTP responses by status.\n# TYPE "
        "pico_llama_http_responses_total counter\n";
    const std::lock_guard lock(mutex_);
    for (const auto& [status, responses] : responses_)
      text += fmt::format("pico_llama_http_responses_total{{code=\"{}\"}} {}\n", status, responses);
    response.set_content(text, "text/plain; version=0.0.4");
  }

  void count(int status) {
    const std::lock_guard lock(mutex_);
    ++responses_[status];
  }
  std::uint64_t random_seed() {
    const std::lock_guard lock(mutex_);
    return random_() | 1u;
  }
  std::string id(Kind kind) {
    const std::lock_guard lock(mutex_);
    return fmt::format("{}-{:08x}{:08x}", kind == Kind::kChat ? "chatcmpl" : "cmpl", random_(), ++answers_);
  }

  const ServerOptions options_;
  const Storyteller& storyteller_;
  const std::int64_t started_ = std::time(nullptr);
  StoryQueue queue_;
  std::mutex mutex_;
  std::mt19937 random_{std::random_device{}()};
  std::uint32_t answers_ = 0;
  std::map<int, std::uint64_t> responses_;
  httplib::Server server_;
  socket_t listening_ = INVALID_SOCKET;
};

}  // namespace

void serve(Storyteller& storyteller, const ServerOptions& options) {
  // For all threads, before the first is started: only the one that waits for them gets these signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  HttpServer server(storyteller, options);
  const int port = server.bind();
  std::thread stopper([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.stop();
  });
  fmt::print(stderr, "serve: {} at http://{}:{}/v1; Ctrl-C ends it\n", storyteller.model(), options.host,
             port);
  server.listen();
  stopper.join();
}

}  // namespace pico_llama::serve
