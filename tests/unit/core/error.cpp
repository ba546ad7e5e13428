#include <string>
#include <type_traits>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/static_text.hpp>

using namespace lookalike;

static_assert(std::is_base_of_v<error, value_error> && std::is_base_of_v<error, file_error> &&
              std::is_base_of_v<error, interrupted>);
static_assert(!std::is_base_of_v<value_error, file_error>);

TEST_CASE("require throws the error asked for, with its parts as one sentence") {
  CHECK_NOTHROW(require(true, "never said"));
  CHECK_THROWS_AS(require(false, "a"), value_error);
  CHECK_THROWS_AS(require<file_error>(false, "a"), file_error);
  CHECK_THROWS_WITH(require(false, "seam: given ", 3, "x", 4.5, ", wanted ", std::string("more")),
                    "seam: given 3x4.5, wanted more");
}

TEST_CASE("a report reaches the watcher, and a watcher that says no interrupts") {
  CHECK_NOTHROW(report({}, "task", 1, 2));
  std::string heard;
  report(
      [&](std::string_view task, std::int64_t done, std::int64_t total) {
        heard = sentence(task, " ", done, "/", total);
        return true;
      },
      "describe", 3, -1);
  CHECK(heard == "describe 3/-1");
  const progress stop = [](std::string_view, std::int64_t, std::int64_t) { return false; };
  CHECK_THROWS_AS(report(stop, "describe", 3, 9), interrupted);
  CHECK_THROWS_WITH(report(stop, "describe", 3, 9), "describe: stopped on request after 3 of 9");
}

TEST_CASE("aligned memory starts on a cache line, and too much of it is refused") {
  for (std::size_t size : {1U, 3U, 17U, 1000U}) {
    const aligned_vector<float> values(size);
    CHECK(reinterpret_cast<std::uintptr_t>(values.data()) % 64 == 0);
  }
  aligned_allocator<double> allocator;
  CHECK_THROWS_AS(allocator.allocate(std::size_t(-1) / 4), std::bad_alloc);
}

namespace {

constexpr bool says(const static_sentence& text, std::string_view expected) {
  return text.view() == expected;
}

static_assert(says(static_sentence() << "given " << 0 << ", " << -12 << ", wanted " << 9223372036854775807LL,
                   "given 0, -12, wanted 9223372036854775807"));
static_assert(says(static_sentence() << -9223372036854775807LL - 1, "-9223372036854775808"));

constexpr std::size_t length_of_overlong() {
  static_sentence text;
  for (int i = 0; i < 200; ++i) text << "abc";
  return text.size();
}
static_assert(length_of_overlong() == static_sentence::capacity);
static_assert(std::string_view(static_text("seam")) == "seam");

}  // namespace
