#include "trainer/train/curve.h"

#include <png.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "trainer/error.h"

namespace pico_llama::trainer {
namespace {

constexpr int kWidth = 800;
constexpr int kHeight = 480;
constexpr int kLeft = 64;
constexpr int kRight = 24;
constexpr int kTop = 24;
constexpr int kBottom = 48;

struct Color {
  uint8_t r, g, b;
};
constexpr Color kWhite{255, 255, 255};
constexpr Color kGrid{225, 225, 225};
constexpr Color kInk{60, 60, 60};
constexpr Color kTraining{70, 130, 200};
constexpr Color kHeldOut{220, 90, 40};

/// Rows of 5 bits, the highest on the left.
struct Glyph {
  char character;
  std::array<uint8_t, 7> rows;
};
constexpr Glyph kFont[] = {
    {'0', {14, 17, 19, 21, 25, 17, 14}}, {'1', {4, 12, 4, 4, 4, 4, 14}},
    {'2', {14, 17, 1, 2, 4, 8, 31}},     {'3', {31, 2, 4, 2, 1, 17, 14}},
    {'4', {2, 6, 10, 18, 31, 2, 2}},     {'5', {31, 16, 30, 1, 1, 17, 14}},
    {'6', {6, 8, 16, 30, 17, 17, 14}},   {'7', {31, 1, 2, 4, 8, 8, 8}},
    {'8', {14, 17, 17, 14, 17, 17, 14}}, {'9', {14, 17, 17, 15, 1, 2, 12}},
    {'.', {0, 0, 0, 0, 0, 12, 12}},      {'-', {0, 0, 0, 14, 0, 0, 0}},
    {'a', {0, 0, 14, 1, 15, 17, 15}},    {'d', {1, 1, 13, 19, 17, 17, 15}},
    {'e', {0, 0, 14, 17, 31, 16, 14}},   {'g', {0, 15, 17, 17, 15, 1, 14}},
    {'h', {16, 16, 22, 25, 17, 17, 17}}, {'i', {4, 0, 12, 4, 4, 4, 14}},
    {'l', {12, 4, 4, 4, 4, 4, 14}},      {'n', {0, 0, 22, 25, 17, 17, 17}},
    {'o', {0, 0, 14, 17, 17, 17, 14}},   {'p', {0, 0, 30, 17, 30, 16, 16}},
    {'r', {0, 0, 22, 25, 16, 16, 16}},   {'s', {0, 0, 14, 16, 14, 1, 30}},
    {'t', {8, 8, 28, 8, 8, 9, 6}},       {'u', {0, 0, 17, 17, 17, 19, 13}},
};

class Picture {
 public:
  Picture() : pixels_(size_t{kWidth} * kHeight, kWhite) {}

  void dot(int x, int y, Color color) {
    if (x >= 0 && x < kWidth && y >= 0 && y < kHeight)
      pixels_[static_cast<size_t>(y) * kWidth + static_cast<size_t>(x)] = color;
  }
  void line(int x0, int y0, int x1, int y1, Color color) {
    const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int i = 0; i <= steps; ++i) dot(x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, color);
  }
  void thick_line(int x0, int y0, int x1, int y1, Color color) {
    line(x0, y0, x1, y1, color);
    line(x0, y0 + 1, x1, y1 + 1, color);
  }
  /// Returns where the text ends.
  int text(int x, int y, std::string_view words, Color color) {
    for (const char c : words) {
      for (const Glyph& glyph : kFont) {
        if (glyph.character != c) continue;
        for (int row = 0; row < 7; ++row) {
          for (int column = 0; column < 5; ++column) {
            if ((glyph.rows[static_cast<size_t>(row)] >> (4 - column) & 1) != 0)
              dot(x + column, y + row, color);
          }
        }
      }
      x += 6;
    }
    return x;
  }

  std::string png() const {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = kWidth;
    image.height = kHeight;
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t size = 0;
    if (png_image_write_to_memory(&image, nullptr, &size, 0, pixels_.data(), 0, nullptr) == 0) {
      throw Error(std::string("the loss curve cannot be drawn: ") + image.message);
    }
    std::string bytes(size, '\0');
    if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels_.data(), 0, nullptr) == 0) {
      throw Error(std::string("the loss curve cannot be drawn: ") + image.message);
    }
    bytes.resize(size);
    return bytes;
  }

 private:
  static_assert(sizeof(Color) == 3);
  std::vector<Color> pixels_;
};

/// 1, 2 or 5 times a power of ten, so that about `marks` of them make the span.
double nice_step(double span, int marks) {
  const double rough = span / marks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

std::string curve_csv(const std::vector<CurvePoint>& curve) {
  std::string out = "step,training_loss,held_out_loss,learning_rate\n";
  for (const CurvePoint& point : curve) {
    char line[128];
    std::snprintf(line, sizeof line, "%d,%.5f,%.5f,%.3g\n", point.step,
                  static_cast<double>(point.training_loss), static_cast<double>(point.held_out_loss),
                  static_cast<double>(point.learning_rate));
    out += line;
  }
  return out;
}

std::string curve_png(const std::vector<CurvePoint>& curve) {
  double last_step = 1;
  double highest = 1e-3;
  for (const CurvePoint& point : curve) {
    last_step = std::max(last_step, static_cast<double>(point.step));
    highest = std::max(
        {highest, static_cast<double>(point.training_loss), static_cast<double>(point.held_out_loss)});
  }
  const auto x_of = [&](double step) {
    return kLeft + static_cast<int>(step / last_step * (kWidth - kLeft - kRight));
  };
  const auto y_of = [&](double loss) {
    return kHeight - kBottom - static_cast<int>(loss / highest * (kHeight - kTop - kBottom));
  };

  Picture picture;
  for (double loss = 0; loss <= highest; loss += nice_step(highest, 6)) {
    picture.line(kLeft, y_of(loss), kWidth - kRight, y_of(loss), kGrid);
    const std::string label = number(loss);
    picture.text(kLeft - 8 - 6 * static_cast<int>(label.size()), y_of(loss) - 3, label, kInk);
  }
  for (double step = 0; step <= last_step; step += nice_step(last_step, 8)) {
    picture.line(x_of(step), kTop, x_of(step), kHeight - kBottom, kGrid);
    const std::string label = number(step);
    picture.text(x_of(step) - 3 * static_cast<int>(label.size()), kHeight - kBottom + 8, label, kInk);
  }
  picture.line(kLeft, kTop, kLeft, kHeight - kBottom, kInk);
  picture.line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, kInk);
  picture.text(kWidth - kRight - 24, kHeight - 20, "step", kInk);
  const int after = picture.text(kLeft + 16, 8, "training loss", kTraining);
  picture.text(after + 24, 8, "held-out loss", kHeldOut);
  for (size_t i = 1; i < curve.size(); ++i) {
    const CurvePoint& a = curve[i - 1];
    const CurvePoint& b = curve[i];
    const auto draw = [&](float from, float to, Color color) {
      picture.thick_line(x_of(a.step), y_of(static_cast<double>(from)), x_of(b.step),
                         y_of(static_cast<double>(to)), color);
    };
    draw(a.training_loss, b.training_loss, kTraining);
    draw(a.held_out_loss, b.held_out_loss, kHeldOut);
  }
  return picture.png();
}

}  // namespace pico_llama::trainer
