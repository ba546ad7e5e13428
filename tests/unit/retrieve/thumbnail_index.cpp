#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/near_duplicates.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>

#include "scratch.hpp"

namespace {

using namespace lookalike;
namespace fs = std::filesystem;

struct photo_folder {
  test::scratch_folder scratch;
  collection photos;
  explicit photo_folder(int count) {
    for (int i = 0; i < count; ++i) test::write_waves(scratch.path, sentence("photo", i, ".png"), i);
    photos = collection::build(scratch.path);
  }
};

/// Correlation and mean squared difference over the known thumbnail pixels in double precision; `hole` is
/// made of whole thumbnail pixels and the picture is a multiple of 32.
std::pair<double, double> measured(const masked_image& query, const byte_image& thumbnail) {
  const int step_y = query.picture.height() / 32, step_x = query.picture.width() / 32;
  std::vector<double> a, b;
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      if (query.hole(y * step_y, x * step_x) != 0) continue;
      for (int c = 0; c < 3; ++c) {
        double mean = 0;
        for (int i = 0; i < step_y; ++i) {
          for (int j = 0; j < step_x; ++j) {
            mean += 255.0 * static_cast<double>(query.picture(y * step_y + i, x * step_x + j, c));
          }
        }
        a.push_back(mean / (step_y * step_x));
        b.push_back(thumbnail(y, x, c));
      }
    }
  }
  const auto n = static_cast<double>(a.size());
  double mean_a = 0, mean_b = 0, squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i] / n;
    mean_b += b[i] / n;
    squares += (a[i] - b[i]) * (a[i] - b[i]) / n;
  }
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
    ab += (a[i] - mean_a) * (b[i] - mean_b);
  }
  return {ab / std::sqrt(aa * bb), squares};
}

masked_image query_with_hole(int number) {
  masked_image query{test::waves(number, 96, 64), mask(96, 64)};
  for (int y = 30; y < 60; ++y) {
    for (int x = 10; x < 40; ++x) {
      query.hole(y, x) = 1;
      for (int c = 0; c < 3; ++c) query.picture(y, x, c) = 1.0f;  // must not matter
    }
  }
  return query;
}

}  // namespace

TEST_CASE("thumbnails are compared where the query is known, by both distances") {
  const photo_folder folder(20);
  const masked_image query = query_with_hole(7);
  for (const auto kind : {thumbnail_distance::correlation, thumbnail_distance::squared_difference}) {
    std::vector<std::pair<double, std::int64_t>> expected;
    for (std::int64_t i = 0; i < folder.photos.size(); ++i) {
      const std::int64_t id = folder.photos.id(i);
      const auto [correlation, squares] = measured(query, folder.photos.thumbnail(id));
      expected.emplace_back(kind == thumbnail_distance::correlation ? 1 - correlation : squares, id);
    }
    std::sort(expected.begin(), expected.end());
    const matches found = thumbnail_index(folder.photos, kind).search(query, {.k = 20});
    REQUIRE(found.count == 20);
    CHECK(found.certified);
    for (std::size_t i = 0; i < 20; ++i) {
      CHECK(found.ids[i] == expected[i].second);
      CHECK(static_cast<double>(found.distances[i]) == Approx(expected[i].first).epsilon(1e-4).margin(1e-5));
    }
    CHECK(found.source->photo_name(found.ids[0]) == (folder.scratch.path / "photo7.png").string());
  }
}

TEST_CASE("correlation ignores brightness and contrast") {
  const photo_folder folder(8);
  image<3> query = test::waves(3);
  for (float& value : query.values()) value = 0.2f + 0.5f * value;
  const matches found = thumbnail_index(folder.photos).search(query, {.k = 2});
  CHECK(folder.photos.path(found.ids[0]).filename() == "photo3.png");
  CHECK(found.distances[0] < 1e-3f);
  CHECK(found.distances[1] > 0.05f);
}

TEST_CASE("a constant picture correlates with constant ones only") {
  const thumbnail_query gray(image<3>(40, 40, 0.4f));
  CHECK(gray.correlation(make_thumbnail(image<3>(9, 9, 0.8f)).values()) == 1.0);
  CHECK(gray.correlation(make_thumbnail(test::waves(1)).values()) == 0.0);
  CHECK(gray.squared_difference(make_thumbnail(image<3>(9, 9, 0.8f)).values()) == Approx(102.0 * 102.0));
}

TEST_CASE("near duplicates are the retouched and recompressed copies, and nothing else") {
  photo_folder folder(12);
  image<3> retouched = test::waves(5, 100, 130);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 6; ++x) retouched(y, x, 0) = 1.0f;
  }
  write_image(folder.scratch.path / "retouched.jpg", retouched, {.quality = 60});
  folder.photos = collection::build(folder.scratch.path);
  const auto copies = near_duplicates(folder.photos, query_with_hole(5));
  std::vector<std::string> names;
  for (const std::int64_t id : copies) names.push_back(folder.photos.path(id).filename().string());
  CHECK(names == std::vector<std::string>{"photo5.png", "retouched.jpg"});
  CHECK(near_duplicates(folder.photos, query_with_hole(5), {.correlation = -1.0f}).size() == 13);
  CHECK(near_duplicates(folder.photos, image<3>(32, 32, 0.5f)).empty());

  const matches found =
      thumbnail_index(folder.photos).search(query_with_hole(5), {.k = 20, .leave_out = copies});
  CHECK(found.count == 11);
}

TEST_CASE("queries with nothing known, or of the wrong shape, are refused") {
  CHECK_THROWS_AS(thumbnail_query(masked_image{test::waves(1), mask(48, 64, 1)}), value_error);
  CHECK_THROWS_AS(thumbnail_query(masked_image{test::waves(1), mask(48, 63)}), value_error);
  CHECK_THROWS_AS(thumbnail_query(image<3>()), value_error);
  CHECK_THROWS_AS(thumbnail_query(image<3>(4, 4, 7.0f)), value_error);
  CHECK_THROWS_AS(near_duplicates(collection(), test::waves(1)), value_error);
}
