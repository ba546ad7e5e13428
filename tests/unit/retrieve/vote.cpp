#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/vote.hpp>

using namespace lookalike;

namespace {

matches with_ids(std::vector<std::int64_t> ids) {
  matches found;
  found.count = static_cast<int>(ids.size());
  found.ids = std::move(ids);
  found.ids.push_back(-1);  // k was larger
  found.distances.assign(found.ids.size(), 0);
  return found;
}

}  // namespace

TEST_CASE("the label of most matches wins, and of several the nearest one's") {
  const std::vector<int> labels{4, 4, 7, 7, 7, 2};
  CHECK(vote(with_ids({0}), labels) == 4);
  CHECK(vote(with_ids({0, 2, 3}), labels) == 7);
  CHECK(vote(with_ids({5, 2, 0, 1, 3}), labels) == 7);  // two of 7 and of 4: 7 came first
  CHECK(vote(with_ids({5, 0, 2, 3, 1}), labels) == 4);
  CHECK(vote(with_ids({5, 0, 2}), labels) == 2);
  CHECK(vote(with_ids({0, 1, 4, 2, 3}), labels) == 7);
}

TEST_CASE("no match, or one without a label, is an error") {
  const std::vector<int> labels{1, 2};
  CHECK_THROWS_WITH(vote(with_ids({}), labels), "vote: given no matches, wanted at least one");
  CHECK_THROWS_WITH(vote(with_ids({0, 2}), labels),
                    "vote: given a match with the id 2, wanted one of the 2 that have labels");
}
