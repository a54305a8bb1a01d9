#include "firmware/app/text.h"

#include <gtest/gtest.h>

#include <string>

namespace pico_llama::app {
namespace {

std::string as_text(auto build) {
  TextOf<96> text;
  build(text);
  return std::string(text.view());
}

TEST(Text, Numbers) {
  EXPECT_EQ(as_text([](Text& t) { t << 0 << ' ' << -7 << ' ' << 2147483647; }), "0 -7 2147483647");
  EXPECT_EQ(as_text([](Text& t) { t << INT64_MIN; }), "-9223372036854775808");
  EXPECT_EQ(as_text([](Text& t) { t.unsigned_number(UINT64_MAX); }), "18446744073709551615");
  EXPECT_EQ(as_text([](Text& t) { t.hex(0xbeef, 8); }), "0000beef");
  EXPECT_EQ(as_text([](Text& t) {
              t.grouped(276192) << ' ';
              t.grouped(999) << ' ';
              t.grouped(1000);
            }),
            "276,192 999 1,000");
}

TEST(Text, FixedPoint) {
  EXPECT_EQ(as_text([](Text& t) { t.fixed(1234, 1); }), "123.4");
  EXPECT_EQ(as_text([](Text& t) { t.fixed(5, 3); }), "0.005");
  EXPECT_EQ(as_text([](Text& t) { t.fixed(-1050, 3); }), "-1.050");
  EXPECT_EQ(as_text([](Text& t) { t.fixed(150, 0); }), "150");
}

TEST(Text, TruncatesOverlongText) {
  TextOf<5> text;
  text << "abc"
       << "defg" << 12;
  EXPECT_EQ(text.view(), "abcde");
}

TEST(Text, JsonEscapes) {
  EXPECT_EQ(as_text([](Text& t) { t.json("a\"b\\c\n\t\x7f\xc3\xa9"); }),
            "a\\\"b\\\\c\\n\\u0009\\u007f\xc3\xa9");
}

TEST(Text, JsonIsAlwaysUtf8) {
  EXPECT_EQ(as_text([](Text& t) { t.json("a\xff\xe2\x82z\xe2\x82\xac"); }),
            "a\\ufffd\\ufffd\\ufffdz\xe2\x82\xac");
}

TEST(Parse, DecimalsAreTheNearestFloats) {
  float value = -1;
  EXPECT_TRUE(parse_decimal("0.9", value));
  EXPECT_EQ(value, 0.9f);
  EXPECT_TRUE(parse_decimal("1", value));
  EXPECT_EQ(value, 1.0f);
  EXPECT_TRUE(parse_decimal(".05", value));
  EXPECT_EQ(value, 0.05f);
  for (int i = 0; i <= 10'000; ++i) {
    const std::string text = std::to_string(i / 1000) + "." + std::to_string(i % 1000 + 1000).substr(1);
    ASSERT_TRUE(parse_decimal(text, value)) << text;
    ASSERT_EQ(value, std::stof(text)) << text;
  }
}

TEST(Parse, RejectsNonNumbers) {
  float value;
  for (const char* text :
       {"", ".", "-1", "1e3", "0x1", "1.2.3", "nan", "inf", " 1", "1 ", "9999999999", "99999999"}) {
    EXPECT_FALSE(parse_decimal(text, value)) << text;
  }
  uint64_t number;
  for (const char* text : {"", "-1", "+1", "1.0", "x", "18446744073709551616", "99999999999999999999999"}) {
    EXPECT_FALSE(parse_unsigned(text, number)) << text;
  }
  EXPECT_TRUE(parse_unsigned("18446744073709551615", number));
  EXPECT_EQ(number, UINT64_MAX);
}

TEST(Text, FloatsWithoutTrailingZeros) {
  EXPECT_EQ(as_text([](Text& t) { append_float(t, 0.9f); }), "0.9");
  EXPECT_EQ(as_text([](Text& t) { append_float(t, 1.0f); }), "1");
  EXPECT_EQ(as_text([](Text& t) { append_float(t, 0.125f); }), "0.125");
  EXPECT_EQ(as_text([](Text& t) { append_float(t, 0.0f); }), "0");
  EXPECT_EQ(as_text([](Text& t) { append_float(t, 10.0f); }), "10");
  EXPECT_EQ(as_text([](Text& t) { append_float(t, 0.123456f); }), "0.123456");
}

TEST(Text, AFloatThatWasTypedIsShownSoThatItReadsTheSame) {
  for (const char* typed : {"0.9", "0.95", "0.333", "0.0001", "0.12345678", "0.00000001", "9.9999999",
                            "1.6777216", "0.7000001", "10.000001"}) {
    float value = 0, again = -1;
    if (!parse_decimal(typed, value)) continue;  // more digits than it takes
    EXPECT_TRUE(parse_decimal(as_text([value](Text& t) { append_float(t, value); }), again)) << typed;
    EXPECT_EQ(again, value) << typed;
  }
}

}  // namespace
}  // namespace pico_llama::app
