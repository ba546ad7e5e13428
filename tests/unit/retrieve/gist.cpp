#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/gist.hpp>
#include <lookalike/stage/roles.hpp>

namespace {

using namespace lookalike;

static_assert(encoder<gist_stage>);

struct reference {
  std::string_view kind;
  int side;
  std::vector<double> values;
};

// python tests/unit/retrieve/gist_reference.py > tests/unit/retrieve/gist_reference.inc
const std::vector<reference>& references() {
  static const std::vector<reference> all = {
#include "gist_reference.inc"
  };
  return all;
}

/// The pictures of gist_reference.py, as gray values in [0, 1].
image<1> synthetic(std::string_view kind, int side) {
  image<1> picture(side, side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      int value = 0;
      if (kind == "stripes") {
        value = (x * 7 + y * 3) * 255 / (10 * side) / 8 % 2 * 200 + 20;
      } else if (kind == "noise") {
        value = (x * 7919 + y * 104729 + x * y * 31 + (x ^ y) * 17) % 256;
      } else {
        const bool inside =
            (x - side / 3) * (x - side / 3) + (y - side / 2) * (y - side / 2) < (side / 4) * (side / 4);
        value = inside ? 230 : 40 + x * 100 / side;
      }
      picture(y, x) = static_cast<float>(value) / 255.0f;
    }
  }
  return picture;
}

image<3> gray_as_color(const image<1>& gray) {
  image<3> picture(gray.height(), gray.width());
  for (std::size_t i = 0; i < picture.values().size(); ++i) picture.data()[i] = gray.data()[i / 3];
  return picture;
}

double length_of_difference(const std::vector<float>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum);
}
double length(const std::vector<double>& a) {
  return length_of_difference(std::vector<float>(a.size()), a);
}

}  // namespace

TEST_CASE("exact gist equals a double-precision computation straight from the formulas") {
  for (const reference& truth : references()) {
    INFO(truth.kind << ", " << truth.side << " pixels");
    const descriptor d = gist({.side = truth.side, .exact = true})(synthetic(truth.kind, truth.side));
    REQUIRE(d.values.size() == truth.values.size());
    CHECK(length_of_difference(d.values, truth.values) < 1e-5 * length(truth.values));
  }
}

TEST_CASE("the default gist, cut to the pass-bands, is within 0.3 % of the exact one") {
  for (const reference& truth : references()) {
    INFO(truth.kind << ", " << truth.side << " pixels");
    const descriptor d = gist({.side = truth.side})(synthetic(truth.kind, truth.side));
    CHECK(length_of_difference(d.values, truth.values) < 3e-3 * length(truth.values));
  }
}

TEST_CASE("gist of colors, with its own number of orientations at each scale, equals the formulas") {
  // python tests/unit/retrieve/gist_reference.py color > tests/unit/retrieve/gist_color_reference.inc
  const std::vector<reference> truth = {
#include "gist_color_reference.inc"
  };
  image<3> picture(64, 64);
  std::size_t channel = 0;
  for (const char* kind : {"stripes", "noise", "disk"}) {
    const image<1> gray = synthetic(kind, 64);
    for (std::size_t i = 0; i < gray.values().size(); ++i) picture.data()[3 * i + channel] = gray.data()[i];
    ++channel;
  }
  const gist_options options{.side = 64, .orientations_per_scale = {8, 8, 4}, .color = true, .exact = true};
  const descriptor d = gist(options)(picture);
  REQUIRE(d.values.size() == 960);
  CHECK(d.blocks[0].name == "gist(side=64,orientations=8-8-4,grid=4,color)");
  CHECK(d.blocks[0].values_per_cell == 60);
  CHECK(length_of_difference(d.values, truth[0].values) < 1e-5 * length(truth[0].values));
  gist_options fast = options;
  fast.exact = false;
  CHECK(length_of_difference(gist(fast)(picture).values, truth[0].values) < 3e-3 * length(truth[0].values));
  // A gray picture is one of three equal channels.
  const image<1> gray = synthetic("disk", 64);
  CHECK(length_of_difference(gist(options)(gray).values, [&] {
          const auto values = gist(options)(gray_as_color(gray)).values;
          return std::vector<double>(values.begin(), values.end());
        }()) < 1e-5);
}

TEST_CASE("the same number of orientations at each scale may be written in both ways") {
  const image<1> picture = synthetic("stripes", 64);
  const descriptor a = gist({.side = 64, .orientations = 8, .scales = 4})(picture);
  const descriptor b = gist({.side = 64, .orientations_per_scale = {8, 8, 8, 8}})(picture);
  CHECK(a.values.size() == 512);
  CHECK(a.values == b.values);
  CHECK(comparable(a.blocks, b.blocks));
}

TEST_CASE("one filter's energy equals the inverse Fourier sum written out") {
  // A side of 16 and one coarse filter keep four nested loops affordable. The picture enters after the
  // prefilter, so that this pins down the bank alone.
  constexpr int side = 16, padding = 32, n = side + 2 * padding;
  aligned_vector<float> picture(side * side);
  for (std::size_t i = 0; i < picture.size(); ++i) {
    picture[i] = std::sin(0.7f * static_cast<float>(i)) + static_cast<float>(i % side) * 0.1f;
  }
  const detail::gabor_bank bank({.side = side, .orientations = {1}, .grid = 1, .exact = true});
  const double energy = static_cast<double>(bank.energies(picture).at(0));

  const auto padded = [&](int y, int x) {
    const int row = detail::mirrored(y - padding, side), column = detail::mirrored(x - padding, side);
    return static_cast<double>(picture[static_cast<std::size_t>(row * side + column)]);
  };
  using std::numbers::pi;
  std::vector<std::complex<double>> rows(n * n), spectrum(n * n);
  for (int y = 0; y < n; ++y) {
    for (int u = 0; u < n; ++u) {
      for (int x = 0; x < n; ++x) {
        rows[static_cast<std::size_t>(y * n + u)] += padded(y, x) * std::polar(1.0, -2 * pi * u * x / n);
      }
    }
  }
  for (int v = 0; v < n; ++v) {
    for (int u = 0; u < n; ++u) {
      for (int y = 0; y < n; ++y) {
        spectrum[static_cast<std::size_t>(v * n + u)] +=
            rows[static_cast<std::size_t>(y * n + u)] * std::polar(1.0, -2 * pi * v * y / n);
      }
      const int fx = u < n / 2 ? u : u - n, fy = v < n / 2 ? v : v - n;
      const double radius = std::hypot(fx, fy), angle = std::atan2(fy, fx);
      spectrum[static_cast<std::size_t>(v * n + u)] *=
          std::exp(-3.5 * std::pow(radius / (n * 0.3) - 1, 2) - 2 * pi * (16.0 / 1024) * angle * angle);
    }
  }
  double sum = 0;
  for (int y = padding; y < padding + side; ++y) {
    for (int x = padding; x < padding + side; ++x) {
      std::complex<double> response = 0;
      for (int v = 0; v < n; ++v) {
        for (int u = 0; u < n; ++u) {
          response += spectrum[static_cast<std::size_t>(v * n + u)] *
                      std::polar(1.0, 2 * pi * ((v * y + u * x) % n) / n);
        }
      }
      sum += std::abs(response) / (n * n);
    }
  }
  CHECK(energy == Approx(sum / (side * side)).epsilon(1e-5));
}

TEST_CASE("gist has a cell for each part of the grid and finds the energy where it is") {
  image<1> picture(128, 128, 0.5f);
  for (int y = 64; y < 96; ++y) {
    for (int x = 96; x < 128; ++x)
      picture(y, x) = x % 4 < 2 ? 0.9f : 0.1f;  // cell (2, 3), fine vertical bars
  }
  const descriptor d = gist(picture);
  REQUIRE(d.blocks.size() == 1);
  CHECK(d.blocks[0].cells == 16);
  CHECK(d.blocks[0].values_per_cell == 30);
  CHECK(d.blocks[0].name == "gist(side=128,orientations=6,scales=5,grid=4)");
  CHECK(d.weights == std::vector<float>(16, 1.0f));
  std::vector<float> finest;  // orientation 0: horizontal frequencies
  for (std::size_t cell = 0; cell < 16; ++cell) finest.push_back(d.values[cell * 30]);
  CHECK(std::max_element(finest.begin(), finest.end()) - finest.begin() == 2 * 4 + 3);
  CHECK(finest[11] > 3 * finest[0]);
  for (std::size_t orientation = 1; orientation < 6; ++orientation) {
    CHECK(d.values[11 * 30] > d.values[11 * 30 + orientation]);
  }
}

TEST_CASE("mirroring a picture mirrors the cells of its gist and the sense of its orientations") {
  const image<1> picture = synthetic("disk", 128);
  image<1> mirrored(128, 128);
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 128; ++x) mirrored(y, x) = picture(y, 127 - x);
  }
  const auto exact = gist({.exact = true});
  const descriptor a = exact(picture), b = exact(mirrored);
  double worst = 0;
  for (std::size_t row = 0; row < 4; ++row) {
    for (std::size_t column = 0; column < 4; ++column) {
      for (std::size_t scale = 0; scale < 5; ++scale) {
        for (std::size_t o = 0; o < 6; ++o) {
          const std::size_t turned = (6 - o) % 6;
          worst = std::max(
              worst,
              std::abs(static_cast<double>(a.values[(row * 4 + column) * 30 + scale * 6 + o]) -
                       static_cast<double>(b.values[(row * 4 + 3 - column) * 30 + scale * 6 + turned])));
        }
      }
    }
  }
  // The Nyquist frequency stands on one side of the spectrum only, so that this holds but for it.
  CHECK(worst < 0.01 * static_cast<double>(*std::max_element(a.values.begin(), a.values.end())));
}

TEST_CASE("gist takes any extent, gray and color alike, down to a single pixel") {
  const image<1> gray = synthetic("stripes", 64);
  const descriptor of_color = gist(gray_as_color(gray));
  CHECK(length_of_difference(gist(gray).values, {of_color.values.begin(), of_color.values.end()}) < 1e-5);
  for (float value : gist(image<3>(1, 1, 0.3f)).values) CHECK(std::abs(value) < 1e-3f);
  CHECK(gist(image<3>(7, 300, 0.25f)).values.size() == 480);
}

TEST_CASE("gist with other numbers of orientations, scales and cells has the shape that they say") {
  const descriptor d = gist({.side = 60, .orientations = 3, .scales = 2, .grid = 5})(synthetic("noise", 60));
  CHECK(d.blocks[0].cells == 25);
  CHECK(d.blocks[0].values_per_cell == 6);
  const descriptor e =
      gist({.side = 60, .orientations = 3, .scales = 2, .grid = 5, .exact = true})(synthetic("noise", 60));
  CHECK(length_of_difference(d.values, {e.values.begin(), e.values.end()}) <
        5e-3 * length({e.values.begin(), e.values.end()}));
}

TEST_CASE("gist weighs cells by the part that is known") {
  masked_image query{image<3>(100, 60, 0.5f), mask(100, 60)};
  for (int y = 25; y < 50; ++y) {
    for (int x = 0; x < 21; ++x) query.hole(y, x) = 1;  // cell (1, 0) and 6 of 15 columns of cell (1, 1)
  }
  const descriptor d = gist(query);
  REQUIRE(d.weights.size() == 16);
  for (std::size_t cell = 0; cell < 16; ++cell) {
    const float expected = cell == 4 ? 0.0f : cell == 5 ? 0.6f : 1.0f;
    CHECK(d.weights[cell] == Approx(expected).margin(1e-6));
  }
  CHECK(d.values == gist(query.picture).values);
}

TEST_CASE("gist refuses what it cannot describe") {
  CHECK_THROWS_AS(gist(image<3>()), value_error);
  image<3> picture(8, 8);
  picture(3, 3, 1) = std::nanf("");
  CHECK_THROWS_AS(gist(picture), value_error);
  picture(3, 3, 1) = 255.0f;
  CHECK_THROWS_AS(gist(picture), value_error);
  CHECK_THROWS_AS(gist({masked_image{image<3>(8, 8), mask(8, 7)}}), value_error);
  CHECK_THROWS_AS(gist({.side = 130}), value_error);
  CHECK_THROWS_AS(gist({.side = 0}), value_error);
  CHECK_THROWS_AS(gist({.orientations = 0}), value_error);
  CHECK_THROWS_AS(gist({.grid = -4}), value_error);
  CHECK_THROWS_AS(gist({.scales = 0}), value_error);
  CHECK_THROWS_AS(gist({.orientations_per_scale = {8, 0}}), value_error);
  CHECK_THROWS_AS(gist({.orientations_per_scale = std::vector<int>(13, 4)}), value_error);
}

TEST_CASE("gist computes the same from many threads at once") {
  const image<1> picture = synthetic("noise", 100);
  const gist_stage fresh = gist({.side = 96});  // tables not made yet
  std::vector<std::vector<float>> values(4);
  {
    std::vector<std::jthread> workers;
    for (auto& result : values) workers.emplace_back([&] { result = fresh(picture).values; });
  }
  for (const auto& result : values) CHECK(result == values[0]);
}
