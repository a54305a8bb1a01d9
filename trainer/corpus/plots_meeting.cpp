// Courage, help, new friends and practice.
#include <iterator>

#include "trainer/corpus/plots.h"
#include "trainer/corpus/teller.h"
#include "trainer/corpus/world.h"

namespace pico_llama::trainer {

void tell_brave(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random(), kOutdoors));
  open_story(t);
  t.set("fear", t.expand({"the dark cave", "the old dark barn", "the high tower", "the dark cellar",
                          "the empty house on the hill"}));
  t.say(
      {"{day}, {f} told {h.him} a secret. \"There is {a thing} in {fear}.\" {h} wanted the {thing} very "
       "much.",
       "People said that {a thing} was hidden in {fear}. {h} wanted the {thing}, but {h.he} was afraid.",
       "{h} wanted {a thing}. \"I know where to find one,\" said {f}. \"There is one in {fear}.\""});
  if (t.get("fear") == "the high tower") {
    t.set("scary", t.expand({"{h} was afraid of high places.", "{h} looked up. It was so high!"}));
    t.set("sound", "the steps shook a little");
  } else {
    t.set("scary", t.expand({"{h} was afraid of the dark.", "{h} had never gone there alone."}));
    t.set("sound",
          t.expand({"something made a strange sound", "it was very dark", "there was a soft noise"}));
  }
  t.say({"{scary} \"What if there is a [monster|ghost|wolf]?\" {h.he} asked.",
         "{scary} {h.his} [legs|knees|hands] began to shake.",
         "{scary} \"I cannot go there,\" {h.he} said."});
  t.say({"\"[I will go with you|I will be right behind you],\" said {f}.",
         "\"Being brave does not mean that you are not afraid,\" said {m}. \"It means that you try.\"",
         "{m} gave {h.him} a [lamp|candle] and said, \"Take one step, and then one more.\"",
         "\"When I am afraid, I sing,\" said {f}. \"[Try it|It helps me]!\""});
  t.say({"{h} took a deep breath and went in.", "So {h} counted to three and took the first step.",
         "{h} held {f}'s hand and they went on together.", "{h} began to sing and walked on, step by step."});
  t.say({"Inside, {sound}. {h.his} heart beat fast.",
         "Then {sound}. {h} wanted to run away, but {h.he} did not."});
  t.say(
      {"\"Who is there?\" {h.he} [asked|called]. It was only [a small owl|a tiny mouse|a sleepy cat|a little "
       "bat], and it was just as scared as {h.him}.",
       "But it was only [the wind|an old door|a little owl|a family of mice]. {h} had to laugh.",
       "Two [yellow|green|round] eyes looked at {h.him}. But it was only [a kitten|an owl|a frog]. "
       "\"Hello,\" said {h}."});
  t.say({"And there, [in a corner|on an old box|behind a stone|on the floor], was the {thing}!",
         "Then {h.he} saw it. The {thing} was [right there|lying in a corner]!"});
  t.say({"{h} took it and ran out into the sun. \"I did it!\" {h.he} [shouted|cried].",
         "{h.he} picked it up and carried it out. \"You were so brave!\" said {f}.",
         "{h} held it up high. {h.he} was not afraid anymore."});
  t.maybe(0.5, {"\"I knew you could do it,\" said {m}.", "That afternoon, {h} and {f} {used}."});
  close_story(t, "that {h.he} could be brave");
}

void tell_helping(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random()));
  open_story(t);
  say_wish(t);
  t.set("show", t.expand({"fair", "big market", "summer party", "town festival"}));
  t.say(
      {"{day}, there was a race at the {show}, and the prize was {a thing}. {h} [ran|hurried] to get there "
       "in time.",
       "{day}, someone at the {show} was giving away {a thing} to the first one who came. {h} ran as fast as "
       "{h.he} could."});
  struct Trouble {
    const char* who;
    const char* what;
    const char* help;
  };
  static constexpr Trouble kTroubles[] = {
      {"turtle", "lay on its back and could not get up", "turned it over and gave it some water"},
      {"bird", "had hurt its wing", "tied a soft cloth around the wing and put it in a warm nest"},
      {"duckling", "had lost its mother", "carried it to the lake, where its mother was waiting"},
      {"lamb", "was stuck in a fence", "pulled the fence apart and set it free"},
      {"kitten", "sat in a tree and did not dare to come down", "climbed up and brought it down"},
      {"old woman", "had dropped all her apples", "picked up the apples and carried them to her house"},
      {"old man", "had lost his glasses and could not see",
       "found the glasses in the grass and took him home"},
      {"bee", "had fallen into the water", "held out a leaf and lifted it out of the water"},
  };
  const Trouble& trouble = kTroubles[t.random().below(std::size(kTroubles))];
  t.set("who", trouble.who);
  t.set("that", t.get("who").starts_with("old") ? "who" : "that");
  t.set("what", trouble.what);
  t.set("aid", trouble.help);
  t.say({"On the way, {h.he} heard a voice. \"Help!\" ^{a who} {what}.",
         "But by the road was {a who} {that} {what}.",
         "Then {h} saw {a who} {that} {what}. \"Please help me,\" said the {who}."});
  t.say({"\"If I stop, I will be too late,\" thought {h}. But {h.he} could not walk by.",
         "{h} wanted to run on, but {h.his} heart said no.",
         "{f} ran past. \"Come on, we will be late!\" {f.he} called. But {h} stopped."});
  t.say({"{h.he} {aid}.", "\"Do not be afraid,\" said {h}, and {h.he} {aid}."});
  t.say({"It took a long time. When {h} came to the {show}, everything was over and the {noun} was gone.",
         "When {h.he} got to the {show} at last, it was too late. {f} had [won|got] the {noun}.",
         "Then {h.he} ran on. But the {show} was over, and somebody else had the {noun}."});
  t.say(
      {"{h} walked home [with empty hands|slowly]. {h.he} was sad, but {h.he} was also glad that the {who} "
       "was safe.",
       "{h} was sad. Still, {h.he} knew that {h.he} had done the right thing."});
  t.say(
      {"The next day, there was a knock at the door. It was the {who}! \"You helped me, and now I want to "
       "give you something,\" said the {who}. It was {a thing}!",
       "In the morning, {h} found a box at the door. It was from the {who}. Inside was {a thing}, [even "
       "nicer than the other one|just like the one {h.he} had dreamed of]!",
       "But {m} had seen it all. \"You gave up the {noun} to help the {who},\" said {m}. And {m} gave "
       "{h.him} {a thing}!"});
  t.say({"\"Oh, thank you!\" {h} cried.", "{h} could not believe it.",
         "\"Thank you,\" said {h}. \"I will share it with everyone.\"", ""});
  close_story(t, "that a kind heart is worth more than any prize");
}

void tell_new_friend(Teller& t) {
  draw_cast(t);
  // They do not know each other yet.
  t.set("f.full", t.expand({"{a f.kind} named ", "{a f.kind} called "}) + t.get("f"));
  set_thing(t, draw_thing(t.random()));
  open_story(t);
  t.say(
      {"{h} was new there and had no friends. {h.he} wanted {a thing}, so that the others would play with "
       "{h.him}.",
       "But {h} was lonely. \"If I had {a thing}, everybody would play with me,\" {h.he} thought. {h.he} "
       "wanted {a thing} so much.",
       "{h} was shy and often played alone. {h.he} wanted {a thing} to play with."});
  t.say({"{day}, {h.he} saw {f} at {place}. {f} had {a thing}!",
         "{day}, {h.he} went to {place}. {f} was there with {a thing}."});
  t.say(
      {"{h} wanted to say hello, but {h.he} [did not dare|was too shy]. {h.he} hid behind a "
       "[tree|bush|wall].",
       "{h} looked at the ground. \"What if {f.he} does not like me?\" {h.he} thought.",
       "{h} stood still and only looked. {h.his} heart beat fast."});
  t.say({"{f} was alone too. {f.he} looked [sad|bored|lonely].",
         "{f} could not {use} alone, it seemed, and {f.he} looked sad.",
         "Then {h.he} saw that {f} was all alone, just like {h.him}."});
  t.say({"{h} took a deep breath. \"Hello, I am {h},\" {h.he} said. \"That is a nice {noun}.\"",
         "So {h} came out and said [softly|in a small voice], \"Hello. May I play with you?\"",
         "\"Hello,\" said {h}. \"[Do you want to play|Can I sit with you]?\""});
  t.say(
      {"{f} smiled. \"I am {f}. [I have waited for somebody to play with!|Do you want to {use} with me?|I "
       "was afraid to ask you!]\"",
       "\"Yes!\" said {f}, and {f.his} face lit up. \"It is no fun alone. I am {f}.\""});
  t.say({"They {used}, and they laughed [and laughed|until their sides hurt].",
         "Soon they {used} together. Then they [ran through the grass|sat down and told stories|had some "
         "cake]."});
  t.say(
      {"When it was time to go home, {f} said, \"[You can have my {noun} until tomorrow|Take the {noun} with "
       "you today]. [Then you must come back|We will play again].\"",
       "In the evening, {f} gave {h.him} the {thing}. \"You can have it tonight,\" {f.he} said. \"Friends "
       "share.\""});
  t.say(
      {"\"I thought I needed {a thing},\" {h} told {m}. \"But I really needed a friend.\" {h.he} put the "
       "{noun} next to {h.his} bed.",
       "{h} came back the next day with the {noun}, and the day after that. {h.he} was never lonely again.",
       "{h} ran home with the {thing}. \"{m.call}, I have a friend!\" {h.he} [called|shouted].",
       "That night, {h} looked at the {noun} and smiled. The {noun} was nice, but {f} was nicer.",
       "From that day on, {h} and {f} {used} every day. The {thing} had made them friends."});
}

void tell_rain(Teller& t) {
  draw_cast(t);
  set_thing(t, draw_thing(t.random(), kOutdoors));
  open_story(t);
  t.say(
      {"{h} had wanted {a thing} for a long time, and now {m} had given it to {h.him}. {h.he} could not wait "
       "to {use}.",
       "{h} had always wanted {a thing}. Now {h.he} had one, and {h.he} could not wait to {use}."});
  t.say({"{day}, {h.he} was ready to go out. But then [dark clouds came and|] it began to rain.",
         "But all morning long, it rained and rained.",
         "But when {h.he} looked out of the window, it was raining."});
  t.say({"\"Oh no,\" said {h}. \"I wanted to take the {noun} to {place}, and now I have to stay inside.\"",
         "{h} pressed {h.his} nose to the window. \"Rain, rain, go away,\" {h.he} said.",
         "\"It is not fair!\" said {h}. But the rain did not stop."});
  t.say({"{f} came in with wet [feet|hair|ears]. \"What can we do now?\" asked {f}.",
         "Then there was a knock at the door. It was {f}, all wet. \"May I come in?\" {f.he} asked.",
         "\"Do not be sad,\" said {m}. \"You can play inside today.\" Soon {f} came to visit."});
  t.say(
      {"{m} had an idea. \"Let us [bake a cake|make cookies|make hot chocolate] first,\" {m.he} said. The "
       "whole house smelled [sweet|so good].",
       "They built a [cave|house|castle] from [blankets and chairs|boxes]. They [told stories|sang songs|ate "
       "cookies] in it.",
       "They made [a boat|a castle|a train] out of [chairs|boxes], and {h} was the captain."});
  t.say({"\"The rain is our music,\" said {f}, and they danced.",
         "They laughed so much that {h} forgot the rain.",
         "The {noun} [could play too|was part of the game].",
         "They pretended that the {noun} was [a dragon|a treasure|a sleeping bear|a star]."});
  t.say({"Then {f} looked up. \"Listen! The rain has stopped!\"",
         "All at once, it was quiet. The sun came out.",
         "When they looked out again, there was a [big|beautiful] rainbow over the [hill|trees|houses]."});
  t.say({"They put on their boots and ran outside with the {noun}.",
         "\"Quick, the {noun}!\" cried {h}, and out they ran.",
         "{h} took the {thing}, and they ran to {place}."});
  t.say({"The [grass was wet|air was fresh], and there were puddles to jump in.",
         "They jumped in every puddle.", "Everything was [clean|shiny] and new.", "At last, {h} {used}."});
  t.say(
      {"\"A rainy day can be the best day,\" said {h}, and {h.he} held the {noun} up to the sun.",
       "{h} and {f} played with the {noun} until supper. After that, {h} was never sad about the rain again.",
       "In the evening, {h} dried the {thing} and put it away. \"I hope it rains again soon,\" {h.he} said, "
       "and {m} laughed.",
       "That night, {h} fell asleep next to the {noun}. Outside, the rain began to sing again.",
       "\"First the rain and then the {noun},\" {h} told {m}. \"I had two good days in one!\""});
}

void tell_practice(Teller& t) {
  draw_cast(t);
  struct Skill {
    const char* noun;
    const char* adjectives;
    const char* use;
    const char* used;
    const char* fail;
    const char* show;
  };
  static constexpr Skill kSkills[] = {
      {"flute", "wooden|silver|little", "play a song on it", "played a song on it",
       "there was only an ugly sound", "played a song for everyone"},
      {"drum", "red|blue|big|little|green", "play a song on it", "played a song on it",
       "it was only loud and not nice at all", "played the drum for everyone"},
      {"bike", "red|blue|green|yellow|shiny", "ride it down the road", "rode it down the road",
       "the bike fell over, and so did {h}", "rode all the way to the bridge and back"},
      {"rope", "long|red|blue|yellow", "jump with it", "jumped with it", "it got caught on {h.his} feet",
       "jumped and jumped while everyone counted"},
      {"kite", "red|blue|green|yellow|big", "fly it in the wind", "flew it in the wind",
       "it dropped to the ground", "made the kite dance above the trees"},
      {"puppet", "funny|little|red|green", "put on a show with it", "put on a show with it",
       "its arms got all mixed up", "put on a show, and everyone laughed"},
  };
  const Skill& skill = kSkills[t.random().below(std::size(kSkills))];
  set_thing(t, {skill.noun, skill.use, skill.used, skill.adjectives, kOutdoors, nullptr, nullptr, nullptr});
  t.set("fail", t.expand({skill.fail}));
  t.set("perform", skill.show);
  open_story(t);
  say_wish(t);
  t.say({"{day}, {m} gave {h.him} {a thing}. \"Now I can {use}!\" said {h}.",
         "{day}, {h} got {a thing} from {m}. {h.he} was so [happy|excited]."});
  t.say({"{h.he} tried at once, but {fail}.",
         "But it was not as easy as it looked. {h.he} tried, and {fail}."});
  t.say(
      {"{h} tried again and again. \"I will never learn it,\" {h.he} said and [put it in a corner|sat down "
       "on the ground|began to cry].",
       "Some of the others laughed. {h.his} face was hot, and {h.he} ran home.",
       "\"Why can I not do it?\" {h.he} asked. {h.he} was [angry|sad]."});
  t.say({"\"I could not do it at first,\" said {f}. \"[I tried every day|You need time].\"",
         "\"When you were small, you could not walk,\" said {m}. \"You fell down, and you got up again.\"",
         "\"A little every day,\" said {m}. \"That is the secret.\"",
         "{f} sat down next to {h.him}. \"Let us do it together,\" {f.he} said."});
  t.say({"So {h} tried every [day|morning|evening].", "The next day, {h} took the {noun} and tried again.",
         "From then on, {h} worked at it every day [after lunch|before supper]."});
  t.say(
      {"On the first day, {h.he} could do it for a moment. On the [second|third] day, it went a little "
       "better.",
       "Sometimes {h.he} was tired, but {h.he} did not stop.", "Day by day, it got better.",
       "{f} [watched and clapped|helped and cheered]."});
  t.say({"Then came the day of the [summer|spring|town|school] party. {h} {perform}.",
         "After [two|three] weeks, {h.he} called all {h.his} friends. Then {h.he} {perform}."});
  t.say(
      {"Everyone [clapped|cheered]. \"How did you learn that?\" asked {f}. \"A little every day,\" said {h}.",
       "\"Wonderful!\" [cried|called] {m}. {h} was proud.",
       "They all clapped, and nobody laughed at {h.him} anymore."});
  close_story(t, "that you get better if you try every day");
}

}  // namespace pico_llama::trainer
