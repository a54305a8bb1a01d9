// Tables of function pointers: the kernels this build uses, and the reference implementations.
#pragma once
#include "engine/kernels/kernels.h"

namespace pico_llama {

/// One function for each line of list.inc.
struct KernelSet {
#define PICO_LLAMA_KERNEL(name, arguments, ...) \
  void (*name)(const arguments& a);  // NOLINT(bugprone-macro-parentheses)
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
};

const KernelSet& kernels_in_use();
const KernelSet& portable_kernels();

}  // namespace pico_llama
