#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "simulator/cpu/core.h"

namespace pico_llama::simulator {

/// The cost of an instruction, or of a call and everything below it.
struct ProfileCost {
  std::uint64_t cycles = 0;
  std::uint64_t instructions = 0;
  ProfileCost& operator+=(const ProfileCost& other) {
    cycles += other.cycles;
    instructions += other.instructions;
    return *this;
  }
};

/// Counts a core's cycles by instruction address, and by call for inclusive cost. Exact: every instruction is
/// seen, nothing is sampled.
///
/// A call is a jump that sets the link register to the next instruction. Exception handlers have no caller:
/// their cost is not part of the code that they interrupt.
class Profiler : public CoreObserver {
 public:
  /// A call site and the function called.
  struct Call {
    std::uint64_t count = 0;
    ProfileCost inclusive;
  };
  using CallKey = std::pair<std::uint32_t, std::uint32_t>;  ///< address of the call, address called

  /// `link_register` reads the core's lr.
  explicit Profiler(std::function<std::uint32_t()> link_register)
      : link_register_(std::move(link_register)) {}

  bool before(std::uint32_t pc) override;
  void after(std::uint32_t pc, std::uint32_t cycles) override;
  void exception_entered(unsigned number, std::uint32_t from, std::uint32_t cycles) override;
  void exception_returned(unsigned number, std::uint32_t cycles) override;

  /// Calls that are still open count up to now. Ends the call stacks.
  void finish();

  /// By instruction address, ascending.
  std::map<std::uint32_t, ProfileCost> costs() const;
  const std::map<CallKey, Call>& calls() const { return calls_; }

 private:
  static constexpr unsigned kPageBits = 12;
  using Page = std::array<ProfileCost, (1u << kPageBits) / 2>;
  struct Frame {
    std::uint32_t site;
    std::uint32_t target;
    std::uint32_t return_address;
    ProfileCost at_entry;
  };
  /// One flow of control: the program, or an exception handler on top of it.
  struct Flow {
    std::vector<Frame> frames;
    ProfileCost total;
    std::uint32_t last_pc = 0;
    bool started = false;
  };
  ProfileCost& cell(std::uint32_t pc);
  void close_frame(Flow& flow);

  std::function<std::uint32_t()> link_register_;
  std::unordered_map<std::uint32_t, std::unique_ptr<Page>> pages_;
  std::uint32_t last_page_number_ = ~0u;
  Page* last_page_ = nullptr;
  std::vector<Flow> flows_ = std::vector<Flow>(1);
  std::uint32_t unattributed_cycles_ = 0;  // an exception's entry: the handler's first instruction gets it
  std::map<CallKey, Call> calls_;
};

}  // namespace pico_llama::simulator
