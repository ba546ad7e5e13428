#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/apps/rank.hpp>
#include <lookalike/blend/context_match.hpp>
#include <lookalike/blend/poisson_blend.hpp>
#include <lookalike/blend/seam.hpp>
#include <lookalike/image/size.hpp>
#include <lookalike/stage/pipeline.hpp>

#include "scenes.hpp"

namespace {

using namespace lookalike;

constexpr int planted = 3;  // id of the photograph from which the query was cut

// Seven scenes, one of which holds the query's surroundings; the query is its window at (12, 20).
std::tuple<masked_image, matches> planted_query(int height = 200, int width = 260) {
  auto photos = std::make_shared<scenes::album>();
  for (unsigned seed = 0; seed < 7; ++seed) {
    photos->photos.push_back(to_bytes(scenes::random_photo(height + 30, width + 40, seed)));
  }
  masked_image query{crop(to_float(photos->photos[planted]), 12, 20, height, width),
                     scenes::box_hole(height, width, height / 3, width / 3, height * 2 / 3, width * 3 / 5)};
  matches found;
  for (std::int64_t id = 0; id < 7; ++id) {
    found.ids.push_back(id);
    found.distances.push_back(1.0f + 0.1f * static_cast<float>(id));
  }
  found.ids.push_back(-1);  // fewer found than asked for
  found.distances.push_back(std::numeric_limits<float>::infinity());
  found.count = 7;
  found.source = photos;
  return {std::move(query), std::move(found)};
}

double psnr_in_hole(const image<3>& a, const image<3>& b, const mask& hole) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < hole.values().size(); ++i) {
    if (hole.values()[i] == 0) continue;
    for (std::size_t c = 0; c < 3; ++c) {
      const double difference = a.values()[3 * i + c] - b.values()[3 * i + c];
      sum += difference * difference;
      ++count;
    }
  }
  return -10 * std::log10(sum / static_cast<double>(count) + 1e-12);
}

}  // namespace

TEST_CASE("a planted scene is placed exactly, ranked first, and completes the picture") {
  const auto [query, found] = planted_query();
  const auto pipeline = context_match({.band = 30}) | seam({.band = 30}) | rank(5) | poisson_blend;
  const std::vector<completion> results = pipeline({query, found});
  REQUIRE(results.size() == 5);
  CHECK(results[0].source == planted);
  CHECK(results[0].name == "photo 3");
  CHECK(results[0].scale == 1.0);
  CHECK(results[0].at == translation{-12, -20});
  CHECK(results[0].terms.context == Approx(0).margin(0.01));
  CHECK(results[0].terms.texture == Approx(0).margin(1e-6));
  CHECK(results[0].terms.scene == Approx(1.3));
  CHECK(psnr_in_hole(results[0].picture, query.picture, query.hole) >= 40);
  for (const completion& result : results) {
    CHECK(result.flow == result.cut);
    CHECK(result.terms.seam == Approx(result.seam_unary + result.seam_pairwise));
    CHECK(same_extent(result.picture, query.picture));
    CHECK(result.full_from_patch == result.from_patch);
    for (std::size_t i = 0; i < query.hole.values().size(); ++i) {
      if (query.hole.values()[i] != 0) REQUIRE(result.from_patch.values()[i] != 0);
    }
  }
  CHECK(std::is_sorted(results.begin(), results.end(),
                       [](const completion& a, const completion& b) { return a.score < b.score; }));
}

TEST_CASE("a scene enlarged by 1/0.9 is found at scale 0.9") {
  auto [query, found] = planted_query(210, 270);
  auto photos = std::make_shared<scenes::album>(dynamic_cast<const scenes::album&>(*found.source));
  photos->photos[planted] =
      resize(crop(photos->photos[planted], 3, 7, 225, 288), 250, 320, resampling::bicubic);
  found.source = photos;
  const placements placed = context_match({.band = 30})({query, found});
  const auto plant = std::find_if(placed.scenes.begin(), placed.scenes.end(),
                                  [](const placed_scene& scene) { return scene.source == planted; });
  REQUIRE(plant != placed.scenes.end());
  CHECK(plant->scale == 0.9);
  CHECK(plant->at == translation{3 - 12, 7 - 20});
}

TEST_CASE("large photographs are matched small and pasted at full resolution") {
  const auto [query, found] = planted_query(400, 520);
  const auto pipeline =
      context_match({.band = 15, .longest_side = 260}) | seam({.band = 15}) | rank(1) | poisson_blend;
  const completion result = pipeline({query, found}).at(0);
  CHECK(result.source == planted);
  CHECK(result.from_patch.height() == 200);
  CHECK(result.picture.height() == 400);
  CHECK(result.picture.width() == 520);
  // Half a pixel of misplacement at matching resolution is a pixel here, and the photographs are not scaled
  // by exactly one half: smooth agreement is what can be expected.
  CHECK(psnr_in_hole(result.picture, query.picture, query.hole) >= 26);
  for (std::size_t i = 0; i < query.hole.values().size(); ++i) {
    if (query.hole.values()[i] != 0) REQUIRE(result.full_from_patch.values()[i] != 0);
  }
}

TEST_CASE("the hole at matching resolution holds every pixel that misses a part") {
  masked_image full{image<3>(37, 53), mask(37, 53)};
  for (const auto& [y, x] : {std::pair{0, 0}, {36, 52}, {17, 23}, {18, 30}}) full.hole(y, x) = 1;
  const completion_query query(full, 20);
  const int height = query.matching.hole.height(), width = query.matching.hole.width();
  CHECK(width == 20);
  CHECK(height == 14);
  for (int v = 0; v < height; ++v) {
    for (int u = 0; u < width; ++u) {
      bool missing = false;  // exact rational overlap of [v, v+1) / height with [y, y+1) / 37
      for (int y = 0; y < 37; ++y) {
        for (int x = 0; x < 53; ++x) {
          missing =
              missing || (full.hole(y, x) != 0 && v * 37 < (y + 1) * height && y * height < (v + 1) * 37 &&
                          u * 53 < (x + 1) * width && x * width < (u + 1) * 53);
        }
      }
      CHECK((query.matching.hole(v, u) != 0) == missing);
    }
  }
}

TEST_CASE("photographs that cannot be read or placed are dropped; none left is an error") {
  auto [query, found] = planted_query();
  auto photos = std::make_shared<scenes::album>(dynamic_cast<const scenes::album&>(*found.source));
  photos->unreadable = planted;
  photos->photos[5] = byte_image(20, 20);
  found.source = photos;
  std::set<std::int64_t> placed;
  for (const placed_scene& scene : context_match({.largest_enlargement = 1})({query, found}).scenes) {
    placed.insert(scene.source);
  }
  CHECK(placed == std::set<std::int64_t>{0, 1, 2, 4, 6});
  for (byte_image& photo : photos->photos) photo = byte_image(20, 20);
  CHECK_THROWS_AS(context_match({query, found}), value_error);
  found.count = 0;
  CHECK_THROWS_AS(context_match({query, found}), value_error);
}

TEST_CASE("small photographs are enlarged until they cover the band, within the limit") {
  auto [query, found] = planted_query();
  auto photos = std::make_shared<scenes::album>(dynamic_cast<const scenes::album&>(*found.source));
  for (byte_image& photo : photos->photos) photo = resize(photo, 90, 120);
  found.source = photos;
  const placements placed = context_match({.band = 30, .largest_enlargement = 2})({query, found});
  CHECK(placed.scenes.size() == 7);
  for (const placed_scene& scene : placed.scenes) CHECK(scene.scale > 1);
  CHECK_THROWS_AS(context_match({.band = 30, .largest_enlargement = 1})({query, found}), value_error);
}

TEST_CASE("results do not depend on the number of threads") {
  const auto [query, found] = planted_query(120, 150);
  const auto pipeline = context_match({.band = 20}) | seam({.band = 20}) | rank(4) | poisson_blend;
  std::vector<completion> one, three;
  {
    const thread_scope threads(1);
    one = pipeline({query, found});
  }
  {
    const thread_scope threads(3);
    three = pipeline({query, found});
  }
  REQUIRE(one.size() == three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(one[i].source == three[i].source);
    CHECK(one[i].score == three[i].score);
    CHECK(one[i].picture == three[i].picture);
  }
}

TEST_CASE("holes at the border and in the corner are filled") {
  auto [query, found] = planted_query(120, 150);
  for (const mask& hole :
       {scenes::box_hole(120, 150, 0, 0, 50, 60), scenes::box_hole(120, 150, 70, 40, 120, 150),
        scenes::box_hole(120, 150, 40, 0, 80, 150)}) {
    query.hole = hole;
    const auto pipeline = context_match({.band = 20}) | seam({.band = 20}) | rank(1) | poisson_blend;
    const completion result = pipeline({query, found}).at(0);
    CHECK(result.source == planted);
    CHECK(psnr_in_hole(result.picture, query.picture, hole) >= 40);
  }
}

TEST_CASE("a band larger than the picture is the rest of the picture") {
  const auto [query, found] = planted_query(100, 130);
  const completion result =
      (context_match({.band = 500}) | seam | rank(1) | poisson_blend)({query, found}).at(0);
  CHECK(result.source == planted);
  CHECK(result.at == translation{-12, -20});
}

TEST_CASE("the score is the sum of the terms over their medians") {
  composites cut;
  for (int i = 0; i < 5; ++i) {
    composite scene;
    scene.source = 10 - i;
    scene.terms = {1.0 + i, 50.0 - i, 7, i == 4 ? 3.0 : 0.0};
    cut.scenes.push_back(scene);
  }
  // Medians 3, 48, 7; of the seam terms half are zero, so their mean 0.6 counts instead.
  const composites ranked = rank(3)(cut);
  REQUIRE(ranked.scenes.size() == 3);
  CHECK(ranked.scenes[0].source == 10);
  CHECK(ranked.scenes[0].score == Approx(1.0 / 3 + 50.0 / 48 + 1 + 0));
  CHECK(ranked.scenes[1].source == 9);
  const composites all = rank(100, {.scene = 0, .context = 0, .texture = 0})(cut);
  REQUIRE(all.scenes.size() == 5);
  CHECK(all.scenes[4].source == 6);
  CHECK(all.scenes[4].score == Approx(5.0));
  CHECK(all.scenes[0].source == 7);  // ties by id
  CHECK_THROWS_AS(rank(0), value_error);
  CHECK_THROWS_AS(rank(3, {.seam = -1}), value_error);
  CHECK(rank(3)(composites{}).scenes.empty());
}

TEST_CASE("stages refuse options that make no sense") {
  CHECK_THROWS_AS(context_match({.scales = {}}), value_error);
  CHECK_THROWS_AS(context_match({.scales = {0.0}}), value_error);
  CHECK_THROWS_AS(context_match({.largest_enlargement = 0.5}), value_error);
  CHECK_THROWS_AS(context_match({.longest_side = 0}), value_error);
}
