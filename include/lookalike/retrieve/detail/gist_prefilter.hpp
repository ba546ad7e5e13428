#pragma once

/// \file
/// What gist does to a picture before it filters it: whitening and local contrast normalization, so that
/// lighting and contrast count for little (Oliva and Torralba's `prefilt`).
///
///     l = log(1 + I), padded by 5 pixels;  o = l - low_pass(l);  o / (0.2 + sqrt(low_pass(m^2)))
///
/// for every channel, with m the mean of the channels' o. The low-pass has the transfer function
/// exp(-(fx^2 + fy^2) / s^2), s = 4 / sqrt(ln 2) cycles a picture. It is separable and passes some twenty
/// frequencies: sums of so few waves and back are less work than Fourier transforms, and the padding folds
/// into their table.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/retrieve/detail/symmetric_padding.hpp>
#include <lookalike/simd/logarithm.hpp>
#include <lookalike/simd/panel_product.hpp>

namespace lookalike::detail {

class gist_prefilter {
 public:
  /// For pictures of `side` x `side` pixels; `side` is even.
  explicit gist_prefilter(int side)
      : side_(side),
        padded_(side + 2 * padding),
        waves_(2 * highest() + 1),
        analysis_(padded_, waves_),
        padded_analysis_(side, waves_),
        synthesis_(waves_, padded_) {
    for (int wave = 0; wave < waves_; ++wave) {
      const int f = (wave + 1) / 2;
      const bool counts_once = f == 0 || 2 * f == padded_;
      const double gain = std::exp(-f * f / (spread() * spread())) * (counts_once ? 1 : 2) / padded_;
      for (int x = 0; x < padded_; ++x) {
        const double phase = 2 * std::numbers::pi * f * (x + 0.5) / padded_;
        const double value = wave % 2 == 0 ? std::cos(phase) : std::sin(phase);
        analysis_(x, wave) = static_cast<float>(value);
        padded_analysis_(mirrored(x - padding, side_), wave) += static_cast<float>(value);
        synthesis_(wave, x) = static_cast<float>(value * gain);
      }
    }
  }

  /// Each channel: side x side values in 0..255, replaced by the filtered picture.
  void operator()(std::span<aligned_vector<float>> channels) const {
    const auto size = static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_);
    aligned_vector<float> low(product(padded_, synthesis_.padded_columns()));
    aligned_vector<float> mean(product(padded_, padded_));
    std::vector<aligned_vector<float>> white(channels.size(), aligned_vector<float>(size));
    workspace scratch;
    const float share = 1.0f / static_cast<float>(channels.size());
    for (std::size_t c = 0; c < channels.size(); ++c) {
      to_centered_logarithms(channels[c]);
      low_pass(channels[c].data(), side_, padded_analysis_, low.data(), scratch);
      whiten(channels[c].data(), low.data(), share, mean.data(), white[c].data());
    }
    for (float& value : mean) value *= value;
    low_pass(mean.data(), padded_, analysis_, low.data(), scratch);
    for (std::size_t c = 0; c < channels.size(); ++c) {
      for (int y = 0; y < side_; ++y) {
        const auto row = product(y, side_);
        const float* variance = low.data() + product(y + padding, synthesis_.padded_columns()) + padding;
        for (int x = 0; x < side_; ++x) {
          const auto at = row + static_cast<std::size_t>(x);
          channels[c][at] = white[c][at] / (0.2f + std::sqrt(std::abs(variance[x])));
        }
      }
    }
  }

 private:
  static constexpr int padding = 5;
  static constexpr double cycles = 4;
  static double spread() { return cycles / std::sqrt(std::numbers::ln2); }
  static std::size_t product(std::ptrdiff_t a, std::ptrdiff_t b) { return static_cast<std::size_t>(a * b); }

  struct workspace {
    aligned_vector<float> along_x, spectrum, half_done;
  };

  /// The highest frequency that passes by more than the rounding of floats.
  int highest() const {
    constexpr double negligible = 1e-8;
    return std::min(padded_ / 2, static_cast<int>(std::ceil(spread() * std::sqrt(-std::log(negligible)))));
  }

  /// Less their mean, which the low-pass would take away: what is small keeps its digits.
  static void to_centered_logarithms(aligned_vector<float>& values) {
    simd::log1p(static_cast<std::ptrdiff_t>(values.size()), values.data());
    double sum = 0;
    for (float value : values) sum += static_cast<double>(value);
    const auto mean = static_cast<float>(sum / static_cast<double>(values.size()));
    for (float& value : values) value -= mean;
  }

  /// Low-pass of an extent x extent picture, padded_ x padded_. Rows of `low` have whole panels.
  void low_pass(const float* picture, int extent, const simd::panel_matrix& analysis, float* low,
                workspace& scratch) const {
    const int pitch = analysis.padded_columns();
    const int low_pitch = synthesis_.padded_columns();
    scratch.along_x.resize(product(extent, pitch));
    scratch.spectrum.resize(product(waves_, pitch));
    scratch.half_done.resize(product(waves_, low_pitch));
    // Each product with a first factor in columns turns the picture over its diagonal; two of them do.
    simd::panel_product(extent, extent, picture, extent, 1, analysis, 0, scratch.along_x.data(), pitch);
    simd::panel_product(waves_, extent, scratch.along_x.data(), 1, pitch, analysis, 0,
                        scratch.spectrum.data(), pitch);
    simd::panel_product(waves_, waves_, scratch.spectrum.data(), pitch, 1, synthesis_, 0,
                        scratch.half_done.data(), low_pitch);
    simd::panel_product(padded_, waves_, scratch.half_done.data(), 1, low_pitch, synthesis_, 0, low,
                        low_pitch);
  }

  /// `white` becomes the picture less its low-pass. `share` of that, padded, is added to `mean`.
  void whiten(const float* picture, const float* low, float share, float* mean, float* white) const {
    for (int y = 0; y < padded_; ++y) {
      const float* from = picture + product(mirrored(y - padding, side_), side_);
      const float* smooth = low + product(y, synthesis_.padded_columns());
      float* sum = mean + product(y, padded_);
      for (int x = 0; x < padding; ++x) sum[x] += share * (from[mirrored(x - padding, side_)] - smooth[x]);
      for (int x = 0; x < side_; ++x) sum[x + padding] += share * (from[x] - smooth[x + padding]);
      for (int x = side_ + padding; x < padded_; ++x) {
        sum[x] += share * (from[mirrored(x - padding, side_)] - smooth[x]);
      }
      if (y < padding || y >= side_ + padding) continue;
      float* out = white + product(y - padding, side_);
      for (int x = 0; x < side_; ++x) out[x] = from[x] - smooth[x + padding];
    }
  }

  int side_;
  int padded_;
  int waves_;                           // cosines of frequencies 0..highest(), sines of 1..highest()
  simd::panel_matrix analysis_;         // padded pixel x wave
  simd::panel_matrix padded_analysis_;  // pixel x wave; sums over the padding are in it
  simd::panel_matrix synthesis_;        // wave x padded pixel, times the gain at its frequency
};

}  // namespace lookalike::detail
