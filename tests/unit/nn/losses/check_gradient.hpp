#pragma once

/// \file
/// What the tests of losses share: random arrays, and gradients against central differences.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/loss.hpp>

namespace test {

template <class Scalar>
lookalike::tensor<Scalar> random_tensor(std::mt19937& chance, const std::array<std::int64_t, 4>& extents,
                                        double low = -3, double high = 3) {
  lookalike::tensor<Scalar> result(extents[0], extents[1], extents[2], extents[3]);
  std::uniform_real_distribution<double> uniform(low, high);
  for (Scalar& value : result) value = static_cast<Scalar>(uniform(chance));
  return result;
}

template <class To, class From>
lookalike::tensor<To> converted(const lookalike::tensor<From>& from) {
  lookalike::tensor<To> result(from.batch(), from.channels(), from.height(), from.width());
  std::transform(from.begin(), from.end(), result.begin(), [](From value) { return static_cast<To>(value); });
  return result;
}

/// The same numbers at other places: channels last, a gap behind each pixel, and mirrored columns.
template <class Scalar>
struct scattered {
  explicit scattered(const lookalike::tensor<Scalar>& source) {
    const std::int64_t channels = source.channels(), width = source.width(), height = source.height();
    const std::int64_t pitch = channels + 3;
    numbers.assign(static_cast<std::size_t>(source.batch() * height * width * pitch), Scalar(1e30));
    view = {numbers.data() + (width - 1) * pitch,
            source.extents(),
            {height * width * pitch, 1, width * pitch, -pitch}};
    for (std::int64_t n = 0; n < source.batch(); ++n)
      for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t y = 0; y < height; ++y)
          for (std::int64_t x = 0; x < width; ++x) view(n, c, y, x) = source(n, c, y, x);
  }
  std::vector<Scalar> numbers;
  lookalike::tensor_view<Scalar> view;
};

/// Central differences of `value(outputs)` agree with `gradient` within 1e-8, relative to the value where it
/// is large: that many digits are left of it.
template <class Value>
void check_gradient(lookalike::tensor<double> outputs, const lookalike::tensor<double>& gradient,
                    const Value& value) {
  REQUIRE(gradient.extents() == outputs.extents());
  constexpr double step = 1e-5;
  const double scale = std::max(1.0, std::abs(value(outputs)));
  for (std::int64_t i = 0; i < outputs.size(); ++i) {
    double& x = outputs.data()[i];
    const double at = x;
    x = at + step;
    const double above = value(outputs);
    x = at - step;
    const double below = value(outputs);
    x = at;
    REQUIRE(gradient.data()[i] == Approx((above - below) / (2 * step)).margin(1e-8 * scale).epsilon(1e-8));
  }
}

/// `loss()` gives the same bits on one thread and on several.
template <class Loss>
void check_threads(const Loss& loss) {
  const auto on = [&](int threads) {
    const lookalike::thread_scope scope(threads);
    return loss();
  };
  const auto one = on(1);
  for (const int threads : {2, 3, 7}) {
    const auto several = on(threads);
    CHECK(several.value == one.value);
    CHECK(std::equal(one.gradient.begin(), one.gradient.end(), several.gradient.begin(),
                     several.gradient.end()));
  }
}

}  // namespace test
