#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/simd/log_sum_exp.hpp>

using namespace lookalike;

namespace {

constexpr std::size_t columns = simd::exponential_columns;

/// Against std::exp of long double; `precision` in units of the type's epsilon.
template <class Scalar>
void check(double precision) {
  std::mt19937 chance(1);
  const double epsilon = double{std::numeric_limits<Scalar>::epsilon()};
  for (const std::size_t rows : {1u, 2u, 3u, 10u, 313u}) {
    std::uniform_real_distribution<double> uniform(-40, 40);
    std::vector<Scalar> values(rows * columns);
    for (Scalar& value : values) value = static_cast<Scalar>(uniform(chance));
    const std::vector<Scalar> before = values;
    std::array<double, columns> sums;
    simd::subtract_column_maxima(values.data(), rows);
    const std::vector<Scalar> differences = values;
    simd::exponentials(values.data(), rows, sums.data());
    for (std::size_t column = 0; column < columns; ++column) {
      Scalar largest = before[column];
      for (std::size_t row = 1; row < rows; ++row)
        largest = std::max(largest, before[row * columns + column]);
      long double sum = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        const std::size_t i = row * columns + column;
        REQUIRE(differences[i] == before[i] - largest);
        const long double exact = std::exp(static_cast<long double>(differences[i]));
        REQUIRE(std::abs(static_cast<double>(values[i] - exact)) <=
                precision * epsilon * static_cast<double>(exact));
        sum += static_cast<long double>(values[i]);
      }
      REQUIRE(sums[column] == Approx(static_cast<double>(sum)).epsilon(1e-13));
    }
  }
}

}  // namespace

TEST_CASE("exponentials of columns are exact to 2 units in the last place, and so are their sums") {
  check<float>(2);
  check<double>(2);
}

TEST_CASE("a column does not depend on its place or on its neighbors") {
  std::mt19937 chance(2);
  std::normal_distribution<float> normal;
  std::vector<float> column(7);
  for (float& value : column) value = 5 * normal(chance);
  std::vector<float> values(7 * columns);
  std::array<double, columns> sums;
  float first = 0;
  double first_sum = 0;
  for (std::size_t at = 0; at < columns; ++at) {
    for (float& value : values) value = normal(chance);
    for (std::size_t row = 0; row < 7; ++row) values[row * columns + at] = column[row];
    simd::subtract_column_maxima(values.data(), 7);
    simd::exponentials(values.data(), 7, sums.data());
    if (at == 0) first = values[3 * columns];
    if (at == 0) first_sum = sums[0];
    CHECK(values[3 * columns + at] == first);
    CHECK(sums[at] == first_sum);
  }
}

TEST_CASE("minus infinity among numbers counts nothing; alone, or beside no number, there is no sum") {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> values(2 * columns, 0.0f);
  values[columns + 0] = -infinity;
  values[1] = values[columns + 1] = -infinity;
  values[2] = std::numeric_limits<float>::quiet_NaN();
  values[columns + 3] = std::numeric_limits<float>::quiet_NaN();
  values[4] = infinity;
  std::array<double, columns> sums;
  simd::subtract_column_maxima(values.data(), 2);
  simd::exponentials(values.data(), 2, sums.data());
  CHECK(sums[0] == 1);
  for (const std::size_t column : {1u, 2u, 3u, 4u}) CHECK(std::isnan(sums[column]));
  CHECK(sums[5] == 2);
}
