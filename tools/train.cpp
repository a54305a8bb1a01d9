// pico-llama train: a story model from a text file.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/llama2c.h"
#include "formats/output_file.h"
#include "formats/tokenizer_bin.h"
#include "tools/cli.h"
#include "tools/model_metadata.h"
#include "tools/model_options.h"
#include "tools/model_source.h"
#include "tools/option_checks.h"
#include "tools/packer/packer.h"
#include "tools/story.h"
#include "tools/support/failure.h"
#include "tools/support/stop_on_ctrl_c.h"
#include "tools/text_options.h"
#include "trainer/train/run.h"

namespace pico_llama {
namespace {

/// A command-line option for one setting of the recipe.
struct RecipeOption {
  CLI::Option* option;
  std::function<std::string(const trainer::Recipe&)> value;  ///< as it would be typed
};

struct TrainOptions {
  trainer::Recipe recipe;
  std::vector<RecipeOption> recipe_options;
  CLI::Option* steps = nullptr;
  CLI::Option* vocab = nullptr;
  trainer::RunFiles files;
  trainer::RunPlan plan;
  bool unshared = false;
  std::string qat = "none";
  ModelMetadata metadata;
};

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Prints a story that the engine generates from the current weights.
void tell_sample(std::int32_t step, const std::string& model, const std::string& tokenizer) {
  const auto checkpoint = formats::read_llama2c(bytes_of(model), "the model being trained");
  const auto vocabulary = formats::read_tokenizer_bin(bytes_of(tokenizer), "its tokenizer");
  const packer::ImageBytes bytes = packer::pack(checkpoint, vocabulary, Profile::kF32);
  const Result<ModelImage> image = ModelImage::parse(bytes);
  if (!image.ok()) fail("{}", text_of(image.status()));
  SessionOptions options;
  options.sampler.temperature = 0.8f;
  options.sampler.seed = static_cast<std::uint64_t>(step) + 1;
  options.steps = 0;
  const Story story = tell_story(image.value(), "", options, 1, {});
  fmt::print("--- after step {} ---\n{}\n\n", step, story.text);
  std::fflush(stdout);
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(seconds);
  return whole >= 3600 ? fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
                       : fmt::format("{}:{:02}", whole / 60, whole % 60);
}

/// Errors: UsageFailure for an option that was given and is not as `source` has it.
void require_same(const TrainOptions& options, const trainer::Recipe& recipe, const std::string& source) {
  for (const RecipeOption& part : options.recipe_options) {
    const std::string value = part.value(recipe);
    if (part.option->count() > 0 && part.value(options.recipe) != value)
      fail_usage("{} {} conflicts with {}, which has {}; omit the option", part.option->get_name(),
                 part.value(options.recipe), source, value);
  }
}

/// --resume: recipe and text are those of the state file.
void go_on(TrainOptions& options) {
  const std::string path = options.files.output + ".state";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;  // reported by run_training()
  const trainer::StartedRun run = trainer::started_run(MappedFile(path).text(), path);
  require_same(options, run.recipe, path);
  options.recipe = run.recipe;
  if (options.files.text.empty()) options.files.text = run.text;
  if (options.files.text_options.separator.empty() && options.files.text_options.field.empty())
    options.files.text_options = run.text_options;
}

/// --start: the shape is the checkpoint's, the tokenizer the one beside it.
void start_from(TrainOptions& options) {
  const formats::Checkpoint from = formats::Checkpoint::open(options.files.start);
  trainer::Recipe recipe = options.recipe;
  recipe.shape = from.config;
  recipe.shared_classifier = from.shared_classifier;
  require_same(options, recipe, options.files.start);
  options.recipe = recipe;
  options.files.tokenizer =
      find_tokenizer(options.files.tokenizer, options.files.start, from.config.vocab_size);
}

const char* name_of(trainer::Quantisation quantisation) {
  constexpr const char* kNames[] = {"none", "q8", "q4"};
  return kNames[static_cast<int>(quantisation)];
}

/// After the first step, how long all will take; then on a terminal one line that changes with every step, in
/// a log one line for each 50 steps.
void show_progress(const trainer::RunProgress& now, bool first) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const bool last = now.step == now.steps;
  if (first && !last)
    fmt::print(stderr, "about {} to go at {:.0f} tokens/s\n", duration_text(now.seconds_left),
               now.tokens_per_second);
  if (!terminal && now.step % 50 != 0 && !last) return;
  constexpr int kWidth = 24;
  const int filled = static_cast<int>(static_cast<std::int64_t>(kWidth) * now.step / now.steps);
  const std::string held_out =
      now.held_out_loss > 0 ? fmt::format("  held-out {:.4f}", now.held_out_loss) : "";
  fmt::print(stderr, "{}[{:=<{}}{:<{}}] step {}/{}  loss {:.4f}{}  {:.0f} tokens/s  {} left{}",
             terminal ? "\r\033[K" : "", "", filled, "", kWidth - filled, now.step, now.steps, now.loss,
             held_out, now.tokens_per_second, duration_text(now.seconds_left), terminal && !last ? "" : "\n");
  std::fflush(stderr);
}

template <auto kMember>
auto& setting(trainer::Recipe& recipe) {
  return recipe.*kMember;
}

template <auto kMember>
auto& dimension(trainer::Recipe& recipe) {
  return recipe.shape.*kMember;
}

/// OUTPUT.metadata.json, from which `pack` takes it. By default the name is the file's.
void write_metadata(const TrainOptions& options) {
  ModelMetadata metadata = options.metadata;
  const std::string path = metadata_path(options.files.output + ".bin");
  std::error_code ignored;
  if (metadata.empty() && std::filesystem::exists(path, ignored))
    return;  // of the run that is resumed, or edited
  const std::string name = std::filesystem::path(options.files.output).filename().string();
  if (metadata.name.empty() && Metadata{.name = name}.validate().ok()) metadata.name = name;
  OutputFile output(path);
  output.write(metadata_json(metadata.view()).dump(2) + "\n");
  output.commit();
}

int run(TrainOptions options) {
  if (options.files.text.empty() && !options.files.resume)
    fail_usage("text is required; see pico-llama train --help");
  check_metadata_options(options.metadata);
  options.recipe.shared_classifier = !options.unshared;
  if (options.qat == "q8") options.recipe.quantisation = trainer::Quantisation::kQ8;
  if (options.qat == "q4") options.recipe.quantisation = trainer::Quantisation::kQ4;
  // More passes make a model of this size memorise its text.
  constexpr int kMostPasses = 20;
  if (options.files.resume) {
    go_on(options);
  } else {
    if (options.steps->count() == 0) options.plan.most_passes = kMostPasses;
    if (!options.files.start.empty())
      start_from(options);
    else if (!options.files.tokenizer.empty() && options.vocab->count() == 0)
      options.recipe.shape.vocab_size = formats::Vocabulary::open(options.files.tokenizer).size();
  }
  options.plan.cancel = &stop_on_ctrl_c();
  bool first = true;
  const trainer::RunEvents events{
      .note = [](const std::string& line) { fmt::print(stderr, "{}\n", line); },
      .progress =
          [&first, &options](const trainer::RunProgress& now) {
            if (first) write_metadata(options);
            show_progress(now, std::exchange(first, false));
          },
      .sample = tell_sample,
  };
  // An unwritable folder must fail now, not after hours of training.
  for (const char* suffix : {".bin", ".tok.bin", ".metadata.json", ".csv", ".svg", ".state"})
    require_writable(options.files.output + suffix, std::array{options.files.text, options.files.start});
  const trainer::RunResult result =
      trainer::run_training(options.recipe, options.files, options.plan, events);
  const std::string losses =
      options.recipe.quantisation == trainer::Quantisation::kNone
          ? fmt::format("held-out loss {:.4f} nats a token, {:.4f} with q8 weights", result.held_out_loss,
                        result.held_out_loss_q8)
          : fmt::format("held-out loss {:.4f} nats a token with the {} weights it wrote",
                        result.held_out_loss, name_of(options.recipe.quantisation));
  if (!result.finished)
    fmt::print(stderr, "stopped after step {}; go on with: pico-llama train --resume -o {}\n", result.steps,
               options.files.output);
  fmt::print("{} steps: {}; {}.bin, {}.tok.bin\n", result.steps, losses, options.files.output,
             options.files.output);
  return *options.plan.cancel ? kExitInterrupted : 0;
}

}  // namespace

void add_train(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand("train", "Train a story model from a text file");
  const auto o = std::make_shared<TrainOptions>();
  sub->add_option("text", o->files.text, "Stories (UTF-8), with an empty line between them or as below")
      ->type_name(kFileType);
  add_text_options(*sub, o->files.text_options);
  add_metadata_options(*sub, o->metadata);
  sub->add_option("-o,--output", o->files.output,
                  "Writes OUTPUT.bin, .tok.bin, .metadata.json, .csv, .svg and .state")
      ->type_name(kFileType)
      ->required();
  sub->add_flag("--resume", o->files.resume,
                "Go on from OUTPUT.state, which holds the text's path and the options");
  sub->add_option("-z,--tokenizer", o->files.tokenizer, "Use this tokenizer instead of training one")
      ->type_name(kFileType);
  sub->add_option("--start", o->files.start, "A checkpoint whose weights, shape and tokenizer to go on from")
      ->type_name(kFileType)
      ->excludes("--resume");
  using trainer::Recipe;
  const auto add = [&](const char* name, auto setting_of, const char* help) {
    CLI::Option* option = sub->add_option(name, setting_of(o->recipe), help)->capture_default_str();
    o->recipe_options.push_back(
        {option, [setting_of](Recipe recipe) { return fmt::format("{}", setting_of(recipe)); }});
    return option;
  };
  o->vocab = add("--vocab", dimension<&Config::vocab_size>, "Tokens");
  add("--dim", dimension<&Config::dim>, "Width of the model");
  add("--hidden", dimension<&Config::hidden_dim>, "Width of the feed-forward layers");
  add("--layers", dimension<&Config::n_layers>, "Depth of the model");
  add("--heads", dimension<&Config::n_heads>, "Query heads");
  add("--kv-heads", dimension<&Config::n_kv_heads>, "Key/value heads");
  add("--seq", dimension<&Config::seq_len>, "Longest context");
  CLI::Option* unshared = sub->add_flag("--unshared-classifier", o->unshared,
                                        "A classifier of its own instead of the token embedding");
  o->recipe_options.push_back(
      {unshared, [](const Recipe& r) { return r.shared_classifier ? "false" : "true"; }});
  CLI::Option* qat =
      sub->add_option("--qat", o->qat, "Train with weights rounded as this profile will store them")
          ->check(CLI::IsMember({"none", "q8", "q4"}))
          ->capture_default_str();
  o->recipe_options.push_back({qat, [](const Recipe& r) { return name_of(r.quantisation); }});
  o->steps =
      add("--steps", setting<&Recipe::steps>,
          "How often the weights are changed; by default fewer for a small text: 20 passes over it at most");
  add("--batch-tokens", setting<&Recipe::batch_tokens>, "Tokens a step");
  add("--learning-rate", setting<&Recipe::learning_rate>, "The highest");
  add("--warmup", setting<&Recipe::warmup_steps>, "Steps until the learning rate is reached");
  add("--weight-decay", setting<&Recipe::weight_decay>, "AdamW's pull of the matrices towards 0");
  add("--clip", setting<&Recipe::clip>, "Largest norm of the gradient");
  add("--seed", setting<&Recipe::seed>, "Of the first weights and of the order of the text");
  add("--threads", setting<&Recipe::threads>, "The result depends on it, in the last bits");
  sub->add_option("--measure-every", o->plan.measure_every, "Steps between two points of the loss curve")
      ->capture_default_str();
  sub->add_option("--checkpoint-every", o->plan.checkpoint_every, "Steps between two writes of the files")
      ->capture_default_str();
  sub->add_option("--sample-every", o->plan.sample_every, "Steps between two sample stories")
      ->capture_default_str();
  sub->add_option("--stop-after", o->plan.stop_after, "End early after this step, ready for --resume");
  sub->footer(
      R"(The model is llama2.c's legacy checkpoint with its tokenizer.bin: run, pack and llama2.c itself take it.
Ctrl-C saves and ends. Even killed, --resume goes on and writes the same model as an undisturbed run.

Examples:
  pico-llama train stories.txt -o mine
  pico-llama train --resume -o mine
  pico-llama train book.txt -o big --dim 128 --hidden 344 --layers 6 --vocab 2048 --qat q8)");
  sub->callback([&cli, o] { cli.action = [o] { return run(*o); }; });
}

}  // namespace pico_llama
