#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/apps/colorize.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/models/color_metrics.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/on_gray.hpp>

namespace {

using namespace lookalike;

static_assert(decoder<average_color_stage> && decoder<vote_color_stage>);
static_assert(decoder<global_transfer_stage> && decoder<welsh_stage>);

/// Smooth blobs of color, another picture for each number.
image<3> blobs(int number, int height = 32, int width = 32) {
  image<3> picture(height, width);
  random_sequence random(77, static_cast<std::uint64_t>(number));
  double f[9];
  for (double& value : f) value = random.uniform(1, 6);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = static_cast<double>(x) / width, v = static_cast<double>(y) / height;
      for (int c = 0; c < 3; ++c) {
        const double wave = std::sin(f[c] * u + f[c + 3] * v + f[c + 6] + number) * std::cos(f[2 - c] * v);
        picture(y, x, c) = static_cast<float>(0.5 + 0.45 * wave);
      }
    }
  }
  return picture;
}

photo_array blob_array(int count) {
  std::vector<std::uint8_t> values;
  for (int i = 0; i < count; ++i) {
    const byte_image picture = to_bytes(blobs(i));
    values.insert(values.end(), picture.values().begin(), picture.values().end());
  }
  return photo_array(std::move(values), 32, 32);
}

/// Pictures of one lightness each, all of one color each.
struct plain_pictures : photo_source {
  std::vector<std::array<float, 3>> lab;
  byte_image read_photo(std::int64_t id) const override {
    const auto rgb = lab_to_rgb(lab[static_cast<std::size_t>(id)]);
    image<3> picture(32, 32);
    for (std::size_t i = 0; i < picture.values().size(); ++i) picture.values()[i] = rgb[i % 3];
    return to_bytes(picture);
  }
  std::string photo_name(std::int64_t id) const override { return std::to_string(id); }
};

matches all_of(std::shared_ptr<const plain_pictures> source) {
  matches found;
  found.count = static_cast<int>(source->lab.size());
  for (int i = 0; i < found.count; ++i) {
    found.ids.push_back(i);
    found.distances.push_back(0.5f);
  }
  found.source = std::move(source);
  return found;
}

const std::vector<color_decoder>& all_decoders() {
  static const std::vector<color_decoder> decoders{
      average_color(),
      average_color({.average = color_average::median}),
      average_color({.average = color_average::soft}),
      vote_color(),
      vote_color({.mode_radius = std::numeric_limits<double>::infinity(), .soft_temperature = 0.2}),
      global_transfer(),
      welsh(),
      welsh({.examples = 3})};
  return decoders;
}

}  // namespace

TEST_CASE("lightness is the query's, bit for bit, whatever the decoder") {
  const gray_index known(blob_array(30));
  const std::vector<image<3>> queries{blobs(100, 45, 61), gray_picture(lightness(blobs(101))),
                                      image<3>(7, 5, 0.25f), image<3>(1, 1, 1.0f)};
  for (const image<3>& query : queries) {
    const image<1> light = lightness(query);
    for (const color_decoder& decoder : all_decoders()) {
      const colorization result = colorize(query, known, {.k = 8, .decoder = decoder});
      INFO(decoder.index());
      CHECK(lightness_of_lab(result.lab) == light);
      CHECK(same_extent(result.picture, query));
      const image<1> shown = lightness(result.picture);
      const image<1> rounded = lightness(to_float(to_bytes(result.picture)));
      for (std::size_t i = 0; i < light.values().size(); ++i) {
        REQUIRE(shown.values()[i] == Approx(light.values()[i]).margin(0.05));
        REQUIRE(rounded.values()[i] == Approx(light.values()[i]).margin(0.3));
      }
    }
  }
}

TEST_CASE("colors of a query do not matter, only its lightness") {
  const gray_index known(blob_array(30));
  const image<3> colored = blobs(100), gray = gray_picture(lightness(colored));
  for (const color_decoder& decoder : all_decoders()) {
    const colorization a = colorize(colored, known, {.k = 5, .decoder = decoder});
    const colorization b = colorize(gray, known, {.k = 5, .decoder = decoder});
    CHECK(a.neighbors.ids == b.neighbors.ids);
    CHECK(chroma_error(a.lab, b.lab) < (decoder.index() == 3 ? 3.0 : 0.05));  // Welsh's choices are discrete
  }
}

TEST_CASE("a query that is in the collection gets its own colors back from its nearest neighbor") {
  const photo_array photos = blob_array(40);
  const gray_index known(photos);
  for (const std::int64_t id : {0, 17, 39}) {
    const image<3> truth = to_float(photos.read_photo(id));
    for (const auto average : {color_average::mean, color_average::median, color_average::soft}) {
      const colorization result =
          colorize(truth, known, {.k = 1, .decoder = average_color({.average = average})});
      CHECK(result.neighbors.ids == std::vector<std::int64_t>{id});
      CHECK(result.lab == rgb_to_lab(truth));  // error 0, in every bit
      CHECK(to_bytes(result.picture) == photos.read_photo(id));
      CHECK(result.saturation_ratio == Approx(1));
    }
    // Bins are 10 wide, and encoding and decoding are one another's inverse up to 0.35 and the temperature.
    const colorization voted =
        colorize(truth, known,
                 {.k = 1, .decoder = vote_color({.temperature = 1, .mode_radius = INFINITY, .window = 1})});
    CHECK(chroma_error(voted.lab, rgb_to_lab(truth)) < 0.35);
    // Statistics that are the query's own change nothing.
    const colorization transferred = colorize(truth, known, {.k = 1, .decoder = global_transfer()});
    CHECK(chroma_error(transferred.lab, rgb_to_lab(truth)) < 0.5);
  }
}

TEST_CASE("of two equally likely colors the average is gray and the vote is one of them") {
  auto source = std::make_shared<plain_pictures>();
  source->lab = {{65, 40, -40}, {65, -40, 40}};
  const matches found = all_of(source);
  const image<3> query = gray_picture(image<1>(32, 32, 65.0f));
  const colorization averaged = average_color()({query, found});
  CHECK(mean_chroma(averaged.lab) < 1);
  CHECK(averaged.saturation_ratio < 0.02);
  const colorization voted = vote_color()({query, found});
  CHECK(std::abs(voted.lab(16, 16, 1)) == Approx(40).margin(1));
  CHECK(voted.lab(16, 16, 2) == Approx(-voted.lab(16, 16, 1)).margin(2));
  CHECK(voted.saturation_ratio == Approx(1).margin(0.05));
  // The paper's decoding takes all colors together, and has to be told to choose.
  const auto everywhere = std::numeric_limits<double>::infinity();
  CHECK(mean_chroma(vote_color({.mode_radius = everywhere})({query, found}).lab) < 1);
  const image<3> chosen = vote_color({.temperature = 0, .mode_radius = everywhere})({query, found}).lab;
  CHECK(std::abs(chosen(3, 4, 1)) == 40);
}

TEST_CASE("averages are what they say") {
  auto source = std::make_shared<plain_pictures>();
  source->lab = {{60, 20, 0}, {60, 30, 10}, {60, 70, 20}, {60, 40, -30}};
  matches found = all_of(source);
  found.distances = {0.1f, 0.2f, 0.4f, 0.5f};
  const image<3> query = gray_picture(image<1>(4, 6, 60.0f));
  std::vector<std::array<double, 2>> colors;  // as bytes have them
  for (std::int64_t id = 0; id < 4; ++id) {
    const image<3> lab = rgb_to_lab(to_float(source->read_photo(id)));
    colors.push_back({lab(0, 0, 1), lab(0, 0, 2)});
  }
  const auto expect = [&](const colorization& result, double a, double b) {
    CHECK(result.lab(2, 3, 1) == Approx(a).margin(1e-3));
    CHECK(result.lab(2, 3, 2) == Approx(b).margin(1e-3));
  };
  expect(average_color()({query, found}), (colors[0][0] + colors[1][0] + colors[2][0] + colors[3][0]) / 4,
         (colors[0][1] + colors[1][1] + colors[2][1] + colors[3][1]) / 4);
  expect(average_color({.average = color_average::median})({query, found}), (colors[1][0] + colors[3][0]) / 2,
         (colors[0][1] + colors[1][1]) / 2);
  double a = 0, b = 0, total = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const double weight = std::exp(-(double{found.distances[i]} - 0.1) / (0.5 * 0.3));
    a += weight * colors[i][0];
    b += weight * colors[i][1];
    total += weight;
  }
  expect(average_color({.average = color_average::soft, .temperature = 0.5})({query, found}), a / total,
         b / total);
}

TEST_CASE("votes are decoded as the scores of a network would be") {
  // Against encode_colors and decode_colors of models/color_bins.hpp on whole tensors.
  const photo_array photos = blob_array(12);
  const gray_index known(photos);
  const colorization result = colorize(
      blobs(200), known,
      {.k = 12,
       .decoder = vote_color({.mode_radius = std::numeric_limits<double>::infinity(), .window = 1})});
  tensor<double> ab(12, 2, 32, 32);
  for (std::int64_t n = 0; n < 12; ++n) {
    const image<3> lab = rgb_to_lab(to_float(photos.read_photo(result.used[static_cast<std::size_t>(n)])));
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        for (int c = 0; c < 2; ++c) ab(n, c, y, x) = lab(y, x, c + 1);
  }
  const tensor<double> encoded = encode_colors<double>(ab);
  tensor<double> scores(1, color_bin_count, 32, 32);
  for (std::int64_t q = 0; q < color_bin_count; ++q)
    for (std::int64_t y = 0; y < 32; ++y)
      for (std::int64_t x = 0; x < 32; ++x) {
        for (std::int64_t n = 0; n < 12; ++n) scores(0, q, y, x) += encoded(n, q, y, x);
        scores(0, q, y, x) = std::log(scores(0, q, y, x));
      }
  const tensor<double> decoded = decode_colors<double>(scores, 0.38);
  image<3> expected = result.lab;
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x)
      for (int c = 0; c < 2; ++c) expected(y, x, c + 1) = static_cast<float>(decoded(0, c, y, x));
  CHECK(chroma_error(result.lab, limit_chroma(expected)) < 1e-3);
}

TEST_CASE("global transfer has the chroma of the neighbors where an average has less") {
  const gray_index known(blob_array(60));
  const image<3> query = blobs(300);
  const double averaged = colorize(query, known, {.k = 40}).saturation_ratio;
  const double transferred = colorize(query, known, {.k = 40, .decoder = global_transfer()}).saturation_ratio;
  CHECK(averaged < 0.6);
  CHECK(transferred > averaged + 0.2);
}

TEST_CASE("gray neighbors leave a query gray") {
  auto source = std::make_shared<plain_pictures>();
  source->lab = {{20, 0, 0}, {80, 0, 0}};
  for (const color_decoder& decoder : all_decoders()) {
    const colorization result = detail::decode(decoder, blobs(1), all_of(source));
    CHECK(mean_chroma(result.lab) < 0.6);
    CHECK(std::isnan(result.saturation_ratio));
  }
}

TEST_CASE("stages compose, and others can take their places") {
  const gray_index known(blob_array(20), on_gray(gist({.side = 64})));
  const auto pipeline = skip(on_gray(gist({.side = 64})) | lookup(known, 4)) | vote_color();
  const image<3> query = blobs(400, 40, 50);
  const colorization piped = pipeline(query);
  const colorization called = colorize(query, known, {.k = 4, .decoder = vote_color()});
  CHECK(piped.lab == called.lab);
  CHECK(piped.neighbors.ids == called.neighbors.ids);
  CHECK(colorization_by_lookup(on_gray(gist({.side = 64})), known, 4, vote_color())(query).lab == piped.lab);
}

TEST_CASE("alternatives take their colors from one neighbor each") {
  const gray_index known(blob_array(20));
  const image<3> query = blobs(500);
  const colorization all = colorize(query, known, {.k = 5});
  const std::vector<colorization> some = colorize_alternatives(query, known, 5);
  REQUIRE(some.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(some[i].used == std::vector<std::int64_t>{all.neighbors.ids[i]});
    CHECK(lightness_of_lab(some[i].lab) == lightness(query));
  }
  CHECK(chroma_error(some[0].lab, some[1].lab) > 1);
  CHECK(colorize_alternatives(query, known, 100).size() == 20);
}

TEST_CASE("what is left out is not used") {
  const photo_array photos = blob_array(20);
  const gray_index known(photos);
  const image<3> query = to_float(photos.read_photo(3));
  CHECK(colorize(query, known, {.k = 1}).used.front() == 3);
  CHECK(colorize(query, known, {.k = 1, .leave_out = {3}}).used.front() != 3);
  CHECK(colorize(query, known, {.k = 1, .near_duplicates = 0.99f}).used.front() != 3);
  CHECK(colorize(query, known, {.k = 30}).neighbors.count == 20);
}

TEST_CASE("what cannot be read is passed over") {
  struct half_readable : photo_source {
    photo_array photos = blob_array(6);
    byte_image read_photo(std::int64_t id) const override {
      require<file_error>(id % 2 == 1, "gone");
      return photos.read_photo(id);
    }
    std::string photo_name(std::int64_t id) const override { return std::to_string(id); }
  };
  matches found;
  found.ids = {0, 1, 2, 3, -1};
  found.distances = {1, 2, 3, 4, INFINITY};
  found.count = 4;
  found.source = std::make_shared<half_readable>();
  const image<3> query = blobs(9);
  CHECK(average_color()({query, found}).used == std::vector<std::int64_t>{1, 3});
  CHECK(welsh()({query, found}).used == std::vector<std::int64_t>{1});
  found.count = 1;
  CHECK_THROWS_AS(average_color()({query, found}), value_error);
  CHECK_THROWS_AS(welsh()({query, found}), value_error);
}

TEST_CASE("results do not depend on threads") {
  const gray_index known(blob_array(20));
  const image<3> query = blobs(600, 70, 90);
  for (const color_decoder& decoder : all_decoders()) {
    const colorization once = colorize(query, known, {.k = 9, .decoder = decoder});
    set_threads(3);
    CHECK(colorize(query, known, {.k = 9, .decoder = decoder}).lab == once.lab);
    set_threads(0);
  }
}

TEST_CASE("colorization refuses bad input") {
  const gray_index known(blob_array(5));
  const image<3> good(8, 8, 0.5f);
  image<3> bad = good;
  bad(2, 2, 1) = NAN;
  CHECK_THROWS_AS(colorize(image<3>(), known), value_error);
  CHECK_THROWS_AS(colorize(bad, known), value_error);
  CHECK_THROWS_AS(colorize(image<3>(4, 4, 1.5f), known), value_error);
  CHECK_THROWS_AS(colorize(good, known, {.k = 0}), value_error);
  CHECK_THROWS_AS(colorize(good, known, {.leave_out = {0, 1, 2, 3, 4}}), value_error);
  CHECK_THROWS_AS(colorize(good, known, {.near_duplicates = -2}), value_error);
  CHECK_THROWS_AS(colorize_alternatives(good, known, 0), value_error);
  for (const color_decoder& decoder : all_decoders()) {
    CHECK_THROWS_AS(detail::decode(decoder, good, matches{}), value_error);
    matches without_source{{0}, {0}, 1, true, nullptr};
    CHECK_THROWS_AS(detail::decode(decoder, good, without_source), value_error);
    CHECK_THROWS_AS(detail::decode(decoder, bad, known.search(gray_thumbnail(good))), value_error);
    CHECK_THROWS_AS(detail::decode(decoder, image<3>(), known.search(gray_thumbnail(good))), value_error);
  }
  CHECK_THROWS_AS(average_color({.temperature = 0}), value_error);
  CHECK_THROWS_AS(average_color({.side = 0}), value_error);
  CHECK_THROWS_AS(vote_color({.temperature = -1}), value_error);
  CHECK_THROWS_AS(vote_color({.mode_radius = NAN}), value_error);
  CHECK_THROWS_AS(vote_color({.window = 2}), value_error);
  CHECK_THROWS_AS(vote_color({.encoding = {.neighbors = 0}}), value_error);
  CHECK_THROWS_AS(global_transfer({.average = {.side = -1}}), value_error);
  CHECK_THROWS_AS(welsh({.examples = 0}), value_error);
  CHECK_THROWS_AS(welsh({.transfer = {.window = 2}}), value_error);
  CHECK_THROWS_AS(welsh({.examples = 2, .swatches = {{{0, 0, 1, 1}, {0, 0, 1, 1}}}}), value_error);
}
