/// The lines that begin with a slash.
#pragma once

#include <string_view>

namespace pico_llama::app {

class Application;

struct Commands {
  /// `line` without its slash: a name, perhaps an argument. Anything that is not understood gets one line
  /// that helps.
  static void run(Application& app, std::string_view line);

 private:
  struct Entry;
  static const Entry kEntries[];
  static std::string_view trim(std::string_view text);

  static void use_model(Application&, int index);

  static void help(Application&, std::string_view);
  static void model(Application&, std::string_view);
  static void temp(Application&, std::string_view);
  static void topp(Application&, std::string_view);
  static void topk(Application&, std::string_view);
  static void seed(Application&, std::string_view);
  static void steps(Application&, std::string_view);
  static void profile(Application&, std::string_view);
  static void cores(Application&, std::string_view);
  static void mem(Application&, std::string_view);
  static void bench(Application&, std::string_view);
  static void selftest(Application&, std::string_view);
  static void json(Application&, std::string_view);
  static void bootsel(Application&, std::string_view);
  static void reboot(Application&, std::string_view);
};

}  // namespace pico_llama::app
