#include <string>

#include <catch2/catch.hpp>

#include <lookalike/nn/detail/resolve.hpp>
#include <lookalike/nn/names.hpp>

#include "plain_layers.hpp"

namespace names_test {

using namespace lookalike;
using plain::conv;
using plain::relu;

namespace {

struct named_network {
  architecture graph;
  explicit named_network(const architecture& a) : graph(detail::resolve(a).graph) {}
  std::string name(int i) const { return std::string(node_name(graph, i).view()); }
};

}  // namespace

TEST_CASE("a node is called by its scopes, its kind and its number in the scope") {
  const named_network net(input("picture", 1) | conv(1) | conv(1) |
                          named("a", conv(1) | named("b.c", relu() | conv(1)) | conv(1)) | conv(1));
  CHECK(net.name(0) == "picture");
  CHECK(net.name(1) == "conv0");
  CHECK(net.name(2) == "conv1");
  CHECK(net.name(3) == "a.conv0");
  CHECK(net.name(4) == "a.b.c.relu0");
  CHECK(net.name(5) == "a.b.c.conv0");
  CHECK(net.name(6) == "a.conv1");
  CHECK(net.name(7) == "conv2");
}

TEST_CASE("inputs without a name are numbered") {
  const named_network net(branch(input(1), named("x", input(2)), input(3)) | conv(1));
  CHECK(net.name(0) == "input0");
  CHECK(net.name(1) == "x.input0");
  CHECK(net.name(2) == "input1");
  CHECK(net.name(3) == "conv0.input");
  CHECK(net.name(4) == "conv0");
}

TEST_CASE("every node is found by its name, and a part by its path where it yields one value") {
  const named_network net(input(1) | named("enc", skip(conv(1)) | named("inner", conv(2))) |
                          named("two", skip(relu())) | conv(1));
  for (int i = 0; i < net.graph.nodes.size(); ++i) REQUIRE(find_node(net.graph, net.name(i)) == i);
  CHECK(find_node(net.graph, "enc") == find_node(net.graph, "enc.inner.conv0"));
  CHECK(find_node(net.graph, "enc.inner") == find_node(net.graph, "enc.inner.conv0"));
  for (const char* missing : {"two", "", ".", "enc.", ".enc", "inner", "conv", "conv1", "nc.conv0",
                              "inner.conv0", "enc.conv0.weight", "input", "two.relu0.inputs"})
    CHECK(find_node(net.graph, missing) == -1);
}

TEST_CASE("the name of a shared part is the last of its copies") {
  const named_network net(input(1) | shared("t", conv(1)) | relu() | shared("t", conv(1)));
  CHECK(net.name(1) == "t.conv0");
  CHECK(net.name(3) == "t.conv0");
  CHECK(find_node(net.graph, "t.conv0") == 3);
}

}  // namespace names_test
