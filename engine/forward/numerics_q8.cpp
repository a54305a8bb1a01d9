#include <bit>
#include <cstring>

#include "engine/forward/numerics.h"
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/backend.h"
#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/kernels/quantize_q8/quantize_q8.h"
#include "engine/kernels/residual_q8/residual_q8.h"
#include "engine/kernels/rmsnorm_q8/rmsnorm_q8.h"
#include "engine/kernels/swiglu_q8/swiglu_q8.h"
#include "engine/math/exp_fixed.h"
#include "engine/math/round.h"
#include "engine/math/rsqrt.h"
#include "engine/model/model_image_layout.h"
#include "engine/model/q4_layout.h"

namespace pico_llama {

void NumericsQ8::read_row(const Tensor& table, int32_t index, Range columns, float* out) {
  const auto row = static_cast<uint32_t>(index);
  if (table.encoding == Encoding::kRowsQ4)
    return q4_row(table.data, row, table.columns, columns.begin, columns.end, out);
  float scale;
  std::memcpy(&scale, table.data + q8_scale_offset(row, table.columns), sizeof scale);
  const std::byte* words = table.data + q8_word_offset(row, 0, table.columns);
  const bool odd_row = row % 2 != 0;
  for (int i = columns.begin; i < columns.end; i += 2) {
    uint32_t word;
    std::memcpy(&word, words + static_cast<ptrdiff_t>(i / 2) * 16, sizeof word);
    const Q8WeightPair w = q8_weight_pair(word, odd_row);
    out[i] = scale * static_cast<float>(w.even_column);
    out[i + 1] = scale * static_cast<float>(w.odd_column);
  }
}

namespace {

/// Columns of a quantised input, including the padding that kernels read.
int padded_columns_of(const Tensor& consumer) {
  return static_cast<int>(consumer.encoding == Encoding::kRowsQ4 ? q4_columns(consumer.columns)
                                                                 : q8_columns(consumer.columns));
}

}  // namespace

void NumericsQ8::add_to_x(const float* xb2, Range rows, const Tensor& next_norm) const {
  for (int t = first; t < n; ++t)
    kernels::residual_q8({s.x + t * s.dim_stride + rows.begin, xb2 + t * s.dim_stride + rows.begin,
                          next_norm.f32() + rows.begin, rows.end - rows.begin,
                          s.x_squares() + (t * s.dim_stride + rows.begin) / 8,
                          s.x_max_abs() + t * workers.count() + worker});
}

// The residual stream starts at 0; the embedding is added like any other residual.
void NumericsQ8::embed(const Tensor& table, std::span<const int32_t> tokens, Range rows,
                       const Tensor& next_norm) const {
  for (int t = 0; t < n; ++t) {
    read_row(table, tokens[static_cast<size_t>(t)], rows, s.xb2 + t * s.dim_stride);
    for (int i = rows.begin; i < rows.end; ++i) s.x[t * s.dim_stride + i] = 0;
  }
  add_to_x(s.xb2, rows, next_norm);
}

float NumericsQ8::max_abs_over_workers(const float* of_workers, int t) const {
  const int count = workers.count();
  float largest = of_workers[t * count];
  for (int w = 1; w < count; ++w) {
    const float part = of_workers[t * count + w];
    largest = part > largest ? part : largest;
  }
  return largest;
}

/// A worker's columns of a single token: whole groups in q4, which sums a group's columns.
static inline Range share_of_columns(int padded, bool q4, Share mine) {
  const Range groups_of_8 = mine.of((padded + 7) / 8);
  const int group_mask = q4 ? -static_cast<int>(kQ4Group) : -8;
  return {groups_of_8.begin * 8 & group_mask, groups_of_8.end * 8 & group_mask};
}

/// A single token's input: its kernel is called from each place, which is faster than one call for both.
template <typename Quantize>
[[gnu::always_inline]] inline void NumericsQ8::share_columns(const Tensor& consumer, Quantize quantize) {
  const int padded = padded_columns_of(consumer);
  const bool q4 = consumer.encoding == Encoding::kRowsQ4;
  input_scale = s.xq_scale + worker;
  quantize(padded, share_of_columns(padded, q4, {worker, workers.count()}));
  if (q4) put_q4_bias(padded);
}

/// Several tokens' input: of prompts and drafts. Not inlined: it is one function for both kinds of input.
[[gnu::noinline]] void NumericsQ8::share_tokens(const Tensor& consumer, const float* x, int stride,
                                                const float* max_abs, const float* norm, float eps) {
  const int padded = padded_columns_of(consumer);
  const auto columns = static_cast<int>(consumer.columns);
  const bool q4 = consumer.encoding == Encoding::kRowsQ4;
  input_scale = s.xq_scale;
  const Range rows = Share{worker, workers.count()}.of(n - first);  // row 0 of xq is token `first`
  for (int row = rows.begin; row < rows.end; ++row) {
    const int t = first + row;
    const Q8Place place =
        q4 ? Q8Place{row * s.columns_stride, 1} : q8_place(row, n - first, s.columns_stride);
    const float largest = max_abs != nullptr ? max_abs_over_workers(max_abs, t) : -1;
    if (norm != nullptr)
      kernels::rmsnorm_q8({s.xq + place.offset, s.xq_scale + row, x + t * stride, norm,
                           s.x_squares() + t * stride / 8, largest, columns, padded,
                           consumer.activation_limit, eps, place.step});
    else
      kernels::quantize_q8({s.xq + place.offset, s.xq_scale + row, x + t * stride, columns, padded,
                            consumer.activation_limit, place.step, largest});
  }
  if (q4) put_q4_bias(padded);
}

/// MatmulQ4::x_bias of what this worker has quantised. In flash on the board, as all cold functions.
[[gnu::cold, gnu::noinline]] void NumericsQ8::put_q4_bias(int padded) const {
  constexpr int kGroup = kQ4Group;
  const Share mine{worker, workers.count()};
  const bool one = n - first == 1;
  const Range rows = one ? Range{0, 1} : mine.of(n - first);
  const Range columns = one ? share_of_columns(padded, true, mine) : Range{0, padded};
  const Range groups{columns.begin / kGroup, columns.end / kGroup};
  for (int row = rows.begin; row < rows.end; ++row)
    for (int g = groups.begin; g < groups.end; ++g)
      s.xq_bias[row * (padded / kGroup) + g] = q4_bias(s.xq + row * s.columns_stride + g * kGroup);
}

void NumericsQ8::set_input(const float* x, int stride, const Tensor& consumer) {
  set_plain_input(x, stride, nullptr, consumer);
}

void NumericsQ8::set_hidden_input(const Tensor& consumer) {
  set_plain_input(s.hb, s.hidden_stride, s.hb_max_abs(workers.count()), consumer);
}

/// max_abs: (n, workers) of x, or null.
[[gnu::noinline]] void NumericsQ8::set_plain_input(const float* x, int stride, const float* max_abs,
                                                   const Tensor& consumer) {
  if (n - first != 1) return share_tokens(consumer, x, stride, max_abs, nullptr, 0);
  share_columns(consumer, [&](int padded, Range part) {
    kernels::quantize_q8({s.xq, s.xq_scale + worker, x + first * stride, static_cast<int>(consumer.columns),
                          padded, consumer.activation_limit, 1,
                          max_abs != nullptr ? max_abs_over_workers(max_abs, first) : -1, part});
  });
}

void NumericsQ8::set_normed_input(const Tensor& weight, float eps, const Tensor& consumer) {
  if (n - first != 1) return share_tokens(consumer, s.x, s.dim_stride, s.x_max_abs(), weight.f32(), eps);
  share_columns(consumer, [&](int padded, Range part) {
    kernels::rmsnorm_q8({s.xq, s.xq_scale + worker, s.x + first * s.dim_stride, weight.f32(),
                         s.x_squares() + first * s.dim_stride / 8, max_abs_over_workers(s.x_max_abs(), first),
                         p.dim, padded, consumer.activation_limit, eps, 1, part});
  });
}

void NumericsQ8::matmul(float* out, int out_stride, const Tensor& w, Share mine) const {
  if (w.streamed || w.encoding == Encoding::kRowsQ4) [[unlikely]]
    return matmul_pieces(out, out_stride, w, mine);
  kernels::matmul_q8({w.data, static_cast<int>(w.columns), w.chunk_pairs,
                      mine.blocks(static_cast<int>(w.rows)), s.xq, s.columns_stride, input_scale, n - first,
                      out, out_stride, w.row_shape});
}

/// Not inlined: where weights are in SRAM, matmul() would save its registers for nothing.
[[gnu::noinline]] void NumericsQ8::matmul_pieces(float* out, int out_stride, const Tensor& w,
                                                 Share mine) const {
  const int16_t* x = s.xq;
  const auto columns = static_cast<int>(w.columns);
  each_piece(w, mine, [&](const std::byte* data, BlockRange blocks, int row) {
    if (w.encoding == Encoding::kRowsQ4)
      kernels::matmul_q4({data, columns, blocks, x, s.columns_stride, s.xq_bias, input_scale, n - first,
                          out + row, out_stride});
    else
      kernels::matmul_q8({data, columns, w.chunk_pairs, blocks, x, s.columns_stride, input_scale, n - first,
                          out + row, out_stride, w.row_shape});
  });
}

void NumericsQ8::swiglu(Range rows) const {
  for (int t = first; t < n; ++t) {
    const int at = t * s.hidden_stride + rows.begin;
    kernels::swiglu_q8({s.hb + at, s.hb2 + at, rows.end - rows.begin,
                        s.hb_max_abs(workers.count()) + t * workers.count() + worker});
  }
}

namespace {

/// One position's key into its group. kHeadSize: head_size where it is constant, or 0. The elements of an
/// invalid model (NaN, infinity) are unspecified; sums still cannot overflow.
template <int kHeadSize>
void store_key(const float* x, int head_size, float inverse_step, std::byte* group, int position) {
  const int n = kHeadSize != 0 ? kHeadSize : head_size;
  // Absolute values of floats compare like integers, which is twice as fast on the M33.
  uint32_t largest = 0;
  for (int i = 0; i < n; i += 2) {
    const uint32_t even = std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu;
    const uint32_t odd = std::bit_cast<uint32_t>(x[i + 1]) & 0x7fffffffu;
    largest = even > largest ? even : largest;
    largest = odd > largest ? odd : largest;
  }
  // Rounded up, so that no element exceeds 127 quantisation steps.
  const float codes = std::bit_cast<float>(largest) * (inverse_step * (1.0f / 127.0f));
  const int code = codes < 254.0f ? static_cast<int>(codes) + 1 : 255;
  const float inverse = inverse_step / static_cast<float>(code);
  std::byte* const words = group + q8_key_byte(n, position, 0);
  const auto element = [&](int i) { return static_cast<uint32_t>(round_to_int(x[i] * inverse)) & 0xff; };
  int i = 0;
  for (; i + 4 <= n; i += 4) {
    const uint32_t word = element(i) | element(i + 2) << 8 | element(i + 1) << 16 | element(i + 3) << 24;
    std::memcpy(words + i, &word, sizeof word);
  }
  if (i < n) {  // the padding is 0; a head has an even number of elements
    const uint32_t word = element(i) | element(i + 1) << 16;
    std::memcpy(words + i, &word, sizeof word);
  }
  group[q8_key_group_bytes(n) - 4 + position] = static_cast<std::byte>(code);
}

/// Stores one position's values; a word holds 2 elements of 2 adjacent positions. kClamp: values may exceed
/// 127 quantisation steps (engine/forward/kv_steps.h).
template <int kHeadSize, bool kClamp>
void store_value(const float* x, int head_size, float inverse_step, std::byte* words) {
  const int n = kHeadSize != 0 ? kHeadSize : head_size;
  const auto element = [&](int i) {
    int y = round_to_int(x[i] * inverse_step);
    if constexpr (kClamp) {
      // one comparison for nearly all
      if (static_cast<uint32_t>(y + 128) > 255) [[unlikely]]
        y = y < 0 ? -128 : 127;
    }
    return static_cast<uint32_t>(y) & 0xff;
  };
  for (int i = 0; i < n; i += 2) {
    const auto pair = static_cast<uint16_t>(element(i) | element(i + 1) << 8);
    std::memcpy(words + i * 2, &pair, sizeof pair);
  }
}

}  // namespace

void NumericsQ8::store(int layer, Heads kv_heads, CachePart part) const {
  const int head_size = p.head_size();
  for (int h = kv_heads.begin; h < kv_heads.end; h += kv_heads.step) {
    const KvSteps steps = s.kv_steps[layer * p.n_kv_heads + h];
    for (int t = 0; t < n; ++t) {
      const int at = pos + t;
      const int row = t * s.kv_stride + h * head_size;
      std::byte* const group = part.keys + static_cast<ptrdiff_t>(at / 4) * q8_key_group_bytes(head_size);
      std::byte* const pair = part.values + static_cast<ptrdiff_t>(at / 2) * 2 * head_size + at % 2 * 2;
      if (heads == HeadShape::kTwoOf8 && values_fit(p)) {
        store_key<8>(s.k + row, head_size, steps.inverse_key, group, at % 4);
        store_value<8, false>(s.v + row, head_size, steps.inverse_value, pair);
      } else {
        store_key<0>(s.k + row, head_size, steps.inverse_key, group, at % 4);
        store_value<0, true>(s.v + row, head_size, steps.inverse_value, pair);
      }
    }
    part.keys += static_cast<size_t>(kv_heads.step) * s.key_head_bytes;
    part.values += static_cast<size_t>(kv_heads.step) * s.value_head_bytes;
  }
}

/// Rounding twice would take longer than moving what was rounded: whole words, which the uncached PSRAM takes
/// in one transfer each.
[[gnu::cold]] void NumericsQ8::store_in_both(int layer, int head, CachePart copy) const {
  store(layer, {head, head + 1}, copy);
  const CachePart cache = cache_of(layer, head);
  const auto move = [](std::byte* to, const std::byte* from, int bytes) {
    for (int i = 0; i < bytes; i += 4) {
      uint32_t word;
      std::memcpy(&word, from + i, sizeof word);
      std::memcpy(to + i, &word, sizeof word);
    }
  };
  const int last = pos + n - 1;
  const int group_bytes = q8_key_group_bytes(p.head_size());
  const int keys = pos / 4 * group_bytes;
  move(cache.keys + keys, copy.keys + keys, (last / 4 + 1) * group_bytes - keys);
  const int pair_bytes = 2 * p.head_size();
  const int values = pos / 2 * pair_bytes;
  move(cache.values + values, copy.values + values, (last / 2 + 1) * pair_bytes - values);
}

void NumericsQ8::attention(int layer, Heads kv_heads) const {
  const int head_size = p.head_size();
  const float factor = pico_llama::rsqrt(static_cast<float>(head_size)) * (65536.0f * kExpUnitsPerNat);
  const int together = p.kv_mul() == 1 ? 2 : 1;  // tokens; where heads share a KV head, two heads
  for (int h = kv_heads.begin; h < kv_heads.end; h += kv_heads.step) {
    const KvSteps& steps = s.kv_steps[layer * p.n_kv_heads + h];
    const bool streamed = streams_cache();
    const CachePart part = streamed ? append_to_streamed_cache(*this, layer, h) : cache_of(layer, h);
    for (int t = first; t < n; t += together) {
      const int here = n - t < together ? n - t : together;
      kernels::attention_q8({s.q + t * s.dim_stride + h * p.kv_mul() * head_size, p.kv_mul(), head_size,
                             pos + t, part.keys, part.values, steps.key * factor, steps.value,
                             scratch.attention, heads, here, s.dim_stride});
    }
    if (streamed) cache_done();
  }
}

}  // namespace pico_llama
