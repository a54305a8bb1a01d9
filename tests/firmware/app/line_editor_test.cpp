#include "firmware/app/line_editor.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/firmware/app/support/terminal.h"

namespace pico_llama::app {
namespace {

using test_support::Terminal;

std::string_view complete_help(std::string_view line) { return line == "/h" ? "elp" : ""; }

class LineEditorTest : public testing::Test {
 protected:
  explicit LineEditorTest(size_t columns = 80) : terminal(columns), editor(terminal, complete_help) {
    editor.begin("> ");
  }
  LineEditor::Event type(std::string_view text) {
    LineEditor::Event last = LineEditor::Event::kNone;
    for (const char c : text) last = editor.feed(c);
    return last;
  }
  /// Ends the line and begins the next.
  std::string enter() {
    EXPECT_EQ(type("\r"), LineEditor::Event::kLine);
    const std::string line(editor.line().begin(), editor.line().end());
    terminal.clear();
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
  EXPECT_EQ(terminal.column(), 4u);
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

TEST_F(LineEditorTest, HistoryRecallsLines) {
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

TEST_F(LineEditorTest, ControlCDiscardsTheLine) {
  type("abc");
  EXPECT_EQ(type("\x03"), LineEditor::Event::kAbandoned);
}

TEST_F(LineEditorTest, RejectsA100kBLineWithOneBell) {
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(editor.feed('x'), LineEditor::Event::kNone);
  EXPECT_EQ(terminal.bells, 1);
  EXPECT_EQ(type("\r"), LineEditor::Event::kTooLong);
  editor.begin("> ");
  type("fine");
  EXPECT_EQ(enter(), "fine");
}

TEST_F(LineEditorTest, TabCompletesACommand) {
  type("/h\t");
  EXPECT_EQ(enter(), "/help");
  type("/x\t");
  EXPECT_EQ(enter(), "/x");
  type("a\tb");
  EXPECT_EQ(enter(), "a b") << "in a prompt Tab is a blank";
}

TEST_F(LineEditorTest, ControlVTakesALineEndAndATabIntoTheLine) {
  type("One day\x16\rTom\x16\tran");
  EXPECT_EQ(terminal.shown(), "> One day^JTom^Iran");
  for (int i = 0; i < 7; ++i) type(kLeft);
  type("\x7f");
  EXPECT_EQ(terminal.shown(), "> One dayTom^Iran");
  EXPECT_EQ(enter(), "One dayTom\tran");
}

TEST_F(LineEditorTest, WideAndCombiningCharacters) {
  type("\u4f60\u597d\u5417");  // 你好吗
  EXPECT_EQ(terminal.column(), 8u);
  type("\x7f");
  EXPECT_EQ(terminal.column(), 6u);
  EXPECT_EQ(terminal.shown(), "> \u4f60\u597d");
  type(kLeft);
  EXPECT_EQ(terminal.column(), 4u);
  type("e\u0301");  // e and a combining acute
  EXPECT_EQ(terminal.column(), 5u);
  EXPECT_EQ(terminal.shown(), "> \u4f60e\u0301\u597d");
  EXPECT_EQ(enter(), "\u4f60e\u0301\u597d");
  type("\U0001F468\u200d\U0001F469");  // a joined emoji: its parts' columns, the joiner none
  type(kLeft);
  type(kLeft);
  EXPECT_EQ(terminal.column(), 4u);
}

TEST_F(LineEditorTest, InvalidUtf8IsShownOnceAndKept) {
  type("\xe9");
  type("a");
  EXPECT_EQ(enter(), "\xe9\x61");
}

/// Lines of several rows, on terminals that answer and on one that does not.
class WrappedLine : public LineEditorTest, public testing::WithParamInterface<size_t> {
 protected:
  WrappedLine() : LineEditorTest(GetParam()) {
    editor.ask_columns();
    type(terminal.answers);
  }
};

TEST_P(WrappedLine, ScreenMatchesTheLineAfterEveryKey) {
  EXPECT_EQ(editor.columns(), GetParam());
  uint32_t state = 7;
  std::u32string line;
  size_t cursor = 0;
  const auto utf8 = [](std::u32string_view text) {
    std::string out;
    for (const char32_t c : text)
      out += c == U'a' ? "a" : c == U'b' ? "b" : c == U'\u4f60' ? "\u4f60" : "\u00e9";
    return out;
  };
  for (int i = 0; i < 3000; ++i) {
    state = state * 1664525u + 1013904223u;
    const unsigned what = (state >> 16) % 16;
    if (what < 9 && line.size() < 300) {
      const char32_t c = U"aab\u4f60\u00e9"[(state >> 24) % 5];
      line.insert(cursor++, 1, c);
      type(utf8({&c, 1}));
    } else if (what == 9 && cursor > 0) {
      line.erase(--cursor, 1);
      type("\x7f");
    } else if (what == 10 && cursor < line.size()) {
      line.erase(cursor, 1);
      type(kDelete);
    } else if (what == 11 && cursor > 0) {
      --cursor;
      type(kLeft);
    } else if (what == 12 && cursor < line.size()) {
      ++cursor;
      type(kRight);
    } else if (what == 13) {
      cursor = (state >> 24) % 4 == 0 ? 0 : line.size();
      type(cursor == 0 ? "\x01" : "\x05");
    } else if (what == 14 && (state >> 24) % 16 == 0) {
      line.erase(0, cursor);
      cursor = 0;
      type("\x15");
    }
    std::string shown = terminal.shown();
    // A wide character that a row has no room for leaves its last cell blank.
    std::erase(shown, ' ');
    ASSERT_EQ(shown, ">" + utf8(line)) << "key " << i;
  }
  EXPECT_EQ(enter(), utf8(line));
}
INSTANTIATE_TEST_SUITE_P(Columns, WrappedLine, testing::Values(20, 21, 80, 132));

TEST_F(LineEditorTest, EditsWrappedLinesWithoutAWidthReport) {
  type(std::string(90, 'a'));
  for (int i = 0; i < 20; ++i) type("\x7f");
  EXPECT_EQ(terminal.shown(), "> " + std::string(70, 'a'));
  type("\x15");
  type(std::string(90, 'b'));
  type(kHome);
  type("X");
  EXPECT_EQ(terminal.shown(), "> X" + std::string(90, 'b'));
  EXPECT_EQ(enter(), "X" + std::string(90, 'b'));
}

TEST_F(LineEditorTest, UnsolicitedCursorReportIsAKey) {
  type("\x1b[24;40R");
  EXPECT_EQ(editor.columns(), 0u);
  editor.ask_columns();
  type("\x1b[24;4R");
  EXPECT_EQ(editor.columns(), 0u) << "narrower than any terminal";
}

/// Output is discarded.
class NoScreen final : public hal::Console {
 public:
  bool connected() override { return true; }
  int read() override { return -1; }
  void write(std::string_view) override {}
  void watch_for_cancel(bool) override {}
  bool cancelled() override { return false; }
  unsigned take_lost_input() override { return 0; }
  void idle() override {}
  void flush() override {}
};

TEST(LineEditor, SurvivesRandomBytes) {
  NoScreen screen;
  LineEditor editor(screen, complete_help);
  editor.begin("> ");
  uint32_t state = 1;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1664525u + 1013904223u;
    const LineEditor::Event event = editor.feed(static_cast<char>(state >> 24));
    ASSERT_LE(editor.line().size(), LineEditor::kMaxBytes);
    if (event != LineEditor::Event::kNone) editor.begin("> ");
  }
}

TEST_F(LineEditorTest, NoEchoForPrograms) {
  editor.set_echo(false);
  terminal.clear();
  editor.begin("> ");
  type("abc");
  EXPECT_EQ(terminal.shown(), "");
  EXPECT_EQ(enter(), "abc");
}

}  // namespace
}  // namespace pico_llama::app
