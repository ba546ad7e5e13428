#include <limits>

#include <catch2/catch.hpp>

#include <lookalike/nn/saved_numbers.hpp>

namespace saved_numbers_test {

using namespace lookalike;

TEST_CASE("saved numbers are found by name, and counts are whole") {
  const saved_numbers numbers{{"best", -0.5},
                              {"waited", 3},
                              {"largest", 9007199254740992.0},
                              {"endless", std::numeric_limits<double>::infinity()}};
  CHECK(saved_value("test", numbers, "best") == -0.5);
  CHECK(saved_count("test", numbers, "waited") == 3);
  CHECK(saved_count("test", numbers, "largest") == 9007199254740992);
  CHECK_THROWS_WITH(saved_value("test", numbers, "worst"),
                    "test: given 4 numbers to go on from, none of which is 'worst'");
  CHECK_THROWS_WITH(saved_count("test", numbers, "best"),
                    "test: given best = -0.5, wanted a whole number of 0 or more");
  CHECK_THROWS_AS(saved_count("test", numbers, "endless"), value_error);
}

}  // namespace saved_numbers_test
