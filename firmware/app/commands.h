/// The console's commands: lines that begin with a slash.
#pragma once

#include <span>
#include <string_view>

namespace pico_llama::app {

class Application;

struct Commands {
  /// `line`: a command without its slash, and perhaps an argument. Unknown input gets one line of help.
  static void run(Application& app, std::span<char> line);
  /// Tab completion: the common continuation of all commands that start with `line`.
  static std::string_view complete(std::string_view line);

 private:
  struct Entry;
  static const Entry kEntries[];
  static std::string_view trim(std::string_view text);

  static void use_model(Application&, int index);

  static void tell(Application&, std::span<char>);
  static void stop(Application&, std::span<char>);
  static void show_stop(Application&, std::string_view);
  static void go_on(Application&, std::string_view words);
  static void unknown(Application&, std::string_view name);

  static void help(Application&, std::string_view);
  static void settings(Application&, std::string_view);
  static void model(Application&, std::string_view);
  static void temp(Application&, std::string_view);
  static void topp(Application&, std::string_view);
  static void topk(Application&, std::string_view);
  static void minp(Application&, std::string_view);
  static void penalty(Application&, std::string_view);
  static void again(Application&, std::string_view);
  static void endless(Application&, std::string_view);
  static void prompt_template(Application&, std::string_view);
  static void seed(Application&, std::string_view);
  static void steps(Application&, std::string_view);
  static void profile(Application&, std::string_view);
  static void cores(Application&, std::string_view);
  static void led(Application&, std::string_view);
  static void mem(Application&, std::string_view);
  static void bench(Application&, std::string_view);
  static void selftest(Application&, std::string_view);
  static void json(Application&, std::string_view);
  static void bootrom(Application&, std::string_view);
  static void bootsel(Application&, std::string_view);
  static void reboot(Application&, std::string_view);
};

}  // namespace pico_llama::app
