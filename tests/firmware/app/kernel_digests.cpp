// Prints each kernel's name and the CRC-32 of its results on the data of /selftest, computed here.
#include <cstdio>
#include <vector>

#include "firmware/app/kernel_check.h"

int main() {
  using namespace pico_llama;
  std::vector<std::byte> memory(app::kKernelCheckBytes + Arena::kAlignment);
  const size_t skip = -reinterpret_cast<uintptr_t>(memory.data()) % Arena::kAlignment;
  int different = 0;
  for (const app::KernelCheck& kernel : app::check_kernels(
           kernels_in_use(), portable_kernels(), std::span(memory).subspan(skip, app::kKernelCheckBytes))) {
    std::printf("%.*s %08x\n", static_cast<int>(kernel.name.size()), kernel.name.data(), kernel.crc);
    different += !kernel.same;
  }
  return different != 0;
}
