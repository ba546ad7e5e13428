#include <string>

#include <catch2/catch.hpp>

#include <lookalike/nn/detail/lowering.hpp>

#include "random_architecture.hpp"

namespace combinators_test {

using namespace lookalike;
using plain::add;
using plain::conv;
using plain::relu;
using plain::scale;

namespace {

constexpr architecture a() {
  return named("a", conv(2) | relu());
}
constexpr auto sentence_of = [](const architecture& net) {
  const detail::lowering low = detail::lower(net);
  return std::string(low.problem.text().view());
};

// The names of all nodes and what they read, as text: "conv0(input0) relu0(conv0)"; then what comes out.
std::string text(const architecture& net) {
  const detail::resolved_architecture resolved = detail::resolve(net);
  if (resolved.problem.failed()) return std::string(resolved.problem.text().view());
  const architecture_view view(resolved.graph);
  std::string s;
  const auto name = [&](int i) { return std::string(node_name(view, i).view()); };
  const auto list = [&](std::span<const int> nodes) {
    std::string all;
    for (int i : nodes) all += (all.empty() ? "" : ", ") + name(i);
    return all;
  };
  for (int i = 0; i < view.size(); ++i) {
    if (view.inputs(i).empty()) continue;
    s += name(i) + "(" + list(view.inputs(i)) + ") ";
  }
  return s + "-> " + list(view.exits);
}

}  // namespace

TEST_CASE("| is associative on values and identity is its neutral element") {
  STATIC_REQUIRE((conv(2) | relu()) == (identity() | conv(2) | relu() | identity()));
  for (unsigned seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    const architecture x = plain::random_architecture(3 * seed).make(2, 3);
    const architecture y = named("y", plain::random_architecture(3 * seed + 1).make(3, 3)) | expose("y");
    const architecture z = named("z", skip(plain::random_architecture(3 * seed + 2).make(1, 3)));
    REQUIRE(((x | y) | z) == (x | (y | z)));
    REQUIRE((x | identity()) == x);
    REQUIRE((identity() | x) == x);
    REQUIRE_FALSE((x | y) == (y | x));
  }
}

TEST_CASE("equality is about content: kinds, options, edges, names, what is shared and exposed") {
  STATIC_REQUIRE(conv(2) == conv(2));
  STATIC_REQUIRE_FALSE(conv(2) == conv(3));
  STATIC_REQUIRE_FALSE(conv(2) == relu());
  STATIC_REQUIRE_FALSE((conv(2) | relu()) == skip(conv(2) | relu()));
  STATIC_REQUIRE_FALSE(named("a", conv(2)) == named("b", conv(2)));
  STATIC_REQUIRE_FALSE(named("a", conv(2)) == shared("a", conv(2)));
  STATIC_REQUIRE_FALSE(from("a") == from("b"));
  STATIC_REQUIRE_FALSE((conv(2) | expose("conv0")) == conv(2));
  STATIC_REQUIRE_FALSE(input("a", 2) == input("b", 2));
  STATIC_REQUIRE_FALSE(named("x", conv(2) | relu()) == (named("x", conv(2)) | relu()));
}

TEST_CASE("skip is a branch with the identity, and branches of branches are branches") {
  STATIC_REQUIRE(skip(a()) == branch(identity(), a()));
  STATIC_REQUIRE(branch(branch(a(), conv(1)), relu()) == branch(a(), conv(1), relu()));
  STATIC_REQUIRE(branch(constexpr_vector<architecture>{a(), relu()}) == branch(a(), relu()));
  STATIC_REQUIRE(branch(a()) == a());
  CHECK(text(input(1) | skip(conv(2))) == "conv0(input0) -> input0, conv0");
  CHECK(text(input(1) | skip(skip(conv(2)) | add())) == "conv0(input0) add0(input0, conv0) -> input0, add0");
}

TEST_CASE("between layers flows a flat list: a layer of one input concatenates, others take them in order") {
  CHECK(text(input(1) | skip(conv(2)) | skip(relu())) ==
        "conv0(input0) relu0.input(input0, conv0) relu0(relu0.input) -> input0, conv0, relu0");
  CHECK(text(input(1) | branch(conv(1), conv(1), identity()) | add()) ==
        "conv0(input0) conv1(input0) add0(conv0, conv1, input0) -> add0");
  CHECK(text(input(1) | skip(conv(2)) | concat() | relu()) ==
        "conv0(input0) concat0(input0, conv0) relu0(concat0) -> relu0");
  CHECK(text(branch(input("x", 1), input("y", 2)) | conv(1)) ==
        "conv0.input(x, y) conv0(conv0.input) -> conv0");
  CHECK(text(input(1) | branch(plain::learned(3), identity()) | conv(2)) ==
        "conv0.input(learned0, input0) conv0(conv0.input) -> conv0");
}

TEST_CASE("loops, ifs and recursion make networks while compiling") {
  struct recipe {
    static constexpr architecture unet(int levels, int channels) {
      if (levels == 0) return named("bottleneck", conv(channels) | relu());
      return named("encoder", conv(channels)) |
             skip(plain::pool() | named("below", unet(levels - 1, 2 * channels)) | plain::up()) |
             named("decoder", conv(channels));
    }
  };
  STATIC_REQUIRE((input(3) | recipe::unet(4, 8)).nodes.size() == 1 + 4 * 4 + 2);
  CHECK(text(input(3) | recipe::unet(1, 8)) ==
        "encoder.conv0(input0) pool0(encoder.conv0) below.bottleneck.conv0(pool0) "
        "below.bottleneck.relu0(below.bottleneck.conv0) up0(below.bottleneck.relu0) "
        "decoder.conv0.input(encoder.conv0, up0) decoder.conv0(decoder.conv0.input) -> decoder.conv0");
}

TEST_CASE("repeat names its copies by number") {
  STATIC_REQUIRE(repeat(0, a()) == identity());
  STATIC_REQUIRE(repeat(2, a()) == (named("0", a()) | named("1", a())));
  CHECK(text(input(1) | named("s", repeat(2, conv(1)))) ==
        "s.0.conv0(input0) s.1.conv0(s.0.conv0) -> s.1.conv0");
}

TEST_CASE("from reads the nearest part of that name before it, inner scopes first") {
  CHECK(text(input(1) | conv(2) | relu() | from("conv0")) == "conv0(input0) relu0(conv0) -> conv0");
  CHECK(text(input(1) | a() | conv(3) | branch(identity(), from("a"))) ==
        "a.conv0(input0) a.relu0(a.conv0) conv0(a.relu0) -> conv0, a.relu0");
  CHECK(text(input(1) | a() | from("a.conv0") | scale(2)) ==
        "a.conv0(input0) a.relu0(a.conv0) scale0(a.conv0) -> scale0");
  // Its own scope hides what is outside; a path from outside reaches outside.
  CHECK(text(input(1) | conv(2) | named("b", conv(3) | relu() | from("conv0"))) ==
        "conv0(input0) b.conv0(conv0) b.relu0(b.conv0) -> b.conv0");
  CHECK(text(input(1) | named("b", conv(3)) | named("c", named("d", relu() | from("b.conv0")))) ==
        "b.conv0(input0) c.d.relu0(b.conv0) -> b.conv0");
  CHECK(text(input(1) | named("c", conv(2) | named("b", conv(3)) | named("d", from("b") | relu()))) ==
        "c.conv0(input0) c.b.conv0(c.conv0) c.d.relu0(c.b.conv0) -> c.d.relu0");
  // The nearest before, although one of that name follows.
  CHECK(text(input("x", 1) | named("n", conv(1)) | from("n") | relu() | named("n", scale(2))) ==
        "n.conv0(x) relu0(n.conv0) n.scale0(relu0) -> n.scale0");
  CHECK(text(input("x", 1) | named("n", conv(1)) | named("n", scale(2)) | from("n") | relu()) ==
        "n.conv0(x) n.scale0(n.conv0) relu0(n.scale0) -> relu0");
  CHECK(text(input("x", 1) | from("x") | relu()) == "relu0(x) -> relu0");
}

TEST_CASE("a part that yields several values is read as several values") {
  CHECK(
      text(input(1) | named("two", skip(conv(2))) | relu() | from("two") | add()) ==
      "two.conv0(input0) relu0.input(input0, two.conv0) relu0(relu0.input) add0(input0, two.conv0) -> add0");
  CHECK(text(input(1) | named("pass", identity()) | relu() | from("pass")) == "relu0(input0) -> input0");
  CHECK(text(input(1) | named("same", branch(from("input0"), from("input0"))) | from("same") | add()) ==
        "add0(input0, input0) -> add0");
}

TEST_CASE("from in a shared part reads that copy of the part") {
  const architecture tower = conv(2) | skip(relu() | from("conv0"));
  const architecture net = input(2) | shared("t", tower) | shared("t", tower) | from("t.conv0");
  const detail::resolved_architecture resolved = detail::resolve(net);
  REQUIRE_FALSE(resolved.problem.failed());
  const architecture_view view(resolved.graph);
  // input, conv, relu, [concat] conv, relu
  REQUIRE(view.size() == 6);
  CHECK(view.scopes[0].exits.count == 2);
  CHECK(view.range(view.scopes[0].exits)[1] == 1);
  CHECK(view.range(view.scopes[1].exits)[1] == 4);
  CHECK(view.exits[0] == 4);  // the nearest
}

TEST_CASE("shared parts have one set of parameters, also deep inside and under other names apart") {
  const architecture tower = named("deep", conv(2) | plain::norm()) | conv(2);
  const auto count = [](const architecture& net) {
    const detail::lowering low = detail::lower(net);
    REQUIRE(std::string(low.problem.text().view()).empty());
    return low.slots.size();
  };
  const int once = count(input(2) | shared("t", tower));
  CHECK(once == 2 + 4 + 2);
  CHECK(count(input(2) | shared("t", tower) | shared("t", tower)) == once);
  CHECK(count(input(2) | shared("t", tower) | shared("u", tower)) == 2 * once);
  CHECK(count(input(2) | named("x", shared("t", tower)) | named("y", shared("t", tower))) == 2 * once);
  CHECK(count(input(2) | shared("x", named("t", tower) | shared("s", conv(2))) |
              shared("x", named("t", tower) | shared("s", conv(2)))) == once + 2);
}

TEST_CASE("exposed parts are found in the scopes around, and kept") {
  const auto kept = [](const architecture& net) {
    const detail::resolved_architecture resolved = detail::resolve(net);
    if (resolved.problem.failed()) return std::string(resolved.problem.text().view());
    const architecture_view view(resolved.graph);
    std::string s;
    for (int i = 0; i < view.size(); ++i)
      if (view.at(i).kept) s += std::string(node_name(view, i).view()) + " ";
    return s;
  };
  CHECK(kept(input(1) | a() | conv(1) | expose("a", "conv0")) == "a.relu0 conv0 ");
  CHECK(kept(input(1) | named("out", conv(1) | a() | expose("a.conv0", "conv0"))) ==
        "out.conv0 out.a.conv0 ");
  CHECK(kept(input(1) | named("two", skip(conv(2))) | expose("two")) == "input0 two.conv0 ");
  CHECK(kept(input(1) | skip(conv(2)) | relu() | expose("relu0.input")) == "relu0.input ");
  CHECK(kept(expose("later") | input(1) | named("later", conv(2))) == "later.conv0 ");
  CHECK(kept(input(1) | named("in", expose("nothing"))) ==
        "in.expose: expects the name of a part, given 'nothing'");
}

TEST_CASE("what cannot be tied is said in one sentence") {
  CHECK(sentence_of(conv(1)) == "conv0: nothing comes in; a network begins with input(channels)");
  CHECK(sentence_of(named("e", conv(1))) ==
        "e.conv0: nothing comes in; a network begins with input(channels)");
  CHECK(sentence_of(identity()) == "nothing comes in; a network begins with input(channels)");
  CHECK(sentence_of(plain::learned(3)) == "the network has no input; it begins with input(channels)");
  CHECK(sentence_of(input(1) | named("x", from("y"))) ==
        "x.from: expects the name of a part before it, given 'y'");
  CHECK(sentence_of(input(1) | from("conv0") | conv(1)) ==
        "from: expects the name of a part before it, given 'conv0'");
  CHECK(sentence_of(input(1) | named("x", conv(1) | from("x"))) ==
        "x.from: expects the name of a part before it, given 'x'");
  CHECK(sentence_of(input(1) | named("x", conv(1)) | named("x", conv(2))) ==
        "x.conv0: this name comes twice; expects another name around one of them, or shared(...)");
  CHECK(sentence_of(input(1) | named("x", conv(1)) | shared("x", conv(2))) ==
        "x.conv0: this name comes twice; expects another name around one of them, or shared(...)");
  CHECK(sentence_of(branch(input("x", 1), input("x", 2))) ==
        "x: this name comes twice; expects another name around one of them, or shared(...)");
  CHECK(sentence_of(input(1) | conv(1) | named("conv0", relu())) ==
        "conv0: both a layer and a part have this name; expects another name for the part");
  CHECK(sentence_of(input(1) | named("", conv(1))) == "named: expects a name, given ''");
  CHECK(sentence_of(input(1) | conv(1) | plain::product()) == "product0: expects 2 inputs, given 1");
  CHECK(sentence_of(input(1) | branch(conv(1), conv(1), relu()) | plain::product()) ==
        "product0: expects 2 inputs, given 3");
  CHECK(sentence_of(input(0)) == "input0: expects 1 or more channels, given 0");
  CHECK(sentence_of(input(1) | branch(constexpr_vector<architecture>{})) == "the network yields nothing");
  CHECK(sentence_of(input(1) | branch(constexpr_vector<architecture>{}) | conv(1)) ==
        "conv0: expects 1 input, given 0");
  CHECK(sentence_of(input(1) | branch(constexpr_vector<architecture>{}) | add()) ==
        "add0: expects 1 or more inputs, given 0");
  CHECK(sentence_of(input(2) | shared("t", conv(3)) | shared("t", conv(3))) ==
        "t.conv0: shares its parameters and expects 2 channels as before, given 3");
  CHECK(sentence_of(input(2) | shared("t", conv(2, 3)) | shared("t", conv(2, 1))) ==
        "t.conv0: shares its parameters and expects weight of 2 x 2 x 3 x 3 as before, given weight of 2 x 2 "
        "x 1 x 1");
  CHECK(sentence_of(input(2) | shared("t", plain::norm()) | conv(4) | shared("t", plain::norm())) ==
        "t.norm0: shares its parameters and expects 2 channels as before, given 4");
}

}  // namespace combinators_test
