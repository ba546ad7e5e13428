#pragma once

/// \file
/// Transferring color to greyscale images (T. Welsh, M. Ashikhmin and K. Mueller, SIGGRAPH 2002): every pixel
/// of a gray picture takes over the chroma of that pixel of a colored example which resembles it most in
/// lightness and in how much lightness varies around it. The paper works in l-alpha-beta; here it is CIE
/// L*a*b*, so that L* of the picture can stay as it is.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/image/border.hpp>
#include <lookalike/image/chroma.hpp>
#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/detail/separable.hpp>
#include <lookalike/image/size.hpp>
#include <lookalike/simd/nearest_sample.hpp>
#include <lookalike/simd/window_deviation.hpp>

namespace lookalike {

struct welsh_options {
  /// Pixels of the examples that are compared with, about; in all. One is drawn from each cell of a grid.
  int samples = 200;
  /// Side of the window around a pixel, odd: of its standard deviation and, with swatches, of what is
  /// compared.
  int window = 5;
  /// How much lightness counts against its standard deviation, 0 to 1.
  double luminance_weight = 0.5;
  /// Whether lightness of an example is first brought to the picture's mean and standard deviation.
  bool remap = true;
  std::uint64_t seed = 0;
};

/// A part of the picture and the part of the example whose colors it is to have.
struct swatch {
  box in_picture;
  box in_example;
};

namespace detail {

inline void check(const welsh_options& options) {
  constexpr int most_samples = 1 << 20;
  constexpr int widest = 31;
  require(options.samples >= 1 && options.samples <= most_samples, "welsh: given ", options.samples,
          " samples, wanted 1 to ", most_samples);
  require(options.window >= 1 && options.window % 2 == 1 && options.window <= widest,
          "welsh: given a window of ", options.window, " pixels, wanted an odd number from 1 to ", widest);
  require(options.luminance_weight >= 0 && options.luminance_weight <= 1,
          "welsh: given a luminance weight of ", options.luminance_weight, ", wanted 0 to 1");
}

/// Pixels of a picture and what lies within `reach` beyond its border.
inline image<1> padded(const image<1>& picture, int reach) {
  image<1> wide(picture.height() + 2 * reach, picture.width() + 2 * reach);
  for (int y = 0; y < wide.height(); ++y) {
    const int source = inside(y - reach, picture.height(), border::reflect);
    pad_row<1>(picture.row(source).data(), picture.width(), reach, border::reflect, wide.row(y).data());
  }
  return wide;
}

/// Standard deviation of the window around each pixel.
inline image<1> window_deviations(const image<1>& picture, int window) {
  const image<1> wide = padded(picture, window / 2);
  image<1> deviations(picture.height(), picture.width());
  for_row_blocks(picture.height(), 0.2 * window * window * picture.width(), [&](int first, int last) {
    std::vector<const float*> rows(static_cast<std::size_t>(window));
    for (int y = first; y < last; ++y) {
      for (int dy = 0; dy < window; ++dy) rows[static_cast<std::size_t>(dy)] = wide.row(y + dy).data();
      simd::window_deviations(rows.data(), window, deviations.row(y).data(), picture.width());
    }
  });
  return deviations;
}

/// Mean and standard deviation.
inline std::pair<double, double> moments(const image<1>& picture) {
  double sum = 0, squares = 0;
  for (const float value : picture.values()) sum += static_cast<double>(value);
  const double mean = sum / static_cast<double>(picture.area());
  for (const float value : picture.values()) squares += (double{value} - mean) * (double{value} - mean);
  return {mean, std::sqrt(squares / static_cast<double>(picture.area()))};
}

/// `from` with the mean and standard deviation of `to`; a constant one becomes the mean.
inline image<1> remap_lightness(image<1> from, const image<1>& to) {
  constexpr double constant = 1e-4;
  const auto [mean, deviation] = moments(from);
  const auto [wanted_mean, wanted_deviation] = moments(to);
  const double gain = deviation < constant ? 0.0 : wanted_deviation / deviation;
  for (float& value : from.values())
    value = static_cast<float>((static_cast<double>(value) - mean) * gain + wanted_mean);
  return from;
}

/// About `count` places in a picture, one at random in each cell of a grid whose cells are nearly square.
inline std::vector<std::pair<int, int>> jittered_grid(int height, int width, int count,
                                                      random_sequence& random) {
  const double ideal = std::sqrt(static_cast<double>(count) * height / width);
  const int rows = std::clamp(static_cast<int>(std::lround(ideal)), 1, std::min(height, count));
  const int columns = std::clamp((count + rows / 2) / rows, 1, width);
  std::vector<std::pair<int, int>> places;
  const auto place = [&](int cell, int cells, int extent) {
    const auto edge = [&](int i) { return static_cast<int>(static_cast<std::int64_t>(extent) * i / cells); };
    const int length = edge(cell + 1) - edge(cell);
    return edge(cell) + std::min(length - 1, static_cast<int>(random.uniform() * length));
  };
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const int y = place(row, rows, height);
      places.emplace_back(y, place(column, columns, width));
    }
  }
  return places;
}

/// Samples to compare with, and the chroma that goes with each.
struct chroma_samples {
  int features = 0;
  std::vector<float> values;  // features of each
  std::vector<float> chroma;  // {a*, b*} of each
  int count() const { return static_cast<int>(chroma.size() / 2); }
};

/// Adds samples of lightness and its deviation, both weighted.
inline void add_samples(chroma_samples& samples, const image<3>& example, const image<1>& seen_as, int count,
                        const welsh_options& options, random_sequence& random) {
  const auto weight = static_cast<float>(options.luminance_weight);
  const image<1> deviations = window_deviations(seen_as, options.window);
  samples.features = 2;
  for (const auto& [y, x] : jittered_grid(example.height(), example.width(), count, random)) {
    samples.values.push_back(weight * seen_as(y, x));
    samples.values.push_back((1 - weight) * deviations(y, x));
    samples.chroma.push_back(example(y, x, 1));
    samples.chroma.push_back(example(y, x, 2));
  }
}

/// Writes to a row of `chroma` that of the sample nearest to each pixel.
inline void copy_nearest(const float* const* rows, const chroma_samples& samples, std::span<float> chroma,
                         std::vector<std::int32_t>& nearest) {
  nearest.resize(chroma.size() / 2);
  simd::nearest_samples(rows, samples.features, samples.values.data(), samples.count(), nearest.data(),
                        std::ssize(nearest));
  for (std::size_t x = 0; x < nearest.size(); ++x) {
    const auto sample = static_cast<std::size_t>(nearest[x]);
    chroma[2 * x] = samples.chroma[2 * sample];
    chroma[2 * x + 1] = samples.chroma[2 * sample + 1];
  }
}

/// Chroma by samples of lightness and deviation.
inline image<2> chroma_by_samples(const image<1>& lightness, const chroma_samples& samples,
                                  const welsh_options& options) {
  const auto weight = static_cast<float>(options.luminance_weight);
  const image<1> deviations = window_deviations(lightness, options.window);
  image<2> chroma(lightness.height(), lightness.width());
  for_row_blocks(lightness.height(), 0.4 * samples.count() * lightness.width(), [&](int first, int last) {
    std::vector<float> light(lightness.row(0).size()), deviation(light.size());
    std::vector<std::int32_t> nearest;
    for (int y = first; y < last; ++y) {
      for (std::size_t x = 0; x < light.size(); ++x) {
        light[x] = weight * lightness.row(y)[x];
        deviation[x] = (1 - weight) * deviations.row(y)[x];
      }
      const float* rows[] = {light.data(), deviation.data()};
      copy_nearest(rows, samples, chroma.row(y), nearest);
    }
  });
  return chroma;
}

inline void require_finite(const image<1>& lightness, const char* where) {
  for (const float value : lightness.values())
    require(std::isfinite(value), where, ": given a lightness of ", value, ", wanted finite values");
}

inline void require_finite(const image<3>& lab, const char* where) {
  for (const float value : lab.values())
    require(std::isfinite(value), where, ": given a value of ", value,
            " in an example, wanted finite values");
}

}  // namespace detail

/// Chroma for a picture of the given lightness, from one or several examples in L*a*b*, which share the
/// samples. Of equally near samples the first counts. Throws `value_error` for an empty picture or example,
/// none of them, values that are not finite, and options out of range. Cost: pixels times samples; 0.5
/// megapixel with 200 samples takes about 20 ms on one core (AVX2).
inline image<2> welsh_transfer(const image<1>& lightness, std::span<const image<3>> examples,
                               const welsh_options& options = {}) {
  detail::check(options);
  require(!lightness.empty(), "welsh: given an empty picture, wanted at least one pixel");
  detail::require_finite(lightness, "welsh");
  require(!examples.empty(), "welsh: given no examples, wanted at least one");
  detail::chroma_samples samples;
  random_sequence random(options.seed);
  const int share = std::max(1, options.samples / static_cast<int>(examples.size()));
  for (const image<3>& example : examples) {
    require(!example.empty(), "welsh: given an empty example, wanted at least one pixel");
    detail::require_finite(example, "welsh");
    image<1> seen_as = lightness_of_lab(example);
    if (options.remap) seen_as = detail::remap_lightness(std::move(seen_as), lightness);
    detail::add_samples(samples, example, seen_as, share, options, random);
  }
  return detail::chroma_by_samples(lightness, samples, options);
}

inline image<2> welsh_transfer(const image<1>& lightness, const image<3>& example,
                               const welsh_options& options = {}) {
  return welsh_transfer(lightness, std::span(&example, 1), options);
}

/// The same guided by swatches: first the swatches of the picture take over chroma from their counterparts in
/// the example, as above; then every other pixel does from that pixel of the picture's swatches whose window
/// of lightness resembles its own most. `options.samples` are spread over the swatches, in both steps. Where
/// swatches overlap, the later counts. Throws `value_error` also without swatches and for those that are
/// empty or not wholly inside. Cost: pixels times samples times `window`^2.
inline image<2> welsh_transfer(const image<1>& lightness, const image<3>& example,
                               std::span<const swatch> swatches, const welsh_options& options = {}) {
  detail::check(options);
  detail::require_finite(lightness, "welsh");
  detail::require_finite(example, "welsh");
  require(!swatches.empty(), "welsh: given no swatches, wanted at least one");
  const auto require_inside = [](const box& place, int height, int width, const char* whose) {
    require(!place.empty() && place.y >= 0 && place.x >= 0 && place.height <= height - place.y &&
                place.width <= width - place.x,
            "welsh: given a swatch of ", place.height, "x", place.width, " (height x width) at row ", place.y,
            ", column ", place.x, ", wanted a part of the ", whose, "'s ", height, "x", width);
  };
  random_sequence random(options.seed);
  const int share = std::max(1, options.samples / static_cast<int>(swatches.size()));
  image<2> chroma(lightness.height(), lightness.width());
  mask in_swatch(lightness.height(), lightness.width());
  for (const swatch& pair : swatches) {
    const box& place = pair.in_picture;
    require_inside(place, lightness.height(), lightness.width(), "picture");
    require_inside(pair.in_example, example.height(), example.width(), "example");
    const image<1> part = crop(lightness, place);
    const image<2> colored =
        welsh_transfer(part, crop(example, pair.in_example),
                       {share, options.window, options.luminance_weight, options.remap, random()});
    for (int y = 0; y < place.height; ++y) {
      std::copy(colored.row(y).begin(), colored.row(y).end(), &chroma(place.y + y, place.x));
      std::fill_n(&in_swatch(place.y + y, place.x), place.width, std::uint8_t{1});
    }
  }

  const int window = options.window;
  const image<1> wide = detail::padded(lightness, window / 2);
  detail::chroma_samples samples;
  samples.features = window * window;
  for (const swatch& pair : swatches) {
    const box& place = pair.in_picture;
    for (const auto& [dy, dx] : detail::jittered_grid(place.height, place.width, share, random)) {
      const int y = place.y + dy, x = place.x + dx;
      for (int row = 0; row < window; ++row)
        for (int column = 0; column < window; ++column) samples.values.push_back(wide(y + row, x + column));
      samples.chroma.push_back(chroma(y, x, 0));
      samples.chroma.push_back(chroma(y, x, 1));
    }
  }
  const double work = 0.2 * samples.count() * samples.features * lightness.width();
  detail::for_row_blocks(lightness.height(), work, [&](int first, int last) {
    std::vector<const float*> rows(static_cast<std::size_t>(samples.features));
    std::vector<std::int32_t> nearest;
    std::vector<float> found(chroma.row(0).size());
    for (int y = first; y < last; ++y) {
      for (int d = 0; d < samples.features; ++d)
        rows[static_cast<std::size_t>(d)] = wide.row(y + d / window).data() + d % window;
      detail::copy_nearest(rows.data(), samples, found, nearest);
      for (int x = 0; x < lightness.width(); ++x) {
        if (in_swatch(y, x) != 0) continue;
        chroma(y, x, 0) = found[2 * static_cast<std::size_t>(x)];
        chroma(y, x, 1) = found[2 * static_cast<std::size_t>(x) + 1];
      }
    }
  });
  return chroma;
}

}  // namespace lookalike
