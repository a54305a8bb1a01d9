#include "trainer/corpus/world.h"

#include <array>

#include "trainer/corpus/teller.h"

namespace pico_llama::trainer {
namespace {

// Few names, visually distinct within each list: a model of 260,000 parameters must keep them apart.
constexpr std::array kBoys = {"Tom", "Ben", "Sam", "Max", "Leo", "Finn", "Jack", "Hugo", "Noah", "Peter"};
constexpr std::array kGirls = {"Lily", "Anna", "Mia", "Sue", "Emma", "Zoe", "Ivy", "Kate", "Ruby", "Clara"};
constexpr std::array kMaleAnimals = {"Pip", "Bo", "Otto", "Gus", "Rusty", "Hank"};
constexpr std::array kFemaleAnimals = {"Dot", "Tilly", "Coco", "Willa", "Daisy", "Hazel"};
constexpr std::array kAnimals = {"fox", "rabbit", "bear", "mouse", "duck", "kitten", "squirrel", "frog"};

#define COLORS "red|blue|green|yellow"
const std::vector<Thing> kThings = {
    {"kite", "fly it in the wind", "flew it in the wind", COLORS "|big", kOutdoors | kLight | kHard,
     "some paper, two sticks and a long string", "it was too heavy and would not fly",
     "made a lighter one from thin paper"},
    {"boat", "sail it on the pond", "sailed it on the pond", COLORS, kOutdoors | kLight | kHard,
     "some wood, a nail and a bit of cloth", "it filled with water and sank", "closed the hole with wax"},
    {"wagon", "pull it up and down the hill", "pulled it up and down the hill", COLORS, kOutdoors | kHard,
     "an old box and four wheels", "one of the wheels fell off", "put the wheel back on with a strong nail"},
    {"drum", "play a song on it", "played a song on it", COLORS "|big", kHard,
     "an old pot and some soft leather", "the leather came off and there was no sound",
     "tied the leather with a strong string"},
    {"sled", "ride it down the hill", "rode it down the hill", COLORS "|fast", kOutdoors | kHard,
     "three boards and a rope", "the rope broke", "used a new rope that was twice as thick"},
    {"puppet", "put on a show with it", "put on a show with it", "funny|" COLORS, 0,
     "an old sock and two buttons", "the eyes fell off", "sewed the buttons on again"},
    {"lamp", "make shadows on the wall with it", "made shadows on the wall with it", COLORS, kHard,
     "a glass jar and a candle", "the wind blew the candle out", "put a lid with little holes on the jar"},
    {"basket", "fill it with berries", "filled it with berries", COLORS "|round", kOutdoors | kLight,
     "long grass and thin sticks", "there was a big hole in the bottom", "closed the hole with more grass"},
    {"ball", "kick it over the grass", "kicked it over the grass", COLORS "|big", kOutdoors | kLight, nullptr,
     nullptr, nullptr},
    {"bell", "ring it", "rang it", "shiny|silver|little|golden", 0, nullptr, nullptr, nullptr},
    {"book", "read it under a tree", "read it under a tree", COLORS "|big", kOutdoors, nullptr, nullptr,
     nullptr},
    {"crown", "play king and queen with it", "played king and queen with it", "golden|silver|shiny", kHard,
     nullptr, nullptr, nullptr},
    {"bike", "ride it down the road", "rode it down the road", COLORS "|fast", kOutdoors | kHard, nullptr,
     nullptr, nullptr},
    {"doll", "have tea with it", "had tea with it", "pretty|" COLORS, kOutdoors | kLight | kHard, nullptr,
     nullptr, nullptr},
    {"train", "make it go around the room", "made it go around the room", COLORS "|fast", kHard, nullptr,
     nullptr, nullptr},
    {"robot", "make it walk and talk", "made it walk and talk", "shiny|funny|" COLORS, kHard, nullptr,
     nullptr, nullptr},
};
#undef COLORS

template <typename Table>
const char* pick(Random& random, const Table& table) {
  return table[random.below(table.size())];
}

Person draw_person(Random& random, bool male, bool animal) {
  if (animal) {
    return {pick(random, male ? kMaleAnimals : kFemaleAnimals), pick(random, kAnimals), male, true};
  }
  return {pick(random, male ? kBoys : kGirls), male ? "boy" : "girl", male, false};
}

}  // namespace

const Thing& draw_buildable_thing(Random& random) {
  while (true) {
    const Thing& thing = kThings[random.below(kThings.size())];
    if (thing.parts != nullptr) return thing;
  }
}

const Thing& draw_thing(Random& random, unsigned traits) {
  while (true) {
    const Thing& thing = kThings[random.below(kThings.size())];
    if ((thing.traits & traits) == traits) return thing;
  }
}

void set_thing(Teller& teller, const Thing& thing) {
  const std::string adjective = teller.expand({(std::string("[") + thing.adjectives + "]").c_str()});
  teller.set("adj", adjective);
  teller.set("noun", thing.noun);
  teller.set("thing", adjective + " " + thing.noun);
  teller.set("use", thing.use);
  teller.set("used", thing.used);
}

void draw_cast(Teller& teller) {
  Random& random = teller.random();
  const bool male = random.chance(0.5);
  const bool animal = random.chance(0.35);
  const Person hero = draw_person(random, male, animal);
  Person other = draw_person(random, !male, animal);
  while (other.kind == hero.kind) other = draw_person(random, !male, animal);
  teller.set_person("h", hero);
  teller.set_person("f", other);
  // How the friend is named the first time.
  const std::string his = male ? "his " : "her ";
  teller.set("f.full", animal ? other.name + " the " + other.kind : his + "friend " + other.name);

  const bool old = random.chance(0.35);
  const char* relation = male ? (old ? "grandma" : "mom") : (old ? "grandpa" : "dad");
  teller.set_person("m", {his + relation, relation, !male, animal});
  std::string call = relation;
  call[0] = static_cast<char>(call[0] - 'a' + 'A');
  teller.set("m.call", call);

  if (animal) {
    teller.set("home", teller.expand({"in a [warm|little|cozy] [hole|house] under [a big|an old] tree",
                                      "in [a little|an old] house in the woods", "by the [pond|river]",
                                      "at the edge of the woods", "in the green hills"}));
    teller.set("place", teller.expand({"the [woods|meadow|river|pond|hill|garden|farm|lake|old bridge]"}));
  } else {
    teller.set("home", teller.expand({"in a [small|white|red|tall|cozy] house [by the sea|near the woods|on "
                                      "a hill|by the river|at the end of the road]",
                                      "in a [little|quiet] [town|village] by the [sea|river]",
                                      "on a [small|big] farm", "near the [park|lake|woods]"}));
    teller.set("place", teller.expand({"the [park|woods|meadow|river|pond|hill|garden|beach|farm|lake]"}));
  }
  teller.set("hobby", teller.expand({"sing", "run and jump", "draw", "climb trees", "look at the clouds",
                                     "pick flowers", "play in the mud", "count the stars", "tell jokes",
                                     "swim in the [lake|river]", "dance", "help in the garden",
                                     "[listen to|read] stories", "bake", "eat [apples|berries|honey|soup]"}));
  teller.set("day",
             teller.expand({"one [sunny|warm|bright|cold|cloudy|quiet|fine|lovely] [day|morning|afternoon]",
                            "one [day|morning|afternoon|evening]",
                            "on a [sunny|warm|bright] [morning|day] in [spring|summer|May]",
                            "one [summer|spring|autumn] [day|morning]"}));
}

}  // namespace pico_llama::trainer
