// One thread: the caller's.
#include "tools/support/thread_workers.h"

#include "tools/support/failure.h"

namespace pico_llama {

ThreadWorkers::ThreadWorkers(int count) : Workers(count) {
  if (count != 1) fail_usage("--threads {}: there are no threads in WebAssembly; leave it out", count);
}

ThreadWorkers::~ThreadWorkers() = default;

void ThreadWorkers::run(Task task, void* context) { task(context, 0); }

void ThreadWorkers::barrier() {}

}  // namespace pico_llama
