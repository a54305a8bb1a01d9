#include "trainer/text/stories.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "engine/text/utf8.h"
#include "formats/failure.h"

namespace pico_llama::trainer {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

/// Markers that corpora put between documents.
constexpr std::array<std::string_view, 5> kMarkers = {"<|endoftext|>", "<|end_of_text|>", "<|eot_id|>",
                                                      "</s>", "<eos>"};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// Without byte order mark, line ends as \n. Errors: see read_stories().
std::string plain_text(std::string_view bytes, const std::string& name) {
  const auto starts = [bytes](std::string_view mark) { return bytes.starts_with(mark); };
  using namespace std::string_view_literals;
  if (starts("\xff\xfe\0\0"sv) || starts("\0\0\xfe\xff"sv))
    fail("{}: is UTF-32 text; save it as UTF-8 (iconv -f UTF-32 -t UTF-8)", name);
  // Without a mark, English in UTF-16 has a zero in every second byte.
  const auto zeros = [bytes](size_t first) {
    size_t count = 0;
    const size_t end = std::min<size_t>(bytes.size(), 256);
    for (size_t i = first; i < end; i += 2) count += bytes[i] == '\0' ? 1 : 0;
    return end >= 4 && count * 4 >= end;
  };
  if (starts("\xff\xfe"sv) || starts("\xfe\xff"sv) || zeros(0) || zeros(1))
    fail("{}: is UTF-16 text; save it as UTF-8 (iconv -f UTF-16 -t UTF-8)", name);
  if (const size_t bad = std::min(utf8_valid_prefix(bytes), bytes.find('\0')); bad < bytes.size())
    fail("{}: is not text: byte {} is not UTF-8; give a plain text file", name, bad);
  if (starts("\xef\xbb\xbf"sv)) bytes.remove_prefix(3);
  std::string text;
  text.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != '\r') {
      text.push_back(bytes[i]);
    } else if (i + 1 == bytes.size() || bytes[i + 1] != '\n') {
      text.push_back('\n');
    }
  }
  return text;
}

bool looks_like_markup(std::string_view marker) { return marker.starts_with('<') && marker.ends_with('>'); }

void add_story(Stories& found, std::string_view text) {
  text = trimmed(text);
  if (!text.empty()) found.stories.emplace_back(text);
}

void split_at_blank_lines(Stories& found, std::string_view text) {
  found.layout = "separated by empty lines";
  const char* begin = text.data();
  for (const std::string_view line : lines_of(text)) {
    if (!trimmed(line).empty()) continue;
    add_story(found, {begin, static_cast<size_t>(line.data() - begin)});
    begin = line.data() + line.size();
  }
  add_story(found, {begin, static_cast<size_t>(text.data() + text.size() - begin)});
}

void split_at_lines(Stories& found, std::string_view text) {
  found.layout = "one a line";
  for (const std::string_view line : lines_of(text)) add_story(found, line);
}

/// False where the marker does not occur.
bool split_at_marker(Stories& found, std::string_view text, std::string_view marker) {
  found.layout = fmt::format("separated by {}", marker);
  const auto same = [marker](std::string_view line) { return trimmed(line) == marker; };
  if (looks_like_markup(marker)) {
    if (text.find(marker) == std::string_view::npos) return false;
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(marker, begin), text.size());
      add_story(found, text.substr(begin, end - begin));
      begin = end + marker.size();
    }
    return true;
  }
  const std::vector<std::string_view> lines = lines_of(text);
  if (std::none_of(lines.begin(), lines.end(), same)) return false;
  const char* begin = text.data();
  for (const std::string_view line : lines) {
    if (!same(line)) continue;
    add_story(found, {begin, static_cast<size_t>(line.data() - begin)});
    begin = line.data() + line.size();
  }
  add_story(found, {begin, static_cast<size_t>(text.data() + text.size() - begin)});
  return true;
}

// ---- JSON lines

using Json = nlohmann::json;

std::optional<Json> parsed(std::string_view line) {
  Json value = Json::parse(line, nullptr, false);
  if (value.is_discarded() || (!value.is_object() && !value.is_string())) return std::nullopt;
  return value;
}

/// The first line that holds anything, if it is a JSON object or string.
std::optional<Json> first_json(const std::vector<std::string_view>& lines) {
  for (const std::string_view line : lines)
    if (const std::string_view text = trimmed(line); !text.empty())
      return text.front() == '{' || text.front() == '"' ? parsed(text) : std::nullopt;
  return std::nullopt;
}

std::string field_names(const Json& object) {
  std::string names;
  for (const auto& [key, value] : object.items())
    if (value.is_string()) names += (names.empty() ? "" : ", ") + key;
  return names.empty() ? "none" : names;
}

void read_json_lines(Stories& found, const std::vector<std::string_view>& lines, const std::string& name,
                     std::string field) {
  const std::optional<Json> first = first_json(lines);
  if (!first) fail("{}: --field needs one JSON object a line, and the first line is none", name);
  if (field.empty() && first->is_object()) {
    if (!first->contains("text"))
      fail("{}: contains JSON objects; select the story's field with --field (available: {})", name,
           field_names(*first));
    field = "text";
  }
  found.layout = field.empty() ? "one JSON string a line" : fmt::format("JSON lines, field {}", field);
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = trimmed(lines[i]);
    if (line.empty()) continue;
    const std::optional<Json> value = parsed(line);
    if (!value || value->is_object() != !field.empty())
      fail("{}: line {} is no JSON {} as the first line is; remove or fix it", name, i + 1,
           field.empty() ? "string" : "object");
    const Json* text = &*value;
    if (!field.empty()) {
      const auto at = value->find(field);
      if (at == value->end() || !at->is_string())
        fail("{}: line {} has no text in field {} (it has: {})", name, i + 1, field, field_names(*value));
      text = &*at;
    }
    const std::string story =
        plain_text(text->get_ref<const std::string&>(), fmt::format("{}, line {}", name, i + 1));
    add_story(found, story);
  }
}

// ---- Without --separator

/// A paragraph's last line ends a sentence; a line that was only wrapped mostly does not.
bool ends_a_sentence(std::string_view line) {
  line = trimmed(line);
  static constexpr std::string_view kEnds[] = {".", "!", "?", "\"", "'",  ")",  "…",
                                               "”", "’", "»", "。", "！", "？", "」"};
  return std::ranges::any_of(kEnds, [line](std::string_view end) { return line.ends_with(end); });
}

void find_layout(Stories& found, std::string_view text, const std::string& name) {
  for (const std::string_view marker : kMarkers)
    if (split_at_marker(found, text, marker)) return;
  const std::vector<std::string_view> lines = lines_of(text);
  const std::optional<Json> first = first_json(lines);
  // A quoted sentence is a JSON string too; only files consisting of them count as JSON lines.
  if (first && (first->is_object() || std::ranges::all_of(lines, [](std::string_view line) {
                  const std::string_view content = trimmed(line);
                  return content.empty() || parsed(content).has_value();
                })))
    return read_json_lines(found, lines, name, "");
  split_at_blank_lines(found, text);
  if (found.stories.size() > 1 || lines.size() < 2) return;
  size_t sentences = 0;
  for (const std::string_view line : lines) sentences += ends_a_sentence(line) ? 1 : 0;
  if (sentences * 10 < lines.size() * 9) return;
  found.stories.clear();
  split_at_lines(found, text);
}

// ---- Warnings

/// A line that looks like a mark between stories rather than like a sentence.
bool is_mark(std::string_view line) {
  if (line.size() < 3 || line.size() > 40) return false;
  if (looks_like_markup(line) || (line.front() == '[' && line.back() == ']')) return true;
  return std::ranges::none_of(line, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
  });
}

void warn(Stories& found) {
  if (found.stories.size() == 1)
    found.warnings.push_back(
        fmt::format("the whole text is one story of {} bytes: put an empty line between stories, or say with "
                    "--separator what stands there",
                    found.stories.front().size()));
  std::map<std::string, size_t, std::less<>> marks;
  for (const std::string& story : found.stories) {
    for (const std::string_view line : lines_of(story)) {
      const std::string_view content = trimmed(line);
      if (is_mark(content)) ++marks[std::string(content)];
    }
  }
  const size_t often = std::max<size_t>(3, found.stories.size() / 50);
  for (const auto& [mark, count] : marks) {
    if (count < often) continue;
    found.warnings.push_back(fmt::format(
        "the line {} stands {} times in the text and will be learnt as part of it; if it separates "
        "stories, use --separator '{}'",
        mark, count, mark));
  }
}

}  // namespace

size_t Stories::median_bytes() const {
  std::vector<size_t> sizes;
  for (const std::string& story : stories) sizes.push_back(story.size());
  if (sizes.empty()) return 0;
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  return *middle;
}

std::string Stories::summary() const {
  return fmt::format("{} {} ({}), median {} bytes", stories.size(), stories.size() == 1 ? "story" : "stories",
                     layout, median_bytes());
}

Stories read_stories(std::string_view bytes, const std::string& name, const TextOptions& options) {
  const std::string text = plain_text(bytes, name);
  if (trimmed(text).empty()) fail("{}: contains no text; provide stories separated by empty lines", name);
  Stories found;
  if (!options.field.empty()) {
    if (!options.separator.empty())
      fail("{}: --field and --separator exclude each other: JSON lines have one story each", name);
    read_json_lines(found, lines_of(text), name, options.field);
  } else if (options.separator == "blank") {
    split_at_blank_lines(found, text);
  } else if (options.separator == "line") {
    split_at_lines(found, text);
  } else if (!options.separator.empty()) {
    if (!split_at_marker(found, text, options.separator))
      fail("{}: --separator {} stands nowhere {}", name, options.separator,
           looks_like_markup(options.separator) ? "in the text" : "alone on a line");
  } else {
    find_layout(found, text, name);
  }
  if (found.stories.empty()) fail("{}: contains no text; provide stories separated by empty lines", name);
  warn(found);
  return found;
}

}  // namespace pico_llama::trainer
