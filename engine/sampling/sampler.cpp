#include "engine/sampling/sampler.h"

#include <bit>

#include "engine/check.h"
#include "engine/kernels/argmax/argmax.h"
#include "engine/kernels/backend.h"
#include "engine/kernels/softmax_fixed/softmax_fixed.h"
#include "engine/math/exp2_fixed.h"
#include "engine/math/fixed.h"
#include "engine/share.h"

namespace pico_llama {
namespace {

/// Workers used at most: beyond this, barriers cost more than they save.
constexpr int kMaxSamplerWorkers = 4;

uint32_t weight_of(std::span<const float> weights, uint32_t id) {
  return std::bit_cast<uint32_t>(weights[id]);
}

/// a * b / 2^kBits, rounded down, where a * b would overflow 64 bits. Requires: a < 2^(64 - 32 + kBits).
template <int kBits>
uint64_t scaled(uint64_t a, uint32_t b) {
  constexpr uint64_t kLow = (uint64_t{1} << kBits) - 1;
  return (a >> kBits) * b + ((a & kLow) * b >> kBits);
}

/// First threshold for nucleus candidates: 1/32 of the probability outside the nucleus. Few tokens exceed it.
constexpr size_t kFirstGuessDivisor = 32;
size_t first_guess_divisor(size_t vocab_size) {
  return vocab_size - 1 < kFirstGuessDivisor ? vocab_size - 1 : kFirstGuessDivisor;
}

/// Tokens whose weight is at least a threshold.
struct Candidates {
  uint32_t count;
  uint64_t sum;
};

/// Writes the ids of a range's candidates, in order. Unrolled by four: the cost is the scan, few qualify.
Candidates at_least(uint32_t least, std::span<const float> weights, Range range, uint32_t* ids) {
  uint32_t* const first = ids;
  uint64_t sum = 0;
  const auto take = [&](uint32_t id) __attribute__((always_inline)) {
    const uint32_t weight = weight_of(weights, id);
    if (weight < least) return;
    *ids++ = id;
    sum += weight;
  };
  auto id = static_cast<uint32_t>(range.begin);
  const auto end = static_cast<uint32_t>(range.end);
  for (; end - id >= 4; id += 4) {
    take(id);
    take(id + 1);
    take(id + 2);
    take(id + 3);
  }
  for (; id < end; ++id) take(id);
  return {static_cast<uint32_t>(ids - first), sum};
}

/// One worker's result for its part of the vocabulary.
struct WorkerResult {
  int32_t best;  ///< the first of its largest logits; NaN ignored
  float max;
  uint64_t sum;
  Candidates candidates;  ///< their ids are in its part of the scratch memory
};

/// A heap of ids, most likely first, ties by id. pop() stores the popped id after the heap, so popped ids can
/// be revisited from the end.
class TokenHeap {
 public:
  TokenHeap(std::span<uint32_t> ids, std::span<const float> weights)
      : ids_(ids), weights_(weights), count_(ids.size()) {
    for (size_t at = count_ / 2; at-- > 0;) sift_down(at, ids_[at]);
  }
  uint32_t pop() {
    const uint32_t best = ids_[0];
    const uint32_t last = ids_[--count_];
    ids_[count_] = best;
    if (count_ > 0) sift_down(0, last);
    return best;
  }

 private:
  /// Inserts an id at `at` and sifts it down.
  void sift_down(size_t at, uint32_t id) {
    const uint32_t weight = weight_of(weights_, id);
    for (size_t child = 2 * at + 1; child < count_; child = 2 * at + 1) {
      uint32_t below = ids_[child];
      uint32_t heaviest = weight_of(weights_, below);
      if (child + 1 < count_) {
        const uint32_t other = ids_[child + 1];
        const uint32_t heavy = weight_of(weights_, other);
        if (heavy > heaviest || (heavy == heaviest && other < below)) {
          ++child;
          below = other;
          heaviest = heavy;
        }
      }
      if (weight > heaviest || (weight == heaviest && id < below)) break;
      ids_[at] = below;
      at = child;
    }
    ids_[at] = id;
  }

  std::span<uint32_t> ids_;
  std::span<const float> weights_;
  size_t count_;
};

}  // namespace

/// State of one sample() shared by the workers.
struct Sampler::Job {
  Job(const Sampler& of, std::span<float> all, Workers& team, int working)
      : sampler(of), logits(all), workers(team), count(working) {}

  const Sampler& sampler;
  std::span<float> logits;
  Workers& workers;
  int count;
  WorkerResult results[kMaxSamplerWorkers];  // each worker sets its own

  static void task(void* job, int worker) { static_cast<Job*>(job)->run(worker); }
  static void retry_task(void* job, int worker) { static_cast<Job*>(job)->choose_with_safe_cutoff(worker); }
  void run(int worker);
  void choose(int worker, uint32_t least);
  void choose_with_safe_cutoff(int worker);
  const WorkerResult& best() const;
  uint64_t sum() const;
  /// Moves all candidates to the front of the scratch memory and returns how many there are.
  Candidates gather() const;
  Range part(int worker) const { return Share{worker, count}.rows(static_cast<int>(logits.size())); }
};

void Sampler::Job::run(int worker) {
  const bool works = worker < count;
  const Range mine = part(worker);
  WorkerResult& found = results[works ? worker : 0];
  if (works) {
    kernels::argmax({&found.best, logits.data() + mine.begin, mine.end - mine.begin});
    found.best += mine.begin;
    found.max = logits[static_cast<size_t>(found.best)];
  }
  if (sampler.options_.temperature == 0.0f) return;

  workers.barrier();
  if (works)
    kernels::softmax_fixed(
        {logits.data() + mine.begin, mine.end - mine.begin, best().max, sampler.octaves_, &found.sum});
  if (!sampler.filters()) return;

  workers.barrier();
  if (!works) return;
  choose(worker, sampler.cutoff(sum(), first_guess_divisor(logits.size())));
}

void Sampler::Job::choose(int worker, uint32_t least) {
  const Range mine = part(worker);
  results[worker].candidates = at_least(least, logits, mine, sampler.scratch_.data() + mine.begin);
}

void Sampler::Job::choose_with_safe_cutoff(int worker) {
  if (worker < count) choose(worker, sampler.cutoff(sum(), logits.size() - 1));
}

const WorkerResult& Sampler::Job::best() const {
  const WorkerResult* best = &results[0];
  float most = -__builtin_inff();
  for (const WorkerResult& each : std::span(results).first(static_cast<size_t>(count))) {
    if (!(each.max > most)) continue;
    best = &each;
    most = each.max;
  }
  return *best;
}

uint64_t Sampler::Job::sum() const {
  uint64_t sum = 0;
  for (int i = 0; i < count; ++i) sum += results[i].sum;
  return sum;
}

Candidates Sampler::Job::gather() const {
  Candidates all = results[0].candidates;
  for (int i = 1; i < count; ++i) {
    const uint32_t* const ids = sampler.scratch_.data() + part(i).begin;
    uint32_t* const to = sampler.scratch_.data() + all.count;
    for (uint32_t j = 0; j < results[i].candidates.count; ++j) to[j] = ids[j];
    all.count += results[i].candidates.count;
    all.sum += results[i].candidates.sum;
  }
  return all;
}

int32_t Sampler::sample(std::span<float> logits, std::span<const int32_t> seen) {
  SingleWorker one;
  return sample(logits, seen, one);
}

int32_t Sampler::sample(std::span<float> logits, std::span<const int32_t> seen, Workers& workers) {
  CHECK(!logits.empty() && scratch_.size() >= logits.size());
  if (options_.repetition_penalty != 1.0f) penalize(logits, seen);
  const auto blocks = static_cast<int>((logits.size() + kBlockRows - 1) / kBlockRows);
  int count = workers.count();
  if (count > kMaxSamplerWorkers) count = kMaxSamplerWorkers;
  if (count > blocks) count = blocks;
  Job job(*this, logits, workers, count);
  workers.run(&Job::task, &job);
  if (options_.temperature == 0.0f) return job.best().best;
  const uint64_t sum = job.sum();
  if (!filters()) return draw_any(logits, sum);
  const uint64_t enough = topp_ != 0 ? scaled<32>(sum, topp_) : sum;
  Candidates candidates = job.gather();
  if (topp_ != 0 && candidates.sum <= enough) {
    workers.run(&Job::retry_task, &job);
    candidates = job.gather();
  }
  return draw(logits, candidates.count, enough);
}

uint32_t Sampler::cutoff(uint64_t sum, size_t others) const {
  float least = 0;
  // Lowered by 1e-6 to allow for the rounding of this expression.
  if (topp_ != 0)
    least = (1.0f - options_.topp) / static_cast<float>(others) *
            static_cast<float>(static_cast<uint32_t>(sum >> 20)) * (0x1p20f - 1.0f);
  constexpr uint32_t kHeaviest = exp2_fixed(0);
  const float likely = options_.minp * static_cast<float>(kHeaviest);
  const uint32_t cutoff = to_fixed_unsigned(likely > least ? likely : least);
  return cutoff < kHeaviest ? cutoff : kHeaviest;  // the most likely token always qualifies
}

int32_t Sampler::draw_any(std::span<const float> weights, uint64_t sum) {
  const uint64_t r = scaled<24>(sum, rng_.next_u32() >> 8);
  uint64_t cdf = 0;
  uint32_t id = 0;
  while ((cdf += weight_of(weights, id)) <= r) ++id;
  return static_cast<int32_t>(id);
}

int32_t Sampler::draw(std::span<const float> weights, size_t count, uint64_t enough) {
  const size_t most = options_.topk > 0 && static_cast<size_t>(options_.topk) < count
                          ? static_cast<size_t>(options_.topk)
                          : count;
  TokenHeap heap(scratch_.first(count), weights);
  uint64_t cumulative = 0;
  size_t kept = 0;
  while (kept < most && cumulative <= enough) {
    cumulative += weight_of(weights, heap.pop());
    ++kept;
  }
  const uint64_t r = scaled<24>(cumulative, rng_.next_u32() >> 8);
  uint64_t cdf = 0;
  const uint32_t* id = scratch_.data() + count - 1;
  while ((cdf += weight_of(weights, *id)) <= r) --id;
  return static_cast<int32_t>(*id);
}

// ---- At load or once a story: in flash on the board (cold functions are not copied to SRAM).

namespace {

[[gnu::cold]] Status bad_option(const char* text) { return {StatusCode::kInvalidArgument, text}; }

}  // namespace

[[gnu::cold]] Status SamplerOptions::validate() const {
  // Written so that NaN fails each of them.
  if (!(temperature >= 0.0f && temperature <= 1e6f))
    return bad_option("temperature must be a number from 0 (greedy) up");
  if (!(topp >= 0.0f && topp <= 1.0f)) return bad_option("top-p must be from 0 to 1");
  if (topk < 0) return bad_option("top-k must be 0 (off) or more");
  if (!(minp >= 0.0f && minp <= 1.0f)) return bad_option("min-p must be from 0 to 1");
  if (!(repetition_penalty > 0.0f && repetition_penalty <= 1e6f))
    return bad_option("the repetition penalty must be above 0 (1 is off)");
  if (seed == 0) return bad_option("the seed must not be 0");
  return {};
}

[[gnu::cold]] Sampler::Sampler(const SamplerOptions& options, std::span<uint32_t> scratch)
    : options_(options), rng_(options.seed), scratch_(scratch) {
  CHECK(options.validate().ok());
  constexpr float kOctaves = 193635251.0f;  // 2^27 / ln(2)
  octaves_ = kOctaves / options.temperature;
  if (options.topp > 0.0f && options.topp < 1.0f) {
    topp_ = to_fixed_unsigned(options.topp * 0x1p32f);
    if (topp_ == 0) topp_ = 1;
  }
}

[[gnu::cold]] void Sampler::change(const SamplerOptions& options) {
  const Rng rng = rng_;
  *this = Sampler(options, scratch_);
  rng_ = rng;
}

[[gnu::cold]] void Sampler::penalize(std::span<float> logits, std::span<const int32_t> seen) const {
  // Each token once, however often it occurred: one flag per token in the scratch memory.
  for (size_t i = 0; i < logits.size(); ++i) scratch_[i] = 0;
  for (const int32_t token : seen) {
    const auto id = static_cast<size_t>(token);
    if (id >= logits.size()) continue;  // of the prompt, and not in the classifier (pack --vocabulary)
    if (scratch_[id]++ != 0) continue;
    logits[id] =
        logits[id] > 0 ? logits[id] / options_.repetition_penalty : logits[id] * options_.repetition_penalty;
  }
}

}  // namespace pico_llama
