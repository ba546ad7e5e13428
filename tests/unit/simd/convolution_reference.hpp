#pragma once

/// \file
/// What the tests of convolutions compare with: the definition, product by product, in double precision; and
/// maps and memory whose surroundings are watched.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/window.hpp>

namespace convolution_test {

using lookalike::simd::feature_map;
using lookalike::simd::padding_mode;
using lookalike::simd::window;

/// A random number in [low, high].
inline int draw(std::mt19937& chance, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(chance);
}

template <class Scalar>
std::vector<Scalar> random_values(std::size_t count, std::mt19937& chance) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<Scalar> values(count);
  for (Scalar& v : values) v = static_cast<Scalar>(uniform(chance));
  return values;
}

/// A map of random values with values around it and between its channels that nobody may change.
template <class Scalar>
class watched_map {
 public:
  watched_map(int batch, int height, int width, int channels, int gap, std::mt19937& chance)
      : map_{nullptr, batch, height, width, channels, channels + gap} {
    const auto size = static_cast<std::size_t>(map_.pixels() * map_.pitch) + 2 * margin;
    values_ = random_values<Scalar>(size, chance);
    before_ = values_;
    map_.data = values_.data() + margin;
  }
  watched_map(const watched_map&) = delete;

  feature_map<Scalar> map() const { return map_; }
  /// Whether all that is not channels of the map is as it was.
  bool surroundings_are_untouched() const {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const auto at = static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(margin);
      const bool inside = at >= 0 && at < map_.pixels() * map_.pitch && at % map_.pitch < map_.channels;
      if (!inside && values_[i] != before_[i]) return false;
    }
    return true;
  }
  /// Random values again.
  void refill(std::mt19937& chance) {
    const auto fresh = random_values<Scalar>(values_.size(), chance);
    std::copy(fresh.begin(), fresh.end(), values_.begin());
    before_ = fresh;
  }

 private:
  static constexpr std::size_t margin = 32;
  feature_map<Scalar> map_;
  std::vector<Scalar> values_;
  std::vector<Scalar> before_;
};

/// Memory that tells whether anybody wrote behind it. It begins with nonsense, and not on a cache line.
template <class Scalar>
class guarded_scratch {
 public:
  explicit guarded_scratch(std::ptrdiff_t size)
      : values_(static_cast<std::size_t>(size) + 64, Scalar(-777)), size_(static_cast<std::size_t>(size)) {}
  std::span<Scalar> span() { return {values_.data() + 3, size_}; }
  bool overrun() const {
    return std::any_of(values_.begin() + 3 + static_cast<std::ptrdiff_t>(size_), values_.end(),
                       [](Scalar v) { return v != Scalar(-777); });
  }

 private:
  lookalike::aligned_vector<Scalar> values_;
  std::size_t size_;
};

/// A convolution of random extents: x and y are those of the convolution, whichever way it is run.
struct problem {
  int batch = 1;
  int inputs = 1;
  int outputs = 1;
  int groups = 1;
  int height = 1;
  int width = 1;
  int out_height = 1;
  int out_width = 1;
  lookalike::simd::window window{};
  padding_mode mode = padding_mode::zeros;

  std::size_t weights() const {
    return static_cast<std::size_t>(outputs * (inputs / groups) * window.kernel_height * window.kernel_width);
  }
  std::string text() const {
    const auto& w = window;
    return lookalike::sentence(batch, " x ", height, " x ", width, " x ", inputs, " to ", out_height, " x ",
                               out_width, " x ", outputs, ", groups ", groups, ", kernel ", w.kernel_height,
                               " x ", w.kernel_width, ", stride ", w.stride_height, " x ", w.stride_width,
                               ", dilation ", w.dilation_height, " x ", w.dilation_width, ", padding ",
                               w.padding_top, " ", w.padding_left, " ", w.padding_bottom, " ",
                               w.padding_right, ", mode ", static_cast<int>(mode));
  }
};

/// Fills in the extents of the output.
inline problem with_output(problem p) {
  using lookalike::simd::window_positions;
  const auto& w = p.window;
  p.out_height = window_positions(p.height, w.kernel_height, w.stride_height, w.dilation_height,
                                  w.padding_top, w.padding_bottom);
  p.out_width = window_positions(p.width, w.kernel_width, w.stride_width, w.dilation_width, w.padding_left,
                                 w.padding_right);
  return p;
}

/// Padding of any mode, cropping included, and the extents of the output that follow.
inline problem with_random_padding(problem p, std::mt19937& chance) {
  p.mode = static_cast<padding_mode>(draw(chance, 0, 2));
  p.window.padding_top = draw(chance, -1, 4);
  p.window.padding_bottom = draw(chance, -1, 4);
  p.window.padding_left = draw(chance, -1, 4);
  p.window.padding_right = draw(chance, -1, 4);
  return with_output(p);
}

inline problem random_problem(std::mt19937& chance) {
  problem p;
  do {
    auto& w = p.window;
    p.batch = draw(chance, 0, 9) == 0 ? 0 : draw(chance, 1, 3);
    const int kind = draw(chance, 0, 5);
    p.groups = kind == 0 ? draw(chance, 2, 4) : kind == 1 ? draw(chance, 1, 40) : 1;
    p.inputs = p.groups * (kind == 0 ? draw(chance, 1, 10) : kind == 1 ? 1 : draw(chance, 1, 40));
    p.outputs = p.groups * (kind == 0 ? draw(chance, 1, 20) : kind == 1 ? 1 : draw(chance, 1, 70));
    p.height = draw(chance, 1, 19);
    p.width = draw(chance, 1, 23);
    w.kernel_height = draw(chance, 0, 9) == 0 ? 11 : draw(chance, 1, 5);
    w.kernel_width = draw(chance, 0, 9) == 0 ? 11 : draw(chance, 1, 5);
    w.stride_height = draw(chance, 1, 4);
    w.stride_width = draw(chance, 0, 1) == 0 ? w.stride_height : draw(chance, 1, 4);
    if (draw(chance, 0, 1) == 0) w.stride_height = w.stride_width = 1;
    w.dilation_height = draw(chance, 0, 2) == 0 ? draw(chance, 1, 4) : 1;
    w.dilation_width = draw(chance, 0, 2) == 0 ? draw(chance, 1, 4) : 1;
    p = with_random_padding(p, chance);
  } while (p.out_height < 1 || p.out_width < 1);
  return p;
}

/// Walks from beyond the border back into the map, one reflection at a time.
inline int walk_inside(int at, int extent, padding_mode mode) {
  if (at >= 0 && at < extent) return at;
  if (mode == padding_mode::zeros) return -1;
  if (mode == padding_mode::replicate) return std::clamp(at, 0, extent - 1);
  if (extent == 1) return 0;
  while (at < 0 || at >= extent) at = at < 0 ? -at : 2 * (extent - 1) - at;
  return at;
}

/// Calls `visit(n, oy, ox, o, iy, ix, c, index of the weight in O x I/groups x kernel)` for every product of
/// the convolution.
template <class Visit>
void for_each_product(const problem& p, const Visit& visit) {
  const auto& w = p.window;
  const int inputs = p.inputs / p.groups;
  const int outputs = p.outputs / p.groups;
  for (int n = 0; n < p.batch; ++n)
    for (int oy = 0; oy < p.out_height; ++oy)
      for (int ox = 0; ox < p.out_width; ++ox)
        for (int ky = 0; ky < w.kernel_height; ++ky)
          for (int kx = 0; kx < w.kernel_width; ++kx) {
            const int iy =
                walk_inside(oy * w.stride_height - w.padding_top + ky * w.dilation_height, p.height, p.mode);
            const int ix =
                walk_inside(ox * w.stride_width - w.padding_left + kx * w.dilation_width, p.width, p.mode);
            if (iy < 0 || ix < 0) continue;
            for (int o = 0; o < p.outputs; ++o)
              for (int c = 0; c < inputs; ++c)
                visit(n, oy, ox, o, iy, ix, o / outputs * inputs + c,
                      static_cast<std::size_t>(((o * inputs + c) * w.kernel_height + ky) * w.kernel_width +
                                               kx));
          }
}

/// Values of a map without gaps, in double precision.
struct dense_map {
  int height, width, channels;
  std::vector<double> values;

  template <class Scalar>
  explicit dense_map(const feature_map<Scalar>& map)
      : height(map.height),
        width(map.width),
        channels(map.channels),
        values(static_cast<std::size_t>(map.pixels()) * static_cast<std::size_t>(map.channels)) {
    for (int n = 0; n < map.batch; ++n)
      for (int y = 0; y < map.height; ++y)
        for (int x = 0; x < map.width; ++x)
          for (int c = 0; c < map.channels; ++c) at(n, y, x, c) = static_cast<double>(map.pixel(n, y, x)[c]);
  }
  double& at(int n, int y, int x, int c) {
    return values[static_cast<std::size_t>(((n * height + y) * width + x) * channels + c)];
  }
  void clear() { std::fill(values.begin(), values.end(), 0.0); }
};

/// The largest of the absolute values, and of 1.
inline double largest_value(const std::vector<double>& values) {
  double largest = 1;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  return largest;
}

/// The largest difference, relative to the largest value (and at least to `least`).
inline double relative_error(const std::vector<double>& given, const std::vector<double>& wanted,
                             double least = 1) {
  double worst = 0;
  double largest = least;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    worst = std::isnan(given[i]) ? 1e30 : std::max(worst, std::abs(given[i] - wanted[i]));
    largest = std::max(largest, std::abs(wanted[i]));
  }
  return worst / largest;
}

template <class Scalar>
std::vector<double> as_double(const std::vector<Scalar>& values) {
  return {values.begin(), values.end()};
}

template <class Scalar>
constexpr double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-12;

/// A random epilogue; owns what it points to.
template <class Scalar>
struct random_epilogue {
  std::vector<Scalar> bias, scale, shift;
  watched_map<Scalar> residual;
  lookalike::simd::epilogue<Scalar> epilogue;

  random_epilogue(const feature_map<Scalar>& y, std::mt19937& chance)
      : bias(random_values<Scalar>(static_cast<std::size_t>(y.channels), chance)),
        scale(random_values<Scalar>(static_cast<std::size_t>(y.channels), chance)),
        shift(random_values<Scalar>(static_cast<std::size_t>(y.channels), chance)),
        residual(y.batch, y.height, y.width, y.channels, draw(chance, 0, 3), chance) {
    if (draw(chance, 0, 2) > 0) epilogue.bias = bias.data();
    if (draw(chance, 0, 2) > 0) epilogue.scale = scale.data();
    if (draw(chance, 0, 2) > 0) epilogue.shift = shift.data();
    if (draw(chance, 0, 2) > 0) epilogue.residual = residual.map();
    epilogue.activation = {static_cast<lookalike::simd::activation_function>(draw(chance, 0, 6)), 0.3};
  }

  /// The formula of epilogue.hpp for channel c of a pixel.
  double expected(double v, int n, int y, int x, int c) const {
    const auto channel = static_cast<std::size_t>(c);
    if (epilogue.bias) v += static_cast<double>(bias[channel]);
    if (epilogue.scale) v *= static_cast<double>(scale[channel]);
    if (epilogue.shift) v += static_cast<double>(shift[channel]);
    if (epilogue.residual.data) v += static_cast<double>(residual.map().pixel(n, y, x)[c]);
    using lookalike::simd::activation_function;
    switch (epilogue.activation.function) {
      case activation_function::none:
        return v;
      case activation_function::relu:
        return std::max(v, 0.0);
      case activation_function::leaky_relu:
        return v > 0 ? v : 0.3 * v;
      case activation_function::elu:
        return v > 0 ? v : 0.3 * (std::exp(v) - 1);
      case activation_function::sigmoid:
        return 1 / (1 + std::exp(-v));
      case activation_function::tanh:
        return (std::exp(2 * v) - 1) / (std::exp(2 * v) + 1);
      case activation_function::silu:
        return v / (1 + std::exp(-v));
    }
    return v;
  }
  void apply(dense_map& y, int batch) const {
    for (int n = 0; n < batch; ++n)
      for (int r = 0; r < y.height; ++r)
        for (int x = 0; x < y.width; ++x)
          for (int c = 0; c < y.channels; ++c) y.at(n, r, x, c) = expected(y.at(n, r, x, c), n, r, x, c);
  }
};

}  // namespace convolution_test
