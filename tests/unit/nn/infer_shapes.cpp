#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/detail/lowering.hpp>

#include "plain_layers.hpp"

namespace infer_shapes_test {

using namespace lookalike;
using plain::add;
using plain::conv;

namespace {

constexpr shape output_of(const architecture& a, int height = dynamic, int width = dynamic) {
  const detail::lowering low = detail::lower(a, height, width);
  return low.problem.failed() ? shape{0, 0, 0} : low.shapes[low.graph.exits[0]];
}
std::string problem(const architecture& a, int height = dynamic, int width = dynamic) {
  return std::string(detail::lower(a, height, width).problem.text().view());
}

}  // namespace

TEST_CASE("extents are inferred as far as they are known") {
  STATIC_REQUIRE(output_of(input(3) | conv(8)) == shape{8, dynamic, dynamic});
  STATIC_REQUIRE(output_of(input(3, {.height = 32}) | conv(8, 3, 2)) == shape{8, 16, dynamic});
  STATIC_REQUIRE(output_of(input(3) | conv(8) | plain::pool() | plain::up(), 7, 9) == shape{8, 6, 8});
  STATIC_REQUIRE(output_of(input(3, {.height = 4, .width = 4}) | conv(8), 7, 9) == shape{8, 4, 4});
  STATIC_REQUIRE(output_of(input(3) | skip(conv(8)) | skip(conv(2)) | plain::bend(), 5, 5) ==
                 shape{13, 5, 5});
}

TEST_CASE("a concatenation repeats single pixels over the others and knows what it can") {
  STATIC_REQUIRE(output_of(branch(input("c", 2, {.height = 1, .width = 1}), input("x", 3)) | concat(), 5,
                           6) == shape{5, 5, 6});
  STATIC_REQUIRE(output_of(input(3) | branch(identity(), plain::learned(4)) | concat(), 5, 6) ==
                 shape{7, 5, 6});
  STATIC_REQUIRE(output_of(branch(input("a", 2, {.height = 4}), input("b", 3)) | concat()) ==
                 shape{5, dynamic, dynamic});
}

TEST_CASE("what does not fit is said with the name of the layer") {
  CHECK(problem(input(3) | named("up", named("two", branch(conv(4), conv(5)) | add()))) ==
        "up.two.add0: expects 4 channels from every branch, given 5");
  CHECK(problem(input(3) | skip(plain::pool()) | named("dec", conv(4)), 8, 8) ==
        "dec.conv0.input: expects 8 rows from every branch, given 4");
  CHECK(problem(input(3) | skip(plain::pool()) | named("dec", conv(4))).empty());  // not known before it runs
  CHECK(problem(input(3) | plain::pool() | plain::pool() | plain::pool(), 4, 8) ==
        "pool2: yields 0 rows, wanted 1 or more; its input is too small");
  CHECK(problem(input(3) | conv(-5)) == "conv0: expects 1 or more channels, given -5");
}

TEST_CASE("extents of the inputs may be given in their order, and must not contradict what is declared") {
  const detail::resolved_architecture resolved =
      detail::resolve(branch(input("a", 2, {.height = 4}), input("b", 3)) | conv(1));
  std::vector<shape> shapes(static_cast<std::size_t>(resolved.graph.nodes.size()));
  CHECK_FALSE(infer_shapes(resolved.graph, std::vector<shape>{{2, 4, 6}, {3, 4, 6}}, shapes).failed());
  CHECK(shapes.back() == shape{1, 4, 6});
  CHECK(infer_shapes(resolved.graph, std::vector<shape>{{2, 4, 6}, {4, 4, 6}}, shapes).text().view() ==
        "b: expects 3 channels, given 4");
  CHECK(infer_shapes(resolved.graph, std::vector<shape>{{2, 5, 6}, {3, 4, 6}}, shapes).text().view() ==
        "a: expects 4 rows, given 5");
  CHECK_FALSE(infer_shapes(resolved.graph, {}, shapes).failed());
  CHECK(shapes.back() == shape{1, dynamic, dynamic});
}

}  // namespace infer_shapes_test
