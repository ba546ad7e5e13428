// Against Reinhard et al. 2001 written out in double precision; bench/colorization.py has scikit-image's and
// NumPy's.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/blend/color_transfer.hpp>
#include <lookalike/core/random.hpp>

using namespace lookalike;

namespace {

image<3> random_picture(int height, int width, std::uint64_t seed, double low, double high) {
  image<3> picture(height, width);
  random_sequence random(seed);
  for (float& value : picture.values()) value = static_cast<float>(random.uniform(low, high));
  return picture;
}

using pixels = std::vector<std::array<double, 3>>;

pixels to_space(const image<3>& picture) {
  const double m[3][3] = {{0.3811, 0.5783, 0.0402}, {0.1967, 0.7244, 0.0782}, {0.0241, 0.1288, 0.8444}};
  pixels result;
  for (std::ptrdiff_t i = 0; i < picture.area(); ++i) {
    const float* rgb = picture.data() + 3 * i;
    double lms[3];
    for (int k = 0; k < 3; ++k)
      lms[k] = std::log10(std::max(m[k][0] * rgb[0] + m[k][1] * rgb[1] + m[k][2] * rgb[2], 1.0 / 1024));
    result.push_back({(lms[0] + lms[1] + lms[2]) / std::sqrt(3.0),
                      (lms[0] + lms[1] - 2 * lms[2]) / std::sqrt(6.0), (lms[0] - lms[1]) / std::sqrt(2.0)});
  }
  return result;
}

std::pair<double, double> moments_of(const pixels& all, std::size_t channel) {
  double sum = 0, squares = 0;
  for (const auto& p : all) sum += p[channel];
  const double mean = sum / static_cast<double>(all.size());
  for (const auto& p : all) squares += (p[channel] - mean) * (p[channel] - mean);
  return {mean, std::sqrt(squares / static_cast<double>(all.size()))};
}

}  // namespace

TEST_CASE("statistics are the mean and deviation of each channel, over several pictures, too") {
  const image<3> a = random_picture(13, 17, 1, 0.2, 0.9), b = random_picture(4, 5, 2, 50, 90);
  color_statistics_sum sum;
  sum.add(a);
  sum.add(b);
  const color_statistics found = sum.statistics();
  for (std::size_t c = 0; c < 3; ++c) {
    pixels all;
    for (const image<3>* picture : {&a, &b})
      for (std::ptrdiff_t i = 0; i < picture->area(); ++i)
        all.push_back({picture->data()[3 * i + static_cast<std::ptrdiff_t>(c)], 0, 0});
    const auto [mean, deviation] = moments_of(all, 0);
    CHECK(found.mean[c] == Approx(mean).epsilon(1e-12));
    CHECK(found.deviation[c] == Approx(deviation).epsilon(1e-9));
  }
}

TEST_CASE("a transfer gives the target's mean and deviation, to rounding") {
  const image<3> picture = random_picture(40, 50, 3, -20, 30);
  const color_statistics target{{1.5, -40, 0.001}, {3, 0.25, 0}};
  const color_statistics found = measure_colors(transfer_statistics(picture, target));
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(found.mean[c] == Approx(target.mean[c]).epsilon(1e-6));
    CHECK(found.deviation[c] == Approx(target.deviation[c]).epsilon(1e-5).margin(1e-6));
  }
}

TEST_CASE("colors are transferred as by the paper's equations") {
  const image<3> picture = random_picture(21, 34, 5, 0.3, 0.6);
  image<3> example = random_picture(18, 27, 6, 0, 1);
  for (int c = 0; c < 3; ++c) example(0, 0, c) = 0;
  const pixels own = to_space(picture), target = to_space(example);
  const image<3> result = transfer_color(picture, example);
  const pixels found = to_space(result);

  double most = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto [mean, deviation] = moments_of(own, c);
    const auto [wanted_mean, wanted_deviation] = moments_of(target, c);
    const auto [found_mean, found_deviation] = moments_of(found, c);
    CHECK(found_mean == Approx(wanted_mean).margin(1e-3));
    CHECK(found_deviation == Approx(wanted_deviation).margin(1e-3));
    for (std::size_t i = 0; i < own.size(); ++i) {
      const double expected = (own[i][c] - mean) * wanted_deviation / deviation + wanted_mean;
      most = std::max(most, std::abs(found[i][c] - expected));
    }
  }
  INFO(most);
  CHECK(most < 5e-3);  // where results lie below 1/1024, the log of the reference is cut off
}

TEST_CASE("a constant picture takes over the mean, and so does a constant example") {
  const image<3> constant(6, 7, 0.5f), varied = random_picture(8, 9, 7, 0, 1);
  const color_statistics wanted = measure_colors(rgb_to_l_alpha_beta(varied));
  const image<3> once = rgb_to_l_alpha_beta(transfer_color(constant, varied));
  for (std::size_t c = 0; c < 3; ++c) CHECK(once.values()[c] == Approx(wanted.mean[c]).margin(1e-4));
  const image<3> flat = transfer_color(varied, constant);
  for (const float value : flat.values()) CHECK(value == Approx(0.5f).margin(1e-4));
}

TEST_CASE("black pictures do not make a transfer fail") {
  const image<3> black(4, 4), varied = random_picture(8, 9, 7, 0, 1);
  for (const image<3>& result : {transfer_color(black, varied), transfer_color(varied, black)})
    for (const float value : result.values()) REQUIRE(std::isfinite(value));
}

TEST_CASE("transfers refuse what is empty or no number") {
  const image<3> good(2, 2, 0.5f);
  image<3> bad = good;
  bad(1, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(transfer_color(image<3>(), good), value_error);
  CHECK_THROWS_AS(transfer_color(good, image<3>()), value_error);
  CHECK_THROWS_AS(transfer_color(bad, good), value_error);
  CHECK_THROWS_AS(transfer_color(good, bad), value_error);
  CHECK_THROWS_AS(transfer_statistics(bad, {}), value_error);
  CHECK_THROWS_AS(transfer_statistics(good, {{0, 0, NAN}, {}}), value_error);
  CHECK_THROWS_AS(transfer_statistics(good, {{}, {0, -1, 0}}), value_error);
  CHECK_THROWS_AS(color_statistics_sum().statistics(), value_error);
}
