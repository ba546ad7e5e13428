#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/simd/panel_product.hpp>

using lookalike::simd::panel_matrix;
using lookalike::simd::panel_product;
using lookalike::simd::panel_width;

namespace {

/// Compares with a double loop, with a in rows or in columns and b from a row in its middle.
void check_product(int rows, int depth, int columns, bool a_in_columns) {
  std::mt19937 random(static_cast<unsigned>(rows * 10007 + depth * 101 + columns));
  std::uniform_real_distribution<float> uniform(-1, 1);
  const int first_row = 3;
  panel_matrix b(depth + first_row + 2, columns);
  for (int i = 0; i < b.rows(); ++i) {
    for (int j = 0; j < columns; ++j) b(i, j) = uniform(random);
  }
  std::vector<float> a(static_cast<std::size_t>(rows) * static_cast<std::size_t>(depth));
  for (float& value : a) value = uniform(random);
  const std::ptrdiff_t a_row = a_in_columns ? 1 : depth;
  const std::ptrdiff_t a_column = a_in_columns ? rows : 1;
  const std::ptrdiff_t pitch = b.padded_columns() + 5;
  constexpr float untouched = -77;
  std::vector<float> c(static_cast<std::size_t>(rows * pitch), untouched);
  panel_product(rows, depth, a.data(), a_row, a_column, b, first_row, c.data(), pitch);

  INFO(rows << " x " << depth << " x " << columns << ", a in " << (a_in_columns ? "columns" : "rows"));
  double worst = 0;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < b.padded_columns(); ++j) {
      double expected = 0;
      for (int k = 0; k < depth && j < columns; ++k) {
        expected += static_cast<double>(a[static_cast<std::size_t>(i * a_row + k * a_column)]) *
                    static_cast<double>(b(first_row + k, j));
      }
      worst = std::max(worst,
                       std::abs(expected - static_cast<double>(c[static_cast<std::size_t>(i * pitch + j)])));
    }
    for (std::ptrdiff_t j = b.padded_columns(); j < pitch; ++j) {
      REQUIRE(c[static_cast<std::size_t>(i * pitch + j)] == untouched);
    }
  }
  CHECK(worst < 1e-6 * depth);
}

}  // namespace

TEST_CASE("a panel product equals a double loop for all tails of rows and columns") {
  for (int rows : {1, 5, 6, 7, 12, 17}) {
    for (int columns : {1, panel_width - 1, panel_width, panel_width + 1, 3 * panel_width}) {
      for (int depth : {1, 2, 33}) {
        check_product(rows, depth, columns, false);
        check_product(rows, depth, columns, true);
      }
    }
  }
}

TEST_CASE("a sum over nothing is zero") {
  panel_matrix b(1, 3);
  std::vector<float> c(static_cast<std::size_t>(b.padded_columns()), 5.0f);
  panel_product(1, 0, nullptr, 0, 0, b, 0, c.data(), b.padded_columns());
  CHECK(c == std::vector<float>(c.size(), 0.0f));
}
