// Streamed weights and caches: the same bits as in place, each byte read once a pass, and never a hang.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <thread>

#include "tests/engine/engine_model.h"
#include "tests/engine/support/thread_stream.h"
#include "tools/support/thread_workers.h"

namespace pico_llama {
namespace {

using test_support::EngineModel;
using test_support::random_model;
using test_support::RawModel;
using test_support::ThreadCopier;

/// Which tensors stream; the others stay in place, as if pinned.
enum class Streamed { kAll, kClassifier, kLayers, kEverySecond, kNoTensor };

void mark(Transformer& transformer, Streamed which) {
  TransformerWeights& weights = transformer.weights();
  int number = 0;
  const auto set = [&](Tensor& w, bool classifier) {
    const bool second = number++ % 2 == 0;
    w.streamed = which == Streamed::kAll || (which == Streamed::kClassifier && classifier) ||
                 (which == Streamed::kLayers && !classifier) || (which == Streamed::kEverySecond && second);
  };
  for (int l = 0; l < transformer.config().n_layers; ++l) {
    LayerWeights& layer = weights.layers[l];
    for (Tensor* w : {&layer.wq, &layer.wk, &layer.wv, &layer.wo, &layer.w1, &layer.w3, &layer.w2})
      set(*w, false);
  }
  set(weights.wcls, true);
}

/// One that gives the logits of whole blocks.
Transformer make_transformer(const ModelImage& image, std::span<std::byte> memory, Workers& workers) {
  Transformer transformer;
  EXPECT_TRUE(transformer.open(image, image.config().seq_len, memory, {}, workers, kPrefillBlock).ok());
  return transformer;
}

/// A transformer with a stream beside it.
class Streaming {
 public:
  Streaming(const ModelImage& image, Workers& workers, Streamed which, bool cache, uint32_t ring_bytes,
            uint32_t piece_bytes, uint32_t cache_limit = 1u << 30)
      : memory_(bytes_needed(image.config(), image.profile(), image.config().seq_len, workers.count(),
                             kPrefillBlock)
                    .value()),
        transformer_(make_transformer(image, memory_, workers)),
        workers_(workers.count()),
        piece_bytes_(piece_bytes),
        cache_limit_(cache_limit),
        cache_(cache) {
    mark(transformer_, which);
    items_.resize(transformer_.most_stream_items());
    items_.resize(transformer_.stream_items(cache, items_));
    ring_bytes += StagedStream::table_bytes();
    ring_.resize(ring_bytes + kStreamAlignment);
    const auto start = reinterpret_cast<uintptr_t>(ring_.data());
    ring_part_ = std::span(ring_).subspan((kStreamAlignment - start % kStreamAlignment) % kStreamAlignment,
                                          ring_bytes);
    transformer_.set_stream(&stream());
    open();
  }
  ~Streaming() { stream().stop(); }

  void open() {
    stream().open(StreamSchedule(items_, cache_ ? transformer_.cache_arrays() : CacheArrays{}, cache_limit_,
                                 piece_bytes_, workers_),
                  ring_part_);
  }
  Transformer& transformer() { return transformer_; }
  ThreadCopier& copier() { return copier_; }
  StagedStream& stream() { return copier_.stream(); }
  uint64_t weight_bytes(bool logits) const {
    uint64_t bytes = 0;
    for (const StreamItem& item : items_)
      if (logits || !item.for_logits) bytes += uint64_t{item.block_bytes} * item.blocks;
    return bytes;
  }

 private:
  std::vector<std::byte> memory_;
  Transformer transformer_;
  int workers_;
  uint32_t piece_bytes_;
  uint32_t cache_limit_;
  bool cache_;
  std::vector<StreamItem> items_;
  std::vector<std::byte> ring_;
  std::span<std::byte> ring_part_;
  ThreadCopier copier_;
};

struct Pass {
  std::vector<int32_t> tokens;
  int pos;
  int logits;
};

/// Prefill in blocks of several lengths, generation, and a new text.
std::vector<Pass> passes() {
  return {{{1, 5, 9, 300, 7, 8, 12, 44}, 0, 0},
          {{3, 260, 11}, 8, 1},
          {{17}, 11, 1},
          {{90, 33, 34, 35}, 12, 4},  // guesses, of which two were right
          {{91, 36}, 14, 2},
          {{92}, 15, 0},
          {{93}, 16, 1},
          {{94, 4, 5, 6, 7, 8, 9, 10}, 17, 8},
          {{1}, 0, 1},
          {{77, 78}, 1, 1}};
}

std::vector<std::vector<float>> logits_of(Transformer& transformer) {
  std::vector<std::vector<float>> all;
  for (const Pass& pass : passes()) {
    transformer.forward(pass.tokens, pass.pos, pass.logits);
    for (int row = 0; row < pass.logits; ++row)
      all.emplace_back(transformer.logits(row).begin(), transformer.logits(row).end());
  }
  return all;
}

/// Odd shapes: rows that are no multiple of 8, more blocks for one worker than for the other.
RawModel odd_model(bool shared) { return random_model({24, 44, 3, 6, 3, 404, 64}, shared, 7); }

TEST(Stream, SameBitsAsInPlace) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8, Profile::kQ4}) {
    EngineModel m(odd_model(profile == Profile::kF32), profile);
    SingleWorker single;
    std::vector<std::byte> memory(bytes_needed(m.image.config(), profile, 64, 1, kPrefillBlock).value());
    Transformer in_place = make_transformer(m.image, memory, single);
    const auto wanted = logits_of(in_place);
    for (const int cores : {1, 2}) {
      ThreadWorkers workers(cores);
      for (const Streamed which :
           {Streamed::kAll, Streamed::kClassifier, Streamed::kLayers, Streamed::kEverySecond}) {
        for (const uint32_t piece : {1u, 1000u, 4000u}) {
          // The smallest ring holds two of the longest pieces and no more.
          for (const uint32_t ring : {8192u, 65536u}) {
            Streaming streaming(m.image, workers, which, false, ring, piece);
            ASSERT_EQ(logits_of(streaming.transformer()), wanted)
                << cores << " cores, pieces of " << piece << ", ring of " << ring;
          }
        }
      }
    }
  }
}

TEST(Stream, SameBitsWithTheCacheStreamed) {
  for (const Profile profile : {Profile::kF32, Profile::kQ8}) {
    EngineModel m(odd_model(true), profile);
    SingleWorker single;
    std::vector<std::byte> memory(bytes_needed(m.image.config(), profile, 64, 1, kPrefillBlock).value());
    Transformer in_place = make_transformer(m.image, memory, single);
    const auto wanted = logits_of(in_place);
    for (const int cores : {1, 2}) {
      ThreadWorkers workers(cores);
      for (const Streamed which : {Streamed::kAll, Streamed::kEverySecond, Streamed::kNoTensor}) {
        // A limit of 8 positions: the first block comes, what is longer stays in place.
        for (const uint32_t limit : {1u << 20, 2u * 8 * 4 * 4, 0u}) {
          Streaming streaming(m.image, workers, which, true, 8192, 1000, limit);
          ASSERT_EQ(logits_of(streaming.transformer()), wanted) << cores << " cores, limit " << limit;
        }
      }
    }
  }
}

TEST(Stream, EachWeightIsReadOnceForABlockOfTokens) {
  EngineModel m(odd_model(true), Profile::kQ8);
  ThreadWorkers workers(2);
  constexpr uint32_t kRing = 8192;
  Streaming streaming(m.image, workers, Streamed::kAll, false, kRing, 1000);
  uint64_t used = 0;
  for (const Pass& pass : passes()) {
    streaming.transformer().forward(pass.tokens, pass.pos, pass.logits);
    used += streaming.weight_bytes(pass.logits != 0);
  }
  streaming.copier().settle();
  const uint64_t copied = streaming.copier().bytes_copied();
  EXPECT_GE(copied, used);
  EXPECT_LE(copied, used + kRing);  // what was read ahead for a pass to come
  EXPECT_GT(copied, used);
}

TEST(Stream, StopsAndRestarts) {
  EngineModel m(odd_model(true), Profile::kQ8);
  ThreadWorkers workers(2);
  Streaming streaming(m.image, workers, Streamed::kAll, false, 8192, 1000);
  const auto wanted = logits_of(streaming.transformer());
  for (int i = 0; i < 20; ++i) {
    streaming.stream().stop();
    streaming.copier().settle();
    const uint64_t copied = streaming.copier().bytes_copied();
    std::this_thread::yield();
    EXPECT_EQ(streaming.copier().bytes_copied(), copied);
    streaming.open();
    ASSERT_EQ(logits_of(streaming.transformer()), wanted);
  }
}

}  // namespace
}  // namespace pico_llama
