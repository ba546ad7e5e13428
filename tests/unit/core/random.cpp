#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>

namespace {

using namespace lookalike;

/// Pearson's statistic of counts that should be equal.
double chi_square(const std::vector<std::int64_t>& counts) {
  double total = 0;
  for (const std::int64_t count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  double sum = 0;
  for (const std::int64_t count : counts) {
    const double difference = static_cast<double>(count) - expected;
    sum += difference * difference / expected;
  }
  return sum;
}

/// The statistic has mean `cells - 1` and variance 2 (cells - 1); five deviations are far out.
bool looks_uniform(const std::vector<std::int64_t>& counts) {
  const double freedom = static_cast<double>(counts.size()) - 1;
  return std::abs(chi_square(counts) - freedom) < 5 * std::sqrt(2 * freedom);
}

static_assert(std::uniform_random_bit_generator<random_sequence>);

}  // namespace

TEST_CASE("philox gives the published answers of Philox4x32-10") {
  // kat_vectors of Random123, the paper's library: counter, key, answer
  using words = std::array<std::uint32_t, 4>;
  STATIC_REQUIRE(philox(0, 0, 0) == words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const auto ones = ~std::uint64_t{0};
  STATIC_REQUIRE(philox(ones, ones, ones) == words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  STATIC_REQUIRE(philox(0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88) ==
                 words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a sequence hands out the blocks of philox, lower half first") {
  random_sequence sequence(7, 9);
  for (std::uint64_t block = 0; block < 5; ++block) {
    const auto words = philox(7, 9, block);
    CHECK(sequence() == ((std::uint64_t{words[1]} << 32) | words[0]));
    CHECK(sequence() == ((std::uint64_t{words[3]} << 32) | words[2]));
  }
}

TEST_CASE("a sequence resumes at any position, odd or even") {
  random_sequence whole(1, 2);
  std::vector<std::uint64_t> words(20);
  for (auto& word : words) word = whole();
  for (std::uint64_t start = 0; start < words.size(); ++start) {
    random_sequence resumed(1, 2, start);
    random_sequence moved(1, 2);
    moved.set_position(start);
    CHECK(moved == resumed);
    for (std::uint64_t i = start; i < words.size(); ++i) {
      REQUIRE(resumed() == words[i]);
      REQUIRE(moved() == words[i]);
    }
    CHECK(resumed == whole);
  }
}

TEST_CASE("normals leave nothing behind: a sequence stopped between two of them resumes") {
  random_sequence a(3, 4);
  for (int i = 0; i < 5; ++i) a.normal();
  random_sequence b(a.seed(), a.stream(), a.position());
  for (int i = 0; i < 5; ++i) CHECK(a.normal() == b.normal());
  CHECK(a.position() == 20);
}

TEST_CASE("seeds and streams give different sequences") {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    for (std::uint64_t stream = 0; stream < 30; ++stream) first.insert(random_sequence(seed, stream)());
  }
  CHECK(first.size() == 900);
}

TEST_CASE("random numbers are the same on every machine") {
  // written down once, on x86-64 with glibc; they do not come from elsewhere and only pin what must not
  // change
  random_sequence sequence(2024, 11);
  CHECK(sequence() == 0x1d3dc610ac1dc12d);
  CHECK(sequence.uniform() == 0x1.76e8e8735affcp-3);
  CHECK(sequence.uniform(-3, 5) == -0x1.e5d157f13442p-2);
  CHECK(sequence.normal() == -0x1.0093de9302d67p-2);
  CHECK(sequence.normal() == -0x1.e1cf06a081329p+0);
  CHECK(sequence.normal(10, 0.1) == 0x1.42c3022ddbe04p+3);
  CHECK(sequence.integer(1000000007) == 771784652);
  double sum = 0;
  for (int i = 0; i < 100000; ++i) sum = sum * 0.5 + sequence.normal();  // halving is exact: nothing to fuse
  CHECK(sum == -0x1.2b1ebbe15e102p-1);
  CHECK(sequence.permutation(8) == std::vector<std::int64_t>{5, 2, 6, 3, 7, 4, 0, 1});
}

TEST_CASE("uniform numbers fill [0, 1) evenly and stay below 1") {
  random_sequence sequence(5);
  std::vector<std::int64_t> cells(1000);
  for (int i = 0; i < 1000000; ++i) {
    const double x = sequence.uniform();
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    ++cells[static_cast<std::size_t>(x * 1000)];
  }
  CHECK(looks_uniform(cells));
}

TEST_CASE("uniform numbers between two bounds never reach the upper one, however close they are") {
  random_sequence sequence(6);
  const double above = std::nextafter(1.0, 2.0);
  double low = 10;
  double high = -10;
  for (int i = 0; i < 1000; ++i) {
    CHECK(sequence.uniform(1.0, above) == 1.0);
    CHECK(sequence.uniform(2.5, 2.5) == 2.5);
    const double x = sequence.uniform(-2, 3);
    low = std::min(low, x);
    high = std::max(high, x);
  }
  CHECK(low >= -2);
  CHECK(low < -1.9);
  CHECK(high < 3);
  CHECK(high > 2.9);
  CHECK_THROWS_AS(sequence.uniform(1, 0), value_error);
  CHECK_THROWS_AS(sequence.uniform(0, INFINITY), value_error);
  CHECK_THROWS_AS(sequence.uniform(NAN, 1), value_error);
}

TEST_CASE("the logarithm and the cosine agree with the library's in extended precision") {
  random_sequence sequence(8);
  long double worst_log = 0;
  long double worst_cosine = 0;
  const long double two_pi = 2 * std::acos(-1.0L);
  for (int i = 0; i < 300000; ++i) {
    double x = sequence.uniform() + 0x1p-53;
    if (i % 3 == 1) x = std::ldexp(x, -static_cast<int>(sequence.integer(52)));
    if (i % 3 == 2) x = 1 - std::ldexp(x, -static_cast<int>(sequence.integer(50)));
    if (!(x >= 0x1p-53)) continue;
    const long double log = std::log(static_cast<long double>(x));
    if (log != 0) worst_log = std::max(worst_log, std::abs((detail::portable_log(x) - log) / log));
    const double turn = sequence.uniform();
    const long double cosine = std::cos(two_pi * static_cast<long double>(turn));
    worst_cosine = std::max(worst_cosine, std::abs(detail::portable_cosine_of_turn(turn) - cosine));
  }
  CHECK(worst_log < 4.5e-16L);
  CHECK(worst_cosine < 2.3e-16L);
  CHECK(detail::portable_log(1.0) == 0.0);
  CHECK(detail::portable_cosine_of_turn(0.0) == 1.0);
  CHECK(detail::portable_cosine_of_turn(0.25) == 0.0);
  CHECK(detail::portable_cosine_of_turn(0.5) == -1.0);
  CHECK(detail::portable_cosine_of_turn(0.75) == 0.0);
}

TEST_CASE("normal numbers follow the normal distribution") {
  random_sequence sequence(9);
  constexpr int count = 400000;
  std::vector<double> values(count);
  double mean = 0;
  double square = 0;
  double fourth = 0;
  for (double& x : values) {
    x = sequence.normal();
    mean += x / count;
    square += x * x / count;
    fourth += x * x * x * x / count;
  }
  // deviations of these estimates: 1, sqrt(2) and sqrt(96), over the root of the count
  const double root = std::sqrt(static_cast<double>(count));
  CHECK(std::abs(mean) < 4 / root);
  CHECK(std::abs(square - 1) < 4 * std::sqrt(2.0) / root);
  CHECK(std::abs(fourth - 3) < 4 * std::sqrt(96.0) / root);
  // Kolmogorov and Smirnov's distance from the exact distribution; 1.95 / root is the 0.1 % point
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (int i = 0; i < count; ++i) {
    const double exact = 0.5 * std::erfc(-values[static_cast<std::size_t>(i)] / std::sqrt(2.0));
    distance = std::max({distance, std::abs(exact - static_cast<double>(i) / count),
                         std::abs(exact - static_cast<double>(i + 1) / count)});
  }
  CHECK(distance < 1.95 / root);
}

TEST_CASE("neighboring normals and neighboring streams are uncorrelated") {
  constexpr int count = 200000;
  random_sequence sequence(10);
  double lagged = 0;
  double previous = sequence.normal();
  for (int i = 0; i < count; ++i) {
    const double x = sequence.normal();
    lagged += x * previous;
    previous = x;
  }
  double across = 0;
  for (std::uint64_t stream = 0; stream < count; ++stream) {
    across += random_sequence(10, stream).normal() * random_sequence(10, stream + 1).normal();
  }
  CHECK(std::abs(lagged) < 4 * std::sqrt(static_cast<double>(count)));
  CHECK(std::abs(across) < 4 * std::sqrt(static_cast<double>(count)));
}

TEST_CASE("integers are even over ranges that do not divide 2^64") {
  random_sequence sequence(11);
  for (const std::int64_t range : {1, 2, 3, 7, 10, 1000}) {
    std::vector<std::int64_t> cells(static_cast<std::size_t>(range));
    for (std::int64_t i = 0; i < 200 * range + 1000; ++i) {
      const std::int64_t x = sequence.integer(range);
      REQUIRE(x >= 0);
      REQUIRE(x < range);
      ++cells[static_cast<std::size_t>(x)];
    }
    INFO("range " << range);
    if (range > 1) CHECK(looks_uniform(cells));
  }
  // Of 3 * 2^61 numbers a plain product would give every third two words of 2^64, the others three.
  const std::int64_t large = (std::int64_t{1} << 62) + (std::int64_t{1} << 61);
  std::vector<std::int64_t> remainders(3);
  const std::uint64_t before = sequence.position();
  for (int i = 0; i < 30000; ++i) ++remainders[static_cast<std::size_t>(sequence.integer(large) % 3)];
  CHECK(looks_uniform(remainders));
  CHECK(sequence.position() - before > 30000);  // some draws were rejected
  CHECK_THROWS_AS(sequence.integer(0), value_error);
  CHECK_THROWS_AS(sequence.integer(-5), value_error);
}

TEST_CASE("the product of two words is exact") {
  const auto top = ~std::uint64_t{0};
  STATIC_REQUIRE(detail::full_product(top, top) == std::pair{top - 1, std::uint64_t{1}});
  random_sequence sequence(12);
  for (int i = 0; i < 1000; ++i) {
    __extension__ using wide = unsigned __int128;
    const std::uint64_t a = sequence();
    const std::uint64_t b = sequence() >> sequence.integer(64);
    const wide product = static_cast<wide>(a) * b;
    CHECK(detail::full_product(a, b) ==
          std::pair{static_cast<std::uint64_t>(product >> 64), static_cast<std::uint64_t>(product)});
  }
}

TEST_CASE("permutations hold every number once, and all orders are equally likely") {
  random_sequence sequence(13);
  auto order = sequence.permutation(1000);
  CHECK(!std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::int64_t i = 0; i < 1000; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  CHECK(sequence.permutation(0).empty());
  CHECK_THROWS_AS(sequence.permutation(-1), value_error);

  std::vector<std::int64_t> counts(24);
  for (int i = 0; i < 24000; ++i) {
    std::array<int, 4> letters{0, 1, 2, 3};
    sequence.shuffle(std::span<int>(letters));
    std::array<int, 4> sorted{0, 1, 2, 3};
    std::size_t rank = 0;
    while (sorted != letters) {
      std::next_permutation(sorted.begin(), sorted.end());
      ++rank;
    }
    ++counts[rank];
  }
  CHECK(looks_uniform(counts));
}
