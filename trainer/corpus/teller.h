#pragma once
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "trainer/random.h"

namespace pico_llama::trainer {

struct Person;

/// Expands templates into sentences and accumulates the story.
///
///   {x}        the value of x ("red kite")
///   {a x}      the same with "a" or "an"
///   {thing}    the thing: once it has been named twice in full ("red kite"), mostly just "kite"
///   {f}        the friend: the first time in full ("her friend Ben"), then by name
///   [p|q|r]    one alternative at random; may be nested; an alternative may be empty
///   ^          the next letter is a capital
///
/// The first letter of a sentence is capitalised, except after !" and ?" (where "he asked" may follow). An
/// unknown {x} or an unclosed bracket aborts: a bug in the grammar.
class Teller {
 public:
  explicit Teller(Random& random) : random_(random) {}

  /// Adds one of the alternatives to the story.
  void say(std::initializer_list<const char*> alternatives);
  /// As say(), with the given probability.
  void maybe(double probability, std::initializer_list<const char*> alternatives) {
    if (random_.chance(probability)) say(alternatives);
  }
  /// Appends expanded text to the story.
  void add(const std::string& expanded);
  /// Expands one of the alternatives, for use with set().
  std::string expand(std::initializer_list<const char*> alternatives);

  void set(const std::string& name, std::string value) { values_[name] = std::move(value); }
  /// {key}, {key.he}, {key.him}, {key.his}, {key.self}, {key.kind}.
  void set_person(const std::string& key, const Person& person);
  const std::string& get(const std::string& name) const;

  bool chance(double probability) { return random_.chance(probability); }
  Random& random() { return random_; }
  /// The story so far: one line, sentences one space apart.
  const std::string& text() const { return text_; }

 private:
  std::string expand_one(std::string_view pattern);
  bool speaks_in_full();

  Random& random_;
  std::map<std::string, std::string> values_;
  std::string text_;
  bool friend_named_ = false;
};

/// Adds "a" or "an" by the first letter; the corpus has no word where spelling and sound differ.
std::string with_article(const std::string& noun_phrase);

}  // namespace pico_llama::trainer
