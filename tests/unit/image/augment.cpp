#include <cmath>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/augment.hpp>
#include <lookalike/image/mask.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

image<1, int> numbered(int height, int width) {
  image<1, int> picture(height, width);
  for (std::size_t i = 0; i < picture.values().size(); ++i) picture.values()[i] = static_cast<int>(i) + 1;
  return picture;
}

image<1, int> of_rows(const std::vector<std::vector<int>>& rows) {
  image<1, int> picture(static_cast<int>(rows.size()), static_cast<int>(rows.front().size()));
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x)
      picture(y, x) = rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)];
  return picture;
}

}  // namespace

TEST_CASE("mirroring and turning, by hand") {
  const image<1, int> picture = of_rows({{1, 2, 3}, {4, 5, 6}});
  CHECK(flip_horizontally(picture) == of_rows({{3, 2, 1}, {6, 5, 4}}));
  CHECK(flip_vertically(picture) == of_rows({{4, 5, 6}, {1, 2, 3}}));
  CHECK(rotate_quarters(picture, 0) == picture);
  CHECK(rotate_quarters(picture, 1) == of_rows({{3, 6}, {2, 5}, {1, 4}}));
  CHECK(rotate_quarters(picture, 2) == of_rows({{6, 5, 4}, {3, 2, 1}}));
  CHECK(rotate_quarters(picture, 3) == of_rows({{4, 1}, {5, 2}, {6, 3}}));
  CHECK(rotate_quarters(picture, -1) == rotate_quarters(picture, 3));
  CHECK(rotate_quarters(picture, 9) == rotate_quarters(picture, 1));
  CHECK(with_symmetry(picture, {.flipped = true, .quarter_turns = 1}) == of_rows({{1, 4}, {2, 5}, {3, 6}}));
}

TEST_CASE("channels stay together") {
  const image<3> picture = scratch::random_picture(5, 7, 1);
  const image<3> turned = rotate_quarters(picture, 1);
  const image<3> flipped = flip_horizontally(picture);
  for (int c = 0; c < 3; ++c) {
    CHECK(turned(0, 4, c) == picture(4, 6, c));
    CHECK(flipped(2, 1, c) == picture(2, 5, c));
    CHECK(flip_vertically(picture)(1, 6, c) == picture(3, 6, c));
    CHECK(padded_crop(picture, {-2, 1, 4, 4}, border::mirror)(0, 3, c) == picture(2, 4, c));
  }
}

TEST_CASE("four quarter turns and two mirrorings lead back") {
  const image<3> picture = scratch::random_picture(9, 6, 2);
  CHECK(rotate_quarters(rotate_quarters(rotate_quarters(rotate_quarters(picture, 1), 1), 1), 1) == picture);
  CHECK(rotate_quarters(rotate_quarters(picture, 3), 1) == picture);
  CHECK(flip_horizontally(flip_horizontally(picture)) == picture);
  CHECK(rotate_quarters(picture, 2) == flip_vertically(flip_horizontally(picture)));
}

TEST_CASE("the eight symmetries of the square are different and equally likely") {
  random_sequence random(1);
  const image<1, int> picture = numbered(3, 3);
  std::map<std::vector<int>, int> counts;
  constexpr int draws = 8000;
  for (int i = 0; i < draws; ++i) {
    const image<1, int> laid = with_symmetry(picture, draw_square_symmetry(random));
    ++counts[{laid.values().begin(), laid.values().end()}];
  }
  REQUIRE(counts.size() == 8);
  for (const auto& [values, count] : counts) CHECK(count == Approx(draws / 8.0).margin(150));  // 5 sigma
}

TEST_CASE("crops see beyond the border what the border says") {
  const image<1, int> picture = of_rows({{1, 2, 3}, {4, 5, 6}});
  CHECK(padded_crop(picture, {-1, -2, 3, 4}) == of_rows({{0, 0, 0, 0}, {0, 0, 1, 2}, {0, 0, 4, 5}}));
  CHECK(padded_crop(picture, {0, 1, 1, 4}, border::mirror) == of_rows({{2, 3, 2, 1}}));
  CHECK(padded_crop(picture, {0, 1, 1, 4}, border::reflect) == of_rows({{2, 3, 3, 2}}));
  CHECK(padded_crop(picture, {0, 1, 1, 4}, border::replicate) == of_rows({{2, 3, 3, 3}}));
  CHECK(padded_crop(picture, {0, 1, 2, 2}) == crop(picture, 0, 1, 2, 2));
  CHECK(pad(picture, 1) == of_rows({{0, 0, 0, 0, 0}, {0, 1, 2, 3, 0}, {0, 4, 5, 6, 0}, {0, 0, 0, 0, 0}}));
  CHECK(pad(picture, 0) == picture);
}

TEST_CASE("random crops are parts of the padded picture, all equally likely") {
  random_sequence random(2);
  std::map<std::pair<int, int>, int> counts;
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    const box place = draw_crop({5, 7}, {4, 6}, random, {.padding = 1});
    CHECK(place.height == 4);
    CHECK(place.width == 6);
    ++counts[{place.y, place.x}];
  }
  REQUIRE(counts.size() == 16);  // rows and columns from -1 to 2
  for (const auto& [place, count] : counts) {
    CHECK(place.first >= -1);
    CHECK(place.second >= -1);
    CHECK(count == Approx(draws / 16.0).margin(175));
  }

  // A picture and its labels, cut alike.
  const image<3> picture = scratch::random_picture(20, 30, 3);
  const mask labels = scratch::random_mask(20, 30, 0.5, 4);
  random_sequence once(5);
  random_sequence again(5);
  const random_crop_options options{.padding = 6, .beyond = border::reflect};
  const box place = draw_crop(size_of(labels), {16, 16}, again, options);
  CHECK(random_crop(picture, {16, 16}, once, options) == padded_crop(picture, place, border::reflect));
  CHECK(once == again);
  CHECK(random_crop(picture, {20, 30}, once) == picture);
}

TEST_CASE("mirrorings and turns come as often as asked") {
  random_sequence random(6);
  const image<1, int> picture = numbered(2, 2);
  int across = 0, down = 0;
  std::map<int, int> turns;
  constexpr int draws = 4000;
  for (int i = 0; i < draws; ++i) {
    across += random_horizontal_flip(picture, random)(0, 0) == 2 ? 1 : 0;
    down += random_vertical_flip(picture, random, 0.25)(0, 0) == 3 ? 1 : 0;
    ++turns[random_quarter_turn(picture, random)(0, 0)];
  }
  CHECK(across == Approx(2000).margin(160));
  CHECK(down == Approx(1000).margin(140));
  REQUIRE(turns.size() == 4);
  for (const auto& [corner, count] : turns) CHECK(count == Approx(1000).margin(140));
  CHECK(random_horizontal_flip(picture, random, 1) == flip_horizontally(picture));
  CHECK(random_vertical_flip(picture, random, 0) == picture);
}

TEST_CASE("resized crops have areas and aspect ratios spread as asked, within the picture") {
  random_sequence random(7);
  constexpr int draws = 4000;
  double area_sum = 0, log_aspect_sum = 0, least_area = 1, most_area = 0;
  for (int i = 0; i < draws; ++i) {
    const box place = draw_resized_crop({400, 400}, random, {.least_area = 0.2, .most_area = 0.5});
    REQUIRE(place.y >= 0);
    REQUIRE(place.x >= 0);
    REQUIRE(place.y + place.height <= 400);
    REQUIRE(place.x + place.width <= 400);
    const double area = static_cast<double>(place.height) * place.width / 160000;
    const double aspect = static_cast<double>(place.width) / place.height;
    REQUIRE(area > 0.195);
    REQUIRE(area < 0.505);
    REQUIRE(aspect > 0.74);
    REQUIRE(aspect < 1.35);
    area_sum += area;
    log_aspect_sum += std::log(aspect);
    least_area = std::min(least_area, area);
    most_area = std::max(most_area, area);
  }
  CHECK(area_sum / draws == Approx(0.35).margin(0.008));
  CHECK(log_aspect_sum / draws == Approx(0).margin(0.015));
  CHECK(least_area < 0.21);
  CHECK(most_area > 0.49);
}

TEST_CASE("where no such crop fits, the middle is taken") {
  random_sequence random(8);
  const resized_crop_options whole{.least_area = 1, .most_area = 1};
  CHECK(draw_resized_crop({10, 100}, random, whole) == box{0, 43, 10, 13});
  CHECK(draw_resized_crop({100, 10}, random, whole) == box{43, 0, 13, 10});
  CHECK(draw_resized_crop({1, 1}, random) == box{0, 0, 1, 1});
  CHECK(size_of(random_resized_crop(scratch::random_picture(40, 50, 9), {7, 9}, random)) == image_size{7, 9});
  CHECK(size_of(random_resized_crop(byte_image(3, 5), {8, 8}, random)) == image_size{8, 8});

  random_sequence again(9);
  random_sequence same(9);
  const image<3> picture = scratch::random_picture(40, 50, 10);
  CHECK(random_resized_crop(picture, {16, 16}, again) ==
        resize(crop(picture, draw_resized_crop({40, 50}, same)), 16, 16));
}

TEST_CASE("what cannot be cut is a value error") {
  random_sequence random;
  const image<1> picture(5, 6);
  CHECK_THROWS_AS(random_crop(picture, {6, 6}, random), value_error);
  CHECK_THROWS_AS(random_crop(picture, {5, 9}, random, {.padding = 1}), value_error);
  CHECK_THROWS_AS(random_crop(picture, {-1, 2}, random), value_error);
  CHECK_THROWS_AS(random_crop(picture, {2, 2}, random, {.padding = -1}), value_error);
  CHECK_THROWS_AS(pad(picture, -1), value_error);
  CHECK_THROWS_AS(padded_crop(image<1>(), {0, 0, 1, 1}), value_error);
  CHECK_THROWS_AS(random_horizontal_flip(picture, random, 1.5), value_error);
  CHECK_THROWS_AS(random_vertical_flip(picture, random, -0.5), value_error);
  CHECK_THROWS_AS(draw_resized_crop({0, 4}, random), value_error);
  CHECK_THROWS_AS(draw_resized_crop({4, 4}, random, {.least_area = 0}), value_error);
  CHECK_THROWS_AS(draw_resized_crop({4, 4}, random, {.most_area = 1.5}), value_error);
  CHECK_THROWS_AS(draw_resized_crop({4, 4}, random, {.least_aspect = 2, .most_aspect = 1}), value_error);
}
