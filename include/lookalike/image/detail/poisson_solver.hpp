#pragma once

/// \file
/// Conjugate gradients preconditioned by a multigrid V-cycle: O. Tatebe, "The multigrid preconditioned
/// conjugate gradient method", Copper Mountain Conference on Multigrid Methods 1993.
///
/// The cycle smooths with two damped Jacobi steps before and the same two after the coarse correction, whose
/// interpolation is bilinear between cell centers and whose restriction is the transpose. It is therefore
/// symmetric and positive, as the method demands. Sweeps run in place, a few rows at a time: a cycle reads
/// every grid three times, and what is between the sweeps stays in the first-level cache.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/detail/multigrid_hierarchy.hpp>

namespace lookalike::detail {

/// One approximate inversion of the equations of a hierarchy.
class multigrid_cycle {
 public:
  /// What the last visit of the finest grid found.
  struct outcome {
    double product = 0;    ///< inner product of right side and result
    double magnitude = 0;  ///< largest absolute value of the result
  };

  explicit multigrid_cycle(const multigrid_hierarchy& hierarchy) : hierarchy_(hierarchy) {
    const multigrid_level& finest = hierarchy.level(0);
    for (padded_grid& rows : scratch_) rows = padded_grid(1, finest.width);
    for (std::size_t depth = 0; depth < hierarchy.depth(); ++depth) {
      const multigrid_level& level = hierarchy.level(depth);
      right_side_.emplace_back(level.height, level.width);
      result_.emplace_back(level.height, level.width);
    }
  }

  /// The finest grid's right side, to be set before `run`, and result.
  padded_grid& right_side() { return right_side_[0]; }
  const padded_grid& result() const { return result_[0]; }

  outcome run() {
    const std::size_t last = hierarchy_.depth() - 1;
    for (std::size_t depth = 0; depth < last; ++depth) {
      smooth_from_zero(depth);
      restrict_residual(depth);
    }
    smooth_from_zero(last);
    for (std::size_t depth = last; depth-- > 0;) correct_and_smooth(depth);
    const multigrid_level& finest = hierarchy_.level(0);
    outcome found;
    for (int y = 0; y < finest.height; ++y) {
      const auto row = simd::compare_rows(right_side_[0].row(y), result_[0].row(y), finest.count());
      found.product += row.product;
      found.magnitude = std::max<double>(found.magnitude, row.magnitude);
    }
    return found;
  }

 private:
  // The pair that damps the errors a coarse grid cannot see (eigenvalues from 1/2 to 2) by a factor of 3.5.
  static constexpr float first_weight = 0.57f;
  static constexpr float second_weight = 1.2f;

  /// Calls `step` with the links of row y.
  template <class Step>
  static void with_links(const multigrid_level& level, std::size_t depth, int y, const Step& step) {
    if (depth == 0) {
      step(simd::unit_links{});
    } else {
      step(simd::weighted_links{level.right.row(y), level.down.row(y), level.down.row(y - 1)});
    }
  }

  /// Scratch row `y` of a sweep; four neighboring rows are there at a time, and rows -1 and `height` are
  /// zero.
  float* scratch(int y) { return scratch_[static_cast<std::size_t>(y + 4) % 4].row(0); }
  void clear_scratch(int y, std::ptrdiff_t count) { std::fill_n(scratch(y), count, 0.0f); }

  void smooth_from_zero(std::size_t depth) {
    const multigrid_level& level = hierarchy_.level(depth);
    const padded_grid& f = right_side_[depth];
    padded_grid& u = result_[depth];
    clear_padding(level);
    clear_scratch(-1, level.count());
    for (int y = 0; y <= level.height; ++y) {
      if (y < level.height) {
        simd::jacobi_from_zero(f.row(y), level.inverse_diagonal.row(y), first_weight, scratch(y),
                               level.count());
      } else {
        clear_scratch(y, level.count());
      }
      if (y == 0) continue;
      with_links(level, depth, y - 1, [&](const auto& links) {
        simd::jacobi({scratch(y - 2), scratch(y - 1), scratch(y)}, links, f.row(y - 1),
                     level.inverse_diagonal.row(y - 1), second_weight, u.row(y - 1), level.count());
      });
    }
  }

  /// Residual rows as scratch, four of them to a coarse row. Beyond an even edge the last row (and column)
  /// counts twice: there the interpolation has but one coarse neighbor.
  void restrict_residual(std::size_t depth) {
    const multigrid_level& level = hierarchy_.level(depth);
    const multigrid_level& coarse = hierarchy_.level(depth + 1);
    padded_grid& u = result_[depth];
    clear_padding(level);
    const auto compute = [&](int y) {
      const int at = y == -1 ? 0 : y == level.height && y % 2 == 0 ? y - 1 : y;
      if (at >= level.height) {
        clear_scratch(y, level.count());
        return;
      }
      with_links(level, depth, at, [&](const auto& links) {
        simd::residual({u.row(at - 1), u.row(at), u.row(at + 1)}, links, right_side_[depth].row(at),
                       level.diagonal.row(at), scratch(y), level.count());
      });
    };
    compute(-1);
    compute(0);
    float* gathered = gathered_row();
    for (int y = 0; y < coarse.height; ++y) {
      compute(2 * y + 1);
      compute(2 * y + 2);
      simd::gather_rows(scratch(2 * y - 1), scratch(2 * y), scratch(2 * y + 1), scratch(2 * y + 2), gathered,
                        level.count());
      gathered[-1] = gathered[0];
      if (level.width % 2 == 0) gathered[level.width] = gathered[level.width - 1];
      simd::gather_columns(gathered, right_side_[depth + 1].row(y), coarse.width);
    }
  }

  void correct_and_smooth(std::size_t depth) {
    const multigrid_level& level = hierarchy_.level(depth);
    const multigrid_level& coarse = hierarchy_.level(depth + 1);
    const padded_grid& f = right_side_[depth];
    padded_grid& u = result_[depth];
    clear_padding(level);
    clear_scratch(-1, level.count());
    for (int y = 0; y <= level.height + 1; ++y) {
      if (y < level.height) {
        const int near = y / 2, far = std::clamp(y % 2 == 0 ? near - 1 : near + 1, 0, coarse.height - 1);
        float* blended = gathered_row();
        simd::blend_rows(result_[depth + 1].row(near), result_[depth + 1].row(far), blended, coarse.count());
        blended[-1] = blended[0];
        blended[coarse.width] = blended[coarse.width - 1];
        simd::add_interpolated(blended, level.inverse_diagonal.row(y), u.row(y), coarse.width);
      }
      if (y >= 1 && y <= level.height) {
        with_links(level, depth, y - 1, [&](const auto& links) {
          simd::jacobi({u.row(y - 2), u.row(y - 1), u.row(y)}, links, f.row(y - 1),
                       level.inverse_diagonal.row(y - 1), second_weight, scratch(y - 1), level.count());
        });
      }
      if (y == level.height + 1) clear_scratch(level.height, level.count());
      if (y < 2) continue;
      with_links(level, depth, y - 2, [&](const auto& links) {
        simd::jacobi({scratch(y - 3), scratch(y - 2), scratch(y - 1)}, links, f.row(y - 2),
                     level.inverse_diagonal.row(y - 2), first_weight, u.row(y - 2), level.count());
      });
    }
  }

  /// Scratch rows serve all grids; what a wider one has left beyond this one's rows must not be seen.
  void clear_padding(const multigrid_level& level) {
    for (int y = 0; y < 4; ++y) scratch(y)[level.count()] = 0;
  }
  float* gathered_row() { return scratch_[4].row(0); }

  const multigrid_hierarchy& hierarchy_;
  std::vector<padded_grid> right_side_;
  std::vector<padded_grid> result_;
  std::array<padded_grid, 5> scratch_;
};

/// Solves for corrections to a picture: given by how much each unknown violates its equation, finds what to
/// add to it. One hierarchy serves all channels.
class poisson_solver {
 public:
  struct options {
    double tolerance;
    int iterations;
  };

  /// See `multigrid_hierarchy`. At least one pixel is unknown. Keeps a reference to `unknown`.
  explicit poisson_solver(const mask& unknown, const image<1>* screening = nullptr)
      : unknown_(unknown),
        window_(window_around(unknown, 1)),
        hierarchy_(unknown, window_, screening),
        floating_(screening == nullptr && hole_area(unknown) == unknown.area()) {}

  /// Adds to `u` at unknown pixels the v with v = 0 elsewhere and
  ///   sum over 4-neighbors q of (v_p - v_q) + screening_p v_p = defect(p, channel).
  /// Where nothing holds v (no pixel is known, no screening) it is the solution of mean zero, to the defect
  /// less its mean. Channels are solved side by side, so `defect` may read a channel of `u` only for that
  /// channel; the result does not depend on threads.
  template <int Channels, class Defect>
  void correct(image<Channels>& u, const Defect& defect, const options& wanted,
               const progress& watcher = {}) const {
    parallel_for(
        Channels,
        [&](std::int64_t channel, const progress& heartbeat) {
          correct_channel(u, static_cast<int>(channel), defect, wanted, heartbeat);
        },
        watcher, "solve_poisson");
  }

 private:
  template <int Channels, class Defect>
  void correct_channel(image<Channels>& u, int channel, const Defect& defect, const options& wanted,
                       const progress& heartbeat) const {
    workspace work(hierarchy_);
    // Single precision lets the residual that conjugate gradients keep drift from the true one; it is
    // computed anew in double precision until a single cycle finds nothing left to do.
    int left = wanted.iterations;
    for (bool first = true;; first = false) {
      const bool something = residual(work, [&](int y, int x) { return defect(y, x, channel); });
      if (!something) break;
      const int used = iterate(work, wanted.tolerance, left, heartbeat);
      left -= used;
      if (!first && used <= 1) break;
    }
    if (floating_) subtract_mean(work.solution);
    for_unknowns(
        [&](int y, int x) { u(window_.top + y, window_.left + x, channel) += work.solution.row(y)[x]; });
  }

  struct workspace {
    multigrid_cycle cycle;
    padded_grid solution, direction, applied;
    double scale = 0;  ///< largest estimate of an error so far: about the size of the solution

    explicit workspace(const multigrid_hierarchy& hierarchy)
        : cycle(hierarchy),
          solution(hierarchy.level(0).height, hierarchy.level(0).width),
          direction(solution),
          applied(solution) {}
  };

  template <class Step>
  void for_unknowns(const Step& step) const {
    for (int y = 0; y < window_.height(); ++y) {
      for (int x = 0; x < window_.width(); ++x) {
        if (unknown_(window_.top + y, window_.left + x) != 0) step(y, x);
      }
    }
  }

  /// What the solution so far leaves of the defect, as the cycle's right side. Returns whether that is
  /// anything.
  template <class Defect>
  bool residual(workspace& work, const Defect& defect) const {
    bool something = false;
    const padded_grid& diagonal = hierarchy_.level(0).diagonal;
    const padded_grid& v = work.solution;
    for_unknowns([&](int y, int x) {
      const double sum = double{v.row(y)[x - 1]} + v.row(y)[x + 1] + v.row(y - 1)[x] + v.row(y + 1)[x];
      const double rest =
          defect(window_.top + y, window_.left + x) - (double{diagonal.row(y)[x]} * v.row(y)[x] - sum);
      work.cycle.right_side().row(y)[x] = static_cast<float>(rest);
      something = something || rest != 0;
    });
    if (floating_) subtract_mean(work.cycle.right_side());
    return something;
  }

  /// Conjugate gradients. A cycle's result z estimates the error that is left, so the iteration ends one step
  /// after the largest |z| has become small beside the solution. Returns the number of steps.
  int iterate(workspace& work, double tolerance, int most, const progress& heartbeat) const {
    const multigrid_level& finest = hierarchy_.level(0);
    const std::ptrdiff_t count = finest.count();
    padded_grid &direction = work.direction, &applied = work.applied;
    double product_before = 0, estimate = 0;
    for (int i = 0; i < most; ++i) {
      report(heartbeat, "conjugate gradients", i, most);
      const multigrid_cycle::outcome found = work.cycle.run();
      work.scale = std::max(work.scale, found.magnitude);
      estimate = found.magnitude;
      if (!(found.product > 0)) return i;  // the residual is zero
      const auto factor = static_cast<float>(i == 0 ? 0.0 : found.product / product_before);
      product_before = found.product;

      double curvature = 0;
      for (int y = 0; y <= finest.height; ++y) {
        if (y < finest.height) {
          simd::turn_direction(work.cycle.result().row(y), factor, direction.row(y), count);
        }
        if (y == 0) continue;
        curvature +=
            simd::apply_operator({direction.row(y - 2), direction.row(y - 1), direction.row(y)},
                                 simd::unit_links{}, finest.diagonal.row(y - 1), applied.row(y - 1), count);
      }
      if (!(curvature > 0)) return i;
      const auto step = static_cast<float>(found.product / curvature);
      for (int y = 0; y < finest.height; ++y) {
        simd::advance(direction.row(y), applied.row(y), step, work.solution.row(y),
                      work.cycle.right_side().row(y), count);
      }
      if (estimate <= tolerance * work.scale) return i + 1;
    }
    throw error(sentence("solve_poisson: when the iterations were used up, the estimated error was ",
                         estimate / work.scale, " of the solution, wanted ", tolerance));
  }

  void subtract_mean(padded_grid& grid) const {
    const multigrid_level& finest = hierarchy_.level(0);
    double sum = 0;
    for (int y = 0; y < finest.height; ++y) {
      for (int x = 0; x < finest.width; ++x) sum += grid.row(y)[x];
    }
    const auto mean = static_cast<float>(sum / (static_cast<double>(finest.height) * finest.width));
    for (int y = 0; y < finest.height; ++y) {
      for (int x = 0; x < finest.width; ++x) grid.row(y)[x] -= mean;
    }
  }

  const mask& unknown_;
  picture_window window_;
  multigrid_hierarchy hierarchy_;
  bool floating_;
};

}  // namespace lookalike::detail
