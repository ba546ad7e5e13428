#pragma once

/// \file
/// The Poisson equation on a part of a picture of any shape: membranes stretched over holes, pictures from
/// gradients (Perez, Gangnet, Blake: Poisson Image Editing, SIGGRAPH 2003).

#include <cmath>

#include <lookalike/image/detail/poisson_solver.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

/// When a solution is good enough.
struct poisson_equation_options {
  /// The iteration ends one step after the estimated error (of any pixel) has fallen to this fraction of the
  /// largest change made. With the default the error at the end is below 1e-4 of that change, against a
  /// direct solution in double precision; single precision allows no less than about 1e-6.
  double tolerance = 3e-5;
  /// Usually 5 to 12 are needed; more for many small known spots in a large unknown area.
  int iterations = 100;
};

namespace detail {
inline poisson_solver::options checked(const poisson_equation_options& options) {
  require(options.tolerance >= 1e-6 && options.tolerance < 1, "solve_poisson: given a tolerance of ",
          options.tolerance, ", wanted 1e-6 to 1");
  require(options.iterations > 0, "solve_poisson: given ", options.iterations,
          " iterations, wanted 1 or more");
  return {options.tolerance, options.iterations};
}
}  // namespace detail

/// Solves, in every channel and at every pixel p where `unknown` is not zero,
///
///   (laplacian u)(p) = sum over the 4-neighbors q of p inside the picture of (u(q) - u(p)) = f(p).
///
/// On entry `u` holds the values at known pixels, which stay as they are to the bit, and a first guess at
/// unknown ones. Known neighbors are Dirichlet values; beyond the picture's border there is no neighbor,
/// which is Neumann's condition. Without any known pixel the solution is fixed only up to a constant: u keeps
/// its mean, and f counts less its mean. `f` is read at unknown pixels only.
///
/// Throws `value_error` when extents differ or a value that counts is not finite, `error` when the tolerance
/// is not reached. O(pixels of the box around the unknown ones), for each of which it takes 14 bytes of
/// memory and 23 for every channel that is solved at the same time. The result does not depend on threads.
template <int Channels>
void solve_poisson(image<Channels>& u, const image<Channels>& f, const mask& unknown,
                   const poisson_equation_options& options = {}, const progress& watcher = {}) {
  require(same_extent(u, unknown) && same_extent(f, unknown), "solve_poisson: given pictures of ", u.height(),
          "x", u.width(), " and ", f.height(), "x", f.width(), " with a mask of ", unknown.height(), "x",
          unknown.width(), ", wanted one extent");
  const auto wanted = detail::checked(options);
  if (hole_area(unknown) == 0) return;
  const auto defect = [&](int y, int x, int c) {
    const double here = u(y, x, c);
    double sum = -double{f(y, x, c)};
    if (x > 0) sum += u(y, x - 1, c) - here;
    if (x + 1 < u.width()) sum += u(y, x + 1, c) - here;
    if (y > 0) sum += u(y - 1, x, c) - here;
    if (y + 1 < u.height()) sum += u(y + 1, x, c) - here;
    require(std::isfinite(sum), "solve_poisson: given a value at (", y, ", ", x,
            ") or beside it that is not finite, wanted finite values");
    return sum;
  };
  detail::poisson_solver(unknown).correct(u, defect, wanted, watcher);
}

}  // namespace lookalike
