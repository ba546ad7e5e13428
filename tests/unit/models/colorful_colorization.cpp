// The colorization network runs; its released form decodes as its parts say. Parameters are counted in
// tests/static/models.cpp.

#include <lookalike/models/colorful_colorization.hpp>

#include "run.hpp"

using namespace lookalike;

TEST_CASE("the network runs in all modes") {
  dynamic_model<float> full(colorful_colorization());
  const tensor<float> scores = std::as_const(full)(random_pictures(1, 1, 64, 48, 1, -0.5, 0.5));
  CHECK(scores.extents() == std::array<std::int64_t, 4>{1, 313, 16, 12});
  CHECK(all_finite(scores));
  dynamic_model<float> narrow(colorful_colorization(20, 8));
  run_in_all_modes(narrow, {random_pictures(2, 1, 32, 40, 2, -0.5, 0.5)}, {2, 20, 8, 10});
}

TEST_CASE("the released network is the mean of colors by the softmax of the scores, four times as large") {
  dynamic_model<double> scores(colorful_colorization(5, 2));
  dynamic_model<double> released(colorful_colorization_release(5, 2));
  for (const parameter& p : scores.parameters()) {
    const auto from = scores.values(p.name);
    std::copy(from.begin(), from.end(), released.values(p.name).begin());
  }
  const auto colors = released.values("decode.conv0.weight");  // 2 x 5
  REQUIRE(colors.size() == 10);
  const tensor<double> x = random_pictures<double>(1, 1, 16, 24, 3, -0.5, 0.5);
  const tensor<double> z = scores(x);
  const tensor<double> ab = released(x);
  REQUIRE(ab.extents() == std::array<std::int64_t, 4>{1, 2, 16, 24});
  tensor<double> mean(1, 2, 4, 6);
  for (int y = 0; y < 4; ++y)
    for (int column = 0; column < 6; ++column) {
      double sum = 0;
      for (int q = 0; q < 5; ++q) sum += std::exp(z(0, q, y, column));
      for (int c = 0; c < 2; ++c)
        for (int q = 0; q < 5; ++q)
          mean(0, c, y, column) +=
              std::exp(z(0, q, y, column)) / sum * colors[static_cast<std::size_t>(5 * c + q)];
    }
  // Half-pixel centers: a fine pixel lies between two coarse ones at ((i + 0.5) / 4 - 0.5).
  for (int c = 0; c < 2; ++c)
    for (int y = 0; y < 16; ++y)
      for (int column = 0; column < 24; ++column) {
        const auto at = [](int i, int count) {
          const double place = std::max(0.0, (i + 0.5) / 4 - 0.5);
          const int low = static_cast<int>(place);
          return std::pair{std::array{low, std::min(low + 1, count - 1)}, place - low};
        };
        const auto rows = at(y, 4), columns = at(column, 6);
        double wanted = 0;
        for (std::size_t i = 0; i < 2; ++i)
          for (std::size_t j = 0; j < 2; ++j)
            wanted += (i == 0 ? 1 - rows.second : rows.second) *
                      (j == 0 ? 1 - columns.second : columns.second) *
                      mean(0, c, rows.first[i], columns.first[j]);
        CHECK(ab(0, c, y, column) == Approx(wanted).margin(1e-12));
      }
}

TEST_CASE("gradients of a narrow one") {
  check_some_gradients(colorful_colorization(4, 2), {.samples = 3, .batch = 2, .height = 16, .width = 24});
}
