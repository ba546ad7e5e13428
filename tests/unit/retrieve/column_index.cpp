#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/float16.hpp>
#include <lookalike/retrieve/column_index.hpp>

#include "scratch.hpp"
#include "store_of_items.hpp"

namespace {

using namespace lookalike;
using test::add_made_up;
using test::code_length;
using test::made_up_items;
using test::message_of;
using test::scratch_folder;

std::vector<float> code_of(std::int64_t id, std::int64_t label) {
  std::vector<float> code;
  for (std::int64_t d = 0; d < code_length; ++d) code.push_back(made_up_items::code(id, label, d));
  return code;
}

/// Ids and squared distances of all live items, nearest first, in double precision.
std::vector<std::pair<double, std::int64_t>> all_by_distance(const collection& store,
                                                             const std::vector<float>& q) {
  std::vector<std::pair<double, std::int64_t>> all;
  for (std::int64_t i = 0; i < store.size(); ++i) {
    const std::int64_t id = store.id(i);
    const std::vector<float> code = code_of(id, store.label(id));
    double sum = 0;
    for (std::size_t d = 0; d < code.size(); ++d) {
      sum += (static_cast<double>(q[d]) - static_cast<double>(code[d])) *
             (static_cast<double>(q[d]) - static_cast<double>(code[d]));
    }
    all.emplace_back(sum, id);
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("a search of a column finds what a loop over live items finds, replaced ones as they are now") {
  const scratch_folder scratch;
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < 300; ++i) ids.push_back((i * 7919) % 1009);
  auto store = add_made_up(collection::create(scratch.path / "s"), ids, 1);
  const column_index before(store, "code");
  store = store.remove(std::vector<std::int64_t>(ids.begin() + 5, ids.begin() + 60));
  store = store.replace(made_up_items({ids[100], ids[200], ids[299]}, {2, 2, 2}).items);
  for (const auto& shown : {store, store.compact()}) {
    const column_index index(shown, "code");
    for (std::int64_t q = 0; q < 20; ++q) {
      const std::vector<float> sought = code_of(10'000 + q, 3);
      const auto expected = all_by_distance(shown, sought);
      const matches found = index.search(sought, {.k = 250});
      CHECK(found.certified);
      REQUIRE(found.count == shown.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        REQUIRE(found.ids[i] == expected[i].second);
        REQUIRE(static_cast<double>(found.distances[i]) == Approx(expected[i].first).epsilon(1e-5));
      }
    }
    CHECK(index.search(code_of(ids[100], 2), {.k = 1}).ids[0] == ids[100]);
    CHECK(index.search(code_of(ids[100], 2), {.k = 1}).distances[0] == 0.0f);
    CHECK(index.search(code_of(ids[10], 1), {.k = 1}).ids[0] != ids[10]);
    const matches one = index.search(code_of(ids[100], 2), {.k = 2, .only = std::vector{ids[0], ids[10]}});
    CHECK(one.count == 1);
    CHECK(one.ids[0] == ids[0]);
  }
  CHECK(before.search(code_of(ids[10], 1), {.k = 1}).ids[0] == ids[10]);
}

TEST_CASE("columns of halves and bytes are searched by vectors of their own type, by any metric") {
  const scratch_folder scratch;
  const std::vector<std::uint16_t> halves{0x3c00, 0x0000, 0x4000, 0xbc00, 0x4200, 0x3c00};  // 1 0, 2 -1, 3 1
  const std::vector<std::uint8_t> bytes{1, 2, 3, 200, 100, 0, 2, 4, 6};
  const auto store = collection::create(scratch.path / "s")
                         .add({.ids = {7, 5, 6}, .columns = {{"half", {halves, 2}}, {"byte", {bytes, 3}}}});
  const column_index half(store, "half", metric::inner_product);
  const neighbors products = half.search(vector_view(halves.data(), element::float16, 1, 2), {.k = 3});
  CHECK(products.ids == std::vector<std::int64_t>{6, 5, 7});
  CHECK(products.distances == std::vector<float>{-3, -2, -1});
  const column_index byte(store, "byte", metric::correlation);
  const neighbors correlations = byte.search(vector_view(bytes.data(), 1, 3), {.k = 2});
  CHECK(correlations.ids == std::vector<std::int64_t>{6, 7});  // both are 0 away: by id
  CHECK(message_of<value_error>([&] {
          byte.search(feature_vector({1, 2, 3}));
        }).find("given vectors of float32 x 3, wanted uint8 x 3, as the column 'byte' has") !=
        std::string::npos);
  CHECK(message_of<value_error>([&] {
          half.search(feature_vector({1, 2, 3}));
        }).find("wanted 2") != std::string::npos);
  CHECK(message_of<value_error>([&] { column_index(store, "none"); }).find("wanted one of 'byte', 'half'") !=
        std::string::npos);
}
