#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>

#include "scratch.hpp"

namespace {

using namespace lookalike;

static_assert(lookalike::index<collection> && lookalike::index<thumbnail_index>);
static_assert(stage<lookup_stage<collection>>);
static_assert(std::is_same_v<lookup_stage<collection>::input, descriptor>);
static_assert(std::is_same_v<lookup_stage<thumbnail_index>::input, masked_image>);

/// A user's index: the numbers 0 to 9 on a line.
struct number_line {
  using query = float;
  using search_options = lookalike::search_options;
  using result = matches;
  matches search(const float& x, const search_options& options) const {
    std::vector<std::pair<float, std::int64_t>> all;
    const detail::admission admitted(options);
    for (std::int64_t i = 0; i < 10; ++i) {
      if (admitted(i)) all.emplace_back(std::abs(x - static_cast<float>(i)), i);
    }
    return detail::nearest_of(std::move(all), options.k);
  }
};

}  // namespace

TEST_CASE("a look-up finds in any index, with its options, as a stage behind any encoder") {
  const auto find = as_stage([](int x) { return static_cast<float>(x) + 0.4f; }) |
                    lookup(number_line{}, 3, {.leave_out = {5}});
  CHECK(find(5).ids == std::vector<std::int64_t>{6, 4, 7});
  CHECK_THROWS_AS(lookup(number_line{}, 0), value_error);
}

TEST_CASE("skip hands the query on beside its matches, and the matches know their photographs") {
  const test::scratch_folder scratch;
  for (int i = 0; i < 6; ++i) test::write_waves(scratch.path, sentence(i, ".png"), i);
  matches found;
  masked_image query;
  {
    const auto photos = collection::build(scratch.path);
    const auto pipeline = skip(scene_descriptor | lookup(photos, 4));
    std::tie(query, found) = pipeline({test::waves(2), mask(48, 64)});
  }
  // Pipeline and collection are gone; the matches still read.
  CHECK(query.picture == test::waves(2));
  REQUIRE(found.count == 4);
  CHECK(found.source->photo_name(found.ids[0]) == (scratch.path / "2.png").string());
  CHECK(found.source->read_photo(found.ids[0]) == to_bytes(test::waves(2)));
}

TEST_CASE("a collection is looked up by gist alone when it was built with gist") {
  const test::scratch_folder scratch;
  for (int i = 0; i < 5; ++i) test::write_waves(scratch.path, sentence(i, ".png"), i);
  const auto photos = collection::build(scratch.path, {.encoder = gist({.side = 64})});
  const auto find = gist({.side = 64}) | lookup(photos, 1);
  CHECK(photos.path(find(test::waves(4)).ids[0]).filename() == "4.png");
  CHECK_THROWS_AS(photos.search(gist(test::waves(4))), value_error);  // a side of 128
}
