#pragma once

// Maps for the tests of layers' hot loops: the truth in double precision, maps with gaps between their
// pixels, gradients by finite differences.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/feature_map.hpp>

namespace maps {

using lookalike::simd::feature_map;

/// A batch of pictures in double precision, without gaps.
struct grid {
  int batch = 0, height = 0, width = 0, channels = 0;
  std::vector<double> values;

  grid(int n, int h, int w, int c, double value = 0)
      : batch(n),
        height(h),
        width(w),
        channels(c),
        values(static_cast<std::size_t>(std::ptrdiff_t{n} * h * w * c), value) {}

  std::size_t at(int n, int y, int x, int c) const {
    return static_cast<std::size_t>(((std::ptrdiff_t{n} * height + y) * width + x) * channels + c);
  }
  double& operator()(int n, int y, int x, int c) { return values[at(n, y, x, c)]; }
  double operator()(int n, int y, int x, int c) const { return values[at(n, y, x, c)]; }
  grid zeros() const { return {batch, height, width, channels}; }
};

/// Calls `visit(n, y, x, c)` for all elements.
template <class Visit>
void for_all(const grid& g, const Visit& visit) {
  for (int n = 0; n < g.batch; ++n)
    for (int y = 0; y < g.height; ++y)
      for (int x = 0; x < g.width; ++x)
        for (int c = 0; c < g.channels; ++c) visit(n, y, x, c);
}

/// Uniform numbers, representable in float.
inline grid random_grid(int n, int h, int w, int c, unsigned seed, double lowest = -2, double highest = 2) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(lowest, highest);
  grid g(n, h, w, c);
  for (double& value : g.values) value = static_cast<double>(static_cast<float>(uniform(random)));
  return g;
}

inline std::vector<double> random_numbers(std::size_t count, unsigned seed, double lowest = -1,
                                          double highest = 1) {
  return random_grid(1, 1, 1, static_cast<int>(count), seed, lowest, highest).values;
}

template <class Scalar>
std::vector<Scalar> as(const std::vector<double>& values) {
  std::vector<Scalar> result;
  for (double value : values) result.push_back(static_cast<Scalar>(value));
  return result;
}

/// A map whose pixels are `gap` scalars further apart than they have channels. What lies between must not be
/// touched.
template <class Scalar>
class padded {
 public:
  static constexpr Scalar untouched = Scalar(-777);

  padded(const grid& g, int gap) : gap_(gap), shape_(g.batch, g.height, g.width, g.channels) {
    memory_.assign(static_cast<std::size_t>(map_of(nullptr).pixels() * (g.channels + gap)), untouched);
    const feature_map<Scalar> to = map();
    for_all(g,
            [&](int n, int y, int x, int c) { to.pixel(n, y, x)[c] = static_cast<Scalar>(g(n, y, x, c)); });
  }

  feature_map<Scalar> map() { return map_of(memory_.data()); }
  operator feature_map<Scalar>() { return map(); }
  operator feature_map<const Scalar>() { return map(); }

  grid values() {
    grid g = shape_.zeros();
    const feature_map<Scalar> from = map();
    for_all(g,
            [&](int n, int y, int x, int c) { g(n, y, x, c) = static_cast<double>(from.pixel(n, y, x)[c]); });
    return g;
  }
  bool gaps_untouched() const {
    const auto pitch = static_cast<std::size_t>(shape_.channels + gap_);
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      if (i % pitch >= static_cast<std::size_t>(shape_.channels) && memory_[i] != untouched) return false;
    }
    return true;
  }
  const std::vector<Scalar>& memory() const { return memory_; }

 private:
  feature_map<Scalar> map_of(Scalar* data) const {
    return {data,         shape_.batch,    shape_.height,
            shape_.width, shape_.channels, static_cast<std::ptrdiff_t>(shape_.channels) + gap_};
  }

  int gap_;
  grid shape_;
  std::vector<Scalar> memory_;
};

/// The largest |a - b| / (1 + |b|); infinite where one is NaN and the other is not.
inline double error(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;  // infinities too
    const double e = std::abs(a[i] - b[i]) / (1 + std::abs(b[i]));
    worst = std::max(worst, std::isnan(e) ? INFINITY : e);
  }
  return worst;
}
inline double error(const grid& a, const grid& b) {
  return error(a.values, b.values);
}
inline double error(const std::vector<float>& a, const std::vector<double>& b) {
  return error(as<double>(std::vector<double>(a.begin(), a.end())), b);
}

inline double dot(const grid& a, const grid& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

inline std::vector<double> sum(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}
inline grid sum(grid a, const grid& b) {
  a.values = sum(a.values, b.values);
  return a;
}

/// The gradient of `loss()`, a function of `values`, by central differences.
template <class Loss>
std::vector<double> numeric_gradient(std::vector<double>& values, const Loss& loss, double step = 1e-5) {
  std::vector<double> gradient;
  for (double& value : values) {
    const double before = value;
    value = before + step;
    const double above = loss();
    value = before - step;
    const double below = loss();
    value = before;
    gradient.push_back((above - below) / (2 * step));
  }
  return gradient;
}

/// Tolerance of results that a few additions make.
template <class Scalar>
inline constexpr double tolerance = sizeof(Scalar) == 4 ? 2e-6 : 1e-13;

/// All tails of vectors, without and with gaps: `check(channels, gap)`.
template <class Check>
void for_tails(const Check& check) {
  for (int channels = 1; channels <= 35; ++channels) {
    check(channels, 0);
    check(channels, 3);
  }
}

/// Whether `run()`, which returns memory, returns the same bits for 1, 2 and 5 threads.
template <class Run>
bool same_for_all_threads(const Run& run) {
  const auto at = [&](int count) {
    const lookalike::thread_scope scope(count);
    return run();
  };
  const auto one = at(1);
  return at(2) == one && at(5) == one;
}

}  // namespace maps
