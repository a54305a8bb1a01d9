// pico-llama train: a story model from a text file.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "formats/llama2c.h"
#include "formats/output_file.h"
#include "formats/tokenizer_bin.h"
#include "tools/cli.h"
#include "tools/option_checks.h"
#include "tools/packer/packer.h"
#include "tools/story.h"
#include "tools/support/failure.h"
#include "tools/text_options.h"
#include "trainer/train/run.h"

namespace pico_llama {
namespace {

struct Options {
  trainer::Recipe recipe;
  trainer::RunFiles files;
  trainer::RunPlan plan;
  bool unshared = false;
  std::string qat = "none";
};

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// A story of the model as it is now, told by the engine that will tell them all.
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

/// On a terminal one line that changes with every step; in a log one line for each 50 steps.
void show_progress(const trainer::RunProgress& now) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const bool last = now.step == now.steps;
  if (!terminal && now.step % 50 != 0 && !last) return;
  constexpr int kWidth = 24;
  const int filled = static_cast<int>(static_cast<std::int64_t>(kWidth) * now.step / now.steps);
  fmt::print(stderr, "{}[{:=<{}}{:<{}}] step {}/{}  loss {:.4f}  held-out {:.4f}  {:.0f} tokens/s  {} left{}",
             terminal ? "\r\033[K" : "", "", filled, "", kWidth - filled, now.step, now.steps, now.loss,
             now.held_out_loss, now.tokens_per_second, duration_text(now.seconds_left),
             terminal && !last ? "" : "\n");
  std::fflush(stderr);
}

int run(Options options) {
  options.recipe.shared_classifier = !options.unshared;
  if (options.qat == "q8") options.recipe.quantisation = trainer::Quantisation::kQ8;
  if (options.qat == "q4") options.recipe.quantisation = trainer::Quantisation::kQ4;
  const trainer::RunEvents events{
      .note = [](const std::string& line) { fmt::print(stderr, "{}\n", line); },
      .progress = show_progress,
      .sample = tell_sample,
  };
  // A folder that cannot be written shall be known before hours of work.
  for (const char* suffix : {".bin", ".tok.bin", ".csv", ".svg", ".state"})
    require_writable(options.files.output + suffix, std::array{options.files.text, options.files.start});
  const trainer::RunResult result =
      trainer::run_training(options.recipe, options.files, options.plan, events);
  const std::string losses =
      options.qat == "none" ? fmt::format("held-out loss {:.4f} nats a token, {:.4f} with q8 weights",
                                          result.held_out_loss, result.held_out_loss_q8)
                            : fmt::format("held-out loss {:.4f} nats a token with the {} weights it wrote",
                                          result.held_out_loss, options.qat);
  fmt::print("{} steps: {}; {}.bin, {}.tok.bin\n", result.steps, losses, options.files.output,
             options.files.output);
  return 0;
}

}  // namespace

void add_train(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand("train", "Train a story model from a text file");
  const auto o = std::make_shared<Options>();
  Config& shape = o->recipe.shape;
  sub->add_option("text", o->files.text, "Stories (UTF-8), with an empty line between them or as below")
      ->type_name(kFileType)
      ->required();
  add_text_options(*sub, o->files.text_options);
  sub->add_option("-o,--output", o->files.output, "Writes OUTPUT.bin, .tok.bin, .csv, .svg and .state")
      ->type_name(kFileType)
      ->required();
  sub->add_flag("--resume", o->files.resume, "Go on from OUTPUT.state, with the same options");
  sub->add_option("-z,--tokenizer", o->files.tokenizer, "Use this tokenizer.bin instead of training one")
      ->type_name(kFileType);
  sub->add_option("--start", o->files.start,
                  "Weights to go on from (a .bin of this shape) instead of random ones; give its -z")
      ->type_name(kFileType)
      ->excludes("--resume");
  sub->add_option("--vocab", shape.vocab_size, "Tokens")->capture_default_str();
  sub->add_option("--dim", shape.dim, "Width of the model")->capture_default_str();
  sub->add_option("--hidden", shape.hidden_dim, "Width of the feed-forward layers")->capture_default_str();
  sub->add_option("--layers", shape.n_layers, "Depth of the model")->capture_default_str();
  sub->add_option("--heads", shape.n_heads, "Query heads")->capture_default_str();
  sub->add_option("--kv-heads", shape.n_kv_heads, "Key/value heads")->capture_default_str();
  sub->add_option("--seq", shape.seq_len, "Longest context")->capture_default_str();
  sub->add_flag("--unshared-classifier", o->unshared,
                "A classifier of its own instead of the token embedding");
  sub->add_option("--qat", o->qat, "Train with weights rounded as this profile will store them")
      ->check(CLI::IsMember({"none", "q8", "q4"}))
      ->capture_default_str();
  sub->add_option("--steps", o->recipe.steps, "How often the weights are changed")->capture_default_str();
  sub->add_option("--batch-tokens", o->recipe.batch_tokens, "Tokens a step")->capture_default_str();
  sub->add_option("--learning-rate", o->recipe.learning_rate, "The highest")->capture_default_str();
  sub->add_option("--warmup", o->recipe.warmup_steps, "Steps until the learning rate is reached")
      ->capture_default_str();
  sub->add_option("--weight-decay", o->recipe.weight_decay, "AdamW's pull of the matrices towards 0")
      ->capture_default_str();
  sub->add_option("--clip", o->recipe.clip, "Largest norm of the gradient")->capture_default_str();
  sub->add_option("--seed", o->recipe.seed, "Of the first weights and of the order of the text")
      ->capture_default_str();
  sub->add_option("--threads", o->recipe.threads, "The result depends on it, in the last bits")
      ->capture_default_str();
  sub->add_option("--measure-every", o->plan.measure_every, "Steps between two points of the loss curve")
      ->capture_default_str();
  sub->add_option("--checkpoint-every", o->plan.checkpoint_every, "Steps between two writes of the files")
      ->capture_default_str();
  sub->add_option("--sample-every", o->plan.sample_every, "Steps between two sample stories")
      ->capture_default_str();
  sub->add_option("--stop-after", o->plan.stop_after, "End early after this step, ready for --resume");
  sub->footer(
      R"(The model is llama2.c's legacy checkpoint with its tokenizer.bin: run, pack and llama2.c itself take it.
Killed at any moment, --resume goes on and writes the same model as an undisturbed run.

Examples:
  pico-llama train stories.txt -o mine
  pico-llama train stories.txt -o mine --resume
  pico-llama train book.txt -o big --dim 128 --hidden 344 --layers 6 --vocab 2048 --qat q8)");
  sub->callback([&cli, o] { cli.action = [o] { return run(*o); }; });
}

}  // namespace pico_llama
