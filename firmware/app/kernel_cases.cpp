#include "firmware/app/kernel_cases.h"

#include <cstring>

#include "engine/model/config.h"
#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"

namespace pico_llama::app {
namespace {

/// Alignment that DMA, SMLAD and all kernels may assume.
constexpr size_t kAlignment = 64;

/// xorshift32: sufficient for varied test data.
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : state_(seed * 2654435761u | 1u) {}
  uint32_t bits() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    return state_ ^= state_ << 5;
  }
  int32_t integer(int32_t low, int32_t high) {
    return low + static_cast<int32_t>(bits() % static_cast<uint32_t>(high - low + 1));
  }
  /// Exact in fp32, so the data itself is not rounded.
  float real(float size) { return static_cast<float>(integer(-32768, 32767)) * (size / 32768.0f); }

 private:
  uint32_t state_;
};

float* reals(Arena& memory, Numbers& numbers, int32_t n, float size) {
  float* v = memory.alloc<float>(static_cast<size_t>(n), kAlignment);
  for (int32_t i = 0; i < n; ++i) v[i] = numbers.real(size);
  return v;
}

template <typename T>
T* zeros(Arena& memory, int32_t n) {
  T* v = memory.alloc<T>(static_cast<size_t>(n), kAlignment);
  std::memset(v, 0, static_cast<size_t>(n) * sizeof(T));
  return v;
}

template <typename T>
std::span<std::byte> bytes_of(T* v, int32_t n) {
  return std::as_writable_bytes(std::span(v, static_cast<size_t>(n)));
}

std::byte* int8s(Arena& memory, Numbers& numbers, int32_t n) {
  std::byte* v = memory.alloc<std::byte>(static_cast<size_t>(n), kAlignment);
  for (int32_t i = 0; i < n; ++i) v[i] = static_cast<std::byte>(numbers.integer(-127, 127));
  return v;
}

/// Blocks of rows: padding rows are computed too.
constexpr int32_t whole_blocks(int32_t rows) { return (rows + kBlockRows - 1) / kBlockRows; }

/// Positions, rounded up to 32: the cache stores whole groups, of 4 positions or 2.
constexpr int32_t whole_positions(int32_t last) { return (last + 32) / 32 * 32; }

/// Shapes: (s.c, stride), of which s.b columns are nonzero.
const int16_t* activations(Arena& memory, Numbers& numbers, const KernelShape& s, int32_t stride,
                           int32_t limit) {
  int16_t* x = zeros<int16_t>(memory, stride * s.c);
  for (int32_t token = 0; token < s.c; ++token)
    for (int32_t i = 0; i < s.b; ++i)
      x[token * stride + i] = static_cast<int16_t>(numbers.integer(-limit, limit));
  return x;
}

const float* activation_scales(Arena& memory, Numbers& numbers, int32_t tokens) {
  float* x_scale = memory.alloc<float>(static_cast<size_t>(tokens), kAlignment);
  for (int32_t token = 0; token < tokens; ++token) x_scale[token] = 0.01f + numbers.real(0.005f);
  return x_scale;
}

}  // namespace

KernelOutputs KernelCases<RmsNorm>::make(const KernelShape& s, uint32_t seed, Arena& memory, RmsNorm& a) {
  Numbers numbers(seed);
  float* out = zeros<float>(memory, s.a);
  a = {.out = out,
       .x = reals(memory, numbers, s.a, 3.0f),
       .weight = reals(memory, numbers, s.a, 1.0f),
       .n = s.a,
       .eps = 1e-5f};
  return {bytes_of(out, s.a)};
}

KernelOutputs KernelCases<MatmulF32>::make(const KernelShape& s, uint32_t seed, Arena& memory, MatmulF32& a) {
  Numbers numbers(seed);
  const int32_t blocks = whole_blocks(s.a);
  const int32_t rows = blocks * kBlockRows;
  float* out = zeros<float>(memory, rows * s.c);
  a = {.weights = reals(memory, numbers, rows * s.b, 1.0f),
       .columns = s.b,
       .blocks = {0, blocks},
       .x = reals(memory, numbers, s.b * s.c, 1.0f),
       .x_stride = s.b,
       .n_tokens = s.c,
       .out = out,
       .out_stride = rows};
  return {bytes_of(out, rows * s.c)};
}

KernelOutputs KernelCases<QuantizeQ8>::make(const KernelShape& s, uint32_t seed, Arena& memory,
                                            QuantizeQ8& a) {
  Numbers numbers(seed);
  const int32_t padded = round_up(s.a, 4);
  int16_t* out = zeros<int16_t>(memory, padded);
  float* scale = zeros<float>(memory, 1);
  a = {.out = out,
       .scale = scale,
       .x = reals(memory, numbers, s.a, 4.0f),
       .columns = s.a,
       .padded_columns = padded,
       .limit = s.b};
  return {bytes_of(out, padded), bytes_of(scale, 1)};
}

KernelOutputs KernelCases<MatmulQ8>::make(const KernelShape& s, uint32_t seed, Arena& memory, MatmulQ8& a) {
  Numbers numbers(seed);
  const int32_t blocks = whole_blocks(s.a);
  const int32_t rows = blocks * kBlockRows;
  const auto columns = static_cast<uint32_t>(s.b);
  const auto bytes =
      static_cast<size_t>(tensor_bytes(Encoding::kRowsQ8, static_cast<uint32_t>(rows), columns));
  std::byte* weights = memory.alloc<std::byte>(bytes, kAlignment);
  for (uint32_t row = 0; row < static_cast<uint32_t>(rows); ++row) {
    const float scale = 0.001f + numbers.real(0.0005f);
    std::memcpy(weights + q8_scale_offset(row, columns), &scale, sizeof scale);
    if (row % 2 != 0) continue;
    for (uint32_t column = 0; column < q8_columns(columns); column += 2) {
      // Separate statements: the order of evaluation of call arguments is unspecified.
      const int a0 = numbers.integer(-127, 127), b0 = numbers.integer(-127, 127);
      const int a1 = numbers.integer(-127, 127), b1 = numbers.integer(-127, 127);
      const bool first = column < columns, second = column + 1 < columns;
      const uint32_t word = q8_word(first ? a0 : 0, first ? b0 : 0, second ? a1 : 0, second ? b1 : 0);
      std::memcpy(weights + q8_word_offset(row, column, columns), &word, sizeof word);
    }
  }
  // Short rows are one chunk, as stories260K's are, for which RowShape has code of its own; longer ones have
  // several.
  const uint32_t pairs = q8_columns(columns) / 2;
  const uint32_t chunk_pairs = pairs <= 32 ? pairs : 16;
  const Q8Norms norms = q8_norms({weights, bytes}, static_cast<uint32_t>(rows), columns, chunk_pairs);
  const int32_t limit = q8_activation_limit(norms.max_chunk_l1, norms.max_row_l1);

  const int32_t stride = round_up(s.b, 4);
  const int16_t* x = activations(memory, numbers, s, stride, limit);
  const float* x_scale = activation_scales(memory, numbers, s.c);
  float* out = zeros<float>(memory, rows * s.c);
  a = {.weights = weights,
       .columns = s.b,
       .chunk_pairs = static_cast<int>(chunk_pairs),
       .blocks = {0, blocks},
       .x = x,
       .x_stride = stride,
       .x_scale = x_scale,
       .n_tokens = s.c,
       .out = out,
       .out_stride = rows,
       .shape = row_shape(s.b, static_cast<int>(chunk_pairs))};
  return {bytes_of(out, rows * s.c)};
}

KernelOutputs KernelCases<MatmulQ4>::make(const KernelShape& s, uint32_t seed, Arena& memory, MatmulQ4& a) {
  Numbers numbers(seed);
  const int32_t blocks = whole_blocks(s.a);
  const int32_t rows = blocks * kBlockRows;
  const auto columns = static_cast<uint32_t>(s.b);
  const auto bytes =
      static_cast<size_t>(tensor_bytes(Encoding::kRowsQ4, static_cast<uint32_t>(rows), columns));
  // Words and codes are arbitrary bits; padding weights are multiplied by activations of 0.
  std::byte* weights = int8s(memory, numbers, static_cast<int32_t>(bytes));
  for (uint32_t row = 0; row < static_cast<uint32_t>(rows); row += kBlockRows) {
    const float scale = 0.001f + numbers.real(0.0005f);
    std::memcpy(weights + q4_scale_offset(row, columns), &scale, sizeof scale);
  }
  const int32_t limit =
      q4_activation_limit(q4_max_row_codes({weights, bytes}, static_cast<uint32_t>(rows), columns));
  const auto stride = static_cast<int32_t>(q4_columns(columns));
  float* out = zeros<float>(memory, rows * s.c);
  const int16_t* x = activations(memory, numbers, s, stride, limit);
  const auto groups = static_cast<int32_t>(q4_groups(columns));
  int32_t* bias = zeros<int32_t>(memory, groups * s.c);
  for (int32_t g = 0; g < groups * s.c; ++g)
    bias[g] = q4_bias(x + g / groups * stride + g % groups * static_cast<int32_t>(kQ4Group));
  a = {.weights = weights,
       .columns = s.b,
       .blocks = {0, blocks},
       .x = x,
       .x_stride = stride,
       .x_bias = bias,
       .x_scale = activation_scales(memory, numbers, s.c),
       .n_tokens = s.c,
       .out = out,
       .out_stride = rows};
  return {bytes_of(out, rows * s.c)};
}

KernelOutputs KernelCases<AttentionF32>::make(const KernelShape& s, uint32_t seed, Arena& memory,
                                              AttentionF32& a) {
  Numbers numbers(seed);
  const int32_t cached = whole_positions(s.c) * s.b;
  float* q = reals(memory, numbers, s.a * s.b, 3.0f);
  a = {.q = q,
       .heads = s.a,
       .head_size = s.b,
       .last = s.c,
       .keys = reals(memory, numbers, cached, 2.0f),
       .values = reals(memory, numbers, cached, 2.0f),
       .scale = 0.35f,
       .scratch = zeros<float>(memory, attention_f32_scratch(s.b))};
  return {bytes_of(q, s.a * s.b)};
}

KernelOutputs KernelCases<AttentionQ8>::make(const KernelShape& s, uint32_t seed, Arena& memory,
                                             AttentionQ8& a) {
  Numbers numbers(seed);
  const int32_t positions = whole_positions(s.c);
  float* q = reals(memory, numbers, s.a * s.b, 3.0f);
  a = {.q = q,
       .heads = s.a,
       .head_size = s.b,
       .last = s.c,
       .keys = int8s(memory, numbers, positions / 4 * q8_key_group_bytes(s.b)),  // including the codes
       .values = int8s(memory, numbers, positions * s.b),
       .factor = 64.0f * 65536.0f * 0.35f * 4.0f / (127.0f * 255.0f),
       .value_step = 0.01f,
       .scratch = zeros<std::byte>(memory, static_cast<int32_t>(attention_q8_scratch_bytes(s.a, s.b))),
       .shape = head_shape(s.a, s.b)};
  return {bytes_of(q, s.a * s.b)};
}

KernelOutputs KernelCases<SwiGlu>::make(const KernelShape& s, uint32_t seed, Arena& memory, SwiGlu& a) {
  Numbers numbers(seed);
  float* hb = reals(memory, numbers, s.a, 20.0f);
  a = {.hb = hb, .hb2 = reals(memory, numbers, s.a, 2.0f), .n = s.a};
  return {bytes_of(hb, s.a)};
}

KernelOutputs KernelCases<SwiGluQ8>::make(const KernelShape& s, uint32_t seed, Arena& memory, SwiGluQ8& a) {
  Numbers numbers(seed);
  float* hb = reals(memory, numbers, s.a, 20.0f);
  float* largest = zeros<float>(memory, 1);
  a = {.hb = hb, .hb2 = reals(memory, numbers, s.a, 2.0f), .n = s.a, .max_abs = largest};
  return {bytes_of(hb, s.a), bytes_of(largest, 1)};
}

KernelOutputs KernelCases<ResidualQ8>::make(const KernelShape& s, uint32_t seed, Arena& memory,
                                            ResidualQ8& a) {
  Numbers numbers(seed);
  const int32_t blocks = whole_blocks(s.a);
  float* x = reals(memory, numbers, s.a, 3.0f);
  float* squares_and_largest = zeros<float>(memory, blocks + 1);
  a = {.x = x,
       .more = reals(memory, numbers, s.a, 1.0f),
       .weight = reals(memory, numbers, s.a, 1.0f),
       .n = s.a,
       .squares = squares_and_largest,
       .max_abs = squares_and_largest + blocks};
  return {bytes_of(x, s.a), bytes_of(squares_and_largest, blocks + 1)};
}

KernelOutputs KernelCases<RmsNormQ8>::make(const KernelShape& s, uint32_t seed, Arena& memory, RmsNormQ8& a) {
  Numbers numbers(seed);
  const int32_t padded = round_up(s.a, 4);
  int16_t* out = zeros<int16_t>(memory, padded);
  float* scale = zeros<float>(memory, 1);
  float* squares = reals(memory, numbers, whole_blocks(s.a), 4.0f);
  for (int32_t i = 0; i < whole_blocks(s.a); ++i) squares[i] += 5.0f;
  a = {.out = out,
       .scale = scale,
       .x = reals(memory, numbers, s.a, 3.0f),
       .weight = reals(memory, numbers, s.a, 1.0f),
       .squares = squares,
       .max_abs = 3.0f,
       .n = s.a,
       .padded_columns = padded,
       .limit = s.b,
       .eps = 1e-5f};
  return {bytes_of(out, padded), bytes_of(scale, 1)};
}

KernelOutputs KernelCases<Argmax>::make(const KernelShape& s, uint32_t seed, Arena& memory, Argmax& a) {
  Numbers numbers(seed);
  int32_t* index = zeros<int32_t>(memory, 1);
  a = {.index = index, .values = reals(memory, numbers, s.a, 20.0f), .n = s.a};
  return {bytes_of(index, 1)};
}

KernelOutputs KernelCases<SoftmaxFixed>::make(const KernelShape& s, uint32_t seed, Arena& memory,
                                              SoftmaxFixed& a) {
  Numbers numbers(seed);
  float* logits = reals(memory, numbers, s.a, 20.0f);
  uint64_t* sum = zeros<uint64_t>(memory, 1);
  a = {.logits = logits, .n = s.a, .max = 20.0f, .factor = 0x1p27f / 1.25f, .sum = sum};
  return {bytes_of(logits, s.a), bytes_of(sum, 1)};
}

}  // namespace pico_llama::app
