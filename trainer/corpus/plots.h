#pragma once
#include <span>

namespace pico_llama::trainer {

class Teller;

/// A plot. It draws its own characters; every plot introduces a desired {thing} and ends with it.
struct Plot {
  const char* name;
  void (*tell)(Teller&);
};

std::span<const Plot> plots();

// plots_losing.cpp: things lost, kept, broken and forgiven
void tell_lost_thing(Teller& t);
void tell_sharing(Teller& t);
void tell_sorry(Teller& t);
void tell_wind(Teller& t);
// plots_wishing.cpp: things worked for, built, swapped and given
void tell_work(Teller& t);
void tell_building(Teller& t);
void tell_trade(Teller& t);
void tell_birthday(Teller& t);
void tell_garden(Teller& t);
// plots_meeting.cpp: courage, help, friends and practice
void tell_brave(Teller& t);
void tell_helping(Teller& t);
void tell_new_friend(Teller& t);
void tell_rain(Teller& t);
void tell_practice(Teller& t);

// beats.cpp: passages shared by several plots
/// Introduces the hero and {h}'s home.
void open_story(Teller& t);
/// "{h} wanted {a thing} ...", and why.
void say_wish(Teller& t);
/// The hero already has the thing and loves it.
void say_has(Teller& t);
/// The last sentences; both the hero and the thing are in them. `lesson` is like "that it is good to share".
void close_story(Teller& t, const char* lesson);

}  // namespace pico_llama::trainer
