#include "trainer/train/curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace pico_llama::trainer {
namespace {

// In SVG user units.
constexpr double kWidth = 800;
constexpr double kHeight = 480;
constexpr double kLeft = 64;
constexpr double kRight = 24;
constexpr double kTop = 32;
constexpr double kBottom = 48;

constexpr const char* kTrainingColor = "#4682c8";
constexpr const char* kHeldOutColor = "#dc5a28";

/// 1, 2 or 5 times a power of ten, so that about `marks` of them make the span.
double nice_step(double span, int marks) {
  const double rough = span / marks;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

}  // namespace

std::string curve_csv(const std::vector<CurvePoint>& curve) {
  std::string out = "step,training_loss,held_out_loss,learning_rate\n";
  for (const CurvePoint& point : curve)
    fmt::format_to(std::back_inserter(out), "{},{:.5f},{:.5f},{:.3g}\n", point.step, point.training_loss,
                   point.held_out_loss, point.learning_rate);
  return out;
}

std::string curve_svg(const std::vector<CurvePoint>& curve) {
  double last_step = 1;
  double highest = 1e-3;
  for (const CurvePoint& point : curve) {
    last_step = std::max(last_step, static_cast<double>(point.step));
    highest = std::max(
        {highest, static_cast<double>(point.training_loss), static_cast<double>(point.held_out_loss)});
  }
  const auto x_of = [&](double step) { return kLeft + step / last_step * (kWidth - kLeft - kRight); };
  const auto y_of = [&](double loss) {
    return kHeight - kBottom - loss / highest * (kHeight - kTop - kBottom);
  };

  std::string svg;
  const auto out = std::back_inserter(svg);
  const auto line = [&](double x0, double y0, double x1, double y1, const char* color) {
    fmt::format_to(out, "<path d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\" stroke=\"{}\"/>\n", x0, y0, x1, y1, color);
  };
  const auto text = [&](double x, double y, const char* anchor, const char* color, const std::string& words) {
    fmt::format_to(out, "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x, y,
                   anchor, color, words);
  };
  constexpr const char* kGrid = "#e1e1e1";
  constexpr const char* kInk = "#3c3c3c";
  fmt::format_to(out,
                 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" "
                 "font-size=\"12\" fill=\"none\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
                 kWidth, kHeight);
  for (double loss = 0; loss <= highest; loss += nice_step(highest, 6)) {
    line(kLeft, y_of(loss), kWidth - kRight, y_of(loss), kGrid);
    text(kLeft - 8, y_of(loss) + 4, "end", kInk, fmt::format("{:.6g}", loss));
  }
  for (double step = 0; step <= last_step; step += nice_step(last_step, 8)) {
    line(x_of(step), kTop, x_of(step), kHeight - kBottom, kGrid);
    text(x_of(step), kHeight - kBottom + 16, "middle", kInk, fmt::format("{:.6g}", step));
  }
  line(kLeft, kTop, kLeft, kHeight - kBottom, kInk);
  line(kLeft, kHeight - kBottom, kWidth - kRight, kHeight - kBottom, kInk);
  text(kWidth - kRight, kHeight - 12, "end", kInk, "step");
  text(kLeft + 16, 20, "start", kTrainingColor, "training loss");
  text(kLeft + 128, 20, "start", kHeldOutColor, "held-out loss (nats a token)");
  const auto losses = [&](auto loss, const char* color) {
    fmt::format_to(out, "<polyline stroke=\"{}\" stroke-width=\"2\" points=\"", color);
    for (const CurvePoint& point : curve)
      fmt::format_to(out, "{:.1f},{:.1f} ", x_of(point.step), y_of(static_cast<double>(point.*loss)));
    svg += "\"/>\n";
  };
  losses(&CurvePoint::training_loss, kTrainingColor);
  losses(&CurvePoint::held_out_loss, kHeldOutColor);
  svg += "</svg>\n";
  return svg;
}

}  // namespace pico_llama::trainer
