#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/glob.hpp>

namespace {

using lookalike::glob_matches;

static_assert(glob_matches("encoder.*", "encoder.conv0.weight"));
static_assert(glob_matches("*.weight", "encoder.conv0.weight"));
static_assert(glob_matches("*", ""));
static_assert(glob_matches("", ""));
static_assert(!glob_matches("encoder.*", "encoder"));
static_assert(!glob_matches("*.weight", "encoder.conv0.weights"));
static_assert(!glob_matches("", "a"));
static_assert(!glob_matches("?", ""));
static_assert(glob_matches("conv?.bias", "conv3.bias"));
static_assert(!glob_matches("conv?.bias", "conv13.bias"));
static_assert(!glob_matches("Conv", "conv"));

/// The definition, by recursion.
bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern[0] == '*') {
    return matches(pattern.substr(1), name) || (!name.empty() && matches(pattern, name.substr(1)));
  }
  return !name.empty() && (pattern[0] == '?' || pattern[0] == name[0]) &&
         matches(pattern.substr(1), name.substr(1));
}

/// All words over `letters` of up to `length` letters.
std::vector<std::string> words(std::string_view letters, int length) {
  std::vector<std::string> all{""};
  for (std::size_t begin = 0, round = 0; round < static_cast<std::size_t>(length); ++round) {
    const std::size_t end = all.size();
    for (; begin < end; ++begin) {
      for (const char letter : letters) all.push_back(all[begin] + letter);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("patterns match as their definition says, for all short patterns and names") {
  int matching = 0;
  for (const std::string& pattern : words("a.*?", 5)) {
    for (const std::string& name : words("a.", 5)) {
      const bool expected = matches(pattern, name);
      matching += expected;
      if (glob_matches(pattern, name) != expected) FAIL(pattern << " and " << name);
    }
  }
  CHECK(matching > 1000);
}

TEST_CASE("many stars do not take exponential time") {
  const std::string name(2000, 'a');
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  CHECK(!glob_matches(pattern + "b", name));
  CHECK(glob_matches(pattern, name));
}
