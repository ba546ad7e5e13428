#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

// Before nn/, whose detail::value_name hides that of stage/.
// clang-format off
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>
// clang-format on

#include <lookalike/models/autoencoder.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/trainer.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/learned_descriptor.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/retrieve/vote.hpp>

#include "random_rows.hpp"
#include "scratch.hpp"

namespace {

using namespace lookalike;
using test::random_pictures;

static_assert(encoder<learned_descriptor>);
static_assert(describes_pictures<learned_descriptor>);
static_assert(stage<learned_batch_stage>);
static_assert(std::is_same_v<learned_descriptor::output, gist_stage::output>);

constexpr architecture small_network() {
  return input(3, {.height = 8, .width = 8}) | conv(4, {.stride = 2}) | relu() |
         named("code", conv(2, {.kernel = 1})) | conv(1) | expose("code");
}
struct small_definition {
  static constexpr architecture define() { return small_network(); }
};

image<3> picture_of(const tensor<std::uint8_t>& pictures, std::int64_t n) {
  image<3> picture(8, 8);
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x)
      for (int c = 0; c < 3; ++c) picture(y, x, c) = static_cast<float>(pictures(n, c, y, x)) / 255.0f;
  return picture;
}

}  // namespace

TEST_CASE("a network's part is a descriptor: the numbers of a pass by hand, in NCHW order") {
  const dynamic_model<float> net(small_network());
  normalization norm = uniform_normalization(3, 100, 0.02f);
  norm.mean(0, 1) = 120;
  const tensor<std::uint8_t> pictures = random_pictures(3, 8, 1);
  tensor<float> x(3, 3, 8, 8);
  for (std::int64_t i = 0; i < x.size(); ++i)
    x.data()[i] = (static_cast<float>(pictures.data()[i]) - (i / 64 % 3 == 1 ? 120.0f : 100.0f)) * 0.02f;
  const auto pass = net.forward(x);
  const tensor<float> code(pass["code"]);

  const auto describe = encode(net, "code", {.normalization = norm});
  CHECK(describe.dimension() == 2 * 4 * 4);
  const tensor<float> rows = describe.on_batches()(pictures);
  CHECK(rows.extents() == std::array<std::int64_t, 4>{3, 32, 1, 1});
  const descriptor one = describe(picture_of(pictures, 1));
  CHECK(one.weights == std::vector<float>{1});
  for (std::int64_t i = 0; i < code.size(); ++i)
    CHECK(rows.data()[i] == Approx(code.data()[i]).epsilon(1e-5).margin(1e-6));
  for (std::size_t i = 0; i < 32; ++i)
    CHECK(one.values[i] == Approx(code.data()[32 + i]).epsilon(1e-5).margin(1e-5));
  CHECK(one.blocks == describe.blocks());

  const auto unit = encode(net, "code", {.normalization = norm, .unit_length = true});
  double squared_length = 0;
  for (const float value : unit(picture_of(pictures, 1)).values)
    squared_length += static_cast<double>(value) * static_cast<double>(value);
  CHECK(squared_length == Approx(1).epsilon(1e-6));
}

TEST_CASE("a network known to the compiler is the same stage") {
  model<small_definition> compiled;
  dynamic_model<float> dynamic_one(small_network());
  const image<3> picture = picture_of(random_pictures(1, 8, 4), 0);
  CHECK(encode(compiled, "code")(picture) == encode(dynamic_one, "code")(picture));
}

TEST_CASE("pictures of another size are squashed to the network's") {
  const dynamic_model<float> net(small_network());
  const auto describe = encode(net);
  image<3> flat(20, 31);
  image<3> small_one(8, 8);
  for (float& value : flat.values()) value = 0.25f;
  for (float& value : small_one.values()) value = 0.25f;
  const std::vector<float> a = describe(flat).values;
  const std::vector<float> b = describe(small_one).values;
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == Approx(b[i]).margin(1e-5));
}

TEST_CASE("the stage keeps the network as it was; descriptors of other weights do not compare") {
  dynamic_model<float> net(small_network());
  const image<3> picture = picture_of(random_pictures(1, 8, 2), 0);
  const auto before = encode(net, "code");
  const descriptor expected = before(picture);
  net.initialize(1);
  CHECK(before(picture) == expected);
  const auto after = encode(net, "code");
  CHECK_FALSE(comparable(after.blocks(), before.blocks()));
  CHECK(comparable(encode(net, "code").blocks(), after.blocks()));
  CHECK_FALSE(comparable(encode(net, "out").blocks(), after.blocks()));
  CHECK_FALSE(comparable(encode(net, "code", {.unit_length = true}).blocks(), after.blocks()));
  CHECK_FALSE(comparable(encode(net, "code", {.normalization = uniform_normalization(3, 1)}).blocks(),
                         after.blocks()));
}

TEST_CASE("descriptors of networks with the same weights and other layers do not compare") {
  const auto with = [](const architecture& middle) {
    return encode(dynamic_model<float>(input(3, {.height = 8, .width = 8}) | conv(4) | middle), "out");
  };
  const auto describe = with(relu());
  CHECK(comparable(with(relu()).blocks(), describe.blocks()));
  CHECK_FALSE(comparable(with(tanh()).blocks(), describe.blocks()));
  CHECK_FALSE(comparable(with(leaky_relu(0.1)).blocks(), describe.blocks()));
}

TEST_CASE("a network stands beside other descriptors in a pipeline") {
  const dynamic_model<float> net(small_network());
  const tensor<std::uint8_t> pictures = random_pictures(30, 8, 7);
  const auto describe = encode(net, "code");
  const vector_index known(describe(pictures.view()));
  const auto find = describe | lookup(known, 3);
  const auto find_all = describe.on_batches() | lookup(known.on_batches(), 3);
  const std::vector<matches> all = find_all(pictures);
  for (std::int64_t i = 0; i < 30; i += 7) {
    CHECK(find(picture_of(pictures, i)).ids == all[static_cast<std::size_t>(i)].ids);
    CHECK(all[static_cast<std::size_t>(i)].ids[0] == i);
  }
  // Joined with gist.
  const auto both =
      branch(gist({.side = 64}), describe) | as_stage([](const std::tuple<descriptor, descriptor>& parts) {
        return join(std::get<0>(parts), std::get<1>(parts));
      });
  const descriptor d = both(picture_of(pictures, 3));
  CHECK(d.blocks.size() == 2);
  CHECK(d.values.size() == 480 + 32);
  CHECK_NOTHROW(require_valid(d, "test"));
}

TEST_CASE("a collection is built with a network, and looked up with it") {
  const test::scratch_folder scratch;
  for (int i = 0; i < 6; ++i) test::write_waves(scratch.path, sentence(i, ".png"), i);
  const dynamic_model<float> net(small_network());
  const auto photos = collection::build(scratch.path, {.encoder = encode(net, "code")});
  const auto find = encode(net, "code") | lookup(photos, 2);
  for (const int i : {0, 3, 5})
    CHECK(photos.path(find(test::waves(i)).ids[0]).filename() == sentence(i, ".png"));
  dynamic_model<float> other(small_network());
  other.initialize(9);
  CHECK_THROWS_AS(photos.search(encode(other, "code")(test::waves(0))), value_error);
}

TEST_CASE("what is learned retrieves better than pixels do") {
  // The class is in the sign of the middle of a picture, under much louder noise.
  constexpr std::int64_t count = 300;
  const auto make = [](std::uint64_t seed) {
    std::pair<tensor<std::uint8_t>, std::vector<int>> data{tensor<std::uint8_t>(count, 3, 8, 8), {}};
    random_sequence random(seed);
    for (std::int64_t n = 0; n < count; ++n) {
      const int label = static_cast<int>(random.integer(2));
      data.second.push_back(label);
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < 8; ++y)
          for (int x = 0; x < 8; ++x) {
            const bool middle = y / 2 % 3 != 0 && x / 2 % 3 != 0;
            const double value =
                middle ? 128 + (label == 1 ? 12 : -12) + 15 * random.normal() : 128 + 80 * random.normal();
            data.first(n, c, y, x) = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
          }
    }
    return data;
  };
  const auto known = make(1);
  const auto asked = make(2);
  const normalization norm = measure_normalization(known.first);
  dynamic_model<float> net(input(3, {.height = 8, .width = 8}) | conv(8, {.stride = 2}) | relu() |
                           named("code", fully_connected(4)) | fully_connected(2) | expose("code"));
  tensor<float> x(count, 3, 8, 8);
  for (std::int64_t n = 0; n < count; ++n)
    write_crop_and_flip(sample_of(known.first.view(), n), {}, norm, sample_of(x.view(), n));
  trainer training(net, optimizer(adam{.learning_rate = 0.01}));
  for (int step = 0; step < 30; ++step)
    training.step(x, [&](tensor_view<const float> y) { return cross_entropy{}(y, known.second); });

  const auto accuracy = [&](const auto& describe) {
    const vector_index index(describe(known.first));
    const auto found = (describe | lookup(index.on_batches(), 9))(asked.first);
    int right = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
      right += vote(found[i], known.second) == asked.second[i] ? 1 : 0;
    return static_cast<double>(right) / count;
  };
  const double pixels = accuracy(as_stage([](const tensor<std::uint8_t>& pictures) {
    tensor<float> rows(pictures.batch(), 3, 8, 8);
    std::copy(pictures.begin(), pictures.end(), rows.begin());
    return rows;
  }));
  const double learned = accuracy(encode(net, "code", {.normalization = norm}).on_batches());
  CAPTURE(pixels, learned);
  CHECK(learned > pixels + 0.15);
  CHECK(learned > 0.85);
}

TEST_CASE("what cannot be encoded is an error") {
  const dynamic_model<float> net(small_network());
  CHECK_THROWS_AS(encode(net, "bode"), value_error);
  CHECK_THROWS_AS(encode(net, "conv0"), value_error);  // not exposed
  CHECK_THROWS_AS(encode(dynamic_model<float>(input(1, {.height = 8, .width = 8}) | conv(2))), value_error);
  const dynamic_model<float> open(input(3) | conv(2));
  CHECK_THROWS_WITH(encode(open),
                    "encode: given a network for pictures of any size, wanted the height and width to use in "
                    "the options");
  CHECK(encode(open, "out", {.height = 4, .width = 6}).dimension() == 48);
  const auto describe = encode(net, "code");
  CHECK_THROWS_AS(describe(image<3>()), value_error);
  image<3> bright(8, 8);
  bright(3, 4, 1) = 1.5f;
  CHECK_THROWS_AS(describe(bright), value_error);
  CHECK_THROWS_WITH(describe(tensor<std::uint8_t>(2, 3, 8, 9).view()),
                    "encode: given pictures of 3 x 8 x 9, wanted 3 x 8 x 8");
  dynamic_model<float> broken(small_network());
  broken.values()[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(encode(broken, "code")(image<3>(8, 8)), value_error);
}
