#include "firmware/app/line_editor.h"

#include <cstring>

#include "firmware/app/text.h"

namespace pico_llama::app {
namespace {

constexpr char kEscape = 0x1b;
constexpr char control_key(char letter) { return static_cast<char>(letter - 'A' + 1); }
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

}  // namespace

void LineEditor::begin(std::string_view prompt) {
  prompt_ = prompt;
  size_ = cursor_ = recalled_ = 0;
  overflow_ = false;
  state_ = State::kText;
  show(prompt_);
}

LineEditor::Event LineEditor::feed(char byte) {
  const bool second_half = after_return_ && byte == '\n';
  after_return_ = false;
  if (second_half) return Event::kNone;

  switch (state_) {
    case State::kText:
      break;
    case State::kEscape:
      state_ = byte == '[' || byte == 'O' ? State::kBracket : State::kText;
      parameter_ = 0;
      return Event::kNone;
    case State::kBracket:
      if (byte >= '0' && byte <= '9') {
        parameter_ = (parameter_ * 10 + static_cast<unsigned>(byte - '0')) % 1000;
      } else if (byte >= '@' && byte <= '~') {
        state_ = State::kText;
        key(byte);
      }  // anything else is a separator inside the sequence
      return Event::kNone;
  }
  const auto code = static_cast<unsigned char>(byte);
  if (code < 0x20 || code == 0x7f) return control(byte);
  insert(byte);
  return Event::kNone;
}

LineEditor::Event LineEditor::control(char byte) {
  switch (byte) {
    case '\r':
    case '\n':
      after_return_ = byte == '\r';
      show("\r\n");
      if (overflow_) return Event::kTooLong;
      remember();
      return Event::kLine;
    case control_key('C'):
      show("^C\r\n");
      return Event::kAbandoned;
    case 0x7f:
    case control_key('H'):
      if (cursor_ > 0) erase(previous(cursor_), cursor_);
      break;
    case control_key('D'):
      if (cursor_ < size_) erase(cursor_, next(cursor_));
      break;
    case control_key('A'):
      move_to(0);
      break;
    case control_key('E'):
      move_to(size_);
      break;
    case control_key('B'):
      move_to(previous(cursor_));
      break;
    case control_key('F'):
      move_to(next(cursor_));
      break;
    case control_key('P'):
      recall(true);
      break;
    case control_key('N'):
      recall(false);
      break;
    case control_key('K'):
      erase(cursor_, size_);
      break;
    case control_key('U'):
      erase(0, cursor_);
      break;
    case control_key('W'): {
      size_t from = cursor_;
      while (from > 0 && line_[from - 1] == ' ') --from;
      while (from > 0 && line_[from - 1] != ' ') --from;
      erase(from, cursor_);
      break;
    }
    case control_key('L'): {
      show("\x1b[2J\x1b[H");
      show(prompt_);
      show(line());
      back(characters({line_ + cursor_, size_ - cursor_}));
      break;
    }
    case '\t':
      insert(' ');
      break;
    case kEscape:
      state_ = State::kEscape;
      break;
    default:
      break;  // other control characters mean nothing here
  }
  return Event::kNone;
}

void LineEditor::key(char final) {
  switch (final) {
    case 'A':
      recall(true);
      break;
    case 'B':
      recall(false);
      break;
    case 'C':
      move_to(next(cursor_));
      break;
    case 'D':
      move_to(previous(cursor_));
      break;
    case 'H':
      move_to(0);
      break;
    case 'F':
      move_to(size_);
      break;
    case '~':
      if (parameter_ == 1 || parameter_ == 7) move_to(0);
      if (parameter_ == 4 || parameter_ == 8) move_to(size_);
      if (parameter_ == 3 && cursor_ < size_) erase(cursor_, next(cursor_));
      break;
    default:
      break;
  }
}

void LineEditor::insert(char byte) {
  if (size_ == kMaxBytes) {
    if (!overflow_) show("\a");
    overflow_ = true;
    return;
  }
  std::memmove(line_ + cursor_ + 1, line_ + cursor_, size_ - cursor_);
  line_[cursor_] = byte;
  ++size_;
  ++cursor_;
  show({&byte, 1});
  if (cursor_ < size_ && !continues(line_[cursor_])) show_tail();
}

void LineEditor::erase(size_t from, size_t to) {
  if (from == to) return;
  move_to(from);
  std::memmove(line_ + from, line_ + to, size_ - to);
  size_ -= to - from;
  show_tail();
}

/// What is right of the cursor, and nothing after it; the terminal's cursor ends where it was.
void LineEditor::show_tail() {
  const std::string_view tail(line_ + cursor_, size_ - cursor_);
  show(tail);
  show("\x1b[K");
  back(characters(tail));
}

void LineEditor::move_to(size_t position) {
  if (position < cursor_) {
    back(characters({line_ + position, cursor_ - position}));
  } else {
    show({line_ + cursor_, position - cursor_});
  }
  cursor_ = position;
}

void LineEditor::replace(std::string_view text) {
  move_to(0);
  // An empty view has no address, and memmove may not be given none.
  if (!text.empty()) std::memmove(line_, text.data(), text.size());
  size_ = text.size();
  show(line());
  show("\x1b[K");
  cursor_ = size_;
}

void LineEditor::recall(bool older) {
  if (!older && recalled_ <= 1) {
    recalled_ = 0;
    replace({});
    return;
  }
  const size_t wanted = older ? recalled_ + 1 : recalled_ - 1;
  const std::string_view text = history(wanted);
  if (text.empty()) return;
  recalled_ = wanted;
  replace(text);
}

void LineEditor::remember() {
  if (size_ == 0 || size_ + 1 > kHistoryBytes || line() == history(1)) return;
  size_t drop = 0;
  while (history_size_ - drop + size_ + 1 > kHistoryBytes) {
    drop += std::strlen(history_ + drop) + 1;
  }
  std::memmove(history_, history_ + drop, history_size_ - drop);
  history_size_ -= drop;
  std::memcpy(history_ + history_size_, line_, size_);
  history_[history_size_ + size_] = 0;
  history_size_ += size_ + 1;
}

std::string_view LineEditor::history(size_t ago) const {
  size_t end = history_size_;
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && history_[begin - 1] != 0) --begin;
    if (--ago == 0) return {history_ + begin, end - 1 - begin};
    end = begin;
  }
  return {};
}

size_t LineEditor::previous(size_t position) const {
  if (position == 0) return 0;
  do --position;
  while (position > 0 && continues(line_[position]));
  return position;
}

size_t LineEditor::next(size_t position) const {
  if (position == size_) return size_;
  do ++position;
  while (position < size_ && continues(line_[position]));
  return position;
}

size_t LineEditor::characters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += !continues(c);
  return count;
}

void LineEditor::back(size_t count) {
  if (count == 0) return;
  TextOf<16> sequence;
  sequence << "\x1b[" << count << 'D';
  show(sequence.view());
}

void LineEditor::show(std::string_view text) {
  if (echo_ && !text.empty()) console_.write(text);
}

}  // namespace pico_llama::app
