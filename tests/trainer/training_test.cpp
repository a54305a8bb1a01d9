// Training end to end: convergence, crash safety, input errors.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "formats/checkpoint.h"
#include "formats/failure.h"
#include "tests/support/models.h"
#include "trainer/corpus/story.h"
#include "trainer/model/parameters.h"
#include "trainer/tokenizer/bpe.h"
#include "trainer/train/run.h"

namespace pico_llama::trainer {
namespace {

using test_support::read_file;

class Training : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("pico_llama_training_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    write("stories.txt", make_corpus(1, 300));
    recipe_.shape = {32, 64, 2, 4, 2, 320, 512};
    recipe_.steps = 12;
    recipe_.batch_tokens = 1024;
    recipe_.warmup_steps = 4;
    plan_.checkpoint_every = 2;
    plan_.measure_every = 2;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  RunFiles files(const std::string& output, bool resume = false) const {
    return {path("stories.txt"), "", path(output), resume};
  }
  std::string model(const std::string& output) const { return read_file(path(output) + ".bin"); }

  /// Runs it and expects a one-line error.
  void expect_error(const std::string& part, const RunFiles& files) const {
    try {
      run_training(recipe_, files, plan_, {});
      ADD_FAILURE() << "no error; wanted one with: " << part;
    } catch (const Failure& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    }
  }

  std::filesystem::path folder_;
  Recipe recipe_;
  RunPlan plan_;
};

TEST_F(Training, LossFallsBelowABound) {
  // A uniform guess costs ln 320 = 5.77 nats; single-token frequencies about 4.7. Below 3.2 it uses context.
  recipe_.steps = 150;
  recipe_.batch_tokens = 2048;
  recipe_.learning_rate = 1e-2f;
  recipe_.warmup_steps = 20;
  const RunResult result = run_training(recipe_, files("fall"), plan_, {});
  EXPECT_EQ(result.steps, 150);
  EXPECT_LT(result.held_out_loss, 3.2);
  EXPECT_LT(result.held_out_loss_q8, result.held_out_loss * 1.02);
}

TEST_F(Training, StoppedAndResumedGivesTheSameBits) {
  run_training(recipe_, files("whole"), plan_, {});
  RunPlan first_half = plan_;
  first_half.stop_after = 5;
  run_training(recipe_, files("halves"), first_half, {});
  EXPECT_FALSE(model("halves") == model("whole"));
  run_training(recipe_, files("halves", true), plan_, {});
  EXPECT_TRUE(model("halves") == model("whole"));
}

TEST_F(Training, KilledAtAnyMomentAndResumedGivesTheSameBits) {
  run_training(recipe_, files("whole"), plan_, {});
  for (const int kill_at_step : {1, 4, 7}) {
    const std::string output = "killed" + std::to_string(kill_at_step);
    const pid_t child = ::fork();
    if (child == 0) {
      RunEvents events;
      events.progress = [&](const RunProgress& now) {
        if (now.step == kill_at_step) ::kill(::getpid(), SIGKILL);
      };
      run_training(recipe_, files(output), plan_, events);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    // Before the first checkpoint there is nothing to go on with, and a new run may start.
    run_training(recipe_, files(output, kill_at_step >= plan_.checkpoint_every), plan_, {});
    EXPECT_TRUE(model(output) == model("whole")) << "killed at step " << kill_at_step;
  }
}

TEST_F(Training, KilledWhileWritingLeavesTheLastCheckpoint) {
  RunPlan first = plan_;
  first.stop_after = 4;
  run_training(recipe_, files("torn"), first, {});
  // A kill inside the write leaves a temporary file beside the checkpoint.
  write("torn.state.123.tmp", "half of a state");
  run_training(recipe_, files("torn", true), plan_, {});
  run_training(recipe_, files("whole"), plan_, {});
  EXPECT_TRUE(model("torn") == model("whole"));
}

TEST_F(Training, FullDiskLeavesTheLastCheckpoint) {
  RunPlan first = plan_;
  first.stop_after = 4;
  run_training(recipe_, files("full"), first, {});
  const std::string before = read_file(path("full.state"));
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{before.size() / 2, before.size() / 2};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      run_training(recipe_, files("full", true), plan_, {});
    } catch (const Failure& error) {
      const std::string text = error.what();
      ::_exit(text.find("raise the limit on file sizes") != std::string::npos &&
                      text.find("--resume goes on from the last checkpoint") != std::string::npos &&
                      text.find("full.state") != std::string::npos
                  ? 7
                  : 8);
    }
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_TRUE(read_file(path("full.state")) == before);
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  run_training(recipe_, files("full", true), plan_, {});
  run_training(recipe_, files("whole"), plan_, {});
  EXPECT_TRUE(model("full") == model("whole"));
}

TEST_F(Training, OneThreadAndTwoAgreeToRounding) {
  recipe_.threads = 1;
  const double one = run_training(recipe_, files("one"), plan_, {}).held_out_loss;
  recipe_.threads = 2;
  const double two = run_training(recipe_, files("two"), plan_, {}).held_out_loss;
  EXPECT_NEAR(one, two, 1e-3);
}

TEST_F(Training, QuantisationAwareTrainingShrinksTheLossOfQ4) {
  // Rounding to 4 bits costs something only where a model knows something: the one that ships.
  const std::string model_path = "models/pico-tales.bin";
  const formats::Checkpoint file = formats::Checkpoint::open(model_path);
  const std::string tokenizer_path = model_path.substr(0, model_path.size() - 3) + "tok.bin";
  const Vocabulary vocabulary = Vocabulary::open(tokenizer_path);
  const Stories stories = read_stories(read_file(path("stories.txt")), "stories.txt");
  const Dataset data(stories.stories, vocabulary, file.config.seq_len);
  const Layout layout(file.config, file.shared_classifier);
  const auto loss_q4_after = [&](Quantisation quantisation) {
    Recipe recipe;
    recipe.shape = file.config;
    recipe.quantisation = quantisation;
    recipe.steps = 24;
    recipe.warmup_steps = 4;
    recipe.batch_tokens = 2048;
    recipe.learning_rate = 5e-4f;
    TrainingState state = initial_state(recipe, layout);
    state.parameters = parameters_of(file, layout);
    Optimizer optimizer(recipe, layout, data, state);
    while (state.step < recipe.steps) optimizer.step();
    return optimizer.held_out_loss(Quantisation::kQ4);
  };
  const double aware = loss_q4_after(Quantisation::kQ4);
  const double plain = loss_q4_after(Quantisation::kNone);
  EXPECT_LT(aware, plain - 0.002);
}

TEST_F(Training, QuantisationAwareTrainingWritesTheRoundedWeights) {
  // So that packing finds them on the grid they were trained on; the exact ones go on in the state.
  recipe_.quantisation = Quantisation::kQ4;
  const RunResult result = run_training(recipe_, files("rounded"), plan_, {});
  const formats::Checkpoint file = formats::Checkpoint::open(path("rounded.bin"));
  const Layout layout(file.config, file.shared_classifier);
  const AlignedVector<float> written = parameters_of(file, layout);
  std::vector<float> again(layout.total);
  fake_quantise(Quantisation::kQ4, layout, written.data(), again.data());
  float moved = 0;
  for (size_t i = 0; i < layout.total; ++i) moved = std::max(moved, std::abs(again[i] - written[i]));
  EXPECT_LT(moved, 1e-6f);
  EXPECT_GT(result.held_out_loss, 0);
}

TEST_F(Training, WritesAllItsFiles) {
  run_training(recipe_, files("all"), plan_, {});
  EXPECT_EQ(formats::Checkpoint::open(path("all.bin")).config, recipe_.shape);
  EXPECT_EQ(read_file(path("all.csv")).substr(0, 46), "step,training_loss,held_out_loss,learning_rate");
  EXPECT_EQ(Vocabulary::open(path("all.tok.bin")).size(), recipe_.shape.vocab_size);
  const std::string curve = read_file(path("all.svg"));
  EXPECT_TRUE(curve.starts_with("<svg ") && curve.ends_with("</svg>\n")) << curve;
  // Six measured points, each in both lines.
  for (const char* name : {"training loss", "held-out loss"}) EXPECT_NE(curve.find(name), std::string::npos);
  for (size_t line = curve.find("<polyline"); line != std::string::npos;
       line = curve.find("<polyline", line + 1)) {
    const std::string points = curve.substr(line, curve.find("/>", line) - line);
    EXPECT_EQ(std::count(points.begin(), points.end(), ','), 6) << points;
  }
}

TEST_F(Training, ReportsTextErrors) {
  RunFiles bad = files("bad");
  bad.text = path("missing.txt");
  expect_error("no such file", bad);
  bad.text = folder_.string();
  expect_error("is a directory", bad);
  bad.text = path("other.txt");
  write("other.txt", "");
  expect_error("contains no text", bad);
  write("other.txt", " \n\n \n");
  expect_error("contains no text", bad);
  write("other.txt", std::string("text\0with a zero", 16));
  expect_error("is not text: byte 4", bad);
  write("other.txt", "caf\xe9 in Latin-1");
  expect_error("is not text: byte 3 is not UTF-8", bad);
  write("other.txt", "One story only.");
  expect_error("larger than the text supports", bad);
  recipe_.shape.vocab_size = 272;
  expect_error("single short story", bad);
}

TEST_F(Training, ReportsShapeErrors) {
  const Recipe good = recipe_;
  const auto with = [&](auto change, const std::string& part) {
    recipe_ = good;
    change(recipe_);
    expect_error(part, files("bad"));
    EXPECT_FALSE(std::filesystem::exists(path("bad.state")));
  };
  with([](Recipe& r) { r.shape.n_heads = 5; }, "--dim 32 is not divisible by --heads 5");
  with([](Recipe& r) { r.shape.n_kv_heads = 3; }, "--heads 4 is not divisible by --kv-heads 3");
  with([](Recipe& r) { r.shape.n_heads = 32; }, "odd head size");
  with([](Recipe& r) { r.shape.dim = 0; }, "--dim must be positive");
  with([](Recipe& r) { r.shape.vocab_size = 100000; }, "larger than the text supports");
  with([](Recipe& r) { r.shape.vocab_size = 100; }, "too small");
  with([](Recipe& r) { r.threads = 0; }, "--threads");
  with([](Recipe& r) { r.steps = 0; }, "--steps");
}

TEST_F(Training, ReportsCheckpointErrors) {
  expect_error("no training to resume", files("new", true));
  run_training(recipe_, files("done"), plan_, {});
  expect_error("give --resume", files("done"));
  recipe_.learning_rate = 1e-4f;
  expect_error("of another text, tokenizer, shape or recipe", files("done", true));
  std::string bytes = read_file(path("done.state"));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write("done.state", bytes);
  expect_error("is not a whole training state", files("done", true));
  write("done.state", bytes.substr(0, 100));
  expect_error("is not a whole training state", files("done", true));
}

TEST_F(Training, StartsFromAModel) {
  run_training(recipe_, files("first"), plan_, {});
  RunFiles second = files("second");
  second.start = path("first.bin");
  second.tokenizer = path("first.tok.bin");
  recipe_.learning_rate = 1e-9f;
  recipe_.steps = 1;
  const double fresh = run_training(recipe_, files("fresh"), plan_, {}).held_out_loss;
  EXPECT_LT(run_training(recipe_, second, plan_, {}).held_out_loss, fresh - 0.1);
  recipe_.shape.hidden_dim = 60;
  second.output = path("third");
  expect_error("has another shape", second);
}

TEST_F(Training, ReportsWriteErrors) {
  RunFiles nowhere = files("x");
  nowhere.output = path("no/such/folder/x");
  expect_error("cannot be created", nowhere);
}

}  // namespace
}  // namespace pico_llama::trainer
