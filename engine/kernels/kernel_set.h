// The kernels as data: those this build runs, and the portable ones that define what is right.
#pragma once
#include "engine/kernels/arguments.h"

namespace pico_llama {

/// One function for each line of list.inc.
struct KernelSet {
#define PICO_LLAMA_KERNEL(name, arguments) \
  void (*name)(const arguments& a);  // NOLINT(bugprone-macro-parentheses)
#include "engine/kernels/list.inc"
#undef PICO_LLAMA_KERNEL
};

const KernelSet& kernels_in_use();
const KernelSet& portable_kernels();

}  // namespace pico_llama
