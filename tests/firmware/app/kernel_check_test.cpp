// The kernel check of /selftest: passes correct kernels on every backend and detects errors.
#include <gtest/gtest.h>

#include <vector>

#include "engine/kernels/kernels.h"
#include "firmware/app/kernel_check.h"
#include "firmware/app/timed_workers.h"
#include "tests/firmware/app/support/fakes.h"

namespace pico_llama::app {
namespace {

class KernelCheckTest : public testing::Test {
 protected:
  std::array<KernelCheck, kKernelCount> check(const KernelSet& subject) {
    return check_kernels(subject, portable_kernels(), memory());
  }
  std::span<std::byte> memory() {
    const size_t skip = -reinterpret_cast<uintptr_t>(bytes_.data()) % Arena::kAlignment;
    return std::span(bytes_).subspan(skip, kKernelCheckBytes);
  }
  std::vector<std::byte> bytes_ =
      std::vector<std::byte>(kKernelCheckBytes + Arena::kAlignment, std::byte{0xa5});
};

TEST_F(KernelCheckTest, HostKernelsMatchPortable) {
  for (const KernelCheck& kernel : check(kernels_in_use())) {
    EXPECT_TRUE(kernel.same) << kernel.name;
    EXPECT_GE(kernel.shapes, 4) << kernel.name;
    EXPECT_NE(kernel.crc, 0u) << kernel.name;
  }
}

TEST_F(KernelCheckTest, ModelledM33KernelsMatchPortable) {
  const KernelSet m33 = {
#define PICO_LLAMA_KERNEL(name, arguments, ...) .name = m33::name,
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
  };
  const auto expected = check(portable_kernels());
  const auto found = check(m33);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(found[i].same) << found[i].name;
    EXPECT_EQ(found[i].crc, expected[i].crc) << found[i].name;
    EXPECT_TRUE(expected[i].is_reference) << expected[i].name;
  }
}

/// The one kernel that differs, or a failure.
const KernelCheck& the_one(const std::array<KernelCheck, kKernelCount>& checks, std::string_view name) {
  const KernelCheck* one = nullptr;
  for (const KernelCheck& kernel : checks) {
    EXPECT_EQ(kernel.same, kernel.name != name) << kernel.name;
    if (kernel.name == name) one = &kernel;
  }
  return *one;
}

void flip(float& x) { reinterpret_cast<unsigned char&>(x) ^= 1; }

TEST_F(KernelCheckTest, DetectsASingleBitErrorInEachKernel) {
  KernelSet set = kernels_in_use();
  set.rmsnorm = [](const RmsNorm& a) {
    portable::rmsnorm(a);
    if (a.n == 288) flip(a.out[287]);
  };
  const KernelCheck norm = the_one(check(set), "rmsnorm");
  EXPECT_EQ(norm.shape.a, 288);
  EXPECT_EQ(norm.byte, 287u * 4);
  EXPECT_EQ(norm.expected ^ norm.found, 1);

  set = kernels_in_use();
  set.matmul_f32 = [](const MatmulF32& a) {
    portable::matmul_f32(a);
    if (a.n_tokens == 8) flip(a.out[7 * a.out_stride + 39]);
  };
  EXPECT_EQ(the_one(check(set), "matmul_f32").shape.c, 8);

  set = kernels_in_use();
  set.quantize_q8 = [](const QuantizeQ8& a) {
    portable::quantize_q8(a);
    flip(*a.scale);
  };
  EXPECT_EQ(the_one(check(set), "quantize_q8").byte, 8u) << "the scale, after four padded columns";

  set = kernels_in_use();
  set.matmul_q8 = [](const MatmulQ8& a) {
    portable::matmul_q8(a);
    if (a.columns == 258) flip(a.out[a.out_stride + 8]);
  };
  EXPECT_EQ(the_one(check(set), "matmul_q8").shape.b, 258);

  set = kernels_in_use();
  set.matmul_q4 = [](const MatmulQ4& a) {
    portable::matmul_q4(a);
    if (a.columns == 288) flip(a.out[47]);
  };
  EXPECT_EQ(the_one(check(set), "matmul_q4").shape.b, 288);

  set = kernels_in_use();
  set.attention_f32 = [](const AttentionF32& a) {
    portable::attention_f32(a);
    if (a.last == 200) flip(a.q[15]);
  };
  EXPECT_EQ(the_one(check(set), "attention_f32").shape.c, 200);

  set = kernels_in_use();
  set.attention_q8 = [](const AttentionQ8& a) {
    portable::attention_q8(a);
    if (a.last == 511) flip(a.q[0]);
  };
  EXPECT_EQ(the_one(check(set), "attention_q8").shape.c, 511);

  set = kernels_in_use();
  set.swiglu = [](const SwiGlu& a) {
    portable::swiglu({a.hb, a.hb2, a.n - (a.n == 172)});  // the last element is left out
  };
  EXPECT_EQ(the_one(check(set), "swiglu").byte / 4, 171u);

  set = kernels_in_use();
  set.swiglu_q8 = [](const SwiGluQ8& a) {
    portable::swiglu_q8(a);
    if (a.n == 86) flip(a.hb[85]);
  };
  EXPECT_EQ(the_one(check(set), "swiglu_q8").shape.a, 86);

  set = kernels_in_use();
  set.residual_q8 = [](const ResidualQ8& a) {
    portable::residual_q8(a);
    if (a.n == 172) flip(*a.max_abs);
  };
  EXPECT_EQ(the_one(check(set), "residual_q8").shape.a, 172);

  set = kernels_in_use();
  set.rmsnorm_q8 = [](const RmsNormQ8& a) {
    portable::rmsnorm_q8(a);
    if (a.n == 288) ++a.out[287];
  };
  EXPECT_EQ(the_one(check(set), "rmsnorm_q8").byte, 287u * 2);

  set = kernels_in_use();
  set.argmax = [](const Argmax& a) {
    portable::argmax(a);
    if (a.n == 54) ++*a.index;
  };
  EXPECT_EQ(the_one(check(set), "argmax").shape.a, 54);

  set = kernels_in_use();
  set.softmax_fixed = [](const SoftmaxFixed& a) {
    portable::softmax_fixed(a);
    if (a.n == 512) ++*a.sum;
  };
  EXPECT_EQ(the_one(check(set), "softmax_fixed").byte, 512u * 4);
}

TEST_F(KernelCheckTest, TimingsUseTheModelsShapes) {
  test_support::FakeBoard board(0, 0, 0);
  std::vector<std::byte> bytes(400'000);
  const size_t skip = -reinterpret_cast<uintptr_t>(bytes.data()) % Arena::kAlignment;
  const std::span<std::byte> memory = std::span(bytes).subspan(skip, 399'000);
  for (const KernelCost& cost : time_kernels(kernels_in_use(), {}, board, memory)) {
    EXPECT_GT(cost.work, 0) << cost.name;
    if (cost.name == "matmul_q8") {
      EXPECT_EQ(cost.work, 172 * 64);
    }
  }
  // A model whose tensors fit nowhere is timed on as many rows as do.
  const KernelWidths huge{.dim = 4096, .hidden_dim = 14336, .kv_mul = 4, .head_size = 128, .position = 127};
  for (const KernelCost& cost : time_kernels(kernels_in_use(), huge, board, memory)) {
    if (cost.name == "matmul_f32") {
      EXPECT_EQ(cost.shape.a, 8);
    }
  }
}

TEST(TimedWorkersTest, AddsUpLayerByLayer) {
  test_support::FakeBoard board(0, 0, 0);
  SingleWorker one;
  TimedWorkers timed(one, board, 2, true);
  struct Pass {
    test_support::FakeBoard& board;
    Workers& crew;
  } pass{board, timed};
  const auto two_layers = [](void* context, int) {
    auto& [fake, crew] = *static_cast<Pass*>(context);
    fake.now_us += 1;
    crew.barrier();
    for (int part = 1; part <= 12; ++part) {
      const bool after_input = part % 6 == 1 || part % 6 == 3 || part % 6 == 4;
      if (after_input) {  // the input takes a quarter of the part
        fake.now_us += static_cast<uint64_t>(10 * part) / 4;
        crew.barrier();
      }
      fake.now_us +=
          static_cast<uint64_t>(10 * part) - (after_input ? static_cast<uint64_t>(10 * part) / 4 : 0);
      crew.barrier();
    }
    fake.now_us += 100;
    crew.barrier();
    fake.now_us += 400;
  };
  timed.run(two_layers, &pass);
  const PassCycles cycles = timed.take();
  EXPECT_EQ(cycles.embedding, 150u);
  EXPECT_EQ(cycles.layers,
            (std::array<uint32_t, 6>{80 * 150, 100 * 150, 120 * 150, 140 * 150, 160 * 150, 180 * 150}));
  EXPECT_EQ(cycles.classifier, 500u * 150);
  EXPECT_EQ(cycles.barriers, 20u);
  EXPECT_EQ(cycles.barriers, timed.barriers_of_pass());
  EXPECT_EQ(cycles.sum(), (1u + 780 + 500) * 150);
  EXPECT_EQ(timed.take().sum(), 0u);
}

}  // namespace
}  // namespace pico_llama::app
