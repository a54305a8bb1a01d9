#include "firmware/app/commands.h"

#include "engine/text/edit_distance.h"
#include "engine/text/utf8.h"
#include "firmware/app/application.h"
#include "firmware/app/measure.h"
#include "firmware/app/report.h"

namespace pico_llama::app {

struct Commands::Entry {
  std::string_view name;
  std::string_view argument;
  std::string_view help;
  void (*run)(Application&, std::string_view);
  bool takes_argument;
};

constinit const Commands::Entry Commands::kEntries[] = {
    {"help", "", "this list", help, false},
    {"tell", "\"TEXT\"", "a story that begins so, as a JSON string: \\n, \\t, blanks at its ends", nullptr,
     true},
    {"continue", "[TEXT]", "the last story from where it stopped, behind your words if you add some", nullptr,
     true},
    {"again", "", "the last story once more, with its seed", again, false},
    {"settings", "", "show all settings", settings, false},
    {"model", "[N]", "show the model and where it came from, or select number N", model, true},
    {"temp", "[0-10|default]", "0 always takes the likeliest token, 1 is as trained; default: the model's",
     temp, true},
    {"topp", "[0-1]", "choose among the likeliest tokens that together have this probability", topp, true},
    {"topk", "[N]", "choose among the N likeliest tokens; 0 is off", topk, true},
    {"minp", "[0-1]", "drop tokens below this share of the likeliest one's probability; 0 is off", minp,
     true},
    {"penalty", "[N]", "above 1 makes used tokens less likely; 1 is off", penalty, true},
    {"stop", "[TEXT|off]", "end before this text comes; in quotes as /tell has it", nullptr, true},
    {"endless", "[on|off]", "go on where the context or the model's story ends", endless, true},
    {"template", "[on|off]", "wrap prompts as the model's template says, if it has one", prompt_template,
     true},
    {"seed", "[N|random]", "the same story again and again, or a new one each time", seed, true},
    {"steps", "[N]", "tokens of a story, the prompt's included; 0 is the whole context", steps, true},
    {"profile", "[f32|q8|q4]", "how the model's numbers are stored; or use one that has them so", profile,
     true},
    {"cores", "[1|2]", "work on one core or two; the story is the same", cores, true},
    {"led", "", "blink the LED, for the person looking", led, false},
    {"mem", "", "what lives where, and how deep the stacks went", mem, false},
    {"bench", "", "measure memories and cycles", bench, false},
    {"selftest", "", "check memories and arithmetic", selftest, false},
    {"json", "[on|off]", "one JSON object a line, for programs; no echo", json, true},
    {"bootrom", "", "print the chip's boot ROM as Intel HEX, for simulate --boot-rom", bootrom, false},
    {"bootsel", "", "restart as a USB drive that takes a UF2", bootsel, false},
    {"reboot", "", "restart", reboot, false},
};

std::string_view Commands::trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void Commands::run(Application& app, std::span<char> typed) {
  const std::string_view line(typed.data(), typed.size());
  const size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  if (name == "tell") return tell(app, typed.subspan(name.size()));
  if (name == "continue") return go_on(app, line.substr(name.size()));
  if (name == "stop") return stop(app, typed.subspan(name.size()));
  const std::string_view argument =
      space == std::string_view::npos ? std::string_view{} : trim(line.substr(space));
  for (const Entry& entry : kEntries) {
    if (entry.name != name) continue;
    if (!argument.empty() && !entry.takes_argument) {
      TextOf<96> text;
      text << "/" << name << " takes nothing after it";
      return app.output_.error(text);
    }
    return entry.run(app, argument);
  }
  unknown(app, name);
}

void Commands::unknown(Application& app, std::string_view name) {
  const Entry* nearest = nullptr;
  unsigned least = kMostTypos + 1;
  for (const Entry& entry : kEntries) {
    const unsigned changes = edit_distance(name, entry.name);
    if (changes < least && changes < entry.name.size()) {
      least = changes;
      nearest = &entry;
    }
  }
  TextOf<128> text;
  text << "there is no command /" << name.substr(0, 40);
  if (nearest != nullptr) text << "; did you mean /" << nearest->name << "?";
  text << (nearest != nullptr ? " " : "; ") << "/help lists them";
  app.output_.error(text);
}

std::string_view Commands::complete(std::string_view line) {
  if (!line.starts_with('/')) return {};
  const std::string_view begun = line.substr(1);
  std::string_view common;
  bool found = false;
  for (const Entry& entry : kEntries) {
    if (!entry.name.starts_with(begun)) continue;
    const std::string_view rest = entry.name.substr(begun.size());
    if (!found) common = rest;
    size_t same = 0;
    while (same < common.size() && same < rest.size() && common[same] == rest[same]) ++same;
    common = common.substr(0, same);
    found = true;
  }
  return common;
}

void Commands::tell(Application& app, std::span<char> argument) {
  const std::string_view text(argument.data(), argument.size());
  const size_t begin = text.find('"');
  size_t bytes = 0;
  if (begin == std::string_view::npos || !trim(text.substr(0, begin)).empty() ||
      !decode_json_string(argument.subspan(begin), bytes)) {
    return app.output_.error("/tell takes a JSON string, such as \"One day\\nTom ran.\"; \\n is a line feed");
  }
  app.tell(Beginning::kPrompt, {argument.data() + begin, bytes});
}

/// `words` begin with the blank behind the command, which is the story's.
void Commands::go_on(Application& app, std::string_view words) {
  if (trim(words).empty()) words = {};
  app.tell(Beginning::kContinue, words);
}

void Commands::again(Application& app, std::string_view) { app.tell(Beginning::kAgain, {}); }

void Commands::stop(Application& app, std::span<char> argument) {
  const std::string_view all(argument.data(), argument.size());
  std::string_view text = trim(all);
  if (text.empty()) return show_stop(app, {});
  if (text == "off") {
    text = {};
  } else if (text.starts_with('"')) {
    const auto begin = static_cast<size_t>(text.data() - all.data());
    size_t bytes = 0;
    if (!decode_json_string(argument.subspan(begin), bytes))
      return app.output_.error("/stop takes a text, or a JSON string such as \"\\n\\n\", or the word off");
    text = all.substr(begin, bytes);
  }
  if (text.size() > kMaxStopBytes || utf8_valid_prefix(text) != text.size()) {
    TextOf<96> why;
    why << "/stop takes up to " << kMaxStopBytes << " bytes of UTF-8, these are " << text.size();
    return app.output_.error(why);
  }
  Settings& settings = app.settings_;
  settings.stop_bytes = static_cast<uint8_t>(text.size());
  for (size_t i = 0; i < text.size(); ++i) settings.stop[i] = text[i];
  show_stop(app, {});
}

void Commands::show_stop(Application& app, std::string_view) {
  TextOf<16 + 6 * kMaxStopBytes> text;
  text << "stop ";
  if (app.settings_.stop_bytes == 0) {
    text << "off";
  } else {
    text << '"';
    text.json(app.settings_.stop_text()) << '"';
  }
  app.output_.line(text);
}

void Commands::prompt_template(Application& app, std::string_view argument) {
  if (!argument.empty() && argument != "on" && argument != "off")
    return app.output_.error("/template takes on or off");
  if (!argument.empty()) app.settings_.use_template = argument == "on";
  app.output_.line(app.settings_.use_template ? "template on" : "template off");
}

void Commands::endless(Application& app, std::string_view argument) {
  if (!argument.empty() && argument != "on" && argument != "off")
    return app.output_.error("/endless takes on or off");
  if (!argument.empty()) app.settings_.endless = argument == "on";
  app.output_.line(app.settings_.endless ? "endless on" : "endless off");
}

void Commands::help(Application& app, std::string_view) {
  for (const Entry& entry : kEntries) {
    TextOf<128> text;
    text << "/" << entry.name << " " << entry.argument;
    text.column(22) << entry.help;
    app.output_.line(text);
  }
}

/// Loads another image of the cartridge; on failure, reloads the previous one.
void Commands::use_model(Application& app, int index) {
  const int before = app.loader_.chosen();
  app.loader_.choose(index);
  if (app.loader_.load(&app.single_, app.both_) != ModelState::kReady) {
    report_model(app.output_, app.board_, app.loader_);
    app.loader_.choose(before);
    app.loader_.load(&app.single_, app.both_);
  }
  app.loader_.use_cores(app.settings_.cores);
  app.take_model_temperature();
  report_model(app.output_, app.board_, app.loader_);
}

void Commands::model(Application& app, std::string_view argument) {
  const Cartridge cartridge = Cartridge::in(app.board_.memory().model_slot);
  if (!argument.empty()) {
    uint64_t number = 0;
    if (!parse_unsigned(argument, number) || number == 0 ||
        number > static_cast<uint64_t>(cartridge.count())) {
      TextOf<128> text;
      text << "/model takes a number from 1 to " << cartridge.count() << ": the flash holds "
           << cartridge.count() << (cartridge.count() == 1 ? " model" : " models");
      return app.output_.error(text);
    }
    return use_model(app, static_cast<int>(number) - 1);
  }
  report_model(app.output_, app.board_, app.loader_);
  report_model_details(app.output_, app.loader_);
  if (cartridge.count() > 1) report_cartridge(app.output_, cartridge, app.loader_.chosen());
}

void Commands::temp(Application& app, std::string_view argument) {
  float value = 0;
  const bool model_default = argument == "default";
  if (!argument.empty() && !model_default && (!parse_decimal(argument, value) || value > 10.0f)) {
    return app.output_.error("/temp takes a number from 0 to 10, for example /temp 0.8, or the word default");
  }
  if (!argument.empty()) {
    app.settings_.temperature = value;
    app.settings_.own_temperature = !model_default;
    app.take_model_temperature();
  }
  TextOf<64> text;
  text << "temperature ";
  append_float(text, app.settings_.temperature);
  if (!app.settings_.own_temperature) text << " (default)";
  app.output_.line(text);
}

void Commands::topp(Application& app, std::string_view argument) {
  float value = 0;
  if (!argument.empty() && (!parse_decimal(argument, value) || value > 1.0f)) {
    return app.output_.error("/topp takes a number from 0 to 1, for example /topp 0.9; 0 or 1 is off");
  }
  if (!argument.empty()) app.settings_.topp = value;
  TextOf<64> text;
  text << "top-p ";
  append_float(text, app.settings_.topp);
  app.output_.line(text);
}

void Commands::topk(Application& app, std::string_view argument) {
  uint64_t value = 0;
  if (!argument.empty() && (!parse_unsigned(argument, value) || value > 1'000'000)) {
    return app.output_.error("/topk takes a whole number, for example /topk 40; 0 is off");
  }
  if (!argument.empty()) app.settings_.topk = static_cast<int32_t>(value);
  TextOf<64> text;
  text << "top-k " << app.settings_.topk;
  app.output_.line(text);
}

void Commands::minp(Application& app, std::string_view argument) {
  float value = 0;
  if (!argument.empty() && (!parse_decimal(argument, value) || value > 1.0f)) {
    return app.output_.error("/minp takes a number from 0 to 1, for example /minp 0.05; 0 is off");
  }
  if (!argument.empty()) app.settings_.minp = value;
  TextOf<64> text;
  text << "min-p ";
  append_float(text, app.settings_.minp);
  app.output_.line(text);
}

void Commands::penalty(Application& app, std::string_view argument) {
  float value = 0;
  if (!argument.empty() && (!parse_decimal(argument, value) || value == 0 || value > 10.0f)) {
    return app.output_.error("/penalty takes a number above 0, up to 10, for example /penalty 1.1; 1 is off");
  }
  if (!argument.empty()) app.settings_.penalty = value;
  TextOf<64> text;
  text << "penalty ";
  append_float(text, app.settings_.penalty);
  app.output_.line(text);
}

void Commands::seed(Application& app, std::string_view argument) {
  uint64_t value = 0;
  if (argument == "random") {
    app.settings_.fixed_seed = false;
  } else if (!argument.empty()) {
    if (!parse_unsigned(argument, value) || value == 0) {
      return app.output_.error("/seed takes a whole number from 1 on, or the word random");
    }
    app.settings_.fixed_seed = true;
    app.settings_.seed = value;
  }
  TextOf<64> text;
  text << "seed ";
  if (app.settings_.fixed_seed) {
    text.unsigned_number(app.settings_.seed);
  } else {
    text << "random for each story";
  }
  app.output_.line(text);
}

void Commands::steps(Application& app, std::string_view argument) {
  uint64_t value = 0;
  if (!argument.empty() && (!parse_unsigned(argument, value) || value > 1'000'000)) {
    return app.output_.error("/steps takes a whole number of tokens, such as 256; 0 is the whole context");
  }
  if (!argument.empty()) app.settings_.steps = static_cast<int32_t>(value);
  TextOf<64> text;
  text << "steps " << app.settings_.steps;
  if (app.settings_.steps == 0) text << " (the whole context)";
  app.output_.line(text);
}

void Commands::profile(Application& app, std::string_view argument) {
  const bool ready = app.loader_.state() == ModelState::kReady;
  const std::string_view have = ready ? profile_name(app.loader_.image().profile()) : "none";
  if (!argument.empty() && argument != "f32" && argument != "q8" && argument != "q4") {
    return app.output_.error("/profile takes f32, q8 or q4, or nothing to show what the model is");
  }
  TextOf<160> text;
  if (!argument.empty() && argument != have) {
    const Cartridge cartridge = Cartridge::in(app.board_.memory().model_slot);
    for (int i = 0; i < cartridge.count(); ++i) {
      const ImageHeader* header = cartridge.header(i);
      if (header != nullptr && profile_name(static_cast<Profile>(header->profile)) == argument)
        return use_model(app, i);
    }
    text << "no model in flash is " << argument << "; pack the checkpoint again (pico-llama pack --profile "
         << argument << ") and drag it on";
    return app.output_.error(text);
  }
  text << "profile " << have;
  app.output_.line(text);
}

void Commands::settings(Application& app, std::string_view) {
  for (const auto show : {temp, topp, topk, minp, penalty, show_stop, endless, prompt_template, seed, steps,
                          profile, cores, json})
    show(app, {});
}

void Commands::cores(Application& app, std::string_view argument) {
  if (!argument.empty() && argument != "1" && argument != "2")
    return app.output_.error("/cores takes 1 or 2");
  if (argument == "2" && app.both_ == nullptr)
    return app.output_.error("there is no second core to work on here");
  if (!argument.empty()) {
    app.settings_.cores = argument == "1" ? 1 : 2;
    app.loader_.use_cores(app.settings_.cores);
  }
  TextOf<64> text;
  text << "cores " << app.settings_.cores;
  app.output_.line(text);
}

void Commands::led(Application& app, std::string_view) {
  constexpr int kBlinks = 5;
  constexpr uint64_t kHalfUs = 200'000;
  if (app.board_.info().led < hal::LedState::kRadioReady) {
    TextOf<128> text;
    append_led(text, app.board_.info().led);
    return app.output_.line(text);
  }
  TextOf<128> text;
  text << "the LED blinks " << kBlinks << " times now";
  app.output_.line(text);
  app.console_.flush();
  for (int half = 0; half < 2 * kBlinks; ++half) {
    app.board_.led(half % 2 != 0);
    const uint64_t start_us = app.board_.micros();
    while (app.board_.micros() - start_us < kHalfUs) app.console_.idle();
  }
  text.clear();
  append_led(text, app.board_.check_led());
  app.output_.line(text);
}

void Commands::mem(Application& app, std::string_view) {
  report_memory(app.output_, app.board_, app.loader_);
}

void Commands::bench(Application& app, std::string_view) {
  app::bench(app.output_, app.board_, app.loader_, app.single_, app.both_);
  app.loader_.use_cores(app.settings_.cores);
}

void Commands::selftest(Application& app, std::string_view) {
  self_test(app.output_, app.board_, app.loader_, app.single_, app.both_);
  app.loader_.session().forget();  // it told one of its own
  app.loader_.use_cores(app.settings_.cores);
}

void Commands::json(Application& app, std::string_view argument) {
  if (!argument.empty() && argument != "on" && argument != "off")
    return app.output_.error("/json takes on or off");
  if (!argument.empty()) app.output_.set_json(argument == "on");
  app.output_.line(app.output_.json() ? "json on" : "json off");
}

/// Records of 16 bytes: count, address, type, data and the byte that makes their sum 0. Behind all other code
/// in flash (memmap.ld): where it lies here, it moves USB's code to other sets of the XIP cache, 0.25 % of a
/// token.
[[gnu::section(".last_text")]] void Commands::bootrom(Application& app, std::string_view) {
  constexpr size_t kBytes = 16;
  const std::span<const std::byte> rom = app.board_.boot_rom();
  TextOf<64> text;
  for (size_t at = 0; at < rom.size(); at += kBytes) {
    auto sum = static_cast<uint32_t>(kBytes + (at >> 8) + at);
    text.clear();
    text << ":10";
    text.hex(static_cast<uint32_t>(at), 4) << "00";
    for (const std::byte byte : rom.subspan(at, kBytes)) {
      text.hex(static_cast<uint32_t>(byte), 2);
      sum += static_cast<uint32_t>(byte);
    }
    text.hex(0u - sum, 2);
    app.output_.line(text);
  }
  app.output_.line(":00000001FF");
}

void Commands::bootsel(Application& app, std::string_view) {
  app.output_.line("restarting as a USB drive; drag a UF2 onto it");
  app.board_.reboot_to_bootsel();
}

void Commands::reboot(Application& app, std::string_view) {
  app.output_.line("restarting");
  app.board_.reboot();
}

}  // namespace pico_llama::app
