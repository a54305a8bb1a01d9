#include "simulator/debug/profile_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace pico_llama::simulator {
namespace {

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

ProfileReport::ProfileReport(std::span<Profiler* const> cores, const formats::SymbolTable& symbols,
                             const SourceLines& lines)
    : symbols_(symbols), lines_(lines) {
  for (Profiler* core : cores) {
    core->finish();
    for (const auto& [address, cost] : core->costs()) {
      costs_[address] += cost;
      total_ += cost;
    }
    for (const auto& [key, call] : core->calls()) {
      calls_[key].count += call.count;
      calls_[key].inclusive += call.inclusive;
    }
  }
}

std::string ProfileReport::name_of(std::uint32_t address) const {
  const auto place = symbols_.find(address);
  return place ? place->function->name : fmt::format("{:#010x}", address & ~0xffu);
}

std::string ProfileReport::callgrind(const std::string& command) const {
  std::string out;
  const auto line = [&out]<typename... Args>(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
    out += '\n';
  };
  line("# callgrind format");
  line("version: 1");
  line("creator: pico-llama simulate");
  line("cmd: {}", command);
  line("positions: instr line");
  line("events: Cycles Instructions");
  line("summary: {} {}", total_.cycles, total_.instructions);
  std::string function;
  std::string_view file;
  auto call = calls_.begin();
  for (const auto& [address, cost] : costs_) {
    const SourceLines::Place place = lines_.find(address);
    const std::string name = name_of(address);
    const std::string_view path = place.file.empty() ? "???" : place.file;
    if (name != function) {
      line("");
      line("fl={}", path);
      line("fn={}", name);
    } else if (path != file) {
      line("fi={}", path);  // inlined from another file
    }
    function = name;
    file = path;
    line("{:#x} {} {} {}", address, place.line, cost.cycles, cost.instructions);
    while (call != calls_.end() && call->first.first < address) ++call;
    for (; call != calls_.end() && call->first.first == address; ++call) {
      const std::uint32_t target = call->first.second;
      const SourceLines::Place at = lines_.find(target);
      line("cfi={}", at.file.empty() ? "???" : at.file);
      line("cfn={}", name_of(target));
      line("calls={} {:#x} {}", call->second.count, target, at.line);
      line("{:#x} {} {} {}", address, place.line, call->second.inclusive.cycles,
           call->second.inclusive.instructions);
    }
  }
  return out;
}

std::string ProfileReport::text(std::size_t rows) const {
  std::map<std::string, Function> functions;
  std::map<std::pair<std::string_view, int>, ProfileCost> lines;
  for (const auto& [address, cost] : costs_) {
    Function& function = functions[name_of(address)];
    if (function.self.instructions == 0) function.address = address;
    function.self += cost;
    const SourceLines::Place place = lines_.find(address);
    if (!place.file.empty()) lines[{place.file, place.line}] += cost;
  }
  for (const auto& [key, call] : calls_) {
    Function& function = functions[name_of(key.second)];
    function.calls += call.count;
    function.inclusive += call.inclusive;
  }
  std::vector<std::pair<std::string, Function>> by_cost(functions.begin(), functions.end());
  std::stable_sort(by_cost.begin(), by_cost.end(),
                   [](const auto& a, const auto& b) { return a.second.self.cycles > b.second.self.cycles; });
  std::vector<std::pair<std::pair<std::string_view, int>, ProfileCost>> by_line(lines.begin(), lines.end());
  std::stable_sort(by_line.begin(), by_line.end(),
                   [](const auto& a, const auto& b) { return a.second.cycles > b.second.cycles; });

  const auto share = [this](std::uint64_t cycles) {
    return total_.cycles == 0 ? 0.0
                              : 100.0 * static_cast<double>(cycles) / static_cast<double>(total_.cycles);
  };
  std::string out = fmt::format("{} cycles, {} instructions, both cores, sleep left out\n\n", total_.cycles,
                                total_.instructions);
  out += fmt::format("{:>14} {:>6} {:>14} {:>14} {:>10}  {}\n", "cycles", "%", "instructions", "with callees",
                     "calls", "function");
  for (std::size_t i = 0; i < std::min(rows, by_cost.size()); ++i) {
    const auto& [name, f] = by_cost[i];
    const SourceLines::Place place = lines_.find(f.address);
    out += fmt::format("{:>14} {:>6.2f} {:>14} {:>14} {:>10}  {}", f.self.cycles, share(f.self.cycles),
                       f.self.instructions, std::max(f.inclusive.cycles, f.self.cycles), f.calls, name);
    if (!place.file.empty()) out += fmt::format(" ({}:{})", base_name(place.file), place.line);
    out += '\n';
  }
  if (by_line.empty()) return out;
  out += fmt::format("\n{:>14} {:>6} {:>14}  {}\n", "cycles", "%", "instructions", "line");
  for (std::size_t i = 0; i < std::min(rows, by_line.size()); ++i) {
    const auto& [place, cost] = by_line[i];
    out += fmt::format("{:>14} {:>6.2f} {:>14}  {}:{}\n", cost.cycles, share(cost.cycles), cost.instructions,
                       base_name(place.first), place.second);
  }
  return out;
}

}  // namespace pico_llama::simulator
