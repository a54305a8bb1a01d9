#include "firmware/app/line_editor.h"

#include <cstring>

#include "firmware/app/columns.h"
#include "firmware/app/text.h"

namespace pico_llama::app {
namespace {

constexpr char kEscape = 0x1b;
constexpr char control_key(char letter) { return static_cast<char>(letter - 'A' + 1); }
bool continues(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

/// Whether `text` ends inside a UTF-8 character that may still become whole.
bool ends_inside_character(std::string_view text) {
  size_t lead = text.size();
  while (lead > 0 && text.size() - lead < 3 && continues(text[lead - 1])) --lead;
  if (lead == 0) return false;
  const auto byte = static_cast<unsigned char>(text[lead - 1]);
  const size_t length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  return text.size() - (lead - 1) < length;
}

}  // namespace

void LineEditor::begin(std::string_view prompt) {
  prompt_ = prompt;
  size_ = cursor_ = unshown_ = recalled_ = 0;
  overflow_ = false;
  state_ = State::kText;
  write(prompt_);
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
      parameters_ = 0;
      first_parameter_ = parameter_ = 0;
      return Event::kNone;
    case State::kBracket:
      if (byte >= '0' && byte <= '9') {
        parameter_ = static_cast<uint16_t>((parameter_ * 10 + byte - '0') % 10'000);
      } else if (byte >= '@' && byte <= '~') {
        state_ = State::kText;
        key(byte);
      } else {  // a separator
        if (parameters_++ == 0) first_parameter_ = parameter_;
        parameter_ = 0;
      }
      return Event::kNone;
    case State::kLiteral:
      state_ = State::kText;
      // Of the control characters a story can hold these two.
      insert(byte == '\r' ? '\n' : byte);
      return Event::kNone;
  }
  const auto code = static_cast<unsigned char>(byte);
  if (code < 0x20 || code == 0x7f) return control(byte);
  insert(byte);
  return Event::kNone;
}

LineEditor::Event LineEditor::control(char byte) {
  show_new();
  switch (byte) {
    case '\r':
    case '\n':
      after_return_ = byte == '\r';
      move_to(size_);
      write("\r\n");
      if (overflow_) return Event::kTooLong;
      remember();
      return Event::kLine;
    case control_key('C'):
      move_to(size_);
      write("^C\r\n");
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
    case control_key('L'):
      write("\x1b[2J\x1b[H");
      write(prompt_);
      write_line(0, size_);
      wrap_pending(cell_of(size_));
      place_cursor(cell_of(size_));
      break;
    case control_key('V'):
      state_ = State::kLiteral;
      break;
    case '\t':
      if (text().starts_with('/'))
        insert_text(cursor_ == size_ ? completer_(text()) : std::string_view{});
      else
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
  show_new();
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
    case '~': {
      const unsigned which = parameters_ == 0 ? parameter_ : first_parameter_;
      if (which == 1 || which == 7) move_to(0);
      if (which == 4 || which == 8) move_to(size_);
      if (which == 3 && cursor_ < size_) erase(cursor_, next(cursor_));
      break;
    }
    case 'R':  // ESC [ row ; column R, the answer to ask_columns()
      if (asked_columns_ && parameters_ == 1 && parameter_ >= kMinColumns && parameter_ <= kMaxColumns)
        columns_ = parameter_;
      break;
    default:
      break;
  }
}

void LineEditor::insert(char byte) {
  if (size_ == kMaxBytes) {
    if (!overflow_) write("\a");
    overflow_ = true;
    return;
  }
  std::memmove(line_ + cursor_ + 1, line_ + cursor_, size_ - cursor_);
  line_[cursor_] = byte;
  ++size_;
  ++cursor_;
  ++unshown_;
  if (!ends_inside_character({line_, cursor_})) show_new();
}

/// Shows the bytes before the cursor that are not yet on the terminal, whole characters only.
void LineEditor::show_new() {
  if (unshown_ == 0) return;
  const size_t first = cursor_ - unshown_;
  unshown_ = 0;
  if (cursor_ < size_) return redraw(cell_of(first));
  write_line(first, cursor_);
  wrap_pending(cell_of(cursor_));
}

void LineEditor::insert_text(std::string_view text) {
  for (const char c : text) insert(c);
}

void LineEditor::erase(size_t from, size_t to) {
  if (from == to) return;
  move_to(from);
  std::memmove(line_ + from, line_ + to, size_ - to);
  size_ -= to - from;
  redraw(cell_of(cursor_));
}

/// Advances over text; a wide character that does not fit in its row starts the next one.
LineEditor::Cell LineEditor::advance(Cell cell, std::string_view text) const {
  const unsigned columns = columns_ != 0 ? columns_ : kDefaultColumns;
  while (!text.empty()) {
    const size_t length = character_length(text);
    const unsigned width = columns_of(text.substr(0, length));
    if (cell.column + width > columns) cell = {cell.row + 1, 0};
    cell.column += width;
    text.remove_prefix(length);
  }
  return cell.column == columns ? Cell{cell.row + 1, 0} : cell;
}

LineEditor::Cell LineEditor::cell_of(size_t position) const {
  // The prompt counts towards the first row's width.
  const Cell start = advance({0, 0}, prompt_);
  return advance(start, {line_, position});
}

/// A terminal keeps its cursor in the last column after filling a row. A space and a carriage return move it
/// to the next row, as `cell` assumes.
void LineEditor::wrap_pending(Cell cell) {
  if (cell.column == 0 && cell.row != 0) write(" \r");
}

void LineEditor::move(char direction, unsigned count) {
  if (count == 0) return;
  TextOf<16> sequence;
  sequence << "\x1b[" << count << direction;
  write(sequence.view());
}

/// From a place on the line to the cursor's.
void LineEditor::place_cursor(Cell from) {
  const Cell to = cell_of(cursor_);
  if (to.row < from.row) move('A', from.row - to.row);
  if (to.row > from.row) move('B', to.row - from.row);
  if (to.column == from.column) return;
  write("\r");
  move('C', to.column);
}

/// Redraws the whole line.
void LineEditor::redraw(Cell from) {
  move('A', from.row);
  // Clear first: when a wide character moves to the next row, its old cell is not overwritten.
  write("\r\x1b[J");
  write(prompt_);
  write_line(0, size_);
  const Cell end = cell_of(size_);
  wrap_pending(end);
  place_cursor(end);
}

void LineEditor::move_to(size_t position) {
  const Cell from = cell_of(cursor_);
  cursor_ = position;
  place_cursor(from);
}

void LineEditor::replace(std::string_view text) {
  const Cell from = cell_of(cursor_);
  // memmove must not be given the null pointer of an empty view.
  if (!text.empty()) std::memmove(line_, text.data(), text.size());
  size_ = cursor_ = text.size();
  redraw(from);
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
  if (size_ == 0 || size_ + 1 > kHistoryBytes || text() == history(1)) return;
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

/// Characters from one position to another; control characters as ^X.
void LineEditor::write_line(size_t from, size_t to) {
  size_t plain = from;
  for (size_t at = from; at < to; ++at) {
    const auto byte = static_cast<unsigned char>(line_[at]);
    if (byte >= 0x20 && byte != 0x7f) continue;
    write({line_ + plain, at - plain});
    const char caret[] = {'^', static_cast<char>(byte ^ 0x40)};
    write({caret, sizeof caret});
    plain = at + 1;
  }
  write({line_ + plain, to - plain});
}

void LineEditor::ask_columns() {
  if (!echo_) return;
  asked_columns_ = true;
  // Save the cursor, move far right, query the position, restore.
  write(
      "\x1b"
      "7\x1b[999C\x1b[6n\x1b"
      "8");
}

void LineEditor::forget_terminal() {
  asked_columns_ = false;
  columns_ = 0;
  state_ = State::kText;
}

void LineEditor::write(std::string_view text) {
  if (echo_ && !text.empty()) console_.write(text);
}

}  // namespace pico_llama::app
