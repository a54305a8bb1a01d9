// Guessing ahead: the same text as without, whatever the guesses are; and how many are made.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "engine/drafts/drafter.h"
#include "engine/text/utf8.h"
#include "tests/engine/engine_model.h"
#include "tests/engine/told.h"
#include "tools/packer/drafts.h"
#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

using packer::Text;
using test_support::build_image;
using test_support::small_model;
using test_support::Told;

/// A session on an image with drafts, or without guesses if most_logits is 1.
class Teller {
 public:
  Teller(const std::vector<std::byte>& image, const std::vector<uint32_t>& drafts, Workers& workers,
         int most_logits)
      : bytes_(image.begin(), image.end()) {
    if (!drafts.empty()) packer::add_drafts(bytes_, drafts);
    image_ = ModelImage::parse(bytes_).value();
    EXPECT_TRUE(image_.check_crc().ok());
    const int context = image_.config().seq_len;
    memory_.resize(Session::bytes_needed(image_, context, workers.count(), most_logits).value());
    const Status opened = session_.open(image_, context, memory_, {}, workers, most_logits);
    EXPECT_TRUE(opened.ok()) << opened.text();
  }

  /// cancel_after: tokens after which the text is cancelled; -1: never.
  Told tell(const std::string& prompt, SessionOptions options, int cancel_after = -1) {
    std::atomic<bool> cancel = false;
    options.cancel = &cancel;
    const Status begun = session_.begin(prompt, options);
    EXPECT_TRUE(begun.ok()) << begun.text();
    return test_support::rest_of_story(session_, &cancel, cancel_after);
  }
  Session& session() { return session_; }

 private:
  packer::ImageBytes bytes_;
  ModelImage image_;
  std::vector<std::byte> memory_;
  Session session_;
};

/// Guesses that are right wherever the text is this one.
std::vector<uint32_t> drafts_of(const std::vector<int32_t>& tokens) {
  Text text = {kTokenBos};
  text.insert(text.end(), tokens.begin(), tokens.end());
  return packer::make_drafts({text, text}, 400);
}
/// The same with every n-th token replaced by its neighbour.
std::vector<uint32_t> spoiled(std::vector<int32_t> tokens, size_t n) {
  for (size_t i = 0; i < tokens.size(); i += n) tokens[i] = 3 + (tokens[i] + 1) % 397;
  return drafts_of(tokens);
}

std::vector<SessionOptions> many_options() {
  std::vector<SessionOptions> all(5);
  for (SessionOptions& options : all) options.steps = 0;
  all[0].sampler = {.temperature = 0};
  all[1].sampler = {.temperature = 0, .repetition_penalty = 1.3f};
  all[2].sampler = {.seed = 42};
  all[3].sampler = {.topp = 1, .repetition_penalty = 1.2f, .seed = 7};
  all[4].sampler = {.temperature = 0.6f, .topp = 0.9f, .topk = 20, .minp = 0.02f, .seed = 9};
  return all;
}

/// The same texts with guesses that are right, half right, wrong, and only looked up in the text.
void expect_same_texts(Profile profile, Workers& workers, const std::vector<std::string>& prompts,
                       const std::vector<int>& mosts) {
  const auto image = build_image(small_model(), profile);
  Teller plain(image, {}, workers, 1);
  for (const std::string& prompt : prompts) {
    for (const SessionOptions& options : many_options()) {
      const Told wanted = plain.tell(prompt, options);
      const int generated = plain.session().generated();
      ASSERT_GT(generated, 0);
      EXPECT_EQ(plain.session().passes(), generated);
      EXPECT_EQ(plain.session().drafted(), 0);
      for (const int most : mosts) {
        Teller right(image, drafts_of(wanted.tokens), workers, most);
        ASSERT_EQ(right.tell(prompt, options), wanted) << most;
        const Session& session = right.session();
        EXPECT_EQ(right.session().generated(), generated);
        EXPECT_GE(session.accepted(), generated / 4);
        EXPECT_LE(session.accepted(), session.drafted());
        // The guess that ended the text was right, and nothing came after it.
        const int unused = session.passes() + session.accepted() - generated;
        EXPECT_TRUE(unused == 0 || (unused == 1 && wanted.stop == StopReason::kEnd)) << unused;
        Teller half(image, spoiled(wanted.tokens, 2), workers, most);
        ASSERT_EQ(half.tell(prompt, options), wanted) << most;
        Teller wrong(image, spoiled(wanted.tokens, 1), workers, most);
        ASSERT_EQ(wrong.tell(prompt, options), wanted) << most;
        if (generated > 8) {
          EXPECT_GT(wrong.session().drafted(), 0);
          EXPECT_LT(wrong.session().accepted(), session.accepted());
        }
        Teller look_up(image, {}, workers, most);
        ASSERT_EQ(look_up.tell(prompt, options), wanted) << most;
      }
    }
  }
}

TEST(Drafts, ChangeNoTokenWhateverTheyAre) {
  SingleWorker worker;
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4})
    expect_same_texts(profile, worker, {"abcdef"}, {3});
}

TEST(Drafts, ChangeNoTokenAfterAnyPrompt) {
  SingleWorker worker;
  // Shorter than a block, as long as one, and longer.
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4})
    expect_same_texts(profile, worker, {"", "abcdef", "a prompt of more tokens than one pass has"},
                      {2, 3, 8});
}

TEST(Drafts, ChangeNoTokenWithTwoWorkers) {
  const auto image = build_image(small_model(), Profile::kQ8);
  SingleWorker single;
  Teller plain(image, {}, single, 1);
  const SessionOptions options = many_options()[2];
  const Told wanted = plain.tell("ab", options);
  ThreadWorkers workers(2);
  Teller guessing(image, spoiled(wanted.tokens, 3), workers, 5);
  EXPECT_EQ(guessing.tell("ab", options), wanted);
  EXPECT_GT(guessing.session().accepted(), 0);
}

TEST(Drafts, TextsEndAsWithoutThem) {
  const auto image = build_image(small_model(), Profile::kQ8);
  SingleWorker worker;
  Teller plain(image, {}, worker, 1);
  SessionOptions options;
  options.steps = 0;
  options.sampler.seed = 11;
  const Told whole = plain.tell("ab", options);
  ASSERT_GT(whole.text.size(), 20u);
  for (const size_t spoil : {1000u, 3u, 1u}) {
    Teller guessing(image, spoiled(whole.tokens, spoil), worker, 8);
    for (int steps = 1; steps <= 64; ++steps) {
      options.steps = steps;
      ASSERT_EQ(guessing.tell("ab", options), plain.tell("ab", options)) << steps << " steps";
    }
    options.steps = 0;
    for (int tokens = 0; tokens < 40; ++tokens) {
      const Told cancelled = guessing.tell("ab", options, tokens);
      ASSERT_EQ(cancelled, plain.tell("ab", options, tokens)) << "cancelled after " << tokens;
    }
    for (size_t at = 2; at + 6 < whole.text.size(); at += 3) {
      const std::string stop = whole.text.substr(at, 5);
      options.stop = stop;
      ASSERT_EQ(guessing.tell("ab", options), plain.tell("ab", options)) << stop;
    }
    options.stop = {};
  }
}

/// Repeats these tokens, each after the one before it, or at temperature 1 about 9 times out of 10: the
/// residual stream is the last token's embedding alone, and the classifier's row of a token is the embedding
/// of the one before it.
test_support::RawModel cycle_model(const std::vector<int32_t>& cycle,
                                   const std::vector<std::pair<int32_t, std::string>>& pieces) {
  test_support::RawModel m = test_support::random_model({32, 48, 1, 4, 2, 400, 64}, false, 5);
  for (const auto& [token, piece] : pieces) m.pieces[static_cast<size_t>(token)] = piece;
  std::vector<float>* embedding = nullptr;
  std::vector<float>* classifier = nullptr;
  for (uint32_t i = 1; i < tensor_count(m.config, false); ++i) {
    std::vector<float>& w = m.tensors[i - 1];
    switch (tensor_shape(m.config, Profile::kF32, false, i).kind) {
      case TensorKind::kTokenEmbedding:
        embedding = &w;
        for (float& v : w) v = v < 0 ? -1.0f : 1.0f;
        break;
      case TensorKind::kWcls:
        classifier = &w;
        [[fallthrough]];
      case TensorKind::kWo:
      case TensorKind::kW2:
        std::ranges::fill(w, 0.0f);
        break;
      case TensorKind::kRmsFinal:
        std::ranges::fill(w, 1.0f);
        break;
      default:
        break;
    }
  }
  const auto dim = static_cast<size_t>(m.config.dim);
  for (size_t i = 0; i < cycle.size(); ++i) {
    const auto from = static_cast<size_t>(cycle[i]) * dim;
    const auto to = static_cast<size_t>(cycle[(i + 1) % cycle.size()]) * dim;
    for (size_t k = 0; k < dim; ++k) (*classifier)[to + k] = (*embedding)[from + k] / 4;
  }
  return m;
}

constexpr int32_t byte_token(uint8_t byte) { return 3 + byte; }

/// Characters of one byte to four, each from a token of its own, from byte tokens, and from pieces that begin
/// or end in the middle of it; a byte that is in no character, and a character that is never completed.
test_support::RawModel splitting_model() {
  constexpr int32_t kEndsInside = 390, kBeginsInside = 391, kTwoOfThree = 392, kMiddle = 393, kWhole = 394;
  return cycle_model(
      {260, byte_token(0xc3), byte_token(0xa9), kEndsInside, kBeginsInside, kTwoOfThree, byte_token(0xa2),
       kWhole, byte_token(0xf0), kMiddle, byte_token(0x82), byte_token(0xff), 261, byte_token(0xe6), 262},
      {{kEndsInside, "x\xc3"},
       {kBeginsInside, "\xbcy"},
       {kTwoOfThree, "\xe6\xbc"},
       {kMiddle, "\x9f\x99"},
       {kWhole, "\xe6\xbc\xa2"}});
}

struct Shown {
  int32_t token;
  std::string text;
  StopReason stop;

  friend bool operator==(const Shown&, const Shown&) = default;
};

/// What each step shows; after `cancel_after` tokens the text is cancelled, and then resumed.
std::vector<Shown> steps_of(Session& session, SessionOptions options, int cancel_after = -1) {
  std::atomic<bool> cancel = false;
  options.cancel = &cancel;
  const Status begun = session.begin("a", options);
  EXPECT_TRUE(begun.ok()) << begun.text();
  std::vector<Shown> all;
  for (bool was_cancelled = false;;) {
    cancel = !was_cancelled && session.generated() == cancel_after;
    const SessionStep step = session.step();
    all.push_back({step.token, std::string(step.text), step.stop});
    if (step.stop == StopReason::kNone) continue;
    if (step.stop != StopReason::kCancelled) return all;
    was_cancelled = true;
    const Status resumed = session.resume({}, options);
    if (!resumed.ok()) return all;  // the text fills the context
  }
}

std::string text_of(const std::vector<Shown>& steps) {
  std::string text;
  for (const Shown& step : steps) text += step.text;
  return text;
}

TEST(Drafts, ShowWholeCharactersAsWithoutThem) {
  SingleWorker worker;
  const auto image = build_image(splitting_model(), Profile::kQ8);
  Teller plain(image, {}, worker, 1);
  for (const SessionOptions& how : many_options()) {
    SessionOptions options = how;
    options.stop = {};
    const std::vector<Shown> wanted = steps_of(plain.session(), options);
    const std::string text = text_of(wanted);
    std::vector<int32_t> tokens;
    int inside = 0;  // steps that end in the middle of a character: nothing of it is shown
    for (const Shown& step : wanted) {
      if (step.token >= 0) tokens.push_back(step.token);
      inside += step.token >= 0 && step.text.empty();
    }
    if (options.sampler.temperature == 0 && options.sampler.repetition_penalty == 1) {
      ASSERT_NE(text.find("a\u00e9x\u00fcy\u6f22\u6f22\U0001f642\xff"
                          "b\xe6"
                          "ca"),
                std::string::npos)
          << text;
    }
    ASSERT_GT(inside, 3) << text;
    std::vector<std::vector<Shown>> wanted_cut;
    for (int cut = 0; cut <= static_cast<int>(tokens.size()); ++cut)
      wanted_cut.push_back(steps_of(plain.session(), options, cut));
    // Stop strings that begin and end anywhere, in the middle of characters too.
    std::vector<std::pair<std::string, std::vector<Shown>>> wanted_stopped;
    for (size_t at = 1; at + 7 < text.size(); at += 5) {
      for (const size_t length : {size_t{1}, size_t{2}, 1 + at % 7}) {
        const std::string stop = text.substr(at, length);
        options.stop = stop;
        wanted_stopped.emplace_back(stop, steps_of(plain.session(), options));
      }
    }
    options.stop = {};
    for (const size_t spoil : {1000u, 2u, 1u}) {
      Teller guessing(image, spoil == 1000 ? drafts_of(tokens) : spoiled(tokens, spoil), worker, 8);
      Session& session = guessing.session();
      ASSERT_EQ(steps_of(session, options), wanted);
      EXPECT_GT(session.accepted(), 0);
      if (spoil != 1000) {
        EXPECT_LT(session.accepted(), session.drafted());
      }
      for (int cut = 0; cut <= static_cast<int>(tokens.size()); ++cut)
        ASSERT_EQ(steps_of(session, options, cut), wanted_cut[static_cast<size_t>(cut)]) << "cut at " << cut;
      for (const auto& [stop, wanted_steps] : wanted_stopped) {
        options.stop = stop;
        ASSERT_EQ(steps_of(session, options), wanted_steps) << stop;
      }
      options.stop = {};
    }
  }
}

TEST(Drafts, PassesWithSeveralLogitsGiveTheBitsOfSinglePasses) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    const test_support::EngineModel m(small_model(), profile);
    for (const int cores : {1, 2}) {
      ThreadWorkers workers(cores);
      const Config& c = m.image.config();
      std::vector<std::byte> one_memory(bytes_needed(c, profile, 64, cores).value());
      std::vector<std::byte> memory(bytes_needed(c, profile, 64, cores, kPrefillBlock).value());
      Transformer one = Transformer::create(m.image, 64, one_memory, workers).value();
      Transformer several;
      ASSERT_TRUE(several.open(m.image, 64, memory, {}, workers, kPrefillBlock).ok());
      int32_t tokens[kPrefillBlock];
      for (int n = 1; n <= kPrefillBlock; n += cores == 1 ? 1 : 3) {
        for (int logits = 1; logits <= n; logits += cores) {
          for (int t = 0; t < n; ++t) tokens[t] = (t * 37 + n * 11 + logits) % 400;
          // Positions that run again, with other tokens, as after wrong guesses.
          several.forward({tokens, static_cast<size_t>(n)}, 3, logits);
          for (int t = 0; t < n; ++t) {
            one.forward({tokens + t, 1}, 3 + t);
            if (t < n - logits) continue;
            ASSERT_TRUE(std::ranges::equal(several.logits(t - (n - logits)), one.logits()))
                << "token " << t << " of " << n << ", " << cores << " cores";
          }
        }
      }
    }
  }
}

TEST(DraftTable, GuessesWhatFollowedMostOften) {
  // After 7 comes 8 twice and 9 once; after 5 7 always 9; 300 is there once.
  const std::vector<Text> texts = {{1, 6, 7, 8, 1}, {1, 6, 7, 8, 1}, {1, 5, 7, 9}, {1, 5, 7, 9, 300}};
  packer::ImageBytes bytes;
  {
    const auto image = build_image(small_model(), Profile::kF32);
    bytes.assign(image.begin(), image.end());
  }
  packer::add_drafts(bytes, packer::make_drafts(texts, 400));
  const ModelImage image = ModelImage::parse(bytes).value();
  ASSERT_NE(image.drafts(), nullptr);
  const DraftTable table(*image.drafts(), 400);
  const auto after = [&table](std::vector<int32_t> text) { return table.after(text); };
  EXPECT_EQ(after({6, 7}).token, 8);
  EXPECT_EQ(after({2, 7}).token, 8);  // of two equally frequent ones the first
  EXPECT_EQ(after({2, 7}).matched, 1);
  EXPECT_EQ(after({2, 7}).confidence, 8);
  EXPECT_EQ(after({5, 7}).token, 9);
  EXPECT_EQ(after({5, 7}).matched, 2);
  EXPECT_EQ(after({5, 7}).confidence, 15);
  EXPECT_EQ(after({8}).token, 1);
  EXPECT_EQ(after({9}).token, -1);
  EXPECT_EQ(after({}).token, -1);
  EXPECT_EQ(DraftTable().after(std::vector<int32_t>{6, 7}).token, -1);
}

TEST(Drafter, TakesTheLongerMatch) {
  const std::vector<Text> texts = {{1, 6, 7, 8}, {1, 6, 7, 8}};
  packer::ImageBytes bytes;
  const auto image_bytes = build_image(small_model(), Profile::kF32);
  bytes.assign(image_bytes.begin(), image_bytes.end());
  packer::add_drafts(bytes, packer::make_drafts(texts, 400));
  const ModelImage image = ModelImage::parse(bytes).value();
  Drafter drafter{DraftTable(*image.drafts(), 400)};
  drafter.begin();
  // The table knows that 8 follows 7; the text, that 20 follows 10 7.
  std::vector<int32_t> text = {1, 10, 7, 20, 21, 10, 7, 0, 0, 0};
  EXPECT_EQ(drafter.draft(text, 7, 3, 1), 3);
  EXPECT_EQ(text[7], 20);
  EXPECT_EQ(text[8], 21);
  EXPECT_EQ(text[9], 10);
  text = {1, 10, 7, 20, 21, 11, 7, 0, 0, 0};
  EXPECT_EQ(drafter.draft(text, 7, 1, 1), 1);
  EXPECT_EQ(text[7], 8);
}

TEST(Drafter, GuessesAsFarAsAPassIsCheap) {
  std::vector<int32_t> text(64);
  for (int i = 0; i < 40; ++i) text[static_cast<size_t>(i)] = 100 + i % 4;
  const auto guesses = [&text](PassCost cost, int right = 0, int wrong = 0) {
    Drafter drafter;
    drafter.begin();
    for (int i = 0; i < right + wrong; ++i)
      if (drafter.draft(text, 40, 1, 1) == 1) drafter.verified(0, i < right);
    drafter.set_cost(cost);
    return drafter.draft(text, 40, 7, 1);
  };
  EXPECT_EQ(guesses({.bus = 100, .token = 1}), 7);
  EXPECT_EQ(guesses({.bus = 0, .token = 10}), 0);   // bound by arithmetic
  EXPECT_EQ(guesses({.bus = 30, .token = 10}), 2);  // as many as come for nothing
  EXPECT_EQ(guesses({.bus = 10, .bus_at_position = 0.5f, .token_at_position = 0.25f}), 2);
  // What was wrong before is worth no further cost, what was right is.
  EXPECT_EQ(guesses({.bus = 11, .token = 10}), 0);  // 1.81 tokens for 1.82 times the cost
  EXPECT_GT(guesses({.bus = 11, .token = 10}, 60), 0);
  EXPECT_EQ(guesses({.bus = 14, .token = 10}, 0, 60), 0);
}

TEST(OwnStories, AreTheSameOnEveryRun) {
  const test_support::EngineModel m(small_model(), Profile::kQ8);
  uint64_t told = 0;
  const auto first = packer::own_stories(m.image, 500, packer::StoriesFor::kDrafts,
                                         [&told](uint64_t more) { told += more; });
  EXPECT_EQ(packer::own_stories(m.image, 500, packer::StoriesFor::kDrafts), first);
  EXPECT_GE(told, 500u);
  size_t tokens = 0;
  for (const Text& text : first) {
    EXPECT_EQ(text.front(), kTokenBos);
    tokens += text.size();
  }
  EXPECT_GE(tokens, 500u);
  EXPECT_LT(tokens - first.back().size(), 500u);
  EXPECT_EQ(packer::make_drafts(first, 400), packer::make_drafts(first, 400));
}

}  // namespace
}  // namespace pico_llama
