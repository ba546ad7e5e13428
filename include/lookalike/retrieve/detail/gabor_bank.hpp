#pragma once

/// \file
/// A bank of Gabor filters, given by their transfer functions, and the mean magnitude of their responses over
/// the cells of a grid: the second half of gist.
///
/// A filter is a bump in the frequency plane, and its response is wanted at the centers of a grid of samples
/// only. So nothing is transformed that is not needed: the spectrum is cut to the rectangle in which the
/// filter's transfer function exceeds a cutoff, and the inverse sums run from there straight to the samples,
/// as products with tables of cosines and sines. Since only magnitudes count, the rectangle may be moved
/// about zero. Frequencies then come in pairs +-f, and samples in pairs +-x about the middle of the picture:
/// what is even in f meets cosines alone, what is odd sines alone, and mirrored samples share both. That
/// leaves a quarter of the multiplications of the plain sums; at 128 pixels, 0.1 GFLOP of matrix products at
/// the speed of the processor's multipliers.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/retrieve/detail/symmetric_padding.hpp>
#include <lookalike/simd/gabor_energy.hpp>
#include <lookalike/simd/panel_product.hpp>

namespace lookalike::detail {

/// What the bank depends on. `side` is even and a multiple of `grid`.
struct gabor_bank_options {
  int side = 128;
  std::vector<int> orientations{6, 6, 6, 6, 6};  ///< of each scale, fine to coarse
  int grid = 4;
  bool exact = false;  ///< the whole plane of frequencies and every pixel

  friend auto operator<=>(const gabor_bank_options&, const gabor_bank_options&) = default;
};

class gabor_bank {
 public:
  explicit gabor_bank(const gabor_bank_options& options)
      : options_(options),
        frequencies_(options.side + 2 * padding),
        analysis_{make_analysis(parity::even), make_analysis(parity::odd)} {
    for (std::size_t scale = 0; scale < options_.orientations.size(); ++scale) {
      scales_.push_back(make_scale(static_cast<int>(scale)));
      filters_ += scales_.back().filters.size();
    }
  }

  /// Number of filters.
  std::size_t size() const { return filters_; }

  /// `picture`: side x side. Returns grid x grid cells of the filters' mean magnitudes, scale after scale.
  std::vector<float> energies(const aligned_vector<float>& picture) const {
    std::vector<float> result(product(options_.grid, options_.grid) * filters_);
    workspace scratch;
    transform(picture, scratch);
    std::size_t filter = 0;
    for (const one_scale& scale : scales_) {
      for (const one_filter& f : scale.filters) {
        add_energy(scale, f, scratch);
        const double per_cell = 1.0 / (static_cast<double>(scale.samples) * scale.samples);
        for (std::size_t cell = 0; cell < scratch.cells.size(); ++cell) {
          result[cell * filters_ + filter] = static_cast<float>(scratch.cells[cell] * per_cell);
        }
        ++filter;
      }
    }
    return result;
  }

 private:
  static constexpr int padding = 32;
  static constexpr double cutoff = 1e-3;        // transfer functions have maximum 1
  static constexpr double oversampling = 1.25;  // of the response's magnitude, whose band is wider
  static constexpr int fewest_samples = 8;      // a cell and direction

  enum class parity { even, odd };
  using both_parities = std::array<simd::panel_matrix, 2>;

  /// Frequencies u in [u_begin, u_begin + 2 u_half), v likewise, in cycles per padded picture. The transfer
  /// function comes in four parts of u_half x v_half, away from the middle in both directions: ++, +-, -+,
  /// --.
  struct one_filter {
    int u_begin, u_half, v_begin, v_half;
    aligned_vector<float> transfer;
  };

  /// Filters of one scale share their samples.
  struct one_scale {
    int samples;          // a cell and direction
    int half;             // samples on one side of the middle
    both_parities waves;  // distance from the middle of the band x sample
    std::vector<one_filter> filters;
  };

  struct workspace {
    /// The spectrum, frequencies u and v in [-n/2, n/2], v fastest.
    aligned_vector<float> real, imaginary;
    /// Of one filter: the band, the sums along one direction, those along both. Each holds eight planes: even
    /// and odd along u, each even and odd along v, each real and imaginary.
    aligned_vector<float> band, along_one, along_both, sums;
    std::vector<double> cells;
  };
  static constexpr int planes = 8;

  static std::size_t product(std::ptrdiff_t a, std::ptrdiff_t b) { return static_cast<std::size_t>(a * b); }
  static parity parity_along_u(int plane) { return plane < 4 ? parity::even : parity::odd; }
  static parity parity_along_v(int plane) { return plane / 2 % 2 == 0 ? parity::even : parity::odd; }
  static const simd::panel_matrix& of(const both_parities& waves, parity p) {
    return waves[p == parity::even ? 0 : 1];
  }
  static double wave(parity p, double phase) { return p == parity::even ? std::cos(phase) : std::sin(phase); }

  int highest() const { return frequencies_ / 2; }
  int spectrum_pitch() const { return frequencies_ + 1; }
  std::size_t at_frequency(int u, int v) const {
    return product(u + highest(), spectrum_pitch()) + static_cast<std::size_t>(v + highest());
  }

  /// Distance of a pixel from the middle of the picture x waves of frequencies 0..n/2 about it. Sums over the
  /// padding are in it.
  simd::panel_matrix make_analysis(parity p) const {
    simd::panel_matrix waves(options_.side / 2, highest() + 1);
    const double middle = padding + 0.5 * options_.side - 0.5;
    for (int x = 0; x < frequencies_; ++x) {
      const int distance = mirrored(x - padding, options_.side) - options_.side / 2;
      if (distance < 0) continue;
      for (int f = 0; f <= highest(); ++f) {
        const double phase = 2 * std::numbers::pi * f * (x - middle) / frequencies_;
        waves(distance, f) += static_cast<float>(wave(p, phase));
      }
    }
    return waves;
  }

  /// Value at frequency (u, v) of the filter. The angle is that of (u, v) plus that of the orientation, so
  /// that orientations turn the way they do in the reference program.
  double transfer(int scale, int orientation, int u, int v) const {
    using std::numbers::pi;
    const double center = 0.3 / std::pow(1.85, scale);
    const int orientations = options_.orientations[static_cast<std::size_t>(scale)];
    const double angular = 16.0 * orientations * orientations / (32.0 * 32.0);
    double angle = std::atan2(v, u) + pi * orientation / orientations;
    if (angle > pi) angle -= 2 * pi;
    const double radial = std::hypot(u, v) / (frequencies_ * center) - 1;
    return std::exp(-10 * 0.35 * radial * radial - 2 * pi * angular * angle * angle);
  }

  one_filter make_filter(int scale, int orientation) const {
    int u_begin = -highest(), u_end = highest(), v_begin = u_begin, v_end = u_end;
    if (!options_.exact) {
      std::swap(u_begin, u_end);
      std::swap(v_begin, v_end);
      for (int u = -highest(); u < highest(); ++u) {
        for (int v = -highest(); v < highest(); ++v) {
          if (transfer(scale, orientation, u, v) < cutoff) continue;
          u_begin = std::min(u_begin, u);
          u_end = std::max(u_end, u + 1);
          v_begin = std::min(v_begin, v);
          v_end = std::max(v_end, v + 1);
        }
      }
    }
    // An odd number of frequencies gets one more, at which nothing passes.
    one_filter filter{u_begin, (u_end - u_begin + 1) / 2, v_begin, (v_end - v_begin + 1) / 2, {}};
    const double inverse_transform = 1.0 / (static_cast<double>(frequencies_) * frequencies_);
    for (const int u_step : {1, -1}) {
      for (const int v_step : {1, -1}) {
        for (int i = 0; i < filter.u_half; ++i) {
          for (int j = 0; j < filter.v_half; ++j) {
            const int u = u_begin + filter.u_half + (u_step > 0 ? i : -1 - i);
            const int v = v_begin + filter.v_half + (v_step > 0 ? j : -1 - j);
            const bool passes = u < u_end && v < v_end;
            filter.transfer.push_back(
                static_cast<float>(passes ? transfer(scale, orientation, u, v) * inverse_transform : 0.0));
          }
        }
      }
    }
    return filter;
  }

  one_scale make_scale(int index) const {
    one_scale scale{};
    int widest = 1;
    for (int orientation = 0; orientation < options_.orientations[static_cast<std::size_t>(index)];
         ++orientation) {
      scale.filters.push_back(make_filter(index, orientation));
      widest = std::max({widest, 2 * scale.filters.back().u_half, 2 * scale.filters.back().v_half});
    }
    const int cell = options_.side / options_.grid;
    const double needed = oversampling * widest * cell / frequencies_;
    const int even = 2 * static_cast<int>(std::ceil(needed / 2));
    scale.samples = options_.exact ? cell : std::min(cell, std::max(fewest_samples, even));
    scale.half = options_.grid * scale.samples / 2;
    const double spacing = static_cast<double>(cell) / scale.samples;
    for (const parity p : {parity::even, parity::odd}) {
      simd::panel_matrix waves((widest + 1) / 2, scale.half);
      for (int f = 0; f < waves.rows(); ++f) {
        for (int s = 0; s < scale.half; ++s) {
          const double phase = 2 * std::numbers::pi * (f + 0.5) * (s + 0.5) * spacing / frequencies_;
          waves(f, s) = static_cast<float>(wave(p, phase));
        }
      }
      scale.waves[p == parity::even ? 0 : 1] = std::move(waves);
    }
    return scale;
  }

  /// The spectrum of the padded picture, about its middle.
  void transform(const aligned_vector<float>& picture, workspace& scratch) const {
    const int half = options_.side / 2;
    const int pitch = analysis_[0].padded_columns();
    // Even and odd along y, each even and odd along x.
    aligned_vector<float> parts(product(4 * half, half));
    float* const part[] = {parts.data(), parts.data() + product(half, half),
                           parts.data() + product(2 * half, half), parts.data() + product(3 * half, half)};
    for (int y = 0; y < half; ++y) {
      const float* below = picture.data() + product(half + y, options_.side) + half;
      const float* above = picture.data() + product(half - 1 - y, options_.side) + half;
      const auto at = product(y, half);
      for (int x = 0; x < half; ++x) {
        const float even_below = below[x] + below[-1 - x], odd_below = below[x] - below[-1 - x];
        const float even_above = above[x] + above[-1 - x], odd_above = above[x] - above[-1 - x];
        const auto i = at + static_cast<std::size_t>(x);
        part[0][i] = even_below + even_above;
        part[1][i] = odd_below + odd_above;
        part[2][i] = even_below - even_above;
        part[3][i] = odd_below - odd_above;
      }
    }

    // Sums over the pixels of cos(ux) cos(vy), sin(ux) cos(vy), cos(ux) sin(vy) and sin(ux) sin(vy), u by u.
    aligned_vector<float> along_x(product(half, pitch));
    aligned_vector<float> sums(product(4 * (highest() + 1), pitch));
    for (int i = 0; i < 4; ++i) {
      simd::panel_product(half, half, part[i], half, 1, analysis_[static_cast<std::size_t>(i % 2)], 0,
                          along_x.data(), pitch);
      simd::panel_product(highest() + 1, half, along_x.data(), 1, pitch,
                          analysis_[static_cast<std::size_t>(i / 2)], 0,
                          sums.data() + product(i * (highest() + 1), pitch), pitch);
    }

    // exp(-i(ux + vy)) out of products of cosines and sines. Opposite frequencies are conjugates.
    const auto size = product(spectrum_pitch(), spectrum_pitch());
    scratch.real.resize(size);
    scratch.imaginary.resize(size);
    for (int u = 0; u <= highest(); ++u) {
      const auto row = [&](int i) { return sums.data() + product(i * (highest() + 1) + u, pitch); };
      const float *cc = row(0), *sc = row(1), *cs = row(2), *ss = row(3);
      const auto plus = at_frequency(u, 0), minus = at_frequency(-u, 0);
      float *real = scratch.real.data() + plus, *imaginary = scratch.imaginary.data() + plus;
      float *opposite_real = scratch.real.data() + minus,
            *opposite_imaginary = scratch.imaginary.data() + minus;
      for (int v = 0; v <= highest(); ++v) {
        real[v] = cc[v] - ss[v];
        imaginary[v] = -(sc[v] + cs[v]);
        opposite_real[v] = cc[v] + ss[v];
        opposite_imaginary[v] = sc[v] - cs[v];
      }
      for (int v = 1; v <= highest(); ++v) {
        real[-v] = opposite_real[v];
        imaginary[-v] = -opposite_imaginary[v];
        opposite_real[-v] = real[v];
        opposite_imaginary[-v] = -imaginary[v];
      }
    }
  }

  /// Filters the spectrum, and splits the pass-band into what is even and odd about its middle.
  void fold(const one_filter& filter, workspace& scratch) const {
    const auto quarter = product(filter.u_half, filter.v_half);
    scratch.band.resize(planes * quarter);
    const int u_middle = filter.u_begin + filter.u_half, v_middle = filter.v_begin + filter.v_half;
    for (int i = 0; i < filter.u_half; ++i) {
      const auto spectrum_at = [&](int u, int v) {
        const std::size_t at = at_frequency(u, v);
        return simd::complex_row<const float*>{scratch.real.data() + at, scratch.imaginary.data() + at};
      };
      const auto row = product(i, filter.v_half);
      const float* transfer_row = filter.transfer.data() + row;
      float* to = scratch.band.data() + row;
      const int above = u_middle + i, below = u_middle - 1 - i;
      simd::fold_band(
          filter.v_half,
          {spectrum_at(above, v_middle),
           spectrum_at(below, v_middle),
           spectrum_at(-above, 1 - v_middle),
           spectrum_at(-below, 1 - v_middle),
           {transfer_row, transfer_row + quarter, transfer_row + 2 * quarter, transfer_row + 3 * quarter}},
          {{to, to + quarter},
           {to + 2 * quarter, to + 3 * quarter},
           {to + 4 * quarter, to + 5 * quarter},
           {to + 6 * quarter, to + 7 * quarter}});
    }
  }

  /// Sums of |response| over the samples of each cell, into `scratch.cells`.
  void add_energy(const one_scale& scale, const one_filter& filter, workspace& scratch) const {
    fold(filter, scratch);
    const int width = scale.waves[0].padded_columns();
    const int pitch = width + simd::panel_width;  // a power of two would crowd a few sets of the cache
    // The longer direction first, which leaves less for the other.
    const bool v_first = filter.v_half >= filter.u_half;
    const int shorter = std::min(filter.u_half, filter.v_half);
    scratch.along_one.resize(product(shorter, pitch));
    const auto plane_size = product(scale.half, pitch);
    scratch.along_both.resize(planes * plane_size);
    for (int plane = 0; plane < planes; ++plane) {
      const float* band =
          scratch.band.data() + static_cast<std::size_t>(plane) * product(filter.u_half, filter.v_half);
      const simd::panel_matrix& along_u = of(scale.waves, parity_along_u(plane));
      const simd::panel_matrix& along_v = of(scale.waves, parity_along_v(plane));
      float* to = scratch.along_both.data() + static_cast<std::size_t>(plane) * plane_size;
      if (v_first) {
        simd::panel_product(filter.u_half, filter.v_half, band, filter.v_half, 1, along_v, 0,
                            scratch.along_one.data(), pitch);
        simd::panel_product(scale.half, filter.u_half, scratch.along_one.data(), 1, pitch, along_u, 0, to,
                            pitch);
      } else {
        simd::panel_product(filter.v_half, filter.u_half, band, 1, filter.v_half, along_u, 0,
                            scratch.along_one.data(), pitch);
        simd::panel_product(scale.half, filter.v_half, scratch.along_one.data(), 1, pitch, along_v, 0, to,
                            pitch);
      }
    }
    add_cells(scale, v_first, width, pitch, scratch);
  }

  /// Rows run along y, or x unless `rows_along_y`.
  void add_cells(const one_scale& scale, bool rows_along_y, int width, int pitch, workspace& scratch) const {
    const int grid = options_.grid;
    const int half = scale.half;
    const auto row = [&](int first_plane, int y) {
      const float* real = scratch.along_both.data() + product(first_plane * half + y, pitch);
      return simd::complex_row<const float*>{real, real + product(half, pitch)};
    };
    // Planes are counted by the parity along x, then that along y.
    const int odd_along_rows = rows_along_y ? 2 : 4;
    scratch.cells.assign(product(grid, grid), 0.0);
    scratch.sums.resize(product(4, width));
    float* sums = scratch.sums.data();
    const simd::quadrant_sums quadrants{sums, sums + width, sums + 2 * width, sums + 3 * width};
    const auto cell = [&](int along_rows, int along_columns) -> double& {
      return scratch
          .cells[rows_along_y ? product(along_rows, grid) + static_cast<std::size_t>(along_columns)
                              : product(along_columns, grid) + static_cast<std::size_t>(along_rows)];
    };
    for (int y = 0; y < half;) {
      const int below = (half + y) / scale.samples;  // y > 0 points down
      const int above = grid - 1 - below;            // mirrored
      std::fill(scratch.sums.begin(), scratch.sums.end(), 0.0f);
      for (; y < half && (half + y) / scale.samples == below; ++y) {
        simd::add_gabor_energy(
            width, {row(0, y), row(6 - odd_along_rows, y), row(odd_along_rows, y), row(6, y)}, quadrants);
      }
      for (int x = 0; x < half; ++x) {
        const int right = (half + x) / scale.samples;
        const int left = grid - 1 - right;
        cell(below, right) += static_cast<double>(quadrants.plus_plus[x]);
        cell(below, left) += static_cast<double>(quadrants.plus_minus[x]);
        cell(above, right) += static_cast<double>(quadrants.minus_plus[x]);
        cell(above, left) += static_cast<double>(quadrants.minus_minus[x]);
      }
    }
  }

  gabor_bank_options options_;
  int frequencies_;  // a direction: the side and its padding
  both_parities analysis_;
  std::vector<one_scale> scales_;
  std::size_t filters_ = 0;
};

}  // namespace lookalike::detail
