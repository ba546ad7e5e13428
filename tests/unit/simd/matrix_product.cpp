#include <cmath>
#include <cstddef>
#include <random>
#include <type_traits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/matrix_product.hpp>

#include "convolution_reference.hpp"

using namespace lookalike;
using namespace lookalike::simd;
using namespace convolution_test;

namespace {

/// A random matrix, by rows or by columns, with gaps.
template <class Scalar>
struct random_matrix {
  std::vector<Scalar> values;
  matrix_view<Scalar> view;

  random_matrix(int rows, int columns, bool by_columns, int gap, std::mt19937& chance)
      : values(random_values<Scalar>(static_cast<std::size_t>((rows + gap) * (columns + gap)), chance)) {
    view = by_columns ? matrix_view<Scalar>{values.data(), rows, columns, 1, rows + gap}
                      : matrix_view<Scalar>{values.data(), rows, columns, columns + gap, 1};
  }
};

panel_matrix panels_of(const matrix_view<const float>& b) {
  panel_matrix panels(static_cast<int>(b.rows), static_cast<int>(b.columns));
  for (int i = 0; i < panels.rows(); ++i) {
    for (int j = 0; j < panels.columns(); ++j) panels(i, j) = b(i, j);
  }
  return panels;
}

template <class Scalar>
void check_product(int rows, int columns, int depth, bool a_by_columns, bool b_by_columns,
                   std::mt19937& chance) {
  const random_matrix<Scalar> a(rows, depth, a_by_columns, draw(chance, 0, 3), chance);
  const random_matrix<Scalar> b(depth, columns, b_by_columns, draw(chance, 0, 3), chance);
  random_matrix<Scalar> c(rows, columns, false, draw(chance, 0, 3), chance);
  const auto before = c.values;
  const auto bias = random_values<Scalar>(static_cast<std::size_t>(columns), chance);
  const bool has_bias = draw(chance, 0, 1) == 1, accumulate = draw(chance, 0, 1) == 1;
  std::vector<double> wanted = as_double(before);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) {
      const auto at = static_cast<std::size_t>(i * c.view.row_stride + j);
      double sum = has_bias ? static_cast<double>(bias[static_cast<std::size_t>(j)]) : 0;
      for (int k = 0; k < depth; ++k)
        sum += static_cast<double>(a.view(i, k)) * static_cast<double>(b.view(k, j));
      wanted[at] = sum + (accumulate ? wanted[at] : 0);
    }
  }
  guarded_scratch<Scalar> scratch(matrix_product_scratch<Scalar>(rows, columns, depth));
  matrix_product(a.view, b.view, has_bias ? bias.data() : nullptr, c.view, accumulate, scratch.span());
  INFO(rows << " x " << depth << " x " << columns);
  CHECK(relative_error(as_double(c.values), wanted) < tolerance<Scalar>);  // gaps are as they were
  CHECK_FALSE(scratch.overrun());
  if constexpr (std::is_same_v<Scalar, float>) {
    std::vector<float> again = before;
    matrix_product(a.view, panels_of(b.view), has_bias ? bias.data() : nullptr,
                   matrix_view<float>{again.data(), rows, columns, c.view.row_stride}, accumulate,
                   scratch.span());
    CHECK(relative_error(as_double(again), wanted) < tolerance<float>);
    CHECK_FALSE(scratch.overrun());
  }
}

template <class Scalar>
void check_product(int rows, int columns, int depth, std::mt19937& chance) {
  check_product<Scalar>(rows, columns, depth, draw(chance, 0, 1) == 1, draw(chance, 0, 1) == 1, chance);
}

}  // namespace

TEST_CASE("a product of matrices is what three loops give, whatever the strides", "[matrix_product]") {
  std::mt19937 chance(31);
  for (int i = 0; i < 200; ++i) {
    const int rows = draw(chance, 0, 40), columns = draw(chance, 0, 70), depth = draw(chance, 0, 60);
    check_product<float>(rows, columns, depth, chance);
    check_product<double>(rows, columns, depth, chance);
  }
  check_product<float>(300, 100, 600, chance);
  check_product<float>(1, 1000, 513, chance);
  check_product<float>(520, 10, 1024, chance);
}

TEST_CASE("rows times rows, with all tails", "[matrix_product]") {
  std::mt19937 chance(33);
  for (int rows = 1; rows <= 7; ++rows) {
    for (int columns = 1; columns <= 9; ++columns)
      check_product<float>(rows, columns, draw(chance, 64, 150), false, true, chance);
  }
  check_product<float>(5, 70, 4100, false, true, chance);
}

TEST_CASE("a row of a product depends neither on the other rows nor on the number of threads",
          "[matrix_product]") {
  std::mt19937 chance(32);
  for (const bool by_columns : {false, true}) {
    const int rows = 300, columns = 90, depth = 530;
    const random_matrix<float> a(rows, depth, by_columns, 2, chance),
        b(depth, columns, !by_columns, 0, chance);
    const auto run = [&](matrix_view<const float> part, int thread_count) {
      const thread_scope scope(thread_count);
      std::vector<float> c(static_cast<std::size_t>(part.rows * columns));
      guarded_scratch<float> scratch(matrix_product_scratch<float>(part.rows, columns, depth));
      matrix_product(part, b.view, nullptr, matrix_view<float>{c.data(), part.rows, columns, columns}, false,
                     scratch.span());
      return c;
    };
    const auto whole = run(a.view, 1);
    CHECK(whole == run(a.view, 3));
    matrix_view<const float> row = a.view;
    row.data = &a.view(277, 0);
    row.rows = 1;
    const auto alone = run(row, 2);
    CHECK(std::equal(alone.begin(), alone.end(), whole.begin() + 277 * columns));
    std::vector<float> by_panels(whole.size());
    guarded_scratch<float> scratch(matrix_product_scratch<float>(rows, columns, depth));
    matrix_product(a.view, panels_of(b.view), nullptr,
                   matrix_view<float>{by_panels.data(), rows, columns, columns}, false, scratch.span());
    if (by_columns) CHECK(by_panels == whole);  // otherwise rows are multiplied by rows
  }
}

TEST_CASE("matrices that do not go together are refused", "[matrix_product]") {
  std::vector<float> values(100);
  const matrix_view<float> a{values.data(), 3, 4, 4}, b{values.data(), 4, 5, 5},
      c{values.data() + 50, 3, 5, 5};
  std::vector<float> scratch(static_cast<std::size_t>(matrix_product_scratch<float>(3, 5, 4)));
  CHECK_NOTHROW(matrix_product(a, b, nullptr, c, false, scratch));
  CHECK_THROWS_AS(matrix_product(b, a, nullptr, c, false, scratch), value_error);
  CHECK_THROWS_AS(matrix_product(b.transposed(), a.transposed(), nullptr, c.transposed(), false, scratch),
                  value_error);
  CHECK_THROWS_AS(matrix_product(a, b, nullptr, c, false, std::span<float>(scratch).first(1)), value_error);
  CHECK_NOTHROW(matrix_product(a, panels_of(b), nullptr, c, false, scratch));
  CHECK_THROWS_AS(matrix_product(a, panel_matrix(5, 5), nullptr, c, false, scratch), value_error);
  CHECK_THROWS_AS(matrix_product(a, panel_matrix(4, 6), nullptr, c, false, scratch), value_error);
}
