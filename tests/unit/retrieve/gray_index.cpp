#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/gray_index.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/on_gray.hpp>
#include <lookalike/stage/pipeline.hpp>

#include "scratch.hpp"

namespace {

using namespace lookalike;

static_assert(lookalike::index<gray_index>);
static_assert(encoder<gray_thumbnail_stage> && describes_pictures<gray_thumbnail_stage>);
static_assert(encoder<on_gray_stage<gist_stage>> && describes_pictures<on_gray_stage<gist_stage>>);
static_assert(
    std::is_same_v<decltype(gray_thumbnail | lookup(std::declval<gray_index>(), 1))::output, matches>);

photo_array random_photos(int count, int side, std::uint64_t seed) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(count * side * side * 3));
  random_sequence random(seed);
  for (auto& value : values) value = static_cast<std::uint8_t>(random.uniform(0, 256));
  return photo_array(std::move(values), side, side);
}

std::vector<double> centered_lightness(const byte_image& picture) {
  const image<1> light = lightness(to_float(picture));
  std::vector<double> values(light.values().begin(), light.values().end());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  for (double& value : values) value -= mean;
  return values;
}

/// Normalized correlation of lightness, in double precision.
double correlation(const byte_image& a, const byte_image& b) {
  const std::vector<double> x = centered_lightness(a), y = centered_lightness(b);
  const double xy = std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  const double xx = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
  const double yy = std::inner_product(y.begin(), y.end(), y.begin(), 0.0);
  return xy / std::sqrt(xx * yy);
}

}  // namespace

TEST_CASE("half the squared distance of gray thumbnails is 1 - the correlation of lightness") {
  const photo_array photos = random_photos(60, 32, 1);
  const gray_index known(photos);
  const byte_image query = random_photos(1, 32, 2).read_photo(0);
  const matches found = known.search(gray_thumbnail(to_float(query)), {.k = 60});
  REQUIRE(found.count == 60);
  CHECK(found.certified);
  CHECK(found.source == known.source());
  for (std::size_t i = 0; i < 60; ++i)
    REQUIRE(found.distances[i] / 2 ==
            Approx(1 - correlation(query, photos.read_photo(found.ids[i]))).margin(1e-5));
}

TEST_CASE("a picture finds itself by lightness alone, in color and in gray") {
  const photo_array photos = random_photos(200, 32, 3);
  const gray_index known(photos);
  const image<3> picture = to_float(photos.read_photo(123));
  const matches found = known.search(gray_thumbnail(picture), {.k = 1});
  CHECK(found.ids[0] == 123);
  CHECK(found.distances[0] == 0);
  CHECK(known.search(gray_thumbnail(gray_picture(lightness(picture))), {.k = 1}).ids[0] == 123);
}

TEST_CASE("a collection is indexed by its thumbnails, or by its photographs where those do not suffice") {
  const test::scratch_folder folder;
  for (int i = 0; i < 6; ++i) test::write_waves(folder.path, "p" + std::to_string(i) + ".png", i);
  const collection photos = collection::build(folder.path);
  const gray_index thumbnails(photos), by_gist(photos, on_gray(gist({.side = 64})));
  CHECK(thumbnails.size() == 6);
  for (int position = 0; position < 6; ++position) {
    const std::int64_t id = photos.id(position);
    const image<3> picture = photos.read(id);
    CHECK(thumbnails.search(thumbnails.encoder()(picture), {.k = 1}).ids[0] == id);
    const matches found = by_gist.search(by_gist.encoder()(picture), {.k = 2});
    CHECK(found.ids[0] == id);
    CHECK(found.distances[0] < 1e-6);
    CHECK(found.distances[1] > 1e-3);
    CHECK(found.source->read_squashed(id, 32, 32) == photos.thumbnail(id));
  }
}

TEST_CASE("what cannot be read is left out of an index, and an index of nothing is refused") {
  const test::scratch_folder folder;
  for (int i = 0; i < 4; ++i) test::write_waves(folder.path, "p" + std::to_string(i) + ".png", i);
  const collection photos = collection::build(folder.path);
  std::filesystem::remove(photos.path(photos.id(2)));
  const gray_index by_gist(photos, on_gray(gist({.side = 64})));
  CHECK(by_gist.size() == 3);
  CHECK(std::find(by_gist.ids().begin(), by_gist.ids().end(), photos.id(2)) == by_gist.ids().end());
  CHECK(gray_index(photos).size() == 4);  // thumbnails are in the store

  CHECK_THROWS_AS(gray_index(photo_array({}, 32, 32)), value_error);
  const test::scratch_folder nothing;
  CHECK_THROWS_AS(gray_index(collection::build(nothing.path)), value_error);
  for (int i = 0; i < 4; ++i) std::filesystem::remove(photos.path(photos.id(i)));
  CHECK_THROWS_AS(gray_index(photos, on_gray(gist({.side = 64}))), value_error);
}

TEST_CASE("an index refuses descriptors of another encoder") {
  const gray_index known(random_photos(5, 32, 4));
  const image<3> picture(40, 40, 0.3f);
  CHECK_THROWS_AS(known.search(gist(picture)), value_error);
  CHECK_THROWS_AS(known.search(gray_thumbnail(picture), {.k = 0}), value_error);
  const gray_index by_gist(random_photos(5, 32, 4), on_gray(gist({.side = 64})));
  CHECK_THROWS_AS(by_gist.search(gist({.side = 64})(picture)), value_error);  // it has seen color
}

TEST_CASE("near duplicates are all that correlate at least as much as asked") {
  photo_array photos = random_photos(120, 32, 5);
  std::vector<std::uint8_t> values;
  const byte_image query = photos.read_photo(7);
  for (std::int64_t id = 0; id < photos.size(); ++id) {
    const byte_image other = photos.read_photo(id);
    // From the query itself to something else, in 120 steps.
    for (std::size_t i = 0; i < query.values().size(); ++i)
      values.push_back(
          static_cast<std::uint8_t>((query.values()[i] * (119 - id) + other.values()[i] * id) / 119));
  }
  const photo_array steps(std::move(values), 32, 32);
  std::vector<std::int64_t> expected;
  for (std::int64_t id = 0; id < steps.size(); ++id)
    if (correlation(query, steps.read_photo(id)) >= 0.8) expected.push_back(id);
  REQUIRE(expected.size() > 20);
  CHECK(gray_index(steps).near_duplicates(to_float(query), 0.8f) == expected);
  CHECK(gray_index(steps, on_gray(gist({.side = 64}))).near_duplicates(to_float(query), 0.8f) == expected);
  CHECK(gray_index(steps).near_duplicates(to_float(query), -1).size() == 120);
  CHECK_THROWS_AS(gray_index(steps).near_duplicates(to_float(query), 1.5f), value_error);
}

TEST_CASE("a constant picture is as near to all, and bad ones are refused") {
  const gray_index known(random_photos(9, 32, 7));
  const matches found = known.search(gray_thumbnail(image<3>(5, 8, 0.5f)), {.k = 9});
  for (const float distance : found.distances) CHECK(distance == Approx(1));
  CHECK_THROWS_AS(gray_thumbnail(image<3>()), value_error);
  CHECK_THROWS_AS(gray_thumbnail(image<3>(2, 2, NAN)), value_error);
  CHECK_THROWS_AS(on_gray(gist)(image<3>(2, 2, 2.0f)), value_error);
  CHECK_THROWS_AS(photo_array(std::vector<std::uint8_t>(10), 2, 2), value_error);
  CHECK_THROWS_AS(photo_array({}, 0, 2), value_error);
  CHECK_THROWS_AS(random_photos(2, 4, 1).read_photo(2), value_error);
}

TEST_CASE("describing in gray can be watched and stopped") {
  std::int64_t heard = 0;
  const gray_index known(random_photos(300, 8, 8), gray_thumbnail,
                         [&](std::string_view task, std::int64_t done, std::int64_t total) {
                           CHECK(task == "describe in gray");
                           CHECK(total == 300);
                           heard = done;
                           return true;
                         });
  CHECK(heard == 300);
  const auto stop = [](std::string_view, std::int64_t, std::int64_t) { return false; };
  CHECK_THROWS_AS(gray_index(random_photos(300, 8, 8), gray_thumbnail, stop), interrupted);
}
