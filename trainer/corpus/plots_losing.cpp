// Things lost, kept, broken and forgiven.
#include <iterator>

#include "trainer/corpus/plots.h"
#include "trainer/corpus/teller.h"
#include "trainer/corpus/world.h"

namespace pico_llama::trainer {
namespace {

/// Two different places of a search, as {where1} and {where2}.
void draw_search(Teller& t) {
  const char* places =
      "[under the [bench|bush|old tree]|behind the [big rock|gate|fence]|in the [tall "
      "grass|flowers|leaves]|by the [well|path|wall]|near the [bridge|steps|mushrooms]]";
  t.set("where1", t.expand({places}));
  do {
    t.set("where2", t.expand({places}));
  } while (t.get("where2") == t.get("where1"));
}

}  // namespace

void tell_lost_thing(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random(), kOutdoors));
  draw_search(t);
  open_story(t);
  say_has(t);
  t.say({"{day}, {h} took the {noun} to {place}.", "{day}, {h} went to {place} with {h.his} {noun}.",
         "{day}, {h} and {f} played at {place}. {h} had the {noun} with {h.him}."});
  t.say({
      "{h.he} stopped to look at [a butterfly|a snail|a big red leaf|some ducks|a bird's nest]. When {h.he} "
      "turned around, the {noun} was gone!",
      "{h.he} put it down to [pick some berries|drink some water|climb a tree|look for shells] and forgot "
      "it. Later, the {noun} was gone.",
      "But on the way home, {h} saw that {h.he} did not have the {noun} anymore.",
      "{h.he} was tired and fell asleep in the grass. When {h.he} woke up, the {noun} was gone.",
  });
  t.say({
      "{h} felt [very sad|so sad that {h.he} began to cry]. {h.he} wanted {h.his} {thing} back.",
      "\"Oh no! Where is my {noun}?\" {h.he} cried. {h.he} wanted {h.his} {thing} back.",
      "{h.he} wanted {h.his} {thing} back. [A tear ran down {h.his} face.|{h.his} heart was heavy.]",
  });
  t.say({
      "{f} [saw {h.him}|heard {h.him}|came by] and asked, \"What is wrong?\" \"I lost my {noun},\" said {h}.",
      "\"Do not cry,\" said {f}. \"[Let us look for it together|I will help you look|We will find it].\"",
      "{h} ran to {f}. \"[Please help me|Can you help me]! I lost my {noun}.\" \"Of course,\" said {f}.",
      "{f} put an arm around {h.him}. \"[Four eyes see more than two|We will find it together],\" {f.he} "
      "said.",
  });
  t.say({"They looked {where1}, but it was not there.",
         "First they looked {where1}. [Nothing.|There was only [an old shoe|a sleepy cat|a green frog|a "
         "round stone].]",
         "They looked {where1} and found only [a snail|an old shoe|a blue feather|some nuts]."});
  t.say({
      "Then they looked {where2}. There was the {thing}!",
      "Then {f} saw something {where2}. \"Look!\" {f.he} [called|shouted]. It was the {thing}!",
      "[Just then|At last], they saw a [little|small|gray] [bird|mouse|rabbit|snail] {where2}. And next to "
      "it was the {thing}!",
      "{h} wanted to give up, but {f} said, \"One more place.\" And there it was, {where2}!",
  });
  t.say({
      "{h} [jumped for joy|laughed and danced|was so happy]. \"Thank you, {f}!\" {h.he} said.",
      "\"Thank you! You are a [true|good|wonderful] friend,\" {h} said, and {h.he} gave {f} a [big|warm] "
      "hug.",
      "{h} picked up the {noun} and hugged {f}. \"I could not have found it without you,\" {h.he} said.",
  });
  t.maybe(0.5, {"After that, {h.he} always [took good care of|looked after] {h.his} {noun}.",
                "\"Next time I will be more careful,\" {h.he} said."});
  close_story(t, "that friends help each other");
}

void tell_sharing(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random()));
  open_story(t);
  say_has(t);
  t.say({"{day}, {f} came to play. {f} saw the {noun} and wanted the {thing} too.",
         "{day}, {h} was playing when {f} came by. {f.he} wanted the {thing} too.",
         "{day}, {f} came to visit. {f.he} looked at the {noun}. {f.he} wanted the {thing} so much."});
  t.say({
      "\"May I {use}?\" {f} asked. \"No! It is mine,\" said {h}.",
      "\"Can I have a turn?\" asked {f}. {h} shook {h.his} head. \"No, it is my {noun},\" {h.he} said.",
      "\"Please, can I try it?\" {f.he} asked. But {h} held it tight. \"It is only for me,\" {h.he} said.",
  });
  t.say({
      "{f} was sad. {f.he} [sat down under a tree|walked away slowly|went home] and [did not say a "
      "word|cried a little].",
      "{f} looked at the ground. Then {f.he} [walked away|went to sit by the door|went home].",
  });
  t.say({
      "{h} played alone, but it was not much fun. [There was nobody to laugh with.|It was too "
      "quiet.|Something was missing.]",
      "Now {h} had the {noun} all to {h.self}. But {h.he} [felt lonely|was not happy|did not want to play "
      "anymore].",
      "At first {h} was glad. But soon {h.he} [was bored|felt bad]. {h.he} looked at the {noun} and "
      "[sighed|thought about {f}].",
  });
  t.maybe(0.6, {"\"What is the matter?\" asked {m}. \"I did not share, and now {f} is sad,\" {h} said. "
                "\"[You know what to do|It is never too late to share],\" said {m}.",
                "\"A toy is twice as nice when you share it,\" said {m}.",
                "{m} said, \"How would you feel if you were {f}?\" {h} thought about it [for a while|for a "
                "long time]."});
  t.say({
      "So {h} ran to {f} and said, \"I am sorry. [You can have a turn|Let us play together|You can have it "
      "first].\"",
      "{h} went to find {f}. \"[Come and play with me|Here, you go first],\" {h.he} said, and gave {f.him} "
      "the {noun}.",
      "Then {h} took the {noun} to {f}. \"I am sorry,\" {h.he} said. \"[We can both play with it|It is your "
      "turn].\"",
  });
  t.say({"{f}'s eyes [lit up|were bright]. \"Thank you, {h}!\" {f.he} said.",
         "{f} [smiled|laughed] and [took {h.his} hand|gave {h.him} a hug].",
         "\"Really? Thank you!\" said {f}."});
  t.say({"First {f} {used}, and then {h} did[| too].", "They took turns with the {noun} all [day|afternoon].",
         "Together they {used}, and it was [much more fun|better than ever]."});
  close_story(t, "that it is good to share");
}

void tell_sorry(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random(), kHard));
  open_story(t);
  t.say({"{f} had {a thing}. {h} wanted {a thing} too.",
         "{f} had {a thing}, and {h} wanted {a thing} just like it.",
         "One thing made {h} sad. {f} had {a thing}, and {h} wanted the {thing} too."});
  t.say({"{day}, {f} let {h.him} have it for a while. \"Please be careful,\" {f.he} said.",
         "{day}, {h} asked, \"May I play with it?\" \"Yes, but be careful,\" said {f}.",
         "{day}, {f} went to [get some water|eat lunch|help at home] and left the {noun} with {h}."});
  t.say({
      "{h} {used}. It was [so much|great] fun! But {h.he} was not careful, and the {noun} fell [on a "
      "rock|down the steps|to the ground]. Crack! It was broken.",
      "At first all went well. But then {h} ran too fast and fell [over a stone|in the mud], and the {noun} "
      "broke.",
      "{h.he} wanted to show it to {m} and ran as fast as {h.he} could. Then {h.he} fell, and the {noun} "
      "broke in two.",
  });
  t.say({
      "{h} was scared. \"{f} will be so angry,\" {h.he} thought. {h.he} hid the {noun} [under a bush|behind "
      "the door|in a box].",
      "{h} did not know what to do. {h.he} put the {noun} [in a bag|under a blanket|behind a tree] so that "
      "nobody could see it.",
  });
  t.say(
      {"When {f} came back and asked for the {noun}, {h} said, \"I do not know where it is.\" But it was not "
       "true, and {h.his} [tummy hurt|face was red].",
       "\"Where is my {noun}?\" asked {f}. \"It is gone,\" said {h}. {h.he} felt [awful|terrible].",
       "All [day|night], {h} felt bad. {h.he} could not [eat|play|sleep], because {h.he} had not told the "
       "truth."});
  t.maybe(0.6, {"{m} said, \"It is [brave|always better] to tell the truth.\"",
                "\"Everyone makes mistakes,\" said {m}. \"[What counts is what you do next|You can still "
                "make it right].\""});
  t.say({
      "So {h} went to {f} and said, \"I broke your {noun}. I am so sorry.\"",
      "At last, {h} told the truth. \"I broke it, {f}. I was not careful, and then I was scared. I am "
      "sorry.\"",
      "{h} took the broken {noun} to {f}. \"I am sorry,\" {h.he} said. \"It was my fault.\"",
  });
  t.say(
      {"{f} was quiet for a moment. Then {f.he} said, \"[Thank you for telling me|I am glad you told me]. "
       "[We can fix it together|Let us fix it].\"",
       "{f} was a little sad, but {f.he} was not angry. \"[You told the truth|You are still my friend],\" "
       "{f.he} said. \"We can fix it.\""});
  t.say(
      {"They got some [glue|wood and glue|string and glue] and worked all [afternoon|morning]. Soon the "
       "{thing} was as good as new.",
       "{m} gave them some glue, and they put the {noun} back together. It looked [even better than "
       "before|almost new]."});
  t.say({"\"Now it is your {noun} and mine,\" said {f}. And {h} and {f} {used} together.",
         "After that, {h} always told the truth, and {f} often let {h.him} have the {noun}.",
         "{h} gave the {noun} back. \"Friends again?\" {h.he} asked. \"Friends forever,\" said {f}.",
         "From then on, {h} was careful with the {thing}, and with the truth.",
         "That night, {h} slept well. The {noun} was whole again, and so was {h.his} heart.",
         "\"I was so afraid to tell you,\" said {h}. \"I would rather have a true friend than {a noun},\" "
         "said {f}."});
}

void tell_wind(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random(), kLight));
  open_story(t);
  say_wish(t);
  t.say(
      {"{day}, {m} came home with [a box|a big bag|something behind {m.his} back]. It was {a thing}! \"Thank "
       "you, {m.call}!\" {h} [cried|shouted].",
       "{day}, {h} found {a thing} on {h.his} bed. It was from {m}. {h} [danced with joy|could not believe "
       "it]."});
  t.say({"{h.he} took it to {place} at once.", "{h} ran to {place} to show it to {f}."});
  t.set("upon", t.expand({"high up in an old tree", "on the roof of a [barn|house]", "on a tall wall",
                          "on top of a tall tree"}));
  t.say(
      {"But a [strong|wild|sudden] wind came. It took the {noun} and [carried|blew] it away! It came down "
       "{upon}.",
       "Then a big black crow came and [took|grabbed] the {noun}! It flew away and dropped it {upon}.",
       "\"Look how high I can throw it!\" said {h}. {h.he} threw the {noun} up, and it landed {upon}."});
  t.say({"{h} jumped and jumped, but {h.he} could not [get|reach] it.",
         "{h} wanted to cry. It was too high for {h.him}.",
         "\"How can I get it back?\" {h.he} asked. {h.he} felt [so small|sad and angry]."});
  struct Rescuer {
    const char* who;
    const char* foods;
    const char* came;
  };
  static constexpr Rescuer kRescuers[] = {
      {"bird", "[bread|berries|corn]", "flew"}, {"goose", "[corn|bread]", "flew"},
      {"squirrel", "[nuts|seeds]", "climbed"},  {"monkey", "[plums|apples|nuts]", "climbed"},
      {"cat", "[cheese|fish]", "climbed"},      {"owl", "[cheese|bread]", "flew"}};
  const Rescuer& rescuer = kRescuers[t.random().below(std::size(kRescuers))];
  t.set("rescuer", rescuer.who);
  t.set("food", t.expand({rescuer.foods}));
  t.set("rose", rescuer.came);
  t.say(
      {"Then {h} saw [a hungry|a friendly|an old] {rescuer}. {h.he} had some {food} in {h.his} [bag|pocket]. "
       "\"Would you like my {food}?\" {h.he} asked [kindly|softly]. \"[Can|Could] you help me?\"",
       "[{a rescuer}|An old {rescuer}|A hungry {rescuer}] [sat|lived] close by. \"I will help you,\" said "
       "the {rescuer}, \"if you give me some {food}.\" {h} had some {food} in {h.his} bag."});
  t.say(
      {"The {rescuer} ate the {food}. Then it {rose} up and came back with the {noun}.",
       "The {rescuer} was glad. It ate all the {food}, and then it {rose} up and brought the {thing} down."});
  t.say({"\"Thank you, dear {rescuer}!\" said {h}. From then on, {h.he} brought it {food} every [day|week].",
         "{h} [thanked|hugged] the {rescuer}. Now {h.he} had {h.his} {noun} and a new friend.",
         "\"You are so [kind|clever]!\" {h} said to the {rescuer}."});
  close_story(t, "that it is good to be kind");
}

}  // namespace pico_llama::trainer
