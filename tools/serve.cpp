// pico-llama serve: a board, the virtual board or a model on this PC behind an HTTP interface that programs
// know.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tools/cli.h"
#include "tools/model_source.h"
#include "tools/option_checks.h"
#include "tools/serve/board_storyteller.h"
#include "tools/serve/http_server.h"
#include "tools/serve/model_storyteller.h"
#include "tools/support/failure.h"

namespace pico_llama {
namespace {

struct ServeOptions {
  std::vector<std::string> sources;
  std::string tokenizer;
  std::string profile;
  serve::ServerOptions server;
  bool simulate = false;
  int threads = 1;
  int patience_seconds = 30;
};

bool is_port(const std::string& path) {
  using Status = struct stat;
  Status status{};
  return ::stat(path.c_str(), &status) == 0 ? S_ISCHR(status.st_mode) : path.starts_with("/dev/");
}

std::unique_ptr<serve::Storyteller> storyteller_of(const ServeOptions& options) {
  const std::chrono::seconds patience(options.patience_seconds);
  if (options.simulate) {
    if (options.sources.empty()) fail_usage("--simulate needs the files that the virtual board starts with");
    return std::make_unique<serve::BoardStoryteller>(options.sources, patience);
  }
  if (options.sources.size() > 1) fail_usage("one model or port, please; several files are --simulate's");
  const std::string source = options.sources.empty() ? "" : options.sources.front();
  if (source.empty() || is_port(source)) {
    if (!options.tokenizer.empty() || !options.profile.empty())
      fail_usage("--tokenizer and --profile are for a model on this PC");
    return std::make_unique<serve::BoardStoryteller>(source, patience);
  }
  ModelSource model = ModelSource::open(source, options.tokenizer, profile_of(options.profile));
  const std::string name = std::filesystem::path(source).stem().string();
  return std::make_unique<serve::ModelStoryteller>(std::move(model), name, options.threads);
}

int run(ServeOptions options) {
  if (const char* key = std::getenv("PICO_LLAMA_API_KEY"); key != nullptr && options.server.api_key.empty())
    options.server.api_key = key;
  const auto storyteller = storyteller_of(options);
  serve::serve(*storyteller, options.server);
  return 0;
}

}  // namespace

void add_serve(Cli& cli) {
  CLI::App* sub =
      cli.app.add_subcommand("serve", "Let programs ask for stories over HTTP, as they ask OpenAI");
  const auto o = std::make_shared<ServeOptions>();
  sub->add_option(
         "source", o->sources,
         "A board's serial port (by default it is looked for), a model as for run, or with --simulate "
         "the files that the virtual board starts with")
      ->type_name(kFileType);
  sub->add_flag("--simulate", o->simulate, "Serve the virtual board");
  sub->add_option("--host", o->server.host, "Address to listen at; 0.0.0.0 for other computers")
      ->capture_default_str();
  sub->add_option("--port", o->server.port, "0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  sub->add_option("--queue", o->server.queue,
                  "Stories that may wait while one is told; others get status 429")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  sub->add_option(
      "--api-key", o->server.api_key,
      "Answer only who sends it as a bearer token; better in PICO_LLAMA_API_KEY, which ps does not show");
  sub->add_option("--cors", o->server.cors_origin, "Let web pages of this origin use it");
  sub->add_option("-z,--tokenizer", o->tokenizer, "The model's tokenizer, as for run")->type_name(kFileType);
  sub->add_option("--profile", o->profile, "f32, q8 or q4 for a checkpoint, as for run")
      ->check(CLI::IsMember({"f32", "q8", "q4"}));
  sub->add_option("--threads", o->threads, "Of a model on this PC")
      ->check(CLI::Range(1, kMaxWorkers))
      ->capture_default_str();
  sub->add_option("--patience", o->patience_seconds, "Seconds that a board may say nothing")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  sub->footer(R"(POST /v1/completions, POST /v1/chat/completions, GET /v1/models, GET /health, GET /metrics.
One story at a time. A client that goes away ends its story; a board that is unplugged answers 503 until
it is back. Only this computer is answered unless --host says otherwise.

Examples:
  pico-llama serve
  pico-llama serve stories260K.bin -z tok512.bin --port 9000
  pico-llama serve --simulate story.uf2
  curl http://127.0.0.1:8080/v1/completions -H "Content-Type: application/json" -d '{"prompt": "Once"}')");
  sub->callback([&cli, o] { cli.action = [o] { return run(*o); }; });
}

}  // namespace pico_llama
