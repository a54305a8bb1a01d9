#include "firmware/app/line_editor.h"

#include <gtest/gtest.h>

#include <string>

namespace pico_llama::app {
namespace {

/// A terminal that keeps one line and a cursor, so that what a person would see can be compared with what is
/// in the editor. Understands exactly what the editor sends; anything else fails the test.
class Terminal final : public hal::Console {
 public:
  bool connected() override { return true; }
  int read() override { return -1; }
  void watch_for_cancel(bool) override {}
  bool cancelled() override { return false; }
  unsigned take_lost_input() override { return 0; }
  void idle() override {}
  void flush() override {}

  void write(std::string_view text) override {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\x1b') {
        size_t end = i + 2;
        unsigned n = 0;
        while (std::isdigit(static_cast<unsigned char>(text[end])))
          n = n * 10 + static_cast<unsigned>(text[end++] - '0');
        switch (text[end]) {
          case 'D':
            cursor -= n;
            break;
          case 'K':
            cells.resize(cursor);
            break;
          case 'J':
            cells.clear();
            break;
          case 'H':
            cursor = 0;
            break;
          default:
            FAIL() << "sequence " << text[end];
        }
        i = end;
      } else if (text[i] == '\r') {
        cursor = 0;
      } else if (text[i] == '\n') {
        cells.clear();
      } else if (text[i] == '\a') {
        ++bells;
      } else if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) {
        cells[cursor - 1] += text[i];
      } else {
        if (cursor == cells.size()) cells.emplace_back();
        cells[cursor++] = std::string(1, text[i]);
      }
    }
  }
  std::string shown() const {
    std::string all;
    for (const std::string& cell : cells) all += cell;
    return all;
  }

  std::vector<std::string> cells;
  size_t cursor = 0;
  int bells = 0;
};

class LineEditorTest : public testing::Test {
 protected:
  LineEditorTest() : editor(terminal) { editor.begin("> "); }
  LineEditor::Event type(std::string_view text) {
    LineEditor::Event last = LineEditor::Event::kNone;
    for (const char c : text) last = editor.feed(c);
    return last;
  }
  /// Ends the line and begins the next.
  std::string enter() {
    EXPECT_EQ(type("\r"), LineEditor::Event::kLine);
    const std::string line(editor.line());
    editor.begin("> ");
    return line;
  }
  Terminal terminal;
  LineEditor editor;
};

constexpr char kLeft[] = "\x1b[D", kRight[] = "\x1b[C", kUp[] = "\x1b[A", kDown[] = "\x1b[B",
               kHome[] = "\x1b[H", kDelete[] = "\x1b[3~";

TEST_F(LineEditorTest, TypesAndEchoes) {
  type("Once upon");
  EXPECT_EQ(terminal.shown(), "> Once upon");
  EXPECT_EQ(enter(), "Once upon");
}

TEST_F(LineEditorTest, EditsInTheMiddle) {
  type("Onc upon");
  for (int i = 0; i < 5; ++i) type(kLeft);
  type("e");
  EXPECT_EQ(terminal.shown(), "> Once upon");
  type("\x01");
  type(kDelete);
  type("o");
  EXPECT_EQ(terminal.shown(), "> once upon");
  type("\x05!");
  EXPECT_EQ(enter(), "once upon!");
}

TEST_F(LineEditorTest, EditsWholeUtf8Characters) {
  type("a\xc3\xa9\xf0\x9f\x90\xb8z");
  type(kLeft);
  type("\x7f");
  EXPECT_EQ(terminal.shown(), "> a\xc3\xa9z");
  type("\x7f");
  EXPECT_EQ(terminal.shown(), "> az");
  type("\xc3\xbc");
  EXPECT_EQ(terminal.shown(), "> a\xc3\xbcz");
  EXPECT_EQ(terminal.cursor, 4u);
  EXPECT_EQ(enter(), "a\xc3\xbcz");
}

TEST_F(LineEditorTest, KillsWordsAndLines) {
  type("one two  three");
  type("\x17");
  EXPECT_EQ(terminal.shown(), "> one two  ");
  type("\x17");
  EXPECT_EQ(terminal.shown(), "> one ");
  type("\x15");
  EXPECT_EQ(terminal.shown(), "> ");
  type("abc");
  type(kHome);
  type(kRight);
  type("\x0b");
  EXPECT_EQ(terminal.shown(), "> a");
}

TEST_F(LineEditorTest, RemembersLines) {
  type("first");
  enter();
  type("second");
  enter();
  type("second");
  enter();  // a repetition is kept once
  type(kUp);
  EXPECT_EQ(terminal.shown(), "> second");
  type(kUp);
  EXPECT_EQ(terminal.shown(), "> first");
  type(kUp);
  EXPECT_EQ(terminal.shown(), "> first");
  type(kDown);
  EXPECT_EQ(terminal.shown(), "> second");
  type(kDown);
  EXPECT_EQ(terminal.shown(), "> ");
  type(kUp);
  type("!");
  EXPECT_EQ(enter(), "second!");
}

TEST_F(LineEditorTest, HistoryForgetsTheOldestAndNeverOverflows) {
  for (int i = 0; i < 300; ++i) {
    type(std::string(static_cast<size_t>(i % 200 + 1), static_cast<char>('a' + i % 26)));
    enter();
  }
  type(kUp);
  EXPECT_EQ(enter(), std::string(100, static_cast<char>('a' + 299 % 26)));
  for (int i = 0; i < 400; ++i) type(kUp);
  EXPECT_GT(enter().size(), 0u);
}

TEST_F(LineEditorTest, CarriageReturnLineFeedIsOneEnd) {
  type("a");
  EXPECT_EQ(type("\r"), LineEditor::Event::kLine);
  editor.begin("> ");
  EXPECT_EQ(type("\n"), LineEditor::Event::kNone);
  EXPECT_EQ(type("\n"), LineEditor::Event::kLine);
}

TEST_F(LineEditorTest, ControlCGivesUp) {
  type("abc");
  EXPECT_EQ(type("\x03"), LineEditor::Event::kAbandoned);
}

TEST_F(LineEditorTest, ALineOf100kBIsRefusedWholeWithOneBell) {
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(editor.feed('x'), LineEditor::Event::kNone);
  EXPECT_EQ(terminal.bells, 1);
  EXPECT_EQ(type("\r"), LineEditor::Event::kTooLong);
  editor.begin("> ");
  type("fine");
  EXPECT_EQ(enter(), "fine");
}

TEST_F(LineEditorTest, SurvivesRandomBytes) {
  uint32_t state = 1;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1664525u + 1013904223u;
    const LineEditor::Event event = editor.feed(static_cast<char>(state >> 24));
    ASSERT_LE(editor.line().size(), LineEditor::kMaxBytes);
    if (event != LineEditor::Event::kNone) {
      terminal.cells.clear();
      terminal.cursor = 0;
      editor.begin("> ");
    }
  }
}

TEST_F(LineEditorTest, NoEchoForPrograms) {
  editor.set_echo(false);
  terminal.cells.clear();
  terminal.cursor = 0;
  editor.begin("> ");
  type("abc");
  EXPECT_EQ(terminal.shown(), "");
  EXPECT_EQ(enter(), "abc");
}

}  // namespace
}  // namespace pico_llama::app
