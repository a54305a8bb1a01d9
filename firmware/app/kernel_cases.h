/// Test problems for kernels, generated from a shape and a seed: the same on the board and on a PC.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/arena.h"
#include "engine/kernels/argmax/argmax.h"
#include "engine/kernels/attention_f32/attention_f32.h"
#include "engine/kernels/attention_q8/attention_q8.h"
#include "engine/kernels/kernel_set.h"
#include "engine/kernels/matmul_f32/matmul_f32.h"
#include "engine/kernels/matmul_q4/matmul_q4.h"
#include "engine/kernels/matmul_q8/matmul_q8.h"
#include "engine/kernels/quantize_q8/quantize_q8.h"
#include "engine/kernels/residual_q8/residual_q8.h"
#include "engine/kernels/rmsnorm/rmsnorm.h"
#include "engine/kernels/rmsnorm_q8/rmsnorm_q8.h"
#include "engine/kernels/softmax_fixed/softmax_fixed.h"
#include "engine/kernels/swiglu/swiglu.h"
#include "engine/kernels/swiglu_q8/swiglu_q8.h"

namespace pico_llama::app {

/// The meaning of a, b and c is stated with each kernel's cases.
struct KernelShape {
  int32_t a = 0;
  int32_t b = 0;
  int32_t c = 0;
};

/// The memory that holds a kernel's results.
using KernelOutputs = std::array<std::span<std::byte>, 2>;

/// The problems of one kernel. Every kernel in list.inc needs a specialisation:
///   kNames  name of each number of the shape
///   kCheck  shapes that together cover every branch of the kernel
///   typical the shape that a model of these widths uses
///   kUnit   the unit of work()
///   make    points `a` at data generated in `memory`; the same data for the same seed
template <typename Arguments>
struct KernelCases;

/// The widths of a model that determine its kernels' shapes.
struct KernelWidths {
  int32_t dim = 64;
  int32_t hidden_dim = 172;
  int32_t kv_mul = 2;
  int32_t head_size = 8;
  int32_t position = 255;
};

template <>
struct KernelCases<RmsNorm> {  // a: elements
  static constexpr KernelShape kCheck[] = {{2}, {13}, {64}, {172}, {288}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.dim}; }
  static constexpr std::string_view kUnit = "an element";
  static constexpr std::string_view kNames[] = {"elements"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, RmsNorm& a);
};

template <>
struct KernelCases<MatmulF32> {  // a: rows, b: columns, c: tokens
  static constexpr KernelShape kCheck[] = {{16, 2, 1}, {24, 36, 3}, {64, 64, 1}, {40, 172, 8}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.hidden_dim, w.dim, 1}; }
  static constexpr std::string_view kUnit = "a MAC";
  static constexpr std::string_view kNames[] = {"rows", "columns", "tokens"};
  static int64_t work(const KernelShape& s) { return int64_t{s.a} * s.b * s.c; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, MatmulF32& a);
};

template <>
struct KernelCases<QuantizeQ8> {  // a: columns, b: limit
  static constexpr KernelShape kCheck[] = {{1, 1}, {36, 2103}, {54, 32767}, {64, 1032}, {172, 767}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.dim, 1032}; }
  static constexpr std::string_view kUnit = "an element";
  static constexpr std::string_view kNames[] = {"columns", "limit"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, QuantizeQ8& a);
};

template <>
struct KernelCases<MatmulQ8> {  // a: rows, b: columns, c: tokens
  static constexpr KernelShape kCheck[] = {{16, 2, 1},   {24, 36, 3},  {64, 64, 1}, {32, 64, 1},
                                           {176, 64, 1}, {64, 172, 1}, {64, 64, 8}, {40, 258, 2},
                                           {64, 172, 7}, {512, 64, 1}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.hidden_dim, w.dim, 1}; }
  static constexpr std::string_view kUnit = "a MAC";
  static constexpr std::string_view kNames[] = {"rows", "columns", "tokens"};
  static int64_t work(const KernelShape& s) { return int64_t{s.a} * s.b * s.c; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, MatmulQ8& a);
};

template <>
struct KernelCases<MatmulQ4> {  // a: rows, b: columns, c: tokens
  static constexpr KernelShape kCheck[] = {{16, 2, 1}, {24, 36, 3}, {64, 64, 1}, {40, 172, 8}, {48, 288, 1}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.hidden_dim, w.dim, 1}; }
  static constexpr std::string_view kUnit = "a MAC";
  static constexpr std::string_view kNames[] = {"rows", "columns", "tokens"};
  static int64_t work(const KernelShape& s) { return int64_t{s.a} * s.b * s.c; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, MatmulQ4& a);
};

template <>
struct KernelCases<AttentionF32> {  // a: heads, b: head size, c: last position
  static constexpr KernelShape kCheck[] = {{1, 2, 0},   {2, 8, 7},   {2, 8, 8},
                                           {2, 8, 200}, {3, 12, 40}, {1, 48, 63}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.kv_mul, w.head_size, w.position}; }
  static constexpr std::string_view kUnit = "a position and head";
  static constexpr std::string_view kNames[] = {"heads", "head size", "last position"};
  static int64_t work(const KernelShape& s) { return int64_t{s.a} * (s.c + 1); }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, AttentionF32& a);
};

template <>
struct KernelCases<AttentionQ8> {  // a: heads, b: head size, c: last position
  static constexpr KernelShape kCheck[] = {{1, 2, 0},  {2, 8, 0},   {2, 8, 1},   {2, 8, 31}, {2, 8, 32},
                                           {2, 8, 95}, {2, 8, 511}, {3, 12, 40}, {1, 8, 95}, {4, 48, 126}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.kv_mul, w.head_size, w.position}; }
  static constexpr std::string_view kUnit = "a position and head";
  static constexpr std::string_view kNames[] = {"heads", "head size", "last position"};
  static int64_t work(const KernelShape& s) { return int64_t{s.a} * (s.c + 1); }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, AttentionQ8& a);
};

template <>
struct KernelCases<SwiGlu> {  // a: elements
  static constexpr KernelShape kCheck[] = {{1}, {8}, {54}, {86}, {172}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.hidden_dim}; }
  static constexpr std::string_view kUnit = "an element";
  static constexpr std::string_view kNames[] = {"elements"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, SwiGlu& a);
};

template <>
struct KernelCases<SwiGluQ8> {  // a: elements
  static constexpr KernelShape kCheck[] = {{1}, {8}, {54}, {86}, {172}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.hidden_dim}; }
  static constexpr std::string_view kUnit = "an element";
  static constexpr std::string_view kNames[] = {"elements"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, SwiGluQ8& a);
};

template <>
struct KernelCases<ResidualQ8> {  // a: elements
  static constexpr KernelShape kCheck[] = {{2}, {13}, {64}, {172}, {288}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.dim}; }
  static constexpr std::string_view kUnit = "an element";
  static constexpr std::string_view kNames[] = {"elements"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, ResidualQ8& a);
};

template <>
struct KernelCases<RmsNormQ8> {  // a: elements, b: limit
  static constexpr KernelShape kCheck[] = {{2, 1}, {13, 2103}, {64, 1032}, {172, 767}, {288, 32767}};
  static constexpr KernelShape typical(const KernelWidths& w) { return {w.dim, 1032}; }
  static constexpr std::string_view kUnit = "an element";
  static constexpr std::string_view kNames[] = {"elements", "limit"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, RmsNormQ8& a);
};

template <>
struct KernelCases<Argmax> {  // a: values
  static constexpr KernelShape kCheck[] = {{1}, {8}, {54}, {512}, {515}};
  static constexpr KernelShape typical(const KernelWidths&) { return {512}; }
  static constexpr std::string_view kUnit = "a value";
  static constexpr std::string_view kNames[] = {"values"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, Argmax& a);
};

template <>
struct KernelCases<SoftmaxFixed> {  // a: logits
  static constexpr KernelShape kCheck[] = {{1}, {8}, {54}, {512}, {515}};
  static constexpr KernelShape typical(const KernelWidths&) { return {512}; }
  static constexpr std::string_view kUnit = "a logit";
  static constexpr std::string_view kNames[] = {"logits"};
  static int64_t work(const KernelShape& s) { return s.a; }
  static KernelOutputs make(const KernelShape& s, uint32_t seed, Arena& memory, SoftmaxFixed& a);
};

}  // namespace pico_llama::app
