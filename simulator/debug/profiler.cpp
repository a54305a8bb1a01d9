#include "simulator/debug/profiler.h"

#include <algorithm>

namespace pico_llama::simulator {

ProfileCost& Profiler::cell(std::uint32_t pc) {
  const std::uint32_t number = pc >> kPageBits;
  if (number != last_page_number_) {
    std::unique_ptr<Page>& page = pages_[number];
    if (page == nullptr) page = std::make_unique<Page>();
    last_page_number_ = number;
    last_page_ = page.get();
  }
  return (*last_page_)[(pc & ((1u << kPageBits) - 1)) / 2];
}

bool Profiler::before(std::uint32_t pc) {
  Flow& flow = flows_.back();
  const std::uint32_t last = flow.last_pc;
  const bool started = flow.started;
  flow.last_pc = pc;
  flow.started = true;
  if (!started || pc == last + 2 || pc == last + 4) return true;
  const std::uint32_t link = link_register_() & ~1u;
  if (link == last + 2 || link == last + 4) {
    flow.frames.push_back({last, pc, link, flow.total});
    return true;
  }
  // A return may leave several frames at once (longjmp, tail calls of tail calls).
  const auto returned = std::find_if(flow.frames.rbegin(), flow.frames.rend(),
                                     [pc](const Frame& frame) { return frame.return_address == pc; });
  if (returned == flow.frames.rend()) return true;
  const auto keep = static_cast<std::size_t>(flow.frames.rend() - returned) - 1;
  while (flow.frames.size() > keep) close_frame(flow);
  return true;
}

void Profiler::after(std::uint32_t pc, std::uint32_t cycles) {
  const ProfileCost cost{cycles + std::exchange(unattributed_cycles_, 0), 1};
  cell(pc) += cost;
  flows_.back().total += cost;
}

void Profiler::close_frame(Flow& flow) {
  const Frame& frame = flow.frames.back();
  Call& call = calls_[{frame.site, frame.target}];
  ++call.count;
  // Recursion: only the outermost frame of a pair counts the cost of all of them.
  const bool again = std::any_of(flow.frames.begin(), flow.frames.end() - 1, [&](const Frame& other) {
    return other.site == frame.site && other.target == frame.target;
  });
  if (!again) {
    call.inclusive +=
        {flow.total.cycles - frame.at_entry.cycles, flow.total.instructions - frame.at_entry.instructions};
  }
  flow.frames.pop_back();
}

void Profiler::exception_entered(unsigned, std::uint32_t, std::uint32_t cycles) {
  flows_.emplace_back();
  unattributed_cycles_ += cycles;
}

void Profiler::exception_returned(unsigned, std::uint32_t cycles) {
  Flow& handler = flows_.back();
  if (handler.started) cell(handler.last_pc).cycles += cycles;
  while (!handler.frames.empty()) close_frame(handler);
  if (flows_.size() > 1) flows_.pop_back();
}

void Profiler::finish() {
  while (!flows_.empty()) {
    while (!flows_.back().frames.empty()) close_frame(flows_.back());
    flows_.pop_back();
  }
  flows_.resize(1);
}

std::map<std::uint32_t, ProfileCost> Profiler::costs() const {
  std::map<std::uint32_t, ProfileCost> all;
  for (const auto& [number, page] : pages_) {
    for (std::uint32_t i = 0; i < page->size(); ++i) {
      const ProfileCost& cost = (*page)[i];
      if (cost.cycles != 0 || cost.instructions != 0) all[(number << kPageBits) + 2 * i] = cost;
    }
  }
  return all;
}

}  // namespace pico_llama::simulator
