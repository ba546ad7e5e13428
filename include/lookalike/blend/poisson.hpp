#pragma once

/// \file
/// Joining two pictures along a seam without a visible edge: Perez, Gangnet, Blake, "Poisson Image Editing",
/// SIGGRAPH 2003, on the whole picture as Hays and Efros, "Scene completion using millions of photographs",
/// SIGGRAPH 2007, section 5, do it, or on the pasted part alone.
///
/// The result is the picture whose gradients come closest to those of the pasted one on either side of the
/// seam. What is solved for is the correction of the composite, which has sources at the seam only: where
/// both pictures agree at the seam it is zero, to the bit.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <lookalike/image/poisson_equation.hpp>

namespace lookalike {

/// Which pixels may change.
enum class blend_domain {
  whole,      ///< all; the mismatch at the seam is shared by both sides
  patch_only  ///< those taken from the patch; the others keep their bits and hold the seam
};

/// The gradient that is wanted between two neighbors on different sides of the seam.
enum class guidance {
  /// The mean of both pictures' gradients there; of one alone where only that is known, zero where neither
  /// is. Pasting a picture onto itself changes nothing.
  mean,
  /// None: both sides meet at equal values.
  zero
};

/// What holds the colors of a whole picture, which gradients leave open by a constant.
enum class blend_anchor {
  /// The untouched part keeps its mean color.
  mean,
  /// The picture's border keeps its colors where it is untouched. Falls back on `mean` where none is.
  border,
  /// Every untouched pixel is pulled back to its color, so that the correction fades within
  /// `screening_length` pixels of the seam (screened Poisson equation; Bhat et al., ECCV 2008).
  screened
};

struct poisson_options {
  blend_domain domain = blend_domain::whole;
  guidance crossing = guidance::mean;
  /// For the whole domain only.
  blend_anchor anchor = blend_anchor::screened;
  /// In pixels, for `blend_anchor::screened`: the shorter, the less of the photograph changes, and the more
  /// of the mismatch is left to the patch.
  double screening_length = 40;
  poisson_equation_options solver{};
};

namespace detail {

/// What a blend is made of. Where `hole` is set `existing` has no color, where `covered` is not `patch` has
/// none; either mask may be null for pictures that have colors everywhere.
struct blend_sources {
  const image<3>& existing;
  const mask* hole;
  const image<3>& patch;
  const mask* covered;
  const mask& from_patch;

  bool existing_known(int y, int x) const { return hole == nullptr || (*hole)(y, x) == 0; }
  bool patch_known(int y, int x) const { return covered == nullptr || (*covered)(y, x) != 0; }

  void check() const {
    require(!existing.empty(), "poisson_blend: given an empty picture, wanted at least one pixel");
    const auto check_extent = [&](const auto& other, const char* name) {
      require(same_extent(existing, other), "poisson_blend: given a ", name, " of ", other.height(), "x",
              other.width(), ", wanted the picture's ", existing.height(), "x", existing.width());
    };
    check_extent(patch, "patch");
    check_extent(from_patch, "mask of what is taken from the patch");
    if (hole != nullptr) check_extent(*hole, "hole");
    if (covered != nullptr) check_extent(*covered, "cover");
    for (int y = 0; y < existing.height(); ++y) {
      for (int x = 0; x < existing.width(); ++x) {
        const bool taken = from_patch(y, x) != 0;
        require(taken ? patch_known(y, x) : existing_known(y, x), "poisson_blend: given pixel (", y, ", ", x,
                ") to take from ", taken ? "the patch, which does not cover it" : "the picture's hole",
                ", wanted it taken from where there is a color");
        const float* color = taken ? &patch(y, x) : &existing(y, x);
        require(std::isfinite(color[0]) && std::isfinite(color[1]) && std::isfinite(color[2]),
                "poisson_blend: given a color at (", y, ", ", x,
                ") that is not finite, wanted finite colors");
      }
    }
  }

  image<3> composite() const {
    image<3> result = existing;
    for (int y = 0; y < result.height(); ++y) {
      for (int x = 0; x < result.width(); ++x) {
        if (from_patch(y, x) != 0) std::copy_n(&patch(y, x), 3, &result(y, x));
      }
    }
    return result;
  }

  /// By how much the wanted gradient between neighbors p and q on different sides of the seam exceeds the
  /// composite's.
  double missing_gradient(int py, int px, int qy, int qx, int c, guidance crossing) const {
    const bool forward = from_patch(py, px) != 0;
    const auto [iy, ix] = forward ? std::array{py, px} : std::array{qy, qx};  // inside: the patch's side
    const auto [oy, ox] = forward ? std::array{qy, qx} : std::array{py, px};
    double excess = 0;  // of the wanted inner minus outer value, over the composite's
    const bool both_inside = existing_known(iy, ix), both_outside = patch_known(oy, ox);
    if (crossing == guidance::zero || (!both_inside && !both_outside)) {
      excess = double{existing(oy, ox, c)} - double{patch(iy, ix, c)};
    } else {
      // (patch_i - patch_o) - (patch_i - existing_o) for the patch's gradient, likewise for the other's.
      if (both_outside) excess += double{existing(oy, ox, c)} - double{patch(oy, ox, c)};
      if (both_inside) excess += double{existing(iy, ix, c)} - double{patch(iy, ix, c)};
      if (both_inside && both_outside) excess *= 0.5;
    }
    require(std::isfinite(excess), "poisson_blend: given a color beside the seam at (", iy, ", ", ix,
            ") that is not finite, wanted finite colors");
    return forward ? excess : -excess;
  }

  /// Sum of the missing gradients between a pixel and its neighbors across the seam.
  double defect(int y, int x, int c, guidance crossing) const {
    constexpr std::array<std::array<int, 2>, 4> steps{{{0, 1}, {0, -1}, {1, 0}, {-1, 0}}};
    double sum = 0;
    for (const auto [dy, dx] : steps) {
      const int ny = y + dy, nx = x + dx;
      if (!from_patch.contains(ny, nx) || (from_patch(ny, nx) != 0) == (from_patch(y, x) != 0)) continue;
      sum += missing_gradient(y, x, ny, nx, c, crossing);
    }
    return sum;
  }
};

/// All pixels but those on the picture's border that come from the photograph.
inline mask inside_border(const mask& from_patch) {
  mask result(from_patch.height(), from_patch.width(), 1);
  for (int y = 0; y < result.height(); ++y) {
    for (int x = 0; x < result.width(); ++x) {
      const bool border = y == 0 || x == 0 || y + 1 == result.height() || x + 1 == result.width();
      if (border && from_patch(y, x) == 0) result(y, x) = 0;
    }
  }
  return result;
}

/// Shifts every channel of `blended` such that pixels not taken from the patch have their former mean.
inline void restore_mean(image<3>& blended, const blend_sources& sources) {
  const std::ptrdiff_t kept = blended.area() - hole_area(sources.from_patch);
  if (kept == 0) return;
  for (int c = 0; c < 3; ++c) {
    double change = 0;
    for (int y = 0; y < blended.height(); ++y) {
      for (int x = 0; x < blended.width(); ++x) {
        if (sources.from_patch(y, x) == 0)
          change += double{blended(y, x, c)} - double{sources.existing(y, x, c)};
      }
    }
    const auto shift = static_cast<float>(change / static_cast<double>(kept));
    if (shift == 0) continue;
    for (std::ptrdiff_t i = c; i < blended.area() * 3; i += 3) blended.data()[i] -= shift;
  }
}

inline image<3> poisson_blend(const blend_sources& sources, const poisson_options& options,
                              const progress& watcher) {
  sources.check();
  const auto wanted = checked(options.solver);
  require(options.screening_length > 0, "poisson_blend: given a screening_length of ",
          options.screening_length, ", wanted more than 0 pixels");
  image<3> blended = sources.composite();
  const mask& from_patch = sources.from_patch;
  const std::ptrdiff_t taken = hole_area(from_patch);
  if (taken > 0 && taken < from_patch.area()) {
    const auto defect = [&](int y, int x, int c) { return sources.defect(y, x, c, options.crossing); };
    if (options.domain == blend_domain::patch_only) {
      poisson_solver(from_patch).correct(blended, defect, wanted, watcher);
    } else if (options.anchor == blend_anchor::screened) {
      const auto pull = static_cast<float>(1 / (options.screening_length * options.screening_length));
      image<1> screening(from_patch.height(), from_patch.width());
      for (std::ptrdiff_t i = 0; i < screening.area(); ++i) {
        screening.data()[i] = from_patch.data()[i] != 0 ? 0.0f : pull;
      }
      const mask everywhere(from_patch.height(), from_patch.width(), 1);
      poisson_solver(everywhere, &screening).correct(blended, defect, wanted, watcher);
    } else {
      const mask unknown = options.anchor == blend_anchor::border
                               ? inside_border(from_patch)
                               : mask(from_patch.height(), from_patch.width(), 1);
      if (hole_area(unknown) > 0) poisson_solver(unknown).correct(blended, defect, wanted, watcher);
      if (hole_area(unknown) == unknown.area()) restore_mean(blended, sources);
    }
  }
  for (std::ptrdiff_t i = 0; i < blended.area(); ++i) {
    if (options.domain == blend_domain::patch_only && from_patch.data()[i] == 0) continue;
    for (std::ptrdiff_t c = 3 * i; c < 3 * i + 3; ++c) {
      blended.data()[c] = std::clamp(blended.data()[c], 0.0f, 1.0f);
    }
  }
  return blended;
}

}  // namespace detail

/// The picture that takes `patch` where `from_patch` is not zero and `existing` elsewhere, blended.
///
/// Both pictures have colors wherever the seam needs them: on either side of it. All extents agree. Values
/// are clamped to [0, 1], with `blend_domain::patch_only` only those taken from the patch (the others keep
/// their bits). The error against an exact solution is below 1e-4 of the largest correction.
///
/// Throws `value_error` when extents differ or a color that counts is not finite. O(pixels); see
/// `solve_poisson`.
inline image<3> poisson_blend_pictures(const image<3>& existing, const image<3>& patch,
                                       const mask& from_patch, const poisson_options& options = {},
                                       const progress& watcher = {}) {
  return detail::poisson_blend({existing, nullptr, patch, nullptr, from_patch}, options, watcher);
}

/// The same for a picture with a `hole`, where `existing` is not read, and a patch that has pixels only where
/// `covered` is not zero. Throws `value_error` also when a pixel of the hole is to stay, or a pixel is taken
/// from the patch that it does not cover.
inline image<3> poisson_blend_pictures(const image<3>& existing, const mask& hole, const image<3>& patch,
                                       const mask& covered, const mask& from_patch,
                                       const poisson_options& options = {}, const progress& watcher = {}) {
  return detail::poisson_blend({existing, &hole, patch, &covered, from_patch}, options, watcher);
}

}  // namespace lookalike
