#include "tools/option_checks.h"

#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>

namespace pico_llama {
namespace {

std::string refuse_empty(const std::string& word) { return word.empty() ? "empty file name" : std::string(); }

/// CLI11 itself refuses what is no number at all, and what does not fit a narrower type.
std::string refuse_bent_number(const std::string& word, bool is_unsigned) {
  if (word.empty()) return "empty value; expected a number";
  if (is_unsigned && word.front() == '-') return word + " is negative";
  errno = 0;
  if (is_unsigned)
    (void)std::strtoull(word.c_str(), nullptr, 0);
  else
    (void)std::strtoll(word.c_str(), nullptr, 0);
  return errno == ERANGE ? word + " is out of range" : std::string();
}

}  // namespace

void check_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();  // "INT", or with its check: "INT:INT in [1 - 64]"
    const auto is = [&type](std::string_view name) {
      return std::string_view(type).substr(0, name.size()) == name;
    };
    // transform() puts it before the option's own checks, whose words for these differ among CLI11's
    // versions.
    const auto check_first = [option](auto refuse) {
      option->transform(CLI::Validator([refuse](std::string& word) { return refuse(word); }, ""));
    };
    if (is(kFileType)) check_first(refuse_empty);
    if (is("FLOAT"))
      check_first([](const std::string& word) {
        return std::string(word.empty() ? "empty value; expected a number" : "");
      });
    if (is("INT")) check_first([](const std::string& word) { return refuse_bent_number(word, false); });
    if (is("UINT")) check_first([](const std::string& word) { return refuse_bent_number(word, true); });
  }
  for (CLI::App* subcommand : app.get_subcommands({})) check_values(*subcommand);
}

}  // namespace pico_llama
