#include "trainer/corpus/story.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "trainer/corpus/plots.h"
#include "trainer/corpus/teller.h"
#include "trainer/random.h"

namespace pico_llama::trainer {
namespace {

constexpr std::array kPlots = {
    Plot{"lost thing", tell_lost_thing},
    Plot{"sharing", tell_sharing},
    Plot{"sorry", tell_sorry},
    Plot{"wind", tell_wind},
    Plot{"work", tell_work},
    Plot{"building", tell_building},
    Plot{"trade", tell_trade},
    Plot{"birthday", tell_birthday},
    Plot{"garden", tell_garden},
    Plot{"brave", tell_brave},
    Plot{"helping", tell_helping},
    Plot{"new friend", tell_new_friend},
    Plot{"rain", tell_rain},
    Plot{"practice", tell_practice},
};

/// Keeps every story within the 512 tokens of the model that ships, at about 2.3 tokens a word.
constexpr long kMaxWords = 200;

}  // namespace

std::span<const Plot> plots() { return kPlots; }

std::string make_story(uint64_t seed, uint64_t index) {
  Random random(seed, index);
  Teller teller(random);
  kPlots[random.below(kPlots.size())].tell(teller);
  return teller.text();
}

std::string make_corpus(uint64_t seed, size_t count) {
  std::unordered_set<std::string> told;
  std::string text;
  for (uint64_t index = 0; told.size() < count; ++index) {
    std::string next = make_story(seed, index);
    if (std::count(next.begin(), next.end(), ' ') >= kMaxWords) continue;
    const auto [story, is_new] = told.insert(std::move(next));
    if (!is_new) continue;
    text += *story;
    text += "\n\n";
  }
  return text;
}

}  // namespace pico_llama::trainer
