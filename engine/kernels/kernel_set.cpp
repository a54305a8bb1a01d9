#include "engine/kernels/kernel_set.h"

#include "engine/kernels/backend.h"

namespace pico_llama {
namespace {

constexpr KernelSet kInUse = {
#define PICO_LLAMA_KERNEL(name, arguments, ...) .name = kernels::name,
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
};

constexpr KernelSet kPortable = {
#define PICO_LLAMA_KERNEL(name, arguments, ...) .name = portable::name,
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
};

}  // namespace

const KernelSet& kernels_in_use() { return kInUse; }
const KernelSet& portable_kernels() { return kPortable; }

}  // namespace pico_llama
