#include <string>

#include "trainer/corpus/plots.h"
#include "trainer/corpus/teller.h"

namespace pico_llama::trainer {

void open_story(Teller& t) {
  t.set("trait",
        t.expand({"little", "little", "young", "kind", "happy", "clever", "quiet", "small", "cheerful"}));
  t.say({
      "Once upon a time, there was {a trait} {h.kind} named {h}. {h.he} lived {home}[| with {h.his} family].",
      "{h} was {a trait} {h.kind} who lived {home}.",
      "Once there was {a trait} {h.kind} called {h}, who lived {home}.",
      "{h.his} name was {h}, and {h.he} was {a trait} {h.kind} who lived {home}.",
      "There once was {a trait} {h.kind} named {h}. {h.his} home was {home}.",
      "Once upon a time, {a trait} {h.kind} named {h} lived {home}.",
  });
  t.maybe(0.45, {
                    "{h.he} [loved|liked] to {hobby}.",
                    "{h} [loved|liked] to {hobby} with {m}.",
                    "Every day, {h.he} liked to {hobby}.",
                    "{h.he} was [always|often] [happy|busy], and {h.he} loved to {hobby}.",
                });
}

void say_wish(Teller& t) {
  t.say({
      "{h} wanted {a thing} more than anything[| in the world].",
      "More than anything, {h} wanted {a thing}.",
      "[Every night|For a long time], {h.he} had wished for {a thing}.",
      "{h} had always wanted {a thing}.",
      "Every night, {h} dreamed of {a thing}.",
      "There was one thing {h} did not have. {h.he} wanted {a thing}.",
      "{h} wished for {a thing}, but {h.he} did not have one.",
  });
  t.maybe(0.6, {
                   "{h.he} wanted to {use}.",
                   "\"Then I could {use}[| every day],\" {h.he} said.",
                   "{h.he} thought how [nice|much fun|lovely] it would be to {use}.",
                   "\"How I would love to {use}!\" {h.he} told {m}.",
               });
}

void say_has(Teller& t) {
  t.say({
      "{h} had {a thing}. It was a [gift|present] from {m}.",
      "{h} had {a thing} that {h.he} loved very much.",
      "Of all {h.his} toys, {h} loved {h.his} {thing} the most.",
      "On {h.his} birthday, {h} got {a thing} from {m}.",
      "{h.his} [best|favorite] toy was {a thing}.",
  });
  t.maybe(0.6, {
                   "{h.he} {used} every day.",
                   "{h.he} loved to {use}.",
                   "It made {h.him} happy to {use}.",
               });
}

void close_story(Teller& t, const char* lesson) {
  t.set("lesson", t.expand({lesson}));
  // Avoid a second "proud" in one story.
  const auto told = [&](const std::string& words) { return t.text().find(words) != std::string::npos; };
  std::string ending;
  do {
    ending = t.expand({
        "That night, {h} lay in bed and thought of the {noun}. {h.he} had learned {lesson}.",
        "From that day on, {h} knew {lesson}. And {h.he} loved the {thing} [more than ever|even more than "
        "before].",
        "{h} [smiled|laughed] and held the {thing} [close|tight]. Now {h.he} knew {lesson}.",
        "Whenever {h} looked at the {noun}, {h.he} remembered {lesson}.",
        "{h} never forgot that day. And every time {h.he} saw the {thing}, {h.he} smiled.",
        "In the evening, {h} told {m} all about the {thing}. \"I am proud of you,\" said {m}.",
        "{h} and {f} played with the {noun} until the [sun went down|stars came out]. [It was the best day "
        "of all.|They were very happy.|Then they went home for supper.]",
        "{h} took the {thing} home and put it next to {h.his} bed. {h.he} fell asleep with a smile.",
        "\"Today I learned {lesson},\" said {h}. Then {h.he} [kissed|hugged] {m} and put the {noun} in a "
        "[safe|good] place.",
        "And so {h} was happy, and the {thing} was always [near|close to] {h.him}.",
    });
  } while (told("proud") && ending.find("proud") != std::string::npos);
  t.add(ending);
}

}  // namespace pico_llama::trainer
