#include "trainer/train/run.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "formats/failure.h"
#include "formats/mapped_file.h"
#include "formats/output_file.h"
#include "formats/tokenizer_bin.h"
#include "trainer/random.h"
#include "trainer/tokenizer/bpe.h"
#include "trainer/train/curve.h"

namespace pico_llama::trainer {
namespace {

using Clock = std::chrono::steady_clock;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool due(int32_t step, int32_t every, int32_t last) {
  return step == last || (every > 0 && step % every == 0);
}

/// The tokenizer of an earlier part of this run, the one given, or a new one.
Vocabulary get_vocabulary(const RunFiles& files, std::span<const std::string> stories, int32_t size) {
  std::string path = files.tokenizer;
  if (path.empty() && files.resume) path = files.output + ".tok.bin";
  if (path.empty()) {
    std::string text;
    for (const std::string& story : stories) text += story + "\n\n";
    return train_bpe(text, size);
  }
  Vocabulary vocabulary = Vocabulary::open(path);
  if (!vocabulary.has_bytes() || !vocabulary.dummy_space || !vocabulary.file_ids.empty())
    fail(
        "{}: runs, but train needs llama2.c's order: <unk>, <s>, </s>, the 256 bytes, then pieces; give "
        "another or none",
        path);
  if (vocabulary.size() != size)
    fail("{}: has {} tokens; give --vocab {} or another tokenizer", path, vocabulary.size(),
         vocabulary.size());
  return vocabulary;
}

/// Requires: the folder exists (checked when the first file was written).
void save(const std::string& path, std::string_view bytes, const std::string& state_path) {
  try {
    OutputFile file(path);
    file.write(bytes);
    file.commit();
  } catch (const Failure& failure) {
    fail("{} ({})", failure.what(),
         exists(state_path) ? "then --resume goes on from the last checkpoint, which is whole"
                            : "there is no checkpoint yet: then start again");
  }
}

/// Fewer steps for a small text, and a warm-up of at most a tenth of them.
void fit_steps(Recipe& recipe, size_t training_tokens, int32_t most_passes) {
  constexpr size_t kFewest = 100;
  const size_t batch = static_cast<size_t>(recipe.batch_tokens);
  const size_t enough = std::max(kFewest, training_tokens * static_cast<size_t>(most_passes) / batch);
  if (enough >= static_cast<size_t>(recipe.steps)) return;
  recipe.steps = static_cast<int32_t>(enough);
  recipe.warmup_steps = std::min(recipe.warmup_steps, recipe.steps / 10);
}

/// Single-step losses are noisy; display the mean of recent steps.
class Mean {
 public:
  void add(double value) {
    sum_ += value;
    ++count_;
  }
  double take() {
    const double mean = count_ > 0 ? sum_ / count_ : 0;
    sum_ = 0;
    count_ = 0;
    return mean;
  }

 private:
  double sum_ = 0;
  int count_ = 0;
};

}  // namespace

RunResult run_training(Recipe recipe, const RunFiles& files, const RunPlan& plan, const RunEvents& events) {
  recipe.validate();
  const auto note = [&](const std::string& line) {
    if (events.note) events.note(line);
  };
  const std::string state_path = files.output + ".state";
  if (files.resume && !exists(state_path)) {
    throw Failure(state_path + ": no training to resume; omit --resume");
  }
  if (!files.resume && exists(state_path)) {
    throw Failure(state_path +
                  ": holds an unfinished or finished training; give --resume to go on, or remove it");
  }
  const Stories text = read_stories(MappedFile(files.text, MappedFile::Empty::kAllowed).text(), files.text,
                                    files.text_options);
  note(text.summary());
  for (const std::string& warning : text.warnings) note("warning: " + warning);
  const Vocabulary vocabulary = get_vocabulary(files, text.stories, recipe.shape.vocab_size);
  const std::string tokenizer_bytes = formats::to_tokenizer_bin(vocabulary);
  const Dataset data(text.stories, vocabulary, recipe.shape.seq_len);
  size_t training_tokens = 0;
  for (const Dataset::Sequence& sequence : data.training())
    training_tokens += static_cast<size_t>(sequence.length);
  if (plan.most_passes > 0) fit_steps(recipe, training_tokens, plan.most_passes);
  const Layout layout(recipe.shape, recipe.shared_classifier);
  const uint64_t fingerprint = mix64(recipe.fingerprint() ^ data.fingerprint());

  StateFile file{{recipe, files.text, files.text_options}, fingerprint, {}, {}};
  if (files.resume) {
    const MappedFile state_file(state_path);
    file = parse_state_file(state_file.text(), state_path, fingerprint, layout.total);
  } else {
    file.state = initial_state(recipe, layout);
    if (!files.start.empty()) {
      const formats::Checkpoint from = formats::Checkpoint::open(files.start);
      if (from.config != recipe.shape || from.shared_classifier != recipe.shared_classifier) {
        throw Failure(files.start +
                      ": has another shape than the one to train; give its --dim, --hidden and so on");
      }
      file.state.parameters = parameters_of(from, layout);
    }
    save(files.output + ".tok.bin", tokenizer_bytes, state_path);
  }
  Optimizer optimizer(recipe, layout, data, file.state);
  note(std::to_string(layout.total) + " parameters, " + std::to_string(data.tokens().size()) +
       " tokens of text in " + std::to_string(data.training().size()) + " sequences, " +
       std::to_string(data.held_out().size()) + " more held out; " + fastest_math().name + " arithmetic, " +
       std::to_string(recipe.threads) + " threads" +
       (files.resume ? "; going on after step " + std::to_string(file.state.step) : ""));
  note(fmt::format(
      "{} steps of {} tokens: {:.2g} passes over the text", recipe.steps, recipe.batch_tokens,
      static_cast<double>(recipe.steps) * recipe.batch_tokens / static_cast<double>(training_tokens)));

  // Quantisation-aware training optimises the rounded model, so the checkpoint holds the rounded weights,
  // which packing then hardly changes. The exact ones, which the next step needs, are in the state.
  const auto weights_to_write = [&] {
    const float* weights = optimizer.forward_parameters(recipe.quantisation);
    return AlignedVector<float>(weights, weights + layout.total);
  };

  const int32_t last = plan.stop_after > 0 && plan.stop_after < recipe.steps ? plan.stop_after : recipe.steps;
  const auto begin = Clock::now();
  const int32_t first_step = file.state.step;
  double tokens_done = 0;
  double held_out = 0;
  Mean drawn;
  bool cancelled = false;
  while (file.state.step < last && !cancelled) {
    const Optimizer::Step made = optimizer.step();
    const int32_t step = file.state.step;
    tokens_done += made.tokens;
    drawn.add(made.loss);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    cancelled = plan.cancel != nullptr && plan.cancel->load();
    if (due(step, plan.measure_every, last)) {
      held_out = optimizer.held_out_loss(recipe.quantisation);
      file.curve.push_back({step, static_cast<float>(drawn.take()), static_cast<float>(held_out),
                            recipe.learning_rate_at(step - 1)});
    }
    if (events.progress) {
      events.progress({step, recipe.steps, made.loss, held_out, tokens_done / seconds,
                       seconds / (step - first_step) * (last - step)});
    }
    if (due(step, plan.checkpoint_every, last) || cancelled) {
      // A run resumed here draws its next point from the steps it makes itself: so must this one.
      drawn = Mean();
      save(state_path, to_bytes(file), state_path);
      save(files.output + ".bin", to_checkpoint_file(recipe.shape, layout, weights_to_write()), state_path);
      save(files.output + ".csv", curve_csv(file.curve), state_path);
      save(files.output + ".svg", curve_svg(file.curve), state_path);
    }
    if (events.sample && due(step, plan.sample_every, last)) {
      events.sample(step, to_checkpoint_file(recipe.shape, layout, weights_to_write()), tokenizer_bytes);
    }
  }
  return {optimizer.held_out_loss(recipe.quantisation), optimizer.held_out_loss(Quantisation::kQ8),
          file.state.step, file.state.step == recipe.steps};
}

}  // namespace pico_llama::trainer
