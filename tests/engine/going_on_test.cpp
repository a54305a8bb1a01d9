// Texts that go on: resumed after a stop, told again, and endless ones, against a text in one piece and
// against a model that computes every token from the start.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "engine/session.h"
#include "tests/engine/support/test_image.h"
#include "tests/engine/told.h"
#include "tools/packer/drafts.h"
#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

using test_support::Told;

constexpr int kContext = 64;

/// A session whose image has drafts of `drafted`, if that is not empty.
class Teller {
 public:
  explicit Teller(Workers& workers, Profile profile = Profile::kQ8,
                  const std::vector<int32_t>& drafted = {}) {
    const auto image = test_support::build_image(
        test_support::random_model({32, 48, 2, 4, 2, 400, kContext}, true, 5), profile);
    bytes_.assign(image.begin(), image.end());
    if (!drafted.empty()) packer::add_drafts(bytes_, packer::make_drafts({drafted, drafted}, 400));
    image_ = ModelImage::parse(bytes_).value();
    const int most_logits = drafted.empty() ? 1 : kPrefillBlock;
    memory_.resize(Session::bytes_needed(image_, kContext, workers.count(), most_logits).value());
    const Status opened = session.open(image_, kContext, memory_, {}, workers, most_logits);
    EXPECT_TRUE(opened.ok()) << opened.text();
  }
  const ModelImage& image() const { return image_; }

  /// Takes steps until the end; true after `cut` of them cancels.
  void go(Told& told, int cut = -1) {
    cancel = false;
    told.stop = StopReason::kNone;
    for (int steps = 0; told.stop == StopReason::kNone; ++steps) {
      if (steps == cut) cancel = true;
      const SessionStep step = session.step();
      if (step.token >= 0) told.tokens.push_back(step.token);
      told.text += step.text;
      told.stop = step.stop;
    }
  }
  Told tell(const std::string& prompt, SessionOptions options) {
    options.cancel = &cancel;
    Told told;
    const Status begun = session.begin(prompt, options);
    EXPECT_TRUE(begun.ok()) << begun.text();
    go(told);
    return told;
  }

  std::atomic<bool> cancel = false;
  Session session;

 private:
  packer::ImageBytes bytes_;
  ModelImage image_;
  std::vector<std::byte> memory_;
};

SessionOptions options_of(uint64_t seed, float temperature, int steps, bool endless) {
  SessionOptions options;
  options.sampler.seed = seed;
  options.sampler.temperature = temperature;
  options.steps = steps;
  options.endless = endless;
  return options;
}

/// An endless text as the decision describes it: every token from a transformer that has run nothing before.
std::vector<int32_t> slowly(const ModelImage& image, const std::string& prompt,
                            const SessionOptions& options) {
  SingleWorker worker;
  std::vector<std::byte> memory(bytes_needed(image.config(), image.profile(), kContext).value());
  Transformer transformer = Transformer::create(image, kContext, memory, worker).value();
  std::vector<uint32_t> scratch(400);
  Sampler sampler(options.sampler, scratch);
  const Tokenizer tokenizer(image.tokenizer());
  std::vector<int32_t> text(kContext);
  text.resize(static_cast<size_t>(tokenizer.encode(prompt, text, transformer.idle_kv_cache()).value()));
  const size_t kept = std::min<size_t>(text.size(), kContext / 8);
  std::vector<int32_t> told(text.begin() + 1, text.end());
  while (told.size() < static_cast<size_t>(options.steps)) {
    if (text.size() == kContext + 1)
      text.erase(text.begin() + static_cast<ptrdiff_t>(kept), text.end() - kContext / 16);
    for (size_t i = 0; i < text.size(); ++i) transformer.forward({&text[i], 1}, static_cast<int>(i));
    text.push_back(sampler.sample(transformer.logits(), text));
    told.push_back(text.back());
  }
  return told;
}

TEST(GoingOn, AnEndlessTextKeepsItsBeginningAndItsEnd) {
  ThreadWorkers workers(1);
  for (const Profile profile : {Profile::kF32, Profile::kQ8}) {
    Teller plain(workers, profile);
    for (const float temperature : {0.0f, 1.0f}) {
      for (const std::string prompt :
           {"", "ab", "a prompt that takes more than the part of it that is kept"}) {
        SessionOptions options = options_of(9, temperature, 200, true);
        options.sampler.repetition_penalty = 1.3f;  // looks at all that is known of the text
        const std::vector<int32_t> want = slowly(plain.image(), prompt, options);
        const Told told = plain.tell(prompt, options);
        EXPECT_EQ(told.tokens, want) << prompt;
        EXPECT_EQ(told.stop, StopReason::kSteps);
        EXPECT_GE(plain.session.refills(), 2);
        Teller guessing(workers, profile, want);
        EXPECT_EQ(guessing.tell(prompt, options).tokens, want) << prompt;
        EXPECT_GT(guessing.session.accepted(), 0);
      }
    }
  }
}

TEST(GoingOn, AnEndlessTextBeginsAnotherWhereItsModelEndsOne) {
  ThreadWorkers workers(1);
  Teller teller(workers);
  // Some of these texts of random weights end before 300 positions.
  int ends = 0;
  for (uint64_t seed = 1; seed < 20; ++seed) {
    const Told told = teller.tell("ab", options_of(seed, 2.0f, 300, true));
    EXPECT_EQ(told.tokens.size(), 300u);
    const auto end = std::ranges::find(told.tokens, kTokenBos);
    if (end == told.tokens.end()) continue;
    ++ends;
    SessionOptions options = options_of(seed, 2.0f, 300, true);
    options.endless =
        end - told.tokens.begin() >= kContext;  // otherwise it ends there, and can be resumed from there
    Told parts = teller.tell("ab", options);
    if (options.endless) continue;
    EXPECT_EQ(parts.stop, StopReason::kEnd);
    options.endless = true;
    options.steps = 300 - static_cast<int>(parts.tokens.size());
    ASSERT_TRUE(teller.session.resume({}, options).ok());
    teller.go(parts);
    EXPECT_EQ(parts.tokens, told.tokens);
    EXPECT_NE(told.text.find("\n\n"), std::string::npos);
  }
  EXPECT_GT(ends, 3);
}

TEST(GoingOn, AResumedTextIsTheUninterruptedOne) {
  ThreadWorkers workers(1);
  const std::string prompt = "a prompt of several blocks of tokens";
  for (const bool endless : {false, true}) {
    for (const float temperature : {0.0f, 1.0f}) {
      const int steps = endless ? 150 : kContext;
      const SessionOptions options = options_of(4, temperature, steps, endless);
      Teller plain(workers);
      const Told whole = plain.tell(prompt, options);
      Teller guessing(workers, Profile::kQ8, whole.tokens);
      for (Teller* teller : {&plain, &guessing}) {
        for (int cut = 0; cut < 70; cut += cut < 40 ? 1 : 7) {
          SessionOptions now = options;
          now.cancel = &teller->cancel;
          Told told;
          ASSERT_TRUE(teller->session.begin(prompt, now).ok());
          teller->go(told, cut);
          for (const int again : {3, 11, -1}) {  // and again, sooner than the first time
            if (told.stop != StopReason::kCancelled) break;
            now.steps = steps - static_cast<int>(told.tokens.size());
            if (now.steps == 0) break;
            const Status resumed = teller->session.resume({}, now);
            ASSERT_TRUE(resumed.ok()) << resumed.text();
            teller->go(told, again);
          }
          ASSERT_EQ(told.tokens, whole.tokens) << "cut after " << cut;
          ASSERT_EQ(told.text, whole.text) << "cut after " << cut;
        }
      }
    }
  }
}

TEST(GoingOn, AStopStringIsFoundAcrossACut) {
  ThreadWorkers workers(1);
  Teller teller(workers);
  const Told whole = teller.tell("ab", options_of(11, 1.0f, 40, false));
  ASSERT_GT(whole.text.size(), 30u);
  const std::string stop = whole.text.substr(20, 5);
  SessionOptions options = options_of(11, 1.0f, 40, false);
  options.stop = stop;
  options.cancel = &teller.cancel;
  const Told stopped = teller.tell("ab", options);
  ASSERT_EQ(stopped.stop, StopReason::kStopString);
  for (int cut = 0; cut <= static_cast<int>(stopped.tokens.size()); ++cut) {
    Told told;
    ASSERT_TRUE(teller.session.begin("ab", options).ok());
    teller.go(told, cut);
    if (told.stop == StopReason::kCancelled) {
      ASSERT_TRUE(teller.session.resume({}, options).ok());
      teller.go(told);
    }
    EXPECT_EQ(told.tokens, stopped.tokens) << cut;
    EXPECT_EQ(told.stop, StopReason::kStopString) << cut;
    // At worst the beginning of the stop string was shown at the cut.
    EXPECT_TRUE(told.text.starts_with(stopped.text) && told.text.size() < stopped.text.size() + stop.size())
        << told.text;
  }
}

/// Greedy continuation of tokens, from a transformer that has run nothing before.
std::vector<int32_t> greedily(const ModelImage& image, std::vector<int32_t> text, size_t more) {
  SingleWorker worker;
  std::vector<std::byte> memory(bytes_needed(image.config(), image.profile(), kContext).value());
  Transformer transformer = Transformer::create(image, kContext, memory, worker).value();
  for (const size_t all = text.size() + more; text.size() < all;) {
    for (size_t i = 0; i < text.size(); ++i) transformer.forward({&text[i], 1}, static_cast<int>(i));
    text.push_back(
        static_cast<int32_t>(std::ranges::max_element(transformer.logits()) - transformer.logits().begin()));
  }
  return text;
}

TEST(GoingOn, WordsAreAddedBehindAllThatIsThere) {
  ThreadWorkers workers(1);
  Teller plain(workers, Profile::kF32);
  const Told whole = plain.tell("hello", options_of(1, 0, kContext, false));
  Teller guessing(workers, Profile::kF32, whole.tokens);
  for (Teller* teller : {&plain, &guessing}) {
    for (const int cut : {0, 2, 4, 6, 7, 12, 20}) {
      SessionOptions options = options_of(1, 0, 0, false);
      options.cancel = &teller->cancel;
      Told told;
      ASSERT_TRUE(teller->session.begin("hello", options).ok());
      std::vector<int32_t> text(teller->session.prompt_tokens().begin(),
                                teller->session.prompt_tokens().end());
      teller->go(told, cut);
      if (told.tokens.size() + 1 > text.size())
        text.insert(text.end(), told.tokens.begin() + static_cast<ptrdiff_t>(text.size()) - 1,
                    told.tokens.end());
      options.steps = 0;
      ASSERT_TRUE(teller->session.resume(" and then, one day", options).ok());
      std::vector<int32_t> words(kContext);
      std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(40));
      words.resize(static_cast<size_t>(
          teller->session.tokenizer().encode_more(" and then, one day", words, scratch).value()));
      EXPECT_GT(words.front(), kTokenEos);
      const std::string before = told.text;
      for (size_t i = 0; i < words.size(); ++i) text.push_back(words[i]);
      Told rest = told;
      teller->go(rest);
      ASSERT_GT(rest.tokens.size(), text.size()) << cut;
      const std::vector<int32_t> want = greedily(teller->image(), text, 8);
      EXPECT_TRUE(std::equal(want.begin() + 1, want.end(), rest.tokens.begin())) << cut;
      EXPECT_NE(rest.text.find(" and then, one day"), std::string::npos);
    }
  }
}

TEST(GoingOn, WordsTakeThePlaceOfTheEnd) {
  ThreadWorkers workers(1);
  Teller teller(workers);
  int ends = 0;
  for (uint64_t seed = 1; seed < 60; ++seed) {
    Told told = teller.tell("ab", options_of(seed, 2.0f, 40, false));
    if (told.stop != StopReason::kEnd || told.tokens.size() < 3) continue;
    ++ends;
    told.tokens.pop_back();
    const SessionOptions options = options_of(seed, 2.0f, 0, false);
    ASSERT_EQ(teller.session.resume(std::string(100, 'Z'), options).code(), StatusCode::kPromptTooLong);
    ASSERT_TRUE(teller.session.resume(" so", options).ok());
    const int known = teller.session.known();
    EXPECT_EQ(known, static_cast<int>(told.tokens.size()) + 1);
    const SessionStep step = teller.session.step();
    EXPECT_TRUE(step.from_prompt);
    EXPECT_NE(step.token, kTokenBos);
  }
  EXPECT_GT(ends, 0);
}

TEST(GoingOn, AFailureLeavesTheTextAsItWas) {
  ThreadWorkers workers(1);
  for (const int cut : {9, 15, 30}) {
    Teller teller(workers);
    SessionOptions options = options_of(3, 1.0f, 0, false);
    const Told whole = teller.tell("ab", options);
    if (whole.tokens.size() <= static_cast<size_t>(cut)) continue;
    options.cancel = &teller.cancel;
    Told told;
    ASSERT_TRUE(teller.session.begin("ab", options).ok());
    teller.go(told, cut);
    EXPECT_EQ(teller.session.resume("\xff", options).code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(teller.session.resume(std::string(70, 'Z'), options).code(), StatusCode::kPromptTooLong);
    EXPECT_EQ(teller.session.resume(std::string(100'000, 'Z'), options).code(), StatusCode::kPromptTooLong);
    SessionOptions wrong = options;
    wrong.sampler.topp = 2;
    EXPECT_EQ(teller.session.resume({}, wrong).code(), StatusCode::kInvalidArgument);
    ASSERT_TRUE(teller.session.resume({}, options).ok());
    teller.go(told);
    EXPECT_EQ(told.tokens, whole.tokens);
  }
}

TEST(GoingOn, AgainIsTheSameStory) {
  ThreadWorkers workers(1);
  Teller teller(workers);
  EXPECT_EQ(teller.session.again({}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(teller.session.resume({}, {}).code(), StatusCode::kInvalidArgument);
  for (const bool endless : {false, true}) {
    const SessionOptions options = options_of(6, 1.0f, 90, endless);
    const Told first = teller.tell("ab", options);
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(teller.session.again(options).ok());
      Told told;
      teller.go(told);
      EXPECT_EQ(told.tokens, first.tokens);
      EXPECT_EQ(told.text, first.text);
    }
  }
  teller.tell("a prompt of which an endless story forgets a part", options_of(6, 1.0f, 90, true));
  EXPECT_EQ(teller.session.again({}).code(), StatusCode::kInvalidArgument);
  teller.session.forget();
  EXPECT_EQ(teller.session.resume({}, {}).code(), StatusCode::kInvalidArgument);
  // A full context is an end, but for an endless text.
  const SessionOptions whole = options_of(6, 0.0f, 0, false);
  if (teller.tell("a", whole).stop == StopReason::kSteps) {
    EXPECT_EQ(teller.session.resume({}, whole).code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(teller.session.resume(" b", whole).code(), StatusCode::kInvalidArgument);
    EXPECT_TRUE(teller.session.resume(" b", options_of(6, 0.0f, 100, true)).ok());
    Told told;
    teller.go(told);
    EXPECT_EQ(told.tokens.size(), 100u);
    EXPECT_TRUE(told.text.starts_with(" b")) << told.text;
  }
}

}  // namespace
}  // namespace pico_llama
