#pragma once
#include <string>

#include "trainer/random.h"

namespace pico_llama::trainer {

class Teller;

/// A character. Anyone who acts besides the hero has the other pronoun, so that "he" and "she" are
/// unambiguous; everyone else is named ("the old turtle") and gets no pronoun.
struct Person {
  std::string name;  ///< "Tom", "his mom"
  std::string kind;  ///< "boy", "fox"
  bool male;
  bool animal;
};

inline constexpr unsigned kOutdoors = 1;  ///< can be taken to the park
inline constexpr unsigned kLight = 2;     ///< light enough for the wind or a crow to carry
inline constexpr unsigned kHard = 4;      ///< breaks when dropped and can be glued

/// Something a hero can wish for, have, lose, share and find.
struct Thing {
  const char* noun;
  const char* use;         ///< "fly it in the wind"
  const char* used;        ///< the past: "flew it in the wind"
  const char* adjectives;  ///< a choice in Teller's notation
  unsigned traits;         ///< of kOutdoors, kLight, kHard
  const char* parts;       ///< what one can build it from, or nullptr
  const char* flaw;        ///< how the first try at building it fails, or nullptr
  const char* repair;      ///< what mends that flaw, or nullptr
};

/// Draws hero {h}, friend {f} (the other pronoun), family member {m} (the other pronoun, called {m.call}),
/// {home}, {hobby}, {place}, {day}; sets their names in the teller.
void draw_cast(Teller& teller);
/// Sets {thing}, {noun}, {adj}, {use} and {used} from `thing`.
void set_thing(Teller& teller, const Thing& thing);
/// Any thing that has all of these traits.
const Thing& draw_thing(Random& random, unsigned traits = 0);
const Thing& draw_buildable_thing(Random& random);

}  // namespace pico_llama::trainer
