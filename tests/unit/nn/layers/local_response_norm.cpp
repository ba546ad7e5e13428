#include <cmath>

#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/local_response_norm.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace local_response_norm_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

template <class Scalar>
void compare_with_loops(unsigned seed) {
  std::mt19937 generator(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  const layers::local_response_norm l{.size = draw(1, 8),
                                      .alpha = layer_test::random_number(generator, 0.01, 0.5),
                                      .beta = seed % 2 == 0 ? 0.75 : 0.6,
                                      .k = layer_test::random_number(generator, 1, 2),
                                      .average = seed % 3 == 0};
  const shape extents{draw(1, 40), draw(1, 6), draw(1, 6)};
  const array4 x = layer_test::random_array(generator, draw(1, 3), extents, -3, 3);
  const array4 gy = layer_test::random_array(generator, x.batch, extents);
  CAPTURE(seed, extents.channels, l.size, l.beta, l.average);
  layer_run<Scalar, layers::local_response_norm> run(l, {x}, generator);

  const double alpha = l.average ? l.alpha / l.size : l.alpha;
  const auto first = [&](int c) { return std::max(0, c - l.size / 2); };
  const auto last = [&](int c) { return std::min(extents.channels - 1, c + (l.size - 1) / 2); };
  array4 expected(x.batch, extents);
  typename layer_run<Scalar, layers::local_response_norm>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, extents);
  for (int n = 0; n < x.batch; ++n)
    for (int i = 0; i < x.height; ++i)
      for (int j = 0; j < x.width; ++j)
        for (int c = 0; c < x.channels; ++c) {
          double d = l.k;
          for (int m = first(c); m <= last(c); ++m) d += alpha * x(n, m, i, j) * x(n, m, i, j);
          expected(n, c, i, j) = x(n, c, i, j) * std::pow(d, -l.beta);
          // dy[c] / dx[m], pushed from each c to all m it sees
          for (int m = first(c); m <= last(c); ++m)
            gradients.inputs[0](n, m, i, j) +=
                gy(n, c, i, j) *
                ((m == c ? std::pow(d, -l.beta) : 0) -
                 x(n, c, i, j) * l.beta * std::pow(d, -l.beta - 1) * 2 * alpha * x(n, m, i, j));
        }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  layer_test::check_backward(run, gy, gradients, generator);
}

struct alexnet_start {
  static constexpr architecture define() { return input(96) | local_response_norm(); }
};
static_assert(model<alexnet_start, float, 27, 27>::static_output_shape() == shape{96, 27, 27});
static_assert(model<alexnet_start>::static_parameter_count == 0);

}  // namespace

TEST_CASE("local response normalization and its gradient equal double loops") {
  for (unsigned seed = 0; seed < 60; ++seed) compare_with_loops<float>(seed);
  for (unsigned seed = 100; seed < 150; ++seed) compare_with_loops<double>(seed);
}

TEST_CASE("the defaults of local response normalization are the paper's, alpha is not divided") {
  // Krizhevsky et al. (2012), section 3.3: k = 2, n = 5, alpha = 1e-4, beta = 0.75
  model<alexnet_start, double> net;
  tensor<double> x(1, 96);
  for (double& v : x) v = 10;
  CHECK(net(x)(0, 50) == Approx(10 / std::pow(2 + 1e-4 * 500, 0.75)).epsilon(1e-12));
  CHECK(net(x)(0, 0) == Approx(10 / std::pow(2 + 1e-4 * 300, 0.75)).epsilon(1e-12));
}

TEST_CASE("gradients of local response normalization are differences of its values") {
  for (const architecture& l :
       {local_response_norm({.alpha = 0.1}),
        local_response_norm({.size = 2, .alpha = 0.5, .beta = 0.6, .k = 1, .average = true})}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace local_response_norm_test
