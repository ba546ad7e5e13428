// Measures of colors against their definitions in double precision and closed forms.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/models/color_metrics.hpp>

using namespace lookalike;

namespace {

image<3> random_lab(int height, int width, std::uint64_t seed, double reach = 60) {
  image<3> lab(height, width);
  random_sequence random(seed);
  for (std::size_t i = 0; i < lab.values().size(); ++i)
    lab.values()[i] = static_cast<float>(i % 3 == 0 ? random.uniform(0, 100) : random.uniform(-reach, reach));
  return lab;
}

image<3> plain(int height, int width, float l, float a, float b) {
  image<3> lab(height, width);
  for (std::size_t i = 0; i < lab.values().size(); ++i) lab.values()[i] = i % 3 == 0 ? l : i % 3 == 1 ? a : b;
  return lab;
}

std::vector<double> errors(const image<3>& x, const image<3>& y) {
  std::vector<double> all;
  for (std::size_t i = 0; i < x.values().size(); i += 3)
    all.push_back(std::hypot(double{x.values()[i + 1]} - y.values()[i + 1],
                             double{x.values()[i + 2]} - y.values()[i + 2]));
  return all;
}

}  // namespace

TEST_CASE("the error of colors is that of a and b alone") {
  const image<3> x = random_lab(9, 13, 1), y = random_lab(9, 13, 2);
  double sum = 0;
  for (const double e : errors(x, y)) sum += e * e;
  CHECK(chroma_error(x, y) == Approx(std::sqrt(sum / (2.0 * 9 * 13))).epsilon(1e-12));
  CHECK(chroma_error(plain(2, 3, 10, 3, 4), plain(2, 3, 90, 0, 0)) == Approx(5 / std::sqrt(2.0)));
  CHECK(chroma_error(x, x) == 0);
}

TEST_CASE("the area under the accuracy curve is its integral") {
  const image<3> x = random_lab(15, 14, 3, 110), y = random_lab(15, 14, 4, 110);
  const std::vector<double> all = errors(x, y);
  REQUIRE(*std::max_element(all.begin(), all.end()) > 150);
  // The curve itself, integrated in steps of 1/100.
  double area = 0;
  for (int i = 0; i < 15000; ++i) {
    const double t = (i + 0.5) / 100;
    area += static_cast<double>(std::count_if(all.begin(), all.end(), [t](double e) { return e <= t; }));
  }
  CHECK(color_accuracy_area(x, y) == Approx(area / 15000 / static_cast<double>(all.size())).margin(1e-4));
  CHECK(color_accuracy_area(x, x) == 1);
  // A gray answer to one color is wrong by the color's chroma everywhere.
  CHECK(color_accuracy_area(plain(3, 3, 50, 0, 0), plain(3, 3, 50, 18, 24)) == Approx(1 - 30.0 / 150));
  CHECK(color_accuracy_area(plain(3, 3, 50, 0, 0), plain(3, 3, 50, 18, 24), {}, 20) == 0);
}

TEST_CASE("weights of bins make rare colors count") {
  image<3> truth = plain(1, 4, 50, 0, 0);
  truth(0, 3, 1) = 50;
  const image<3> gray = plain(1, 4, 50, 0, 0);
  std::vector<double> weights(color_bin_count, 1.0);
  CHECK(color_accuracy_area(gray, truth, weights) == Approx(1 - 50.0 / 150 / 4));
  weights[static_cast<std::size_t>(nearest_color_bin(50, 0))] = 3;
  CHECK(color_accuracy_area(gray, truth, weights) == Approx(1 - 3 * 50.0 / 150 / 6));
  CHECK_THROWS_AS(color_accuracy_area(gray, truth, std::vector<double>(3, 1.0)), value_error);
  CHECK_THROWS_AS(color_accuracy_area(gray, truth, std::vector<double>(color_bin_count, 0.0)), value_error);
  CHECK_THROWS_AS(color_accuracy_area(gray, truth, {}, 0), value_error);
}

TEST_CASE("saturation is compared by mean chroma") {
  CHECK(saturation_ratio(plain(2, 2, 5, 3, 4), plain(2, 2, 9, 0, -10)) == Approx(0.5));
  CHECK(std::isnan(saturation_ratio(plain(2, 2, 5, 3, 4), plain(2, 2, 9, 0, 0))));
}

TEST_CASE("the signal-to-noise ratio of pictures is over all channels") {
  image<3> x(4, 5, 0.5f), y(4, 5, 0.5f);
  CHECK(peak_signal_to_noise(x, y) == std::numeric_limits<double>::infinity());
  y(1, 2, 0) = 0.75f;
  y(3, 4, 2) = 0.25f;
  CHECK(peak_signal_to_noise(x, y) == Approx(-10 * std::log10(2 * 0.0625 / 60)));
}

TEST_CASE("colorfulness is that of Hasler and Suesstrunk") {
  CHECK(colorfulness(image<3>(5, 5, 0.3f)) == Approx(0).margin(1e-4));
  // Half red, half green: rg = +-255, yb = 127.5.
  image<3> picture(2, 2);
  picture(0, 0, 0) = picture(0, 1, 0) = 1;
  picture(1, 0, 1) = picture(1, 1, 1) = 1;
  CHECK(colorfulness(picture) == Approx(255 + 0.3 * 127.5));
  image<3> random(11, 17);
  random_sequence chance(6);
  for (float& value : random.values()) value = static_cast<float>(chance.uniform());
  double means[2] = {}, deviations[2] = {};
  std::vector<double> opponents[2];
  for (std::size_t i = 0; i < random.values().size(); i += 3) {
    const double r = 255.0 * random.values()[i], g = 255.0 * random.values()[i + 1],
                 b = 255.0 * random.values()[i + 2];
    opponents[0].push_back(r - g);
    opponents[1].push_back((r + g) / 2 - b);
  }
  for (int c = 0; c < 2; ++c) {
    for (const double v : opponents[c]) means[c] += v / static_cast<double>(opponents[c].size());
    for (const double v : opponents[c])
      deviations[c] += (v - means[c]) * (v - means[c]) / static_cast<double>(opponents[c].size());
  }
  CHECK(colorfulness(random) ==
        Approx(std::sqrt(deviations[0] + deviations[1]) + 0.3 * std::hypot(means[0], means[1])));
}

TEST_CASE("the dominant hue is that of most chroma") {
  CHECK(dominant_hue(plain(3, 3, 50, 40, 1)) == 0);
  CHECK(dominant_hue(plain(3, 3, 50, 1, 40)) == 2);
  CHECK(dominant_hue(plain(3, 3, 50, -40, -1)) == 6);
  CHECK(dominant_hue(plain(3, 3, 50, 40, -1)) == 11);
  CHECK(dominant_hue(plain(3, 3, 50, -3, -40), 4) == 2);
  CHECK(dominant_hue(plain(3, 3, 50, 2, 1)) == -1);
  image<3> mixed = plain(1, 3, 50, 20, 1);
  mixed(0, 2, 1) = -1;
  mixed(0, 2, 2) = 90;  // one pixel of three, with more chroma than the other two
  CHECK(dominant_hue(mixed) == 3);
  CHECK_THROWS_AS(dominant_hue(mixed, 0), value_error);

  const std::vector<image<3>> results{plain(2, 2, 1, 40, 5), plain(2, 2, 1, 40, 5), plain(2, 2, 1, 40, 5)};
  const std::vector<image<3>> truths{plain(2, 2, 1, 30, 2), plain(2, 2, 1, -30, 2), plain(2, 2, 1, 0, 0)};
  CHECK(count_hue_hits(results, truths) == hit_count{1, 2});
  CHECK_THROWS_AS(count_hue_hits(results, std::vector<image<3>>{}), value_error);
}

TEST_CASE("measures refuse pictures of other extents and without pixels") {
  const image<3> x(3, 4), y(4, 3), none;
  for (const auto measure : {&chroma_error, &saturation_ratio}) {
    CHECK_THROWS_AS(measure(x, y), value_error);
    CHECK_THROWS_AS(measure(none, none), value_error);
  }
  CHECK_THROWS_AS(color_accuracy_area(x, y), value_error);
  CHECK_THROWS_AS(peak_signal_to_noise(x, y), value_error);
  CHECK_THROWS_AS(peak_signal_to_noise(none, none), value_error);
  CHECK_THROWS_AS(colorfulness(none), value_error);
}
