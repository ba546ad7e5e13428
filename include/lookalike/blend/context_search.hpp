#pragma once

/// \file
/// The best place for a candidate scene around a hole: over all translations at a few scales, the one whose
/// colors agree best with the query's in the context band (Hays & Efros 2007, section 4).
///
/// Two departures from the letter of the paper, both measured. It multiplies the error by the magnitude of
/// the offset, which makes the identity free of charge whatever it looks like; we multiply by 1 + offset /
/// 100 px. It wants the band wholly inside the candidate, which leaves a third of all candidates without a
/// place; we drop band pixels outside the candidate, ask for 90 % of the band, and compare mean errors.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/blend/context_band.hpp>
#include <lookalike/blend/context_error.hpp>
#include <lookalike/core/error.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/size.hpp>

namespace lookalike {

/// How translations are searched.
enum class context_algorithm {
  coarse_to_fine,  ///< all translations of a reduced copy, the best of them refined level by level
  fourier,         ///< every translation, all at once by Fourier transforms
  direct           ///< every translation, one after another
};

struct context_search_options {
  /// The least part of the band that the candidate must cover, in (0, 1]. The hole it must cover entirely.
  double coverage = 0.9;
  /// The error is multiplied by 1 + offset / offset_scale, the offset (pixels) being the distance between the
  /// centers of query and candidate. Infinity: no penalty. 0: multiplied by the offset itself, as published.
  double offset_scale = 100;
  context_algorithm algorithm = context_algorithm::coarse_to_fine;
  /// For coarse_to_fine: the longest side of the coarsest level in pixels, and how many translations survive
  /// each level.
  int coarsest_side = 128;
  int survivors = 8;
};

/// A place and what it costs.
struct context_place {
  translation at;
  double error = 0;   ///< mean squared difference a band pixel, in squared units of the colors given
  double cost = 0;    ///< error times the offset penalty
  double offset = 0;  ///< distance between the centers of query and candidate, in pixels
};

/// A picture on levels of resolution, each half the one before (means of 2x2 pixels, an odd last row or
/// column dropped).
template <int Channels>
std::vector<image<Channels>> halvings(image<Channels> picture, int levels) {
  std::vector<image<Channels>> result;
  result.push_back(std::move(picture));
  for (int level = 1; level < levels; ++level) {
    const image<Channels>& fine = result.back();
    image<Channels> coarse(fine.height() / 2, fine.width() / 2);
    for (int y = 0; y < coarse.height(); ++y) {
      for (int x = 0; x < coarse.width(); ++x) {
        for (int c = 0; c < Channels; ++c) {
          coarse(y, x, c) = 0.25f * (fine(2 * y, 2 * x, c) + fine(2 * y, 2 * x + 1, c) +
                                     fine(2 * y + 1, 2 * x, c) + fine(2 * y + 1, 2 * x + 1, c));
        }
      }
    }
    result.push_back(std::move(coarse));
  }
  return result;
}

/// A query made ready for the search of many candidates.
class context_query {
 public:
  /// `colors`: the query's colors, of which only pixels in the band are read. `hole`: non-zero = missing.
  /// `radius`: of the band, in pixels. Throws `value_error` when extents differ, the hole is empty or covers
  /// everything, or an option is out of range.
  context_query(image<3> colors, const mask& hole, double radius, const context_search_options& options = {})
      : options_(options) {
    require_fillable(colors, hole, "context search");
    require(radius >= 1 && std::isfinite(radius), "context search: given a band of ", radius,
            " pixels, wanted at least 1");
    require(options.coverage > 0 && options.coverage <= 1, "context search: given a coverage of ",
            options.coverage, ", wanted a value in (0, 1]");
    require(options.offset_scale >= 0, "context search: given an offset scale of ", options.offset_scale,
            ", wanted at least 0 pixels");
    require(options.coarsest_side >= 16 && options.survivors >= 1,
            "context search: given a coarsest side of ", options.coarsest_side, " and ", options.survivors,
            " survivors, wanted at least 16 and 1");
    bands_.emplace_back(hole, radius);
    hole_ = bounding_box(hole);
    if (options.algorithm == context_algorithm::coarse_to_fine) {
      int side = std::max(colors.height(), colors.width());
      while (side > options.coarsest_side) {
        context_band half = bands_.back().half();
        if (half.area() < 64) break;  // too few pixels to tell places apart
        bands_.push_back(std::move(half));
        side /= 2;
      }
    }
    colors_ = halvings(std::move(colors), static_cast<int>(bands_.size()));
  }

  const context_band& band() const { return bands_.front(); }
  const context_search_options& options() const { return options_; }
  int height() const { return colors_.front().height(); }
  int width() const { return colors_.front().width(); }

  /// The smallest box that holds the hole and its band.
  box reach() const {
    box all = hole_;
    for (const context_band::run& run : band().runs()) {
      const int bottom = std::max(all.y + all.height, run.y + 1),
                right = std::max(all.x + all.width, run.end);
      all.y = std::min(all.y, run.y), all.x = std::min(all.x, run.begin);
      all.height = bottom - all.y, all.width = right - all.x;
    }
    return all;
  }

  /// The translations at which a candidate of this extent covers the hole. Empty when it is smaller.
  translation_range covering(int candidate_height, int candidate_width) const {
    return {hole_.y + hole_.height - candidate_height, hole_.y, hole_.x + hole_.width - candidate_width,
            hole_.x};
  }

  /// Whether a candidate of this extent covers the hole and enough of the band.
  bool allows(translation at, int candidate_height, int candidate_width) const {
    const translation_range range = covering(candidate_height, candidate_width);
    return at.y >= range.top && at.y <= range.bottom && at.x >= range.left && at.x <= range.right &&
           static_cast<double>(band().area_inside(at.y, at.x, candidate_height, candidate_width)) >=
               options_.coverage * static_cast<double>(band().area());
  }

  /// The cheapest place for `candidate` (same color space as the query), or nothing when no translation
  /// covers the hole and enough of the band. Ties go to the smaller y, then x.
  std::optional<context_place> search(const image<3>& candidate) const {
    const translation_range range = covering(candidate.height(), candidate.width());
    if (range.empty() || band().area() == 0) return std::nullopt;
    switch (options_.algorithm) {
      case context_algorithm::fourier:
        return search_fourier(candidate, range);
      case context_algorithm::direct:
        return best(evaluate(lattice(range, 1, candidate), {candidate}, 0));
      case context_algorithm::coarse_to_fine:
        break;
    }
    return search_coarse_to_fine(candidate, range);
  }

 private:
  context_place place(translation at, double error, const image<3>& candidate) const {
    const double dy = at.y + 0.5 * (candidate.height() - height());
    const double dx = at.x + 0.5 * (candidate.width() - width());
    const double offset = std::hypot(dy, dx);
    const double penalty = options_.offset_scale == 0 ? offset : 1.0 + offset / options_.offset_scale;
    return {at, error, error * penalty, offset};
  }

  static std::optional<context_place> best(const std::vector<context_place>& places) {
    if (places.empty()) return std::nullopt;
    return *std::min_element(places.begin(), places.end(), cheaper);
  }
  static bool cheaper(const context_place& a, const context_place& b) {
    return std::pair(a.cost, a.at) < std::pair(b.cost, b.at);
  }

  /// The allowed translations on a grid of the given step, both ends of the range included.
  std::vector<translation> lattice(const translation_range& range, int step,
                                   const image<3>& candidate) const {
    const auto stops = [step](int first, int last) {
      std::vector<int> result;
      for (int position = first; position < last; position += step) result.push_back(position);
      result.push_back(last);
      return result;
    };
    std::vector<translation> result;
    const std::vector<int> columns = stops(range.left, range.right);
    for (int y : stops(range.top, range.bottom)) {
      for (int x : columns) {
        if (allows({y, x}, candidate.height(), candidate.width())) result.push_back({y, x});
      }
    }
    return result;
  }

  /// The places at translations of the finest grid, their errors measured on `level`.
  std::vector<context_place> evaluate(const std::vector<translation>& translations,
                                      const std::vector<image<3>>& candidate, std::size_t level) const {
    const auto on_level = [level](int position) {
      return static_cast<int>(std::lround(std::ldexp(position, -static_cast<int>(level))));
    };
    const image<3>& reduced = candidate[level];
    const context_band& band = bands_[level];
    std::vector<context_place> places;
    places.reserve(translations.size());
    for (const translation& at : translations) {
      const translation here{on_level(at.y), on_level(at.x)};
      const std::int64_t compared = band.area_inside(here.y, here.x, reduced.height(), reduced.width());
      if (compared == 0) continue;
      const double sum = context_error(colors_[level], reduced, band, here);
      places.push_back(place(at, sum / static_cast<double>(compared), candidate.front()));
    }
    return places;
  }

  std::optional<context_place> search_coarse_to_fine(const image<3>& candidate,
                                                     const translation_range& range) const {
    const std::vector<image<3>> levels = halvings(candidate, static_cast<int>(bands_.size()));
    std::size_t level = bands_.size() - 1;
    std::vector<translation> translations;
    for (;; --level) {  // a range narrower than the coarsest step needs a finer one
      translations = lattice(range, 1 << level, candidate);
      if (!translations.empty() || level == 0) break;
    }
    std::vector<context_place> places = evaluate(translations, levels, level);
    while (level > 0) {
      --level;
      const std::size_t kept = std::min(places.size(), static_cast<std::size_t>(options_.survivors));
      std::partial_sort(places.begin(), places.begin() + static_cast<std::ptrdiff_t>(kept), places.end(),
                        cheaper);
      translations.clear();
      for (std::size_t i = 0; i < kept; ++i) {
        for (int dy = -2; dy <= 2; ++dy) {
          for (int dx = -2; dx <= 2; ++dx) {
            const translation at{places[i].at.y + dy * (1 << level), places[i].at.x + dx * (1 << level)};
            if (allows(at, candidate.height(), candidate.width())) translations.push_back(at);
          }
        }
      }
      std::sort(translations.begin(), translations.end());
      translations.erase(std::unique(translations.begin(), translations.end()), translations.end());
      places = evaluate(translations, levels, level);
    }
    return best(places);
  }

  std::optional<context_place> search_fourier(const image<3>& candidate,
                                              const translation_range& range) const {
    const image<1> errors = context_errors_by_fourier(colors_.front(), candidate, band(), range);
    std::vector<context_place> places;
    for (int y = range.top; y <= range.bottom; ++y) {
      for (int x = range.left; x <= range.right; ++x) {
        if (!allows({y, x}, candidate.height(), candidate.width())) continue;
        const auto compared = band().area_inside(y, x, candidate.height(), candidate.width());
        places.push_back(
            place({y, x}, errors(y - range.top, x - range.left) / static_cast<double>(compared), candidate));
      }
    }
    return best(places);
  }

  context_search_options options_;
  std::vector<image<3>> colors_;     // finest first
  std::vector<context_band> bands_;  // finest first
  box hole_;
};

}  // namespace lookalike
