#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/memory.hpp>
#include <lookalike/simd/multigrid.hpp>

using namespace lookalike;

namespace {

/// Rows as the functions expect them: on cache lines, with values before and after.
class row_buffer {
 public:
  row_buffer(std::ptrdiff_t count, std::mt19937& chance, float low = -1)
      : values_(static_cast<std::size_t>(count + 2 * simd::multigrid_lanes)) {
    std::uniform_real_distribution<float> draw(low, 1);
    for (float& v : values_) v = draw(chance);
  }
  float* data() { return values_.data() + simd::multigrid_lanes; }
  float& operator[](std::ptrdiff_t i) { return data()[i]; }

 private:
  aligned_vector<float> values_;
};

constexpr double tolerance = 2e-6;

}  // namespace

TEST_CASE("row operations agree with loops in double precision", "[simd][multigrid]") {
  std::mt19937 chance(1);
  for (const std::ptrdiff_t count : {16, 32, 48, 160}) {
    const auto fresh = [&](float low = -1) { return row_buffer(count, chance, low); };
    row_buffer above = fresh(), here = fresh(), below = fresh(), f = fresh(), out = fresh();
    row_buffer diagonal = fresh(0.5f), inverse = fresh(0.5f), right = fresh(0), down = fresh(0),
               up = fresh(0);
    for (std::ptrdiff_t x = 0; x < count; x += 3) diagonal[x] = inverse[x] = 0;
    const simd::row_neighborhood u{above.data(), here.data(), below.data()};
    const simd::weighted_links weighted{right.data(), down.data(), up.data()};
    const auto unit_sum = [&](std::ptrdiff_t x) {
      return double{here[x - 1]} + here[x + 1] + above[x] + below[x];
    };
    const auto weighted_sum = [&](std::ptrdiff_t x) {
      return double{right[x - 1]} * here[x - 1] + double{right[x]} * here[x + 1] + double{up[x]} * above[x] +
             double{down[x]} * below[x];
    };
    const auto check = [&](const auto& links, const auto& sum) {
      simd::jacobi(u, links, f.data(), inverse.data(), 0.7f, out.data(), count);
      for (std::ptrdiff_t x = 0; x < count; ++x) {
        const double wanted = here[x] + 0.7 * (inverse[x] * (f[x] + sum(x)) - here[x]);
        REQUIRE(out[x] == Approx(wanted).margin(tolerance));
      }
      simd::residual(u, links, f.data(), diagonal.data(), out.data(), count);
      for (std::ptrdiff_t x = 0; x < count; ++x) {
        const double wanted = diagonal[x] > 0 ? f[x] - double{diagonal[x]} * here[x] + sum(x) : 0.0;
        REQUIRE(out[x] == Approx(wanted).margin(tolerance));
      }
      const double product = simd::apply_operator(u, links, diagonal.data(), out.data(), count);
      double wanted_product = 0;
      for (std::ptrdiff_t x = 0; x < count; ++x) {
        const double wanted = diagonal[x] > 0 ? double{diagonal[x]} * here[x] - sum(x) : 0.0;
        wanted_product += wanted * here[x];
        REQUIRE(out[x] == Approx(wanted).margin(tolerance));
      }
      CHECK(product == Approx(wanted_product).margin(1e-4));
    };
    check(simd::unit_links{}, unit_sum);
    check(weighted, weighted_sum);

    simd::jacobi_from_zero(f.data(), inverse.data(), 0.4f, out.data(), count);
    for (std::ptrdiff_t x = 0; x < count; ++x) {
      REQUIRE(out[x] == Approx(0.4 * f[x] * inverse[x]).margin(tolerance));
    }

    const simd::row_comparison compared = simd::compare_rows(f.data(), here.data(), count);
    double product = 0;
    float magnitude = 0;
    for (std::ptrdiff_t x = 0; x < count; ++x) {
      product += double{f[x]} * here[x];
      magnitude = std::max(magnitude, std::abs(here[x]));
    }
    CHECK(compared.product == Approx(product).margin(1e-4));
    CHECK(compared.magnitude == magnitude);

    row_buffer p = fresh();
    const row_buffer p_before = p;
    simd::turn_direction(f.data(), 0.3f, p.data(), count);
    for (std::ptrdiff_t x = 0; x < count; ++x) {
      REQUIRE(p[x] == Approx(f[x] + 0.3 * row_buffer(p_before)[x]).margin(tolerance));
    }
    row_buffer solution = fresh(), r = fresh();
    row_buffer solution_before = solution, r_before = r;
    simd::advance(p.data(), f.data(), 0.6f, solution.data(), r.data(), count);
    for (std::ptrdiff_t x = 0; x < count; ++x) {
      REQUIRE(solution[x] == Approx(solution_before[x] + 0.6 * p[x]).margin(tolerance));
      REQUIRE(r[x] == Approx(r_before[x] - 0.6 * f[x]).margin(tolerance));
    }
  }
}

TEST_CASE("gathering is the transpose of interpolation", "[simd][multigrid]") {
  std::mt19937 chance(2);
  const std::ptrdiff_t count = 32, coarse = count / 2;
  // Rows: the inner product of blended rows with a row equals that of the rows with the gathered one.
  row_buffer near(count, chance), far(count, chance), out(count, chance);
  simd::blend_rows(near.data(), far.data(), out.data(), count);
  for (std::ptrdiff_t x = 0; x < count; ++x) {
    REQUIRE(out[x] == Approx(0.75 * near[x] + 0.25 * far[x]).margin(tolerance));
  }
  row_buffer a(count, chance), b(count, chance), c(count, chance), d(count, chance);
  simd::gather_rows(a.data(), b.data(), c.data(), d.data(), out.data(), count);
  for (std::ptrdiff_t x = 0; x < count; ++x) {
    REQUIRE(out[x] == Approx(0.25 * (double{a[x]} + d[x]) + 0.75 * (double{b[x]} + c[x])).margin(tolerance));
  }

  // Columns: <interpolate(e), v> = <e, gather(v)> for all e that are zero beyond the row.
  row_buffer e(count, chance), v(count, chance), inverse(count, chance, 0.5f), fine(count, chance);
  row_buffer gathered(count, chance);
  e[-1] = e[coarse] = v[-1] = v[count] = 0;
  for (std::ptrdiff_t x = 0; x < count; ++x) fine[x] = 0;
  for (std::ptrdiff_t x = 0; x < count; x += 5) inverse[x] = v[x] = 0;
  simd::add_interpolated(e.data(), inverse.data(), fine.data(), coarse);
  simd::gather_columns(v.data(), gathered.data(), coarse);
  double left = 0, right = 0;
  for (std::ptrdiff_t x = 0; x < count; ++x) left += double{fine[x]} * v[x];
  for (std::ptrdiff_t x = 0; x < coarse; ++x) right += double{e[x]} * gathered[x];
  CHECK(left == Approx(right).margin(1e-5));
  for (std::ptrdiff_t x = 0; x < count; ++x) {
    const double wanted = 0.75 * e[x / 2] + 0.25 * e[x % 2 == 0 ? x / 2 - 1 : x / 2 + 1];
    REQUIRE(fine[x] == Approx(inverse[x] > 0 ? wanted : 0.0).margin(tolerance));
  }
}
