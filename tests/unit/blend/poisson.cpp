#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/blend/poisson.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/resample.hpp>

#include "../image/direct_poisson.hpp"

using namespace lookalike;

namespace {

constexpr int height = 64, width = 97;

template <class Inside>
mask where(const Inside& inside) {
  mask result(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) result(y, x) = inside(y, x) ? 1 : 0;
  }
  return result;
}

/// Smooth fields with some noise, in [0.3, 0.7]: no result is clamped.
image<3> field(int seed) {
  std::mt19937 chance(static_cast<unsigned>(seed));
  image<3> picture(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(0.05 * (seed + 1) * x + c) * std::cos(0.04 * y * (c + 1) + seed);
        const double speckle = static_cast<double>(chance() % 1000u) / 1000 - 0.5;
        picture(y, x, c) = static_cast<float>(0.5 + 0.15 * wave + 0.05 * speckle);
      }
    }
  }
  return picture;
}

/// Pictures to blend: photographs if there are any, and always fields.
std::vector<image<3>> pictures() {
  std::vector<image<3>> result{field(0), field(1), field(2), field(3)};
  const char* folder = std::getenv("LOOKALIKE_DATA");
  if (folder == nullptr) {
    WARN("LOOKALIKE_DATA is not set: synthetic pictures only");
    return result;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(folder) / "photos/bsds")) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (std::size_t i = 0; i < 4; ++i) {
    result.push_back(resize(read_image(paths.at(31 * i)), height, width, resampling::area));
  }
  return result;
}

/// The blend by its definition, in double precision: the u that minimizes the squared differences between its
/// gradients and the wanted ones, and holds where `unknown` does not let it move. With
/// `screening` > 0 also squared differences from `existing` where it stays.
image<3, double> direct_blend(const image<3>& existing, const image<3>& patch, const mask& from_patch,
                              const mask& unknown, guidance crossing, double screening) {
  const auto inside = [&](int y, int x) { return from_patch(y, x) != 0; };
  const auto color = [&](int y, int x, int c) {
    return double{inside(y, x) ? patch(y, x, c) : existing(y, x, c)};
  };
  const auto wanted_gradient = [&](int py, int px, int qy, int qx, int c) {
    const double of_existing = double{existing(py, px, c)} - double{existing(qy, qx, c)};
    const double of_patch = double{patch(py, px, c)} - double{patch(qy, qx, c)};
    if (inside(py, px) && inside(qy, qx)) return of_patch;
    if (!inside(py, px) && !inside(qy, qx)) return of_existing;
    return crossing == guidance::zero ? 0.0 : (of_existing + of_patch) / 2;
  };
  const auto screening_at = [&](int y, int x) { return inside(y, x) ? 0.0 : screening; };
  return test::direct_poisson<3>(
      unknown, color,
      [&](int y, int x, int c) {
        double sum = screening_at(y, x) * existing(y, x, c);
        for (const auto [v, u] : {std::array{y, x + 1}, {y, x - 1}, {y + 1, x}, {y - 1, x}}) {
          if (unknown.contains(v, u)) sum += wanted_gradient(y, x, v, u, c);
        }
        return sum;
      },
      screening_at);
}

double largest_difference(const image<3>& found, const image<3, double>& truth) {
  double largest = 0;
  for (std::size_t i = 0; i < found.values().size(); ++i) {
    largest = std::max(largest, std::abs(found.values()[i] - std::clamp(truth.values()[i], 0.0, 1.0)));
  }
  return largest;
}

std::vector<mask> seams() {
  return {where([](int y, int x) { return y > 20 && y < 60 && x > 30 && x < 77; }),
          where([](int y, int x) { return std::hypot(y - 10, x - 85) < 40; }),
          where([](int y, int x) { return (y / 20 + x / 25) % 2 == 0; }),
          where([](int y, int x) { return y == 40 && x > 10 && x < 90; })};
}

const mask everywhere(height, width, 1);

}  // namespace

TEST_CASE("blending the patch alone equals a direct solution and keeps the rest to the bit",
          "[blend][poisson]") {
  const auto sources = pictures();
  for (std::size_t i = 0; i + 1 < sources.size(); i += 2) {
    for (const mask& from_patch : seams()) {
      for (const guidance crossing : {guidance::mean, guidance::zero}) {
        const image<3> blended =
            poisson_blend_pictures(sources[i], sources[i + 1], from_patch,
                                   {.domain = blend_domain::patch_only, .crossing = crossing});
        CHECK(largest_difference(blended, direct_blend(sources[i], sources[i + 1], from_patch, from_patch,
                                                       crossing, 0)) < 1e-4);
        for (std::size_t p = 0; p < blended.values().size(); ++p) {
          if (from_patch.values()[p / 3] == 0) REQUIRE(blended.values()[p] == sources[i].values()[p]);
        }
      }
    }
  }
}

TEST_CASE("blending the whole picture equals a direct solution for every anchor", "[blend][poisson]") {
  const auto sources = pictures();
  for (std::size_t i = 0; i + 1 < sources.size(); i += 2) {
    const image<3>&existing = sources[i], &patch = sources[i + 1];
    for (const mask& from_patch : seams()) {
      for (const guidance crossing : {guidance::mean, guidance::zero}) {
        if (crossing == guidance::zero && i > 0) continue;  // one pair is enough for it
        const image<3> screened = poisson_blend_pictures(existing, patch, from_patch,
                                                         {.crossing = crossing, .screening_length = 25});
        CHECK(largest_difference(screened, direct_blend(existing, patch, from_patch, everywhere, crossing,
                                                        1.0 / (25 * 25))) < 1e-4);

        const mask held = where([&](int y, int x) {
          const bool border = y == 0 || x == 0 || y == height - 1 || x == width - 1;
          return !border || from_patch(y, x) != 0;
        });
        const image<3> bordered = poisson_blend_pictures(
            existing, patch, from_patch, {.crossing = crossing, .anchor = blend_anchor::border});
        CHECK(largest_difference(bordered, direct_blend(existing, patch, from_patch, held, crossing, 0)) <
              1e-4);

        // Held at one pixel, then shifted to the mean of the untouched part.
        const image<3> floating = poisson_blend_pictures(
            existing, patch, from_patch, {.crossing = crossing, .anchor = blend_anchor::mean});
        const mask but_one = where([](int y, int x) { return y != 63 || x != 0; });
        image<3, double> truth = direct_blend(existing, patch, from_patch, but_one, crossing, 0);
        for (std::size_t c = 0; c < 3; ++c) {
          double change = 0;
          for (std::size_t p = c; p < truth.values().size(); p += 3) {
            if (from_patch.values()[p / 3] == 0) change += truth.values()[p] - double{existing.values()[p]};
          }
          change /= static_cast<double>(from_patch.area() - hole_area(from_patch));
          for (std::size_t p = c; p < truth.values().size(); p += 3) truth.values()[p] -= change;
        }
        CHECK(largest_difference(floating, truth) < 1e-4);
      }
    }
  }
}

TEST_CASE("a picture pasted onto itself stays as it is", "[blend][poisson]") {
  const image<3> picture = field(2);
  for (const mask& from_patch : seams()) {
    for (const blend_domain domain : {blend_domain::whole, blend_domain::patch_only}) {
      for (const blend_anchor anchor : {blend_anchor::mean, blend_anchor::border, blend_anchor::screened}) {
        CHECK(poisson_blend_pictures(picture, picture, from_patch, {.domain = domain, .anchor = anchor}) ==
              picture);
      }
    }
  }
}

TEST_CASE("a constant difference of color disappears", "[blend][poisson]") {
  const image<3> picture = field(1);
  image<3> patch = picture;
  for (float& v : patch.values()) v += 0.2f;
  // Two seams that leave either side in one piece: the patch then has one constant.
  for (const std::size_t i : {0u, 1u}) {
    for (const blend_anchor anchor : {blend_anchor::mean, blend_anchor::border, blend_anchor::screened}) {
      const image<3> blended = poisson_blend_pictures(picture, patch, seams()[i], {.anchor = anchor});
      double largest = 0;
      for (std::size_t p = 0; p < blended.values().size(); ++p) {
        largest = std::max(largest, std::abs(double{blended.values()[p]} - picture.values()[p]));
      }
      CHECK(largest < 1e-4);
    }
  }
}

TEST_CASE("screening confines changes to the neighborhood of the seam", "[blend][poisson]") {
  const image<3> existing = field(0), patch = field(3);
  const mask from_patch = where([](int y, int x) { return y > 30 && y < 50 && x > 10 && x < 40; });
  const auto change = [&](const poisson_options& options) {
    const image<3> blended = poisson_blend_pictures(existing, patch, from_patch, options);
    double sum = 0;
    for (std::size_t i = 0; i < blended.values().size(); ++i) {
      if (from_patch.values()[i / 3] == 0) sum += std::pow(blended.values()[i] - existing.values()[i], 2);
    }
    return sum;
  };
  CHECK(change({.screening_length = 2}) < change({.screening_length = 10}));
  CHECK(change({.screening_length = 10}) < change({.screening_length = 40}));
  CHECK(change({.screening_length = 40}) < change({.anchor = blend_anchor::mean}));
  const image<3> near = poisson_blend_pictures(existing, patch, from_patch, {.screening_length = 3});
  for (int c = 0; c < 3; ++c) CHECK(std::abs(near(63, 96, c) - existing(63, 96, c)) < 1e-5f);
}

TEST_CASE("the hole's values and the scene's beyond its cover are never used", "[blend][poisson]") {
  image<3> existing = field(0), patch = field(1);
  const mask hole = where([](int y, int x) { return y > 20 && y < 60 && x > 30 && x < 77; });
  const mask covered =
      where([](int y, int x) { return y > 20 && y < 70 && x < 77; });  // seam along two edges
  const mask from_patch = where([](int y, int x) { return y > 20 && y < 63 && x > 25 && x < 77; });
  for (const blend_domain domain : {blend_domain::whole, blend_domain::patch_only}) {
    const image<3> before =
        poisson_blend_pictures(existing, hole, patch, covered, from_patch, {.domain = domain});
    image<3> holed = existing, bare = patch;
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < holed.values().size(); ++i) {
      if (hole.values()[i / 3] != 0) holed.values()[i] = nan;
      if (covered.values()[i / 3] == 0) bare.values()[i] = nan;
    }
    CHECK(poisson_blend_pictures(holed, hole, bare, covered, from_patch, {.domain = domain}) == before);
  }
  // Where one gradient is known it alone counts: the picture itself as a scene still changes nothing.
  const image<3> same = field(2);
  const mask reached = where([](int y, int x) { return y > 10 && y < 64 && x < 80; });
  CHECK(poisson_blend_pictures(same, hole, same, reached, hole) == same);
}

TEST_CASE("nothing or everything from the patch is a copy, within range", "[blend][poisson]") {
  image<3> existing = field(0), patch = field(1);
  existing(3, 4, 1) = 1.5f;
  patch(5, 6, 2) = -0.5f;
  image<3> wanted = existing;
  wanted(3, 4, 1) = 1.0f;
  CHECK(poisson_blend_pictures(existing, patch, mask(height, width)) == wanted);
  CHECK(poisson_blend_pictures(existing, patch, mask(height, width), {.domain = blend_domain::patch_only}) ==
        existing);
  wanted = patch;
  wanted(5, 6, 2) = 0.0f;
  for (const blend_anchor anchor : {blend_anchor::mean, blend_anchor::border, blend_anchor::screened}) {
    CHECK(poisson_blend_pictures(existing, patch, everywhere, {.anchor = anchor}) == wanted);
  }
}

TEST_CASE("the blend is the same for any number of threads", "[blend][poisson]") {
  const image<3> existing = field(0), patch = field(1);
  const mask from_patch = seams().front();
  const auto with = [&](int count) {
    const thread_scope scope(count);
    return poisson_blend_pictures(existing, patch, from_patch);
  };
  CHECK(with(1) == with(2));
  CHECK(with(1) == with(3));
}

TEST_CASE("bad input to poisson_blend_pictures is refused", "[blend][poisson]") {
  const image<3> picture = field(0);
  const mask from_patch = seams().front();
  CHECK_THROWS_AS(poisson_blend_pictures(picture, image<3>(3, 3), from_patch), value_error);
  CHECK_THROWS_AS(poisson_blend_pictures(picture, picture, mask(3, 3)), value_error);
  CHECK_THROWS_AS(poisson_blend_pictures(image<3>(), image<3>(), mask()), value_error);
  CHECK_THROWS_AS(poisson_blend_pictures(picture, picture, from_patch, {.screening_length = 0}), value_error);
  CHECK_THROWS_AS(poisson_blend_pictures(picture, picture, from_patch, {.solver = {.tolerance = -1}}),
                  value_error);
  image<3> broken = picture;
  broken(0, 0, 0) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(poisson_blend_pictures(broken, picture, from_patch), value_error);
  CHECK_NOTHROW(poisson_blend_pictures(picture, broken, from_patch));
  CHECK_THROWS_WITH(poisson_blend_pictures(picture, mask(height, width, 1), picture, everywhere, from_patch),
                    Catch::Contains("the picture's hole"));
  CHECK_THROWS_WITH(poisson_blend_pictures(picture, from_patch, picture, mask(height, width), from_patch),
                    Catch::Contains("does not cover"));
}
