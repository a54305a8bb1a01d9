// pico-llama eval: quality of a profile relative to f32.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "engine/check.h"
#include "engine/forward/transformer.h"
#include "engine/sampling/sampler.h"
#include "engine/text/tokenizer.h"
#include "tools/cli.h"
#include "tools/model_options.h"
#include "tools/model_source.h"
#include "tools/option_checks.h"
#include "tools/packer/trim.h"
#include "tools/story.h"
#include "tools/support/failure.h"
#include "tools/support/progress.h"
#include "tools/support/thread_workers.h"
#include "tools/text_options.h"
#include "tools/vocabulary_settings.h"

namespace pico_llama {
namespace {

struct EvalOptions {
  std::string model;
  std::string tokenizer;
  std::string profile = "q8";
  std::string text;
  trainer::TextOptions text_options;
  int tokens = 8192;
  int threads = 1;
  Q4Settings q4{};
  VocabularySettings vocabulary{};
  bool json = false;
};

/// Token sequences to predict; each starts with BOS and fits the context.
using Sequences = std::vector<std::vector<std::int32_t>>;

std::size_t predictions_in(const Sequences& sequences) {
  std::size_t count = 0;
  for (const auto& sequence : sequences) count += sequence.size() - 1;
  return count;
}

/// The model's own stories with seeds 1, 2, 3, ...: the same text in every run.
Sequences sample_stories(const ModelImage& f32, std::size_t wanted, int threads) {
  Sequences sequences;
  Progress progress("sampling", wanted);
  for (std::size_t count = 0; count < wanted;) {
    SessionOptions options;
    options.sampler.seed = sequences.size() + 1;
    options.steps = 0;
    const Story story = tell_story(f32, "", options, threads, {});
    std::vector<std::int32_t> sequence = {kTokenBos};
    const std::size_t length = std::min(story.tokens.size(), wanted - count);
    sequence.insert(sequence.end(), story.tokens.begin(),
                    story.tokens.begin() + static_cast<std::ptrdiff_t>(length));
    sequences.push_back(std::move(sequence));
    count += length;
    progress.advance(length);
  }
  return sequences;
}

/// The stories of a text as `train` reads them, each from BOS to the BOS that ends it, in pieces of the
/// context's length; the first `wanted` predictions.
Sequences sequences_of(const ModelImage& image, const trainer::Stories& text, const std::string& name,
                       std::size_t wanted) {
  const Tokenizer tokenizer(image.tokenizer());
  const auto context = static_cast<std::size_t>(image.config().seq_len);
  Sequences sequences;
  std::size_t count = 0;
  for (const std::string& story : text.stories) {
    std::vector<std::int32_t> tokens = encode_text(tokenizer, story, name);
    tokens.push_back(kTokenBos);
    for (std::size_t first = 0; first + 1 < tokens.size(); first += context) {
      if (count == wanted) return sequences;
      const std::size_t length = std::min({context, tokens.size() - 1 - first, wanted - count});
      const auto from = tokens.begin() + static_cast<std::ptrdiff_t>(first);
      sequences.emplace_back(from, from + static_cast<std::ptrdiff_t>(length) + 1);
      count += length;
    }
  }
  return sequences;
}

/// A transformer and its memory.
class Model {
 public:
  Model(const ModelImage& image, ThreadWorkers& workers) {
    const int context = image.config().seq_len;
    const Result<std::size_t> bytes = bytes_needed(image.config(), image.profile(), context, workers.count());
    if (!bytes.ok()) fail("{}", text_of(bytes.status()));
    memory_.resize(bytes.value());
    const Result<Transformer> made = Transformer::create(image, context, memory_, workers);
    if (!made.ok()) fail("{}", text_of(made.status()));
    transformer_ = made.value();
  }

  std::span<const float> forward(std::int32_t token, int pos) {
    transformer_.forward({&token, 1}, pos);
    return transformer_.logits();
  }

 private:
  packer::ImageBytes memory_;
  Transformer transformer_;
};

/// Natural logarithms of the softmax of logits. Shapes: both [vocab_size].
void log_softmax(std::span<const float> logits, std::vector<double>& out) {
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  const double shift = largest + std::log(sum);
  out.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) out[i] = static_cast<double>(logits[i]) - shift;
}

struct Sums {
  std::size_t positions = 0;
  std::size_t predictions = 0;  ///< of tokens that both can say
  double nll_f32 = 0;           ///< sum of -log p(next token) over these
  double nll = 0;
  double kl = 0;          ///< sum over all positions, nats
  double never_said = 0;  ///< sum of the probability that f32 gives to tokens that the other never says
  std::size_t same_best = 0;

  double perplexity(double sum) const { return std::exp(sum / static_cast<double>(predictions)); }
  double mean(double sum) const { return sum / static_cast<double>(positions); }
};

/// `number_of`: the other model's number of each token.
Sums compare(Model& f32, Model& other, const std::vector<std::uint32_t>& number_of,
             const Sequences& sequences) {
  Sums sums;
  std::vector<double> p, q;
  Progress progress("evaluating", predictions_in(sequences));
  for (const auto& sequence : sequences) {
    for (std::size_t at = 0; at + 1 < sequence.size(); ++at) {
      const auto number = [&number_of](std::int32_t token) {
        return number_of[static_cast<std::size_t>(token)];
      };
      log_softmax(f32.forward(sequence[at], static_cast<int>(at)), p);
      log_softmax(other.forward(static_cast<std::int32_t>(number(sequence[at])), static_cast<int>(at)), q);
      ++sums.positions;
      if (const std::uint32_t next = number(sequence[at + 1]); next < q.size()) {
        ++sums.predictions;
        sums.nll_f32 -= p[static_cast<std::size_t>(sequence[at + 1])];
        sums.nll -= q[next];
      }
      if (q.size() == p.size()) {
        for (std::size_t i = 0; i < p.size(); ++i) sums.kl += std::exp(p[i]) * (p[i] - q[number_of[i]]);
      } else {
        // KL(profile || f32): KL(f32 || profile) is infinite where the profile never generates some tokens.
        for (std::size_t i = 0; i < p.size(); ++i) {
          if (const std::uint32_t id = number_of[i]; id < q.size())
            sums.kl += std::exp(q[id]) * (q[id] - p[i]);
          else
            sums.never_said += std::exp(p[i]);
        }
      }
      const auto best = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
      const auto best_q = static_cast<std::size_t>(std::max_element(q.begin(), q.end()) - q.begin());
      if (best_q == number_of[best]) ++sums.same_best;
      progress.advance(1);
    }
  }
  return sums;
}

/// An image has no f32 to be compared with: its perplexity alone.
int eval_packed(const EvalOptions& options, const trainer::Stories& text) {
  const ModelSource source = ModelSource::open(options.model, options.tokenizer, std::nullopt);
  const Sequences sequences =
      sequences_of(source.image(), text, options.text, static_cast<std::size_t>(options.tokens));
  ThreadWorkers workers(options.threads);
  Model model(source.image(), workers);
  Progress progress("evaluating", predictions_in(sequences));
  double nll = 0;
  std::vector<double> logs;
  for (const auto& sequence : sequences) {
    for (std::size_t at = 0; at + 1 < sequence.size(); ++at) {
      log_softmax(model.forward(sequence[at], static_cast<int>(at)), logs);
      nll -= logs[static_cast<std::size_t>(sequence[at + 1])];
      progress.advance(1);
    }
  }
  const std::size_t predictions = predictions_in(sequences);
  const double perplexity = std::exp(nll / static_cast<double>(predictions));
  const char* profile = profile_name(source.image().profile());
  if (options.json) {
    fmt::print("{}\n", nlohmann::ordered_json({{"model", options.model},
                                               {"profile", profile},
                                               {"tokens", predictions},
                                               {"sequences", sequences.size()},
                                               {"perplexity", perplexity}})
                           .dump());
  } else {
    fmt::print("{} on {} tokens of {} ({} pieces)\nperplexity        {} {:.4f}\n", options.model, predictions,
               options.text, sequences.size(), profile, perplexity);
  }
  return 0;
}

int eval(const EvalOptions& options) {
  const bool packed = is_packed(options.model);
  if (packed && options.text.empty())
    fail(
        "{}: holds one profile only; give the checkpoint it was packed from, or --text for its perplexity on "
        "a "
        "text",
        options.model);
  trainer::Stories text;
  if (!options.text.empty()) {
    text = trainer::read_stories(MappedFile(options.text).text(), options.text, options.text_options);
    fmt::print(stderr, "{}: {}\n", options.text, text.summary());
    for (const std::string& warning : text.warnings) fmt::print(stderr, "warning: {}\n", warning);
  }
  if (packed) return eval_packed(options, text);
  const auto checkpoint = formats::Checkpoint::open(options.model);
  const auto tokenizer = open_tokenizer(
      find_tokenizer(options.tokenizer, options.model, checkpoint.config.vocab_size), checkpoint);
  const ModelSource f32 = ModelSource::pack(checkpoint, tokenizer, Profile::kF32);
  auto trimmed = tokenizer;
  if (options.vocabulary.trims())
    trim_vocabulary(checkpoint, trimmed, options.vocabulary, options.text_options);
  const ModelSource other =
      ModelSource::pack(checkpoint, trimmed, profile_of(options.profile).value(), options.q4);
  const std::vector<std::uint32_t> before = packer::tokens_before(tokenizer, trimmed);
  std::vector<std::uint32_t> number_of(before.size());
  for (std::uint32_t id = 0; id < before.size(); ++id) number_of[before[id]] = id;
  const auto wanted = static_cast<std::size_t>(options.tokens);
  const Sequences sequences = options.text.empty() ? sample_stories(f32.image(), wanted, options.threads)
                                                   : sequences_of(f32.image(), text, options.text, wanted);

  ThreadWorkers workers(options.threads);
  Model f32_model(f32.image(), workers);
  Model other_model(other.image(), workers);
  const Sums sums = compare(f32_model, other_model, number_of, sequences);
  const double perplexity_f32 = sums.perplexity(sums.nll_f32);
  const double perplexity = sums.perplexity(sums.nll);
  const double agreement = sums.mean(static_cast<double>(sums.same_best));
  if (options.json) {
    nlohmann::ordered_json report = {{"model", options.model},
                                     {"profile", options.profile},
                                     {"tokens", sums.positions},
                                     {"sequences", sequences.size()},
                                     {"perplexity_f32", perplexity_f32},
                                     {"perplexity", perplexity},
                                     {"perplexity_ratio", perplexity / perplexity_f32},
                                     {"mean_kl", sums.mean(sums.kl)},
                                     {"top1_agreement", agreement}};
    if (trimmed.said != 0) {
      report["vocabulary"] = trimmed.said;
      report["whole_vocabulary"] = trimmed.size();
      report["tokens_said"] = sums.predictions;
      report["probability_never_said"] = sums.mean(sums.never_said);
    }
    if (!options.text.empty()) {
      report["stories"] = text.stories.size();
      report["median_story_bytes"] = text.median_bytes();
    }
    fmt::print("{}\n", report.dump());
    return 0;
  }
  const std::string source = options.text.empty()
                                 ? fmt::format("its own stories (f32, seeds 1 to {})", sequences.size())
                                 : fmt::format("{} ({} pieces)", options.text, sequences.size());
  fmt::print("{} on {} tokens of {}\n", options.model, sums.positions, source);
  if (trimmed.said != 0)
    fmt::print("vocabulary        {} of {} pieces: {:.2f} % of these tokens, {:.2f} % of f32's probability\n",
               trimmed.said, trimmed.size(), 100 * sums.mean(static_cast<double>(sums.predictions)),
               100 - 100 * sums.mean(sums.never_said));
  fmt::print("perplexity        f32 {:.4f}, {} {:.4f}: ratio {:.5f}\n", perplexity_f32, options.profile,
             perplexity, perplexity / perplexity_f32);
  fmt::print("mean KL           {:.6f} nats\n", sums.mean(sums.kl));
  fmt::print("top-1 agreement   {:.2f} %\n", 100 * agreement);
  return 0;
}

}  // namespace

void add_eval(Cli& cli) {
  CLI::App* sub = cli.app.add_subcommand(
      "eval", "Measure what a profile and a smaller vocabulary cost in quality, against f32");
  const auto o = std::make_shared<EvalOptions>();
  sub->add_option("model", o->model,
                  "Checkpoint (.bin, .gguf, .safetensors or its folder); with --text, also .plm or .uf2")
      ->type_name(kFileType)
      ->required();
  sub->add_option(
         "-z,--tokenizer", o->tokenizer,
         "Its tokenizer (.bin, .model or .json); by default looked for in a GGUF file, beside it and here")
      ->type_name(kFileType);
  sub->add_option("--profile", o->profile, "The profile to compare with f32")
      ->check(CLI::IsMember({"f32", "q8", "q4"}))
      ->capture_default_str();
  sub->add_option("--text", o->text,
                  "Stories to predict, read as `train` reads them; without it, stories sampled from f32 (t "
                  "1.0, p 0.9)")
      ->type_name(kFileType);
  add_text_options(*sub, o->text_options);
  sub->add_option("-n,--tokens", o->tokens, "Tokens to evaluate, at most")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  sub->add_option("--threads", o->threads, "The result does not depend on it")
      ->check(CLI::Range(1, kMaxWorkers))
      ->capture_default_str();
  add_q4_settings(*sub, o->q4);
  add_vocabulary_settings(*sub, o->vocabulary);
  sub->add_flag("--json", o->json, "Print one JSON object");
  sub->footer(
      R"(Perplexity: lower is better; the ratio says what the profile costs. Mean KL: KL(f32 || profile) of
the predictions. Top-1: how often both find the same token likeliest. With --vocabulary, perplexity is that of
the tokens that are still generated, and the KL is KL(profile || f32), since the other would be infinite.

Examples:
  pico-llama eval stories260K.bin -z tok512.bin --profile q8
  pico-llama eval stories15M.bin --profile q4 --vocabulary 8192)");
  sub->callback([&cli, o] { cli.action = [o] { return eval(*o); }; });
}

}  // namespace pico_llama
