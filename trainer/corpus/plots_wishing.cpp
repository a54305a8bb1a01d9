// Things worked for, built, swapped, given and grown.
#include <iterator>

#include "trainer/corpus/plots.h"
#include "trainer/corpus/teller.h"
#include "trainer/corpus/world.h"

namespace pico_llama::trainer {

void tell_work(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random()));
  open_story(t);
  say_wish(t);
  t.set("boss", t.expand({"baker", "miller", "farmer", "fisherman"}));
  t.say(
      {"{day}, {h} saw just such {a noun} in the [shop|window of the shop|market]. But {h.he} had no money.",
       "{day}, {h} went to the market with {m}. There it was! But it cost [five|six|ten] coins, and {h} had "
       "none.",
       "\"[^{a noun} costs a lot of money|We do not have enough money for that],\" said {m}. \"You must "
       "[wait|work for it].\""});
  t.maybe(0.5, {"{h} was sad, but {h.he} did not give up.", "\"Then I will work for it,\" said {h}.",
                "{h} thought [hard|for a long time]. \"I know what to do,\" {h.he} said."});
  t.say(
      {"First {h.he} [picked apples for the farmer|carried bags for an old woman|fed the hens of the "
       "farmer], and {h.he} got [two|three] coins.",
       "The next day, {h.he} helped the {boss} to [wash the windows|pick plums|carry wood|sweep the floor]. "
       "It was hard work."});
  t.say(
      {"Then {h.he} [swept the leaves from the path|washed the dishes for {m}|watered the flowers|took a "
       "letter to [{f}|the next town]]. {h.he} got [two|three] more coins.",
       "Day after day, {h.he} [fed the hens|watered the garden|brought wood to the house] and put every coin "
       "in a [jar|box|little cup]."});
  t.maybe(0.6,
          {"\"Come and play!\" called {f}. \"Not now,\" said {h}. \"First I must work.\"",
           "{f} saw how hard {h} worked. \"I will help you,\" {f.he} said. And {f.he} did.",
           "Some days {h} was so tired that {h.he} wanted to stop. But then {h.he} thought of the {noun}."});
  t.say({"At last, {h.he} had enough coins. {h} ran as fast as {h.he} could and bought the {thing}!",
         "After [two|three] weeks, the [jar|box] was full. {h} took the coins and bought the {thing}.",
         "One morning, the {boss} said, \"You worked so well. This is for you.\" And {h} got the {thing}!"});
  t.say({"\"I am so proud of you,\" said {m}.",
         "{h} was so happy that {h.he} [sang|danced] all the way home.",
         "\"Look, {m.call}! I got it with my own work!\" {h.he} said.", ""});
  t.say({"The first thing {h.he} did was to {use}.", "Now {h} could {use}.", "{h} and {f} {used} together."});
  close_story(t, "that hard work makes dreams come true");
}

void tell_building(Teller& t) {
  draw_cast(t);
  const Thing& thing = draw_buildable_thing(t.random());
  set_thing(t, thing);
  t.set("parts", thing.parts);
  t.set("flaw", thing.flaw);
  t.set("repair", thing.repair);
  open_story(t);
  say_wish(t);
  t.say({"There was no {noun} in the shop. \"Then I will make one,\" said {h}.",
         "{m} said, \"We cannot buy one. But maybe you can build one.\"",
         "\"You could make one,\" said {m}. {h} liked that idea.",
         "{day}, {h.he} had an idea. \"I can build one!\" {h.he} said."});
  t.say({"{h.he} looked [in the barn|in the shed|all around the house] and found {parts}.",
         "{h} needed {parts}. {f} helped {h.him} to find everything.",
         "{h.he} asked {f} for help, and together they found {parts}."});
  t.say({"All morning, {h.he} [cut and tied|worked and worked]. [Then it was done.|At noon, it was ready.]",
         "{h} worked until {h.his} hands were tired, and then {h.he} was done.",
         "{m} showed {h.him} how to start, and {h} did the rest."});
  t.say({"But when {h.he} tried the {noun}, {flaw}.", "{h.he} wanted to try it at once. But oh no, {flaw}!"});
  t.say({"{h} was [angry|sad|ready to give up]. \"I cannot do it,\" {h.he} said.",
         "\"It is no good!\" said {h}, and {h.he} [kicked a stone|sat down on the ground|hid {h.his} face].",
         "{h} [sighed|looked at it for a long time]. What was wrong?"});
  t.say(
      {"\"[Try again|Do not give up],\" said {m}. \"[Nobody gets it right the first time|Every mistake "
       "teaches us something].\"",
       "{f} did not laugh. \"It is almost right,\" {f.he} said. \"Let us think.\"",
       "\"What can we do better?\" asked {f}. They thought about it together."});
  t.say({"So {h.he} {repair}.", "The next day, {h} {repair}.", "Then {h} had a good idea. {h.he} {repair}."});
  t.say({"This time it worked! {h} {used}, and {m} [clapped|cheered].",
         "And now it was just right. \"It works!\" {h} [shouted|cried]. {h.he} {used}.",
         "{h.he} tried again, and it was [perfect|wonderful]. {h} {used} all day."});
  t.maybe(0.6, {"It was the best {thing} [in the world|of all], because {h.he} had made it.",
                "\"You made a fine {thing},\" said {f}.",
                "\"May I try it too?\" asked {f}. \"Of course!\" said {h}."});
  close_story(t, "that you should never give up");
}

void tell_trade(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random()));
  open_story(t);
  say_wish(t);
  t.set("own",
        t.expand({"a bag of nuts", "a round cheese", "a jar of honey", "a loaf of bread", "a bag of plums"}));
  t.set("own.short", t.get("own").substr(t.get("own").rfind(' ') + 1));
  do {
    t.set("mid", t.expand({"a pot of soup", "a ball of wool", "a silver spoon", "a wooden chair",
                           "a little mirror", "a pair of boots"}));
    t.set("mid.short", t.get("mid").substr(t.get("mid").rfind(' ') + 1));
  } while (t.get("mid.short") == t.get("own.short"));
  t.set("first", t.expand({"old turtle", "baker", "gray goose", "old woman", "farmer"}));
  t.set("second", t.expand({"young goat", "sailor", "tall man", "owl", "painter"}));
  t.say({"But {h} had no money. All {h.he} had was {own}.", "{h.he} had no coins. {h.he} had only {own}.",
         "\"What can you give for it?\" asked {m}. {h} had only {own}."});
  t.say(
      {"{day}, {h.he} went [down the road|to the market] with the {own.short}. There {h.he} met the {first}.",
       "{day}, {h} put the {own.short} in a bag and went out. Soon {h.he} met the {first}."});
  t.say({"\"I am so hungry,\" said the {first}. \"If you give me your {own.short}, I will give you {mid}.\"",
         "The {first} had {mid} but nothing to eat. \"Would you like to trade?\" asked {h}."});
  t.say({"{h} said yes. Now {h.he} had {mid}.", "So they traded, and {h} walked on with {mid}.",
         "{h} gave the {own.short} away and got {mid}."});
  t.say(
      {"By the [river|bridge|old mill], {h.he} met the {second}, who looked [sad|worried]. \"I need {mid},\" "
       "said the {second}, \"but all I have is {a thing}.\"",
       "A little later, {h.he} met the {second}. The {second} had {a thing}! \"I do not need it anymore,\" "
       "said the {second}. \"But I need {mid}.\"",
       "Then the {second} came along the road with {a thing}. \"Oh, you have {mid}! I have looked for one "
       "all day,\" said the {second}."});
  t.say(
      {"{h} could not believe it. \"You can have it!\" {h.he} said. \"[May I have the {noun}|Will you give "
       "me the {noun}]?\"",
       "\"Let us trade!\" said {h} [at once|with a big smile].",
       "{h} laughed. \"Then we can both be happy,\" {h.he} said."});
  t.say({"So the {second} got {mid}, and {h} got the {thing}.",
         "They shook hands, and {h} went home with the {thing}.",
         "The {second} took the {mid.short}, and {h} took the {noun}. Both were [glad|happy]."});
  t.say({"\"Look what I got for {own}!\" {h.he} told {m}. {m} laughed.",
         "At home, {f} was waiting. \"Can we {use}?\" asked {f}. \"Yes!\" said {h}.",
         "All day long, {h} {used}.", "{m} was surprised. \"How did you do that?\" {m.he} asked."});
  close_story(t, "that helping others helps you too");
}

void tell_birthday(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random()));
  open_story(t);
  say_wish(t);
  t.say({"It was {h.his} birthday. {h} woke up early and ran [to the kitchen|outside]. But nobody was there.",
         "On the day of {h.his} birthday, {h} woke up with a smile. But the house was [quiet|empty].",
         "Then it was {h.his} birthday. \"Good morning!\" {h} called. But nobody answered."});
  t.say({"{h.he} went to find {f}. \"I have no time today,\" said {f}, and ran away.",
         "{h.he} asked {f} to play. \"Sorry, I am busy,\" {f.he} said.",
         "{h.he} saw {f} on the [road|path], but {f} only [waved|said hello] and went on."});
  t.say(
      {"\"They all forgot my birthday,\" thought {h}. {h.he} [sat down by the water|sat under a tree|walked "
       "to {place}] and felt [very sad|lonely].",
       "{h} felt a tear on {h.his} nose. Had they all forgotten {h.him}?",
       "Nobody said a word about {h.his} birthday. {h} felt [sad|lonely] all day."});
  t.say({"When [the sun went down|it got dark|{h.he} was hungry], {h.he} went home and opened the door.",
         "In the evening, {h.he} walked home slowly. There was a light in the window.",
         "Then {h.he} heard [a song|a soft laugh|{m} call {h.him}] and went home."});
  t.say({"\"Surprise!\" they all [shouted|cried]. {m} was there, and {f}, and all {h.his} friends.",
         "\"Happy birthday!\" [called|shouted] {m} and {f}. There were [lights|flowers|balloons] everywhere.",
         "\"Surprise!\" called {f}, and everyone [sang|clapped]."});
  t.say({"There was a [big|chocolate|cherry|honey] cake on the table.",
         "{m} had made a [big|chocolate|cherry|honey] cake.",
         "They [had worked on it all day|had made everything in secret].", ""});
  t.say({"Then {f} gave {h.him} a box. {h} opened it. Inside was {a thing}!",
         "\"This is for you,\" said {m}. {h} opened the [box|bag] and saw {a thing}!",
         "And on a chair was a present. {h} opened it with shaking hands. It was {a thing}!"});
  t.say({"\"It is just what I wanted!\" {h.he} cried.",
         "{h} hugged them all. \"I thought you forgot me,\" {h.he} said. \"Never!\" said {f}.",
         "{h} was so happy that {h.he} could not [speak|stop smiling].",
         "\"How did you know?\" asked {h}. \"You [talk|dream] about it every night,\" laughed {m}."});
  close_story(t, "that {h.his} friends and family loved {h.him}");
}

void tell_garden(Teller& t) {
  draw_cast(t);
  struct Plant {
    const char* noun;
    const char* adjectives;
    const char* use;
    const char* used;
  };
  static constexpr Plant kPlants[] = {
      {"pumpkin", "big|orange|round|giant", "make soup from it", "made soup from a piece of it"},
      {"sunflower", "tall|yellow|big|giant", "look up at it", "looked up at it"},
      {"rose", "red|white|pink|yellow", "smell it", "smelled it"},
      {"melon", "sweet|big|green|round", "eat it with {m}", "ate some of it with {m}"},
      {"carrot", "big|long|orange|sweet", "eat it with a smile", "ate half of it"},
      {"tomato", "red|big|round", "taste it", "tasted it"},
  };
  const Plant& plant = kPlants[t.random().below(std::size(kPlants))];
  set_thing(t, {plant.noun, plant.use, plant.used, plant.adjectives, kOutdoors, nullptr, nullptr, nullptr});
  t.set("use", t.expand({plant.use}));
  t.set("used", t.expand({plant.used}));
  open_story(t);
  // Separate wording: a plant is not a toy.
  t.say({"{h} wanted {a thing} for {h.his} own little garden.",
         "For a long time, {h} had wished for {a thing} in the garden.",
         "{h} had a little garden behind the house, and {h.he} wanted {a thing} to grow there.",
         "There was nothing in the garden. {h} dreamed of {a thing}."});
  t.maybe(0.6, {"{h.he} wanted to {use}.", "\"Then I could {use},\" {h.he} said."});
  t.say({"{day}, {m} gave {h.him} a tiny seed. \"[Take good care of it|Plant it and wait],\" {m.he} said.",
         "{day}, {h} found a seed [on the path|in an old bag|under a stone]. \"What is it?\" {h.he} asked. "
         "\"It is the seed of {a noun},\" said {m}.",
         "{day}, the old miller gave {h.him} a seed. \"It will grow into {a noun},\" said the miller."});
  t.say({"{h} made a hole in the ground, put the seed in and gave it some water.",
         "{h.he} dug a little hole [behind the house|near the fence|in a sunny place] and put the seed in "
         "it."});
  t.say(
      {"The next morning, {h.he} ran out to look. There was nothing to see. \"Why does it not grow?\" {h.he} "
       "asked.",
       "{h} sat down and waited. Nothing happened. \"It is too slow!\" {h.he} said.",
       "{h.he} looked every day, but there was only [dirt|brown earth]."});
  t.say({"\"Good things take time,\" said {m}.",
         "\"You must [wait|be patient],\" said {f}. \"[It is sleeping|It needs sun and water].\"",
         "\"Maybe it is asleep,\" said {f}. \"Let us sing to it.\" So they sang a [little|soft] song."});
  t.say({"Every day, {h} gave it water. When it was [hot|dry], {h.he} gave it more.",
         "{h} gave it water in the morning and [pulled out the weeds|talked to it] in the evening.",
         "So {h} waited. {h.he} watered the seed and kept the [birds|snails] away."});
  t.say({"Then one day, there was a tiny green leaf! \"It is growing!\" {h.he} [shouted|cried].",
         "After a week, something green came out of the ground. {h} [danced|jumped for joy]."});
  t.maybe(0.6, {"One night, a [storm|cold wind] came. {h} ran out and put [a box|a blanket|a basket] over "
                "the plant to keep it [safe|warm].",
                "A hungry [rabbit|snail|goat] wanted to eat the leaves. \"Please eat this [grass|bread],\" "
                "said {h}, \"and leave my plant alone.\"",
                "It grew and grew, [higher than the fence|bigger and bigger]."});
  t.say({"At the end of the summer, it was there, {a thing}!",
         "And one fine morning, {h} saw it. There was {a thing}!",
         "Week after week went by, and at last there was {a thing}."});
  t.say({"\"You were so patient,\" said {m}.",
         "{f} came to see it. \"It is [beautiful|the best one ever]!\" {f.he} said.",
         "{h} called {m} and {f}. They all [clapped|cheered]."});
  t.say(
      {"{h} {used}. It was all {h.he} had hoped for. And {h.he} kept [one seed|some seeds] for the next "
       "year, to grow {a noun} again.",
       "{h} looked at the {thing} and smiled. Now {h.he} knew that good things take time.",
       "\"I will plant more next year,\" said {h}. But this first {noun} was {h.his} favorite forever.",
       "That evening, {h} sat next to the {noun} and felt proud. {h.he} had grown it all by {h.self}.",
       "{h} gave a new seed to {f}. \"Now you can grow {a noun} too,\" {h.he} said."});
}

}  // namespace pico_llama::trainer
