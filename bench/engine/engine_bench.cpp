// Tokens a second and bytes a second on this machine, one thread, beside a plain read of the same bytes.
//   build/host/bench/engine/engine_bench [--benchmark_filter=15M]
// stories260K's shape and a 15M-shaped model, both with weights from a seed: speed does not depend on their
// values.
#include <benchmark/benchmark.h>

#include <map>
#include <memory>

#include "tests/engine/engine_model.h"

namespace pico_llama {
namespace {

struct Shape {
  const char* name;
  Config config;
};
const Shape kShapes[] = {{"260K", {64, 172, 5, 8, 4, 512, 512}}, {"15M", {288, 768, 6, 6, 6, 32000, 256}}};

/// Models are made once: the large one takes a second.
test_support::EngineModel& model(int shape, Profile profile) {
  static std::map<std::pair<int, Profile>, std::unique_ptr<test_support::EngineModel>> models;
  auto& found = models[{shape, profile}];
  if (!found)
    found = std::make_unique<test_support::EngineModel>(
        test_support::random_model(kShapes[shape].config, true, 1), profile);
  return *found;
}

/// Bytes of weights that one token reads: everything but RoPE tables and the tokenizer.
int64_t weight_bytes(const ModelImage& image) {
  int64_t bytes = 0;
  for (uint32_t i = 1; i < image.tensor_count(); ++i) bytes += static_cast<int64_t>(image.tensor(i).bytes());
  return bytes;
}

void decode(benchmark::State& state, int shape, Profile profile, int from) {
  test_support::EngineModel& m = model(shape, profile);
  Session session = m.session();
  Transformer& t = session.transformer();
  const int32_t token = 7;
  for (int pos = 0; pos < from; ++pos) t.forward({&token, 1}, pos, false);
  for (auto _ : state) {
    t.forward({&token, 1}, from);
    benchmark::DoNotOptimize(t.logits().data());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * weight_bytes(m.image));
}

void prefill(benchmark::State& state, int shape, Profile profile) {
  test_support::EngineModel& m = model(shape, profile);
  Session session = m.session();
  const int32_t tokens[kPrefillBlock] = {1, 2, 3, 4, 5, 6, 7, 8};
  for (auto _ : state) session.transformer().forward(tokens, 0, false);
  state.SetItemsProcessed(state.iterations() * kPrefillBlock);
}

/// The weights' bytes, added up as the widest integers the compiler uses: what memory gives.
void plain_read(benchmark::State& state, int shape, Profile profile) {
  const test_support::EngineModel& m = model(shape, profile);
  const std::span image = m.image.bytes();
  const auto* words = reinterpret_cast<const uint64_t*>(image.data());
  const size_t count = image.size() / (8 * sizeof(uint64_t)) * 8;
  for (auto _ : state) {
    uint64_t sum[8] = {};
    for (size_t i = 0; i < count; i += 8)
      for (size_t k = 0; k < 8; ++k) sum[k] += words[i + k];
    benchmark::DoNotOptimize(sum);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(count * sizeof(uint64_t)));
}

void encode(benchmark::State& state) {
  test_support::EngineModel& m = model(0, Profile::kF32);
  const Tokenizer tokenizer(m.image.tokenizer());
  const std::string text(static_cast<size_t>(state.range(0)), 'q');
  std::vector<int32_t> tokens(text.size() + 2);
  std::vector<std::byte> scratch(Tokenizer::encode_scratch_bytes(text.size()));
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.encode(text, tokens, scratch).ok());
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(encode)->Arg(64)->Arg(1024)->Arg(16384);

}  // namespace
}  // namespace pico_llama

int main(int argc, char** argv) {
  using namespace pico_llama;
  for (int shape = 0; shape < 2; ++shape)
    for (const Profile profile : {Profile::kF32, Profile::kQ8}) {
      const std::string name = std::string(kShapes[shape].name) + (profile == Profile::kF32 ? "/f32" : "/q8");
      benchmark::RegisterBenchmark(("plain_read/" + name).c_str(), plain_read, shape, profile);
      for (const int from : {0, 127, 255})
        benchmark::RegisterBenchmark(("decode/" + name + "/pos:" + std::to_string(from)).c_str(), decode,
                                     shape, profile, from);
      benchmark::RegisterBenchmark(("prefill/" + name).c_str(), prefill, shape, profile);
    }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
