#include "trainer/corpus/teller.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "trainer/corpus/world.h"

namespace pico_llama::trainer {
namespace {

[[noreturn]] void grammar_bug(const char* what, std::string_view where) {
  std::fprintf(stderr, "corpus grammar: %s in \"%.*s\"\n", what, static_cast<int>(where.size()),
               where.data());
  std::abort();
}

/// Splits "p|q|r" at top-level bars.
std::vector<std::string_view> split_choices(std::string_view inside) {
  std::vector<std::string_view> choices;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '[') ++depth;
    if (inside[i] == ']') --depth;
    if (inside[i] == '|' && depth == 0) {
      choices.push_back(inside.substr(start, i - start));
      start = i + 1;
    }
  }
  choices.push_back(inside.substr(start));
  return choices;
}

char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

/// Capitals at sentence starts and after '^'; runs of spaces, which an empty choice leaves, become one.
std::string tidy(std::string_view raw) {
  std::string out;
  bool capital = true;
  for (char c : raw) {
    if (c == '^') {
      capital = true;
      continue;
    }
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    if ((c == '.' || c == ',' || c == '!' || c == '?') && !out.empty() && out.back() == ' ') out.pop_back();
    if (capital && std::isalpha(static_cast<unsigned char>(c))) {
      c = upper(c);
      capital = false;
    }
    if (c == '.') capital = true;
    if ((c == '!' || c == '?')) capital = true;
    // "Help!" he cried: a dialogue tag continues the sentence.
    if (c == '"' && !out.empty() && (out.back() == '!' || out.back() == '?')) capital = false;
    out.push_back(c);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace

std::string with_article(const std::string& noun_phrase) {
  const bool vowel = std::string_view("aeiouAEIOU").find(noun_phrase.at(0)) != std::string_view::npos;
  return (vowel ? "an " : "a ") + noun_phrase;
}

const std::string& Teller::get(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) grammar_bug("unknown name", name);
  return found->second;
}

void Teller::set_person(const std::string& key, const Person& person) {
  set(key, person.name);
  set(key + ".kind", person.kind);
  set(key + ".he", person.male ? "he" : "she");
  set(key + ".him", person.male ? "him" : "her");
  set(key + ".his", person.male ? "his" : "her");
  set(key + ".self", person.male ? "himself" : "herself");
}

bool Teller::speaks_in_full() {
  const std::string& thing = get("thing");
  int told = 0;
  for (size_t at = text_.find(thing); at != std::string::npos; at = text_.find(thing, at + 1)) ++told;
  return told < 2 || random_.chance(0.3);
}

std::string Teller::expand_one(std::string_view pattern) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '[') {
      int depth = 1;
      size_t end = i + 1;
      for (; end < pattern.size() && depth > 0; ++end) {
        if (pattern[end] == '[') ++depth;
        if (pattern[end] == ']') --depth;
      }
      if (depth != 0) grammar_bug("unclosed [", pattern);
      const auto choices = split_choices(pattern.substr(i + 1, end - i - 2));
      out += expand_one(choices[random_.below(choices.size())]);
      i = end - 1;
    } else if (pattern[i] == '{') {
      const size_t end = pattern.find('}', i);
      if (end == std::string_view::npos) grammar_bug("unclosed {", pattern);
      std::string name(pattern.substr(i + 1, end - i - 1));
      if (name.starts_with("a ")) {
        out += with_article(get(name.substr(2)));
      } else if (name == "f" && !friend_named_) {
        friend_named_ = true;
        out += get("f.full");
      } else if (name == "thing") {
        out += get(speaks_in_full() ? "thing" : "noun");
      } else {
        out += get(name);
      }
      i = end;
    } else {
      out.push_back(pattern[i]);
    }
  }
  return out;
}

std::string Teller::expand(std::initializer_list<const char*> alternatives) {
  return expand_one(alternatives.begin()[random_.below(alternatives.size())]);
}

void Teller::say(std::initializer_list<const char*> alternatives) { add(expand(alternatives)); }

void Teller::add(const std::string& expanded) {
  const std::string sentence = tidy(expanded);
  if (sentence.empty()) return;
  if (!text_.empty()) text_.push_back(' ');
  text_ += sentence;
}

}  // namespace pico_llama::trainer
