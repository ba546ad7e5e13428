#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/write.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/detail/described_photograph.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>

#include "scratch.hpp"

namespace {

using namespace lookalike;
namespace fs = std::filesystem;

static_assert(describes_bytes<gist_stage>);
static_assert(describes_bytes<color_grid_stage>);
static_assert(describes_bytes<scene_descriptor_stage>);

/// Takes floats alone, and says how large the pictures are that it is given.
struct measures_extent {
  int side = 1;
  descriptor operator()(const image<3>& picture) const {
    return {blocks(), {static_cast<float>(picture.height()), static_cast<float>(picture.width())}, {1}};
  }
  std::vector<descriptor_block> blocks() const { return {{"measures_extent", 1, 2}}; }
  int sufficient_side() const { return side; }
};
static_assert(describes_pictures<measures_extent> && !describes_bytes<measures_extent>);

double root_mean_square_difference(const byte_image& a, const byte_image& b) {
  REQUIRE(size_of(a) == size_of(b));
  double sum = 0;
  for (std::size_t i = 0; i < a.values().size(); ++i) {
    sum += std::pow(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]), 2);
  }
  return std::sqrt(sum / static_cast<double>(a.values().size()));
}

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, length = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    length += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / length);
}

/// A photograph described by one encoder.
detail::described_photograph describe(const picture_encoder& encoder, detail::byte_view file) {
  const picture_encoder* const encoders[] = {&encoder};
  return detail::describe_photograph(encoders, file, "picture");
}

std::vector<float> extent_seen(int height, int width, int side, picture_format format) {
  const auto file = encode_image(test::waves(3, height, width), format);
  return describe(measures_extent{side}, file).values[0].values;
}

}  // namespace

TEST_CASE("descriptors of bytes are those of the same picture as floats, to the bit") {
  for (const auto& [height, width] : {std::pair{97, 211}, std::pair{128, 128}, std::pair{3, 2}}) {
    const byte_image picture = to_bytes(test::waves(5, height, width));
    const image<3> floats = to_float(picture);
    CHECK(gist(picture) == gist(floats));
    CHECK(gist({.color = true})(picture) == gist({.color = true})(floats));
    CHECK(color_grid(picture) == color_grid(floats));
    CHECK(scene_descriptor(picture) == scene_descriptor(floats));
    CHECK(make_thumbnail(picture) == make_thumbnail(floats));
    const picture_encoder takes_floats = measures_extent{};
    CHECK(takes_floats(picture) == takes_floats(floats));
  }
  CHECK_THROWS_AS(gist(byte_image()), value_error);
  CHECK_THROWS_AS(color_grid(byte_image()), value_error);
}

TEST_CASE("a collection decodes a JPEG at 1/8, 2/8 or 4/8 where that leaves what the encoder profits from") {
  // Height, then width, of what the encoder sees of 512 x 640 pixels.
  using extent = std::vector<float>;
  CHECK(extent_seen(512, 640, 1, picture_format::jpeg) == extent{128, 160});  // the thumbnail wants 96
  CHECK(extent_seen(768, 1024, 96, picture_format::jpeg) == extent{96, 128});
  CHECK(extent_seen(768, 1024, 97, picture_format::jpeg) == extent{192, 256});
  CHECK(extent_seen(512, 640, 129, picture_format::jpeg) == extent{256, 320});
  CHECK(extent_seen(640, 512, 256, picture_format::jpeg) == extent{320, 256});
  CHECK(extent_seen(512, 640, 257, picture_format::jpeg) == extent{512, 640});
  CHECK(extent_seen(40, 3000, 1, picture_format::jpeg) == extent{40, 3000});
  CHECK(extent_seen(512, 640, 1, picture_format::png) == extent{512, 640});
}

TEST_CASE("PNGs of 16 bits are described with all their precision") {
  struct brightest {
    descriptor operator()(const image<3>& picture) const {
      return {blocks(), {*std::max_element(picture.values().begin(), picture.values().end())}, {1}};
    }
    std::vector<descriptor_block> blocks() const { return {{"brightest", 1, 1}}; }
    int sufficient_side() const { return 1; }
  };
  const float fine = 300.0f / 65535.0f;  // between two bytes
  const auto file = encode_image(image<3>(40, 40, fine), picture_format::png, {.bits = 16});
  const auto described = describe(brightest{}, file);
  CHECK(described.values[0].values[0] == Approx(fine).epsilon(1e-5));
  CHECK(described.thumbnail(0, 0, 0) == 1);
}

TEST_CASE("photographs described at a fraction of their size are nearly those described whole") {
  const char* const data = std::getenv("LOOKALIKE_DATA");
  if (data == nullptr) {
    WARN("LOOKALIKE_DATA is not set: no real photographs to describe");
    return;
  }
  double thumbnails = 0, gists = 0, colors = 0;
  int count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(data) / "photos" / "bsds")) {
    if (++count > 24) break;
    // Twice their size, so that there is something to leave out.
    const image<3> photo = read_image(entry.path());
    const auto file = encode_image(resize(photo, 2 * photo.height(), 2 * photo.width(), resampling::bicubic),
                                   picture_format::jpeg, {.quality = 90});
    const byte_image whole = decode_image_bytes(file);
    const auto tiny = describe(thumbnails_only, file);
    thumbnails += root_mean_square_difference(tiny.thumbnail, make_thumbnail(whole));
    const auto both = describe(scene_descriptor, file);
    gists += relative_difference({both.values[0].values.begin(), both.values[0].values.begin() + 480},
                                 gist(whole).values);
    colors += root_mean_square_difference(both.thumbnail, make_thumbnail(whole));
  }
  INFO("thumbnails " << thumbnails / 24 << " gist " << gists / 24 << " thumbnails beside gist "
                     << colors / 24);
  CHECK(thumbnails / 24 < 0.8);  // gray levels
  CHECK(colors / 24 < 0.5);
  CHECK(gists / 24 < 0.01);  // of a descriptor's length
}

TEST_CASE("a photograph that is described at a fraction of its size is turned upright") {
  const image<3> waves = test::waves(7, 771, 1026);  // no multiple of 8
  const std::vector<std::byte> plain = encode_image(waves, picture_format::jpeg, {.quality = 95});
  for (int orientation = 1; orientation <= 8; ++orientation) {
    // Start of image, then an Exif segment whose only entry is the orientation.
    std::vector<std::byte> file(plain.begin(), plain.begin() + 2);
    for (const int byte :
         std::vector<int>{0xFF, 0xE1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M',         0, 42, 0, 0, 0, 8,
                          0,    1,    1, 18, 0,   3,   0,   0,   0, 1, 0,   orientation, 0, 0,  0, 0, 0, 0}) {
      file.push_back(static_cast<std::byte>(byte));
    }
    file.insert(file.end(), plain.begin() + 2, plain.end());
    const image<3> upright = decode_image(file);
    REQUIRE((upright.height() == 771) == (orientation <= 4));
    const auto scaled = describe(color_grid, file);
    INFO("orientation " << orientation);
    CHECK(root_mean_square_difference(scaled.thumbnail, make_thumbnail(upright)) < 1);
    CHECK(relative_difference(scaled.values[0].values, color_grid(upright).values) < 0.02);
  }
}

TEST_CASE("a collection of thumbnails alone is built, opened again, added to, and looked up by them") {
  const test::scratch_folder scratch;
  for (int i = 0; i < 4; ++i) test::write_waves(scratch.path, sentence(i, ".jpg"), i);
  const auto photos = collection::build(scratch.path, {.encoder = thumbnails_only});
  REQUIRE(photos.size() == 4);
  const auto again = collection::open(scratch.path);
  for (std::int64_t i = 0; i < 4; ++i) {
    const image<3> picture = again.read(again.id(i));
    CHECK(again.thumbnail(again.id(i)) == make_thumbnail(picture));
    const masked_image query{picture, mask(picture.height(), picture.width())};
    CHECK(thumbnail_index(again).search(query, {.k = 1}).ids[0] == again.id(i));
  }
  CHECK_THROWS_AS(again.search(scene_descriptor(again.read(again.id(0)))), value_error);
  CHECK_THROWS_AS(again.search(descriptor{}), value_error);
  // It keeps to its encoder, and so do others.
  CHECK_THROWS_AS(collection::build(scratch.path), file_error);
  test::write_waves(scratch.path, "4.jpg", 4);
  CHECK(collection::build(scratch.path, {.encoder = thumbnails_only}).size() == 5);
  const test::scratch_folder other;
  test::write_waves(other.path, "0.jpg", 0);
  collection::build(other.path);
  CHECK_THROWS_AS(collection::build(other.path, {.encoder = thumbnails_only}), file_error);
}

TEST_CASE("a branch of encoders is an encoder: its blocks are joined, and collections keep to all of them") {
  const picture_encoder both = branch(gist({.side = 32}), color_grid);
  const byte_image picture = to_bytes(test::waves(2, 70, 90));
  const descriptor expected = join(gist({.side = 32})(picture), color_grid(picture));
  CHECK(both(picture) == expected);
  CHECK(both(to_float(picture)) == expected);
  CHECK(both.sufficient_side() == 64);

  const test::scratch_folder scratch;
  for (int i = 0; i < 3; ++i) test::write_waves(scratch.path, sentence(i, ".png"), i);
  const auto photos = collection::build(scratch.path, {.encoder = both});
  CHECK(comparable(photos.blocks(), expected.blocks));
  const auto find = both | lookup(photos, 1);
  for (int i = 0; i < 3; ++i) {
    CHECK(photos.path(find(to_float(to_bytes(test::waves(i)))).ids[0]).filename() == sentence(i, ".png"));
  }
  CHECK_THROWS_AS(collection::build(scratch.path, {.encoder = branch(color_grid, gist({.side = 32}))}),
                  file_error);
  CHECK_THROWS_AS(collection::build(scratch.path, {.encoder = gist({.side = 32})}), file_error);
}

TEST_CASE("an encoder that yields nothing, or not what it announces, is refused") {
  struct announces {
    std::vector<descriptor_block> announced, yielded;
    descriptor operator()(const image<3>&) const {
      return {yielded, std::vector<float>(value_count(yielded)),
              std::vector<float>(cell_count(yielded), 1.0f)};
    }
    std::vector<descriptor_block> blocks() const { return announced; }
    int sufficient_side() const { return 1; }
  };
  CHECK_THROWS_AS(picture_encoder(announces{{}, {}}), value_error);
  const std::vector<descriptor_block> two{{"two", 1, 2}}, three{{"three", 1, 3}};
  CHECK_NOTHROW(picture_encoder(announces{two, two})(image<3>(2, 2)));
  CHECK_THROWS_AS(picture_encoder(announces{two, three})(image<3>(2, 2)), value_error);
  CHECK_THROWS_AS(picture_encoder(announces{two, three})(byte_image(2, 2)), value_error);
  CHECK_THROWS_AS(picture_encoder(announces{two, {}})(image<3>(2, 2)), value_error);
}
