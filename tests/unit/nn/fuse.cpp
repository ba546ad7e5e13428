// Values of fused networks are compared with unfused ones in network.cpp, over networks made by chance. Here:
// what is fused, and what is left alone.

#include <string>

#include <catch2/catch.hpp>

#include <lookalike/nn/detail/lowering.hpp>

#include "plain_layers.hpp"

namespace fuse_test {

using namespace lookalike;
using plain::add;
using plain::conv;
using plain::drop;
using plain::norm;
using plain::relu;
using plain::scale;

namespace {

// The nodes that are left, with what was put into them: "input0 conv0[norm0 add0(input0) relu0]".
std::string fused(const architecture& a) {
  const detail::lowering low = detail::lower(a);
  REQUIRE_FALSE(low.problem.failed());
  const architecture_view before(low.graph);
  const architecture_view after(low.fused.graph);
  const auto name = [&](int i) { return std::string(node_name(before, i).view()); };
  std::string s;
  for (int i = 0; i < after.size(); ++i) {
    const node& n = after.at(i);
    for (int edge : after.inputs(i)) REQUIRE((0 <= edge && edge < i));
    std::string inside;
    if (n.normalization >= 0) inside += " " + name(n.normalization);
    if (n.addition >= 0)
      inside += " " + name(n.addition) + "(" + name(after.at(after.inputs(i).back()).source) + ")";
    if (n.activation >= 0) inside += " " + name(n.activation);
    s += (s.empty() ? "" : " ") + name(n.source);
    if (!inside.empty()) s += "[" + inside.substr(1) + "]";
  }
  for (int i = 0; i < before.size(); ++i) REQUIRE(low.fused.value_of[i] < after.size());
  for (int exit : before.exits) REQUIRE(low.fused.value_of[exit] >= 0);
  return s;
}

}  // namespace

TEST_CASE("normalization, shortcut and activation go into the convolution before them") {
  CHECK(fused(input(2) | conv(2) | norm()) == "input0 conv0[norm0]");
  CHECK(fused(input(2) | conv(2) | relu()) == "input0 conv0[relu0]");
  CHECK(fused(input(2) | conv(2) | norm() | relu()) == "input0 conv0[norm0 relu0]");
  CHECK(fused(input(2) | skip(conv(2) | norm()) | add() | relu()) ==
        "input0 conv0[norm0 add0(input0) relu0]");
  CHECK(fused(input(2) | branch(conv(2) | norm(), identity()) | add()) == "input0 conv0[norm0 add0(input0)]");
}

TEST_CASE("a shortcut is added by what is computed last") {
  CHECK(fused(input(2) | branch(conv(2) | norm(), conv(2) | norm()) | add() | relu()) ==
        "input0 conv0[norm0] conv1[norm1 add0(conv0) relu0]");
  CHECK(fused(input(2) | branch(conv(2), scale(2)) | add()) == "input0 conv0 scale0 add0");  // defined later
  CHECK(fused(input(2) | branch(scale(2), conv(2)) | add()) == "input0 scale0 conv0[add0(scale0)]");
}

TEST_CASE("only in the order in which a store does it") {
  CHECK(fused(input(2) | conv(2) | relu() | norm()) == "input0 conv0[relu0] norm0");
  CHECK(fused(input(2) | conv(2) | norm() | norm()) == "input0 conv0[norm0] norm1");
  CHECK(fused(input(2) | conv(2) | relu() | relu()) == "input0 conv0[relu0] relu1");
  CHECK(fused(input(2) | skip(conv(2)) | add() | norm()) == "input0 conv0[add0(input0)] norm0");
  CHECK(fused(input(2) | skip(conv(2) | relu()) | add()) == "input0 conv0[relu0] add0");
  CHECK(fused(input(2) | skip(conv(2)) | add() | named("b", branch(identity(), from("input0")) | add())) ==
        "input0 conv0[add0(input0)] b.add0");
  CHECK(fused(input(2) | branch(conv(2), conv(2), identity()) | add()) == "input0 conv0 conv1 add0");
  CHECK(fused(input(2) | relu() | norm()) == "input0 relu0 norm0");
}

TEST_CASE("a value that somebody else reads is not changed") {
  CHECK(fused(input(2) | conv(2) | skip(relu())) == "input0 conv0 relu0");
  CHECK(fused(input(2) | conv(2) | skip(norm()) | add()) == "input0 conv0 norm0 add0");
  CHECK(fused(input(2) | conv(2) | skip(identity()) | add()) == "input0 conv0 add0");
  CHECK(fused(input(2) | conv(2) | expose("conv0") | norm() | relu()) == "input0 conv0 norm0 relu0");
  CHECK(fused(input(2) | conv(2) | norm() | expose("norm0") | relu()) == "input0 conv0[norm0] relu0");
  CHECK(fused(input(2) | conv(2) | norm() | relu() | expose("relu0")) == "input0 conv0[norm0 relu0]");
  CHECK(fused(input(2) | conv(2) | drop() | relu()) == "input0 conv0[relu0]");
  CHECK(fused(input(2) | conv(2) | drop() | skip(relu())) == "input0 conv0 relu0");
  CHECK(fused(input(2) | conv(2) | skip(drop()) | add()) == "input0 conv0 add0");
  CHECK(fused(input(2) | conv(2) | branch(drop(), drop()) | branch(from("drop0") | relu(), from("drop1"))) ==
        "input0 conv0 relu0");
  CHECK(fused(input(2) | conv(2) | named("d", drop()) | from("conv0") | relu()).starts_with("input0 conv0"));
}

TEST_CASE("a shortcut of other extents stays an addition") {
  CHECK(fused(input(2, {.height = 4, .width = 4}) | skip(conv(2, 3, 2) | plain::up()) | add()) ==
        "input0 conv0 up0 add0");
  CHECK(fused(branch(input("x", 2, {.height = 4, .width = 4}), input("c", 2, {.height = 1, .width = 1})) |
              branch(from("x") | conv(2), from("c")) | add()) == "x c conv0 add0");
}

TEST_CASE("what is exposed can be asked for, also where it vanished") {
  const detail::lowering low = detail::lower(input(2) | conv(2) | drop() | expose("drop0") | relu());
  CHECK(low.fused.value_of[2] == 1);
  CHECK(low.fused.graph.nodes[1].kept);
  CHECK(low.fused.graph.nodes[1].activation == -1);
}

}  // namespace fuse_test
