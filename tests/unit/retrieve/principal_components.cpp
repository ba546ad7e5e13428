#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/files.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/principal_components.hpp>
#include <lookalike/stage/stage.hpp>

#include "scratch.hpp"

namespace {

using namespace lookalike;

static_assert(stage<principal_components>);

constexpr std::int64_t coordinate_count = 20;

/// Rows whose numbers are independent, number j with standard deviation 2^-j and mean j.
std::vector<float> graded_rows(std::int64_t count) {
  random_sequence random(1);
  std::vector<float> rows;
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < coordinate_count; ++j)
      rows.push_back(
          static_cast<float>(static_cast<double>(j) + std::ldexp(random.normal(), -static_cast<int>(j))));
  return rows;
}

}  // namespace

TEST_CASE("principal_components: directions of known variances are found, orthonormal, by falling variance") {
  const std::vector<float> rows = graded_rows(4000);
  const auto components = principal_components::fit({rows.data(), 4000, coordinate_count}, {.components = 5});
  REQUIRE(components.components() == 5);
  CHECK(components.dimension() == coordinate_count);
  CHECK(components.skewness() < 1e-5);
  CHECK(components.total_variance() == Approx(4.0 / 3).epsilon(0.1));
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(components.variances()[i] == Approx(std::ldexp(1.0, -2 * static_cast<int>(i))).epsilon(0.1));
    // The direction is the axis, whatever its sign.
    CHECK(std::abs(components.directions()[i * coordinate_count + i]) > 0.99f);
    CHECK(components.mean()[i] == Approx(static_cast<double>(i)).margin(0.1));
  }
}

TEST_CASE("principal_components: coordinates are inner products with what differs from the mean") {
  const std::vector<float> rows = graded_rows(300);
  const vector_view view(rows.data(), 300, coordinate_count);
  const auto components = principal_components::fit(view, {.components = 7});
  const tensor<float> coordinates = components.project(view);
  for (std::int64_t row = 0; row < 300; row += 37) {
    for (std::int64_t i = 0; i < 7; ++i) {
      double sum = 0;
      for (std::int64_t j = 0; j < coordinate_count; ++j)
        sum +=
            (static_cast<double>(rows[static_cast<std::size_t>(row * coordinate_count + j)]) -
             static_cast<double>(components.mean()[static_cast<std::size_t>(j)])) *
            static_cast<double>(components.directions()[static_cast<std::size_t>(i * coordinate_count + j)]);
      CHECK(static_cast<double>(coordinates(row, i)) == Approx(sum).margin(1e-5));
    }
  }
  CHECK(principal_components::fit(view, {.components = 99}).components() == coordinate_count);
  CHECK_THROWS_AS(components.project({rows.data(), 10, 3}), value_error);
  CHECK_THROWS_AS(principal_components::fit(view, {.components = 0}), value_error);
  CHECK_THROWS_AS(principal_components::fit(view.part(0, 0)), value_error);
  std::vector<float> broken = rows;
  broken[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(principal_components::fit({broken.data(), 300, coordinate_count}), value_error);
}

TEST_CASE("principal_components: fewer vectors than components, all alike, or one") {
  const std::vector<float> same(6 * coordinate_count, 3.0f);
  for (const std::int64_t count : {1, 6}) {
    const auto components =
        principal_components::fit({same.data(), count, coordinate_count}, {.components = 9});
    CHECK(components.skewness() < 1e-4);
    CHECK(components.total_variance() == 0);
    for (const float coordinate : components.project({same.data(), count, coordinate_count}))
      CHECK(coordinate == 0);
  }
}

TEST_CASE("principal_components: as a stage they make descriptors that only their like compare with") {
  const std::vector<float> rows = graded_rows(500);
  const vector_view view(rows.data(), 500, coordinate_count);
  const auto components = principal_components::fit(view, {.components = 4});
  descriptor whole{{{"block", 4, 5, 1.0f}}, {rows.begin(), rows.begin() + coordinate_count}, {1, 1, 1, 1}};
  const descriptor shorter = components(whole);
  CHECK(shorter.values.size() == 4);
  CHECK(shorter.values[0] == components.project(view.part(0, 1))(0, 0));
  CHECK(comparable(shorter.blocks, components(whole).blocks));
  const auto others = principal_components::fit(view.part(0, 100), {.components = 4});
  CHECK_FALSE(comparable(shorter.blocks, others(whole).blocks));
  whole.weights[2] = 0.5f;
  CHECK_THROWS_AS(components(whole), value_error);
}

TEST_CASE("principal_components: a file gives them back, and a damaged one is refused") {
  const std::vector<float> rows = graded_rows(200);
  const vector_view view(rows.data(), 200, coordinate_count);
  const auto components = principal_components::fit(view, {.components = 6});
  const test::scratch_folder folder;
  const std::filesystem::path path = folder.path / "components";
  components.save(path);
  const auto again = principal_components::load(path);
  CHECK(again.skewness() == components.skewness());
  const tensor<float> a = components.project(view), b = again.project(view);
  CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  const std::vector<std::byte> bytes = read_file(path);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    write_atomically(path, std::span(bytes).first(size));
    REQUIRE_THROWS_AS(principal_components::load(path), file_error);
  }
  for (std::size_t at = 0; at < bytes.size(); at += 11) {
    std::vector<std::byte> damaged = bytes;
    damaged[at] ^= std::byte{0x41};
    write_atomically(path, damaged);
    REQUIRE_THROWS_AS(principal_components::load(path), file_error);
  }
  CHECK_THROWS_AS(principal_components::load(folder.path / "missing"), file_error);
}
