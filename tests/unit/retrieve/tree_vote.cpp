#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/tree_vote.hpp>

namespace {

using namespace lookalike;
using pairs = std::vector<std::pair<std::string, std::string>>;

//                       entity
//            animal                 artifact
//       bird     mammal          vehicle     house
//              dog     cat     car   boat
//            poodle
word_tree twelve() {
  return word_tree(pairs{{"animal", "entity"},
                         {"artifact", "entity"},
                         {"bird", "animal"},
                         {"mammal", "animal"},
                         {"dog", "mammal"},
                         {"cat", "mammal"},
                         {"poodle", "dog"},
                         {"vehicle", "artifact"},
                         {"house", "artifact"},
                         {"car", "vehicle"},
                         {"boat", "vehicle"}});
}

matches matches_of(std::vector<std::int64_t> ids) {
  matches found;
  found.count = static_cast<int>(ids.size());
  found.distances.assign(ids.size(), 0);
  found.ids = std::move(ids);
  return found;
}

}  // namespace

TEST_CASE("votes on a tree of twelve nouns, counted by hand") {
  const word_tree tree = twelve();
  REQUIRE(tree.size() == 12);
  const std::vector<std::string> nouns{"car", "poodle", "cat", "dog", "boat", "house", "bird", "car"};
  std::vector<int> nodes;
  for (const auto& noun : nouns) nodes.push_back(tree.node(noun));
  const tree_votes votes = vote(matches_of({0, 1, 2, 3, 4, 5, 7}), nodes, tree);  // all but the bird
  CHECK(votes.total() == 7);
  const std::vector<std::pair<std::string, int>> counted{
      {"entity", 7}, {"animal", 3}, {"artifact", 4}, {"bird", 0},  {"mammal", 3}, {"dog", 2},
      {"cat", 1},    {"poodle", 1}, {"vehicle", 3},  {"house", 1}, {"car", 2},    {"boat", 1}};
  REQUIRE(counted.size() == 12);
  for (const auto& [noun, count] : counted) {
    INFO(noun);
    CHECK(votes.votes(tree.node(noun)) == count);
    CHECK(votes.share(tree.node(noun)) == Approx(count / 7.0));
  }
  std::vector<std::string> path;
  for (const int node : votes.best_path()) path.push_back(tree.name(node));
  CHECK(path == std::vector<std::string>{"entity", "artifact", "vehicle", "car"});
  CHECK(tree.name(votes.best_child(tree.node("animal"))) == "mammal");
  CHECK(tree.name(votes.best_child(tree.node("mammal"))) == "dog");
  CHECK(votes.best_child(tree.node("bird")) == -1);
  CHECK(votes.best_child(tree.node("poodle")) == -1);
  // Any nodes can be compared, whatever their depths.
  CHECK(tree.name(votes.best(std::vector<int>{tree.node("dog"), tree.node("house")})) == "dog");
}

TEST_CASE("of nodes with as many votes, the one with the nearest match wins") {
  const word_tree tree = twelve();
  const std::vector<int> nodes{tree.node("boat"), tree.node("cat")};
  CHECK(tree.name(vote(matches_of({0, 1}), nodes, tree).best_path().back()) == "boat");
  CHECK(tree.name(vote(matches_of({1, 0}), nodes, tree).best_path().back()) == "cat");
}

TEST_CASE("a tree without votes has no best path") {
  const tree_votes none(twelve());
  CHECK(none.best_path().empty());
  CHECK(none.best_child(0) == -1);
  CHECK(none.share(0) == 0);
}

TEST_CASE("matches without nodes are errors") {
  const word_tree tree = twelve();
  const std::vector<int> nodes{3};
  CHECK_THROWS_WITH(vote(matches_of({}), nodes, tree), "vote: given no matches, wanted at least one");
  CHECK_THROWS_WITH(vote(matches_of({0, 1}), nodes, tree),
                    "vote: given a match with the id 1, wanted one of the 1 that have nodes");
  CHECK_THROWS_WITH(vote(matches_of({0}), std::vector<int>{12}, tree),
                    "word_tree: given the node 12, wanted 0 to 11");
}

TEST_CASE("a tree knows its paths") {
  const word_tree tree = twelve();
  CHECK(tree.name(tree.root()) == "entity");
  CHECK(tree.parent(tree.root()) == -1);
  CHECK(tree.depth(tree.root()) == 0);
  CHECK(tree.depth(tree.node("poodle")) == 4);
  std::vector<std::string> path;
  for (const int node : tree.path_to_root(tree.node("poodle"))) path.push_back(tree.name(node));
  CHECK(path == std::vector<std::string>{"poodle", "dog", "mammal", "animal", "entity"});
  CHECK(tree.is_within(tree.node("poodle"), tree.node("animal")));
  CHECK(tree.is_within(tree.node("animal"), tree.node("animal")));
  CHECK_FALSE(tree.is_within(tree.node("animal"), tree.node("poodle")));
  CHECK(tree.children(tree.node("vehicle")) == std::vector<int>{tree.node("car"), tree.node("boat")});
  CHECK(tree.find("unicorn") == -1);
  CHECK_THROWS_WITH(tree.node("unicorn"), "word_tree: given 'unicorn', wanted one of its 12 names");
}

TEST_CASE("what is not a tree is an error") {
  CHECK_THROWS_AS(word_tree(pairs{}), value_error);
  CHECK_THROWS_WITH(word_tree(pairs{{"a", "b"}, {"a", "c"}}),
                    "word_tree: given two parents of 'a', 'b' and 'c', wanted one");
  CHECK_THROWS_WITH(word_tree(pairs{{"a", "b"}, {"c", "d"}}),
                    "word_tree: given two roots, 'b' and 'd', wanted one");
  CHECK_THROWS_WITH(word_tree(pairs{{"a", "b"}, {"b", "c"}, {"c", "a"}}),
                    "word_tree: given 'a' below itself, wanted a tree");
  CHECK_THROWS_AS(word_tree(pairs{{"a", "a"}}), value_error);
  CHECK_THROWS_AS(word_tree(pairs{{"a", ""}}), value_error);
  CHECK(word_tree(pairs{{"a", "b"}, {"a", "b"}}).size() == 2);
}
