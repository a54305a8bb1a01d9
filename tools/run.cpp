// pico-llama run: generates a story on this PC.
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/text/control_characters.h"
#include "tools/cli.h"
#include "tools/model_source.h"
#include "tools/option_checks.h"
#include "tools/q80/q80_story.h"
#include "tools/story.h"
#include "tools/support/failure.h"
#include "tools/support/stop_on_ctrl_c.h"

namespace pico_llama {
namespace {

struct RunOptions {
  std::string model;
  std::string tokenizer;
  std::string prompt;
  std::string profile;
  std::string stop;
  SamplerOptions sampler{};
  std::uint64_t seed = 0;  // 0: from the clock
  int steps = 256;
  int threads = 1;
  bool json = false;
  bool endless = false;
  bool raw = false;
  // Kept as typed: printing a float back as 0.800000012 would not match the user's input.
  std::optional<double> temperature;  // by default the model's
  double topp = 0.9;
};

/// As a string where a reader that keeps numbers as binary64 would round it.
nlohmann::ordered_json json_integer(std::uint64_t value) {
  if (value < std::uint64_t{1} << 53) return value;
  return std::to_string(value);
}

void print_json(const RunOptions& options, const Story& story) {
  const nlohmann::ordered_json object = {{"prompt", options.prompt},
                                         {"temperature", options.temperature.value_or(1.0)},
                                         {"topp", options.topp},
                                         {"seed", json_integer(options.sampler.seed)},
                                         {"steps", story.steps},
                                         {"prompt_tokens", story.prompt_tokens},
                                         {"tokens", story.tokens},
                                         {"text", story.text},
                                         {"prefill_tokens_per_second", story.prefill_tokens_per_second()},
                                         {"tokens_per_second", story.tokens_per_second()}};
  // A model can stop within a character, but JSON must be UTF-8.
  fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_speed(const RunOptions& options, const Story& story, const std::string& profile) {
  fmt::print(stderr, "prefill {} tokens at {:.1f} tokens/s, generation {} tokens at {:.1f} tokens/s",
             story.prefilled, story.prefill_tokens_per_second(), story.generated, story.tokens_per_second());
  const std::string seed =
      options.sampler.temperature == 0 ? "" : fmt::format("seed {}, ", options.sampler.seed);
  fmt::print(stderr, " (prompt {}, n {}, {}{}, {} thread{})\n", story.prompt_tokens.size(), story.steps, seed,
             profile, options.threads, options.threads == 1 ? "" : "s");
}

int run(RunOptions options) {
  if (options.endless && options.profile == "q80")
    fail_usage("--endless is not for q80, which runs as runq.c does");
  if (options.steps < 0) fail_usage("--steps: {} is negative; 0 is the whole context", options.steps);
  options.sampler.seed = options.seed != 0 ? options.seed : static_cast<std::uint64_t>(std::time(nullptr));
  options.sampler.temperature = static_cast<float>(options.temperature.value_or(1.0));
  options.sampler.topp = static_cast<float>(options.topp);
  if (const Status status = options.sampler.validate(); !status.ok()) fail_usage("{}", text_of(status));
  if (options.stop.size() > kMaxStopBytes)
    fail_usage("--stop takes up to {} bytes, not {}", kMaxStopBytes, options.stop.size());

  SessionOptions session{.sampler = options.sampler,
                         .steps = options.steps,
                         .endless = options.endless,
                         .use_template = !options.raw,
                         .stop = options.stop,
                         .cancel = &stop_on_ctrl_c()};
  const OnText stream = [&options](std::string_view text) {
    if (options.json) return;
    without_control_characters(
        text, [](std::string_view shown) { std::fwrite(shown.data(), 1, shown.size(), stdout); });
    std::fflush(stdout);
  };
  Story story;
  std::string profile = options.profile;
  if (profile == "q80") {
    story = q80::tell_story(options.model, options.tokenizer, options.prompt, session, stream);
  } else {
    const ModelSource source =
        ModelSource::open(options.model, options.tokenizer, profile_of(options.profile));
    profile = profile_name(source.image().profile());
    if (!options.temperature && source.image().metadata().temperature >= 0) {
      session.sampler.temperature = options.sampler.temperature = source.image().metadata().temperature;
      // As typed: the nearest decimal of a float.
      options.temperature = std::stod(fmt::format("{}", session.sampler.temperature));
    }
    story = tell_story(source.image(), options.prompt, session, options.threads, stream);
  }
  if (options.json) {
    print_json(options, story);
  } else {
    std::fputc('\n', stdout);
    std::fflush(stdout);
    print_speed(options, story, profile);
  }
  return story.cancelled ? kExitInterrupted : 0;
}

}  // namespace

void add_run(Cli& cli) {
  CLI::App* sub =
      cli.app.add_subcommand("run", "Generate a story on this PC, with llama2.c's flags and defaults");
  const auto o = std::make_shared<RunOptions>();
  sub->add_option(
         "model", o->model,
         "Checkpoint (.bin, .gguf, .safetensors or its folder), model image (.plm), or .uf2 with one")
      ->type_name(kFileType)
      ->required();
  sub->add_option("-z,--tokenizer", o->tokenizer,
                  "The checkpoint's tokenizer (.bin, .model or .json); by default looked for in a GGUF file, "
                  "beside it and here")
      ->type_name(kFileType);
  sub->add_option("-i,--prompt", o->prompt, "How the story begins (UTF-8)");
  sub->add_option("-t,--temperature", o->temperature,
                  "0: always the likeliest token; higher: more surprising; by default the model's, or 1");
  sub->add_option("-p,--topp", o->topp,
                  "Sample among the likeliest tokens that make up this share; 1: among all")
      ->capture_default_str();
  sub->add_option("-s,--seed", o->seed, "The same seed tells the same story; 0: another each second")
      ->capture_default_str();
  const CLI::Option* const steps =
      sub->add_option(
             "-n,--steps", o->steps,
             "Tokens, the prompt's included; 0: as many as the context holds, or with --endless no end")
          ->capture_default_str();
  sub->add_flag("--raw", o->raw, "Leave the model's template out: the prompt as it is");
  sub->add_flag("--endless", o->endless,
                "Go on where the context or the model's story ends; without --steps until Ctrl-C");
  sub->add_option("--topk", o->sampler.topk, "Sample among this many likeliest tokens; 0: off")
      ->capture_default_str();
  sub->add_option("--minp", o->sampler.minp, "Drop tokens below this share of the likeliest one's; 0: off")
      ->capture_default_str();
  sub->add_option("--repetition-penalty,--penalty", o->sampler.repetition_penalty,
                  "Above 1 shuns tokens already used; 1: off")
      ->capture_default_str();
  sub->add_option("--stop", o->stop, "End before this text comes");
  sub->add_option("--profile", o->profile,
                  "f32 (a checkpoint's default), q8, q4, or q80: runq.c's own arithmetic, for comparison")
      ->check(CLI::IsMember({"f32", "q8", "q4", "q80"}));
  sub->add_option("--threads", o->threads, "The result does not depend on it")
      ->check(CLI::Range(1, kMaxWorkers))
      ->capture_default_str();
  sub->add_flag("--json", o->json, "Print one JSON object instead of the text");
  sub->footer(R"(The text goes to standard output, the speed to standard error. Ctrl-C ends the story.
A prompt must be valid UTF-8 and fit the model's context.

Examples:
  pico-llama run stories260K.bin -z tok512.bin -i "Once upon a time"
  pico-llama run stories260K.plm -t 0 -n 100
  pico-llama run stories260K.bin --profile q8 -s 42 --json)");
  sub->callback([&cli, o, steps] {
    if (o->endless && steps->count() == 0) o->steps = 0;
    cli.action = [o] { return run(*o); };
  });
}

}  // namespace pico_llama
