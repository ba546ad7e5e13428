#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/name_map.hpp>

#include "../scratch_folder.hpp"

namespace name_map_test {

namespace {

using namespace lookalike;
using test::message_of;

/// Both directions at once.
void check(const name_map& names, std::string_view theirs, std::string_view ours) {
  INFO(theirs << " <-> " << ours);
  CHECK(names.ours(theirs) == ours);
  CHECK(names.theirs(ours) == theirs);
}

}  // namespace

TEST_CASE("without rules names stay as they are") {
  check({}, "encoder.conv0.weight", "encoder.conv0.weight");
  check({}, "", "");
  check({}, "a..b.", "a..b.");
}

TEST_CASE("a few rules translate a residual network of torchvision, there and back") {
  const name_map names{{"^conv1", "^stem.conv0"},
                       {"^bn1", "^stem.batch_norm0"},
                       {"layer{i}.{j}", "layer{i}.block{j}"},
                       {"downsample.0", "shortcut.conv0"},
                       {"downsample.1", "shortcut.batch_norm0"},
                       {"conv{n+1}", "conv{n}"},
                       {"bn{n+1}", "batch_norm{n}"},
                       {"^fc", "^linear0"},
                       {"running_var", "running_variance"}};
  check(names, "conv1.weight", "stem.conv0.weight");
  check(names, "bn1.running_var", "stem.batch_norm0.running_variance");
  check(names, "bn1.running_mean", "stem.batch_norm0.running_mean");
  check(names, "layer1.0.conv1.weight", "layer1.block0.conv0.weight");
  check(names, "layer1.0.bn2.running_var", "layer1.block0.batch_norm1.running_variance");
  check(names, "layer3.22.conv3.weight", "layer3.block22.conv2.weight");
  check(names, "layer4.0.downsample.0.weight", "layer4.block0.shortcut.conv0.weight");
  check(names, "layer4.0.downsample.1.bias", "layer4.block0.shortcut.batch_norm0.bias");
  check(names, "fc.bias", "linear0.bias");
}

TEST_CASE("patterns match whole pieces only, wherever they are") {
  const name_map names{{"bn1", "norm"}, {"a.b", "c"}};
  check(names, "bn1", "norm");
  check(names, "x.bn1.y.bn1", "x.norm.y.norm");
  check(names, "bn10.weight", "bn10.weight");
  check(names, "xbn1.weight", "xbn1.weight");
  check(names, "x.a.b.y", "x.c.y");
  check(names, "a.bb", "a.bb");
  check(names, "xa.b", "xa.b");
}

TEST_CASE("numbers may be shifted, scaled and repeated, and never become negative") {
  const name_map names{
      {"features.{3n}", "conv{n}"}, {"features.{3n+1}", "batch_norm{n}"}, {"l{n}", "m{n-2}"}};
  check(names, "features.0.weight", "conv0.weight");
  check(names, "features.9.weight", "conv3.weight");
  check(names, "features.10.weight", "batch_norm3.weight");
  check(names, "features.11.weight", "features.11.weight");
  check(names, "l2", "m0");
  check(names, "l12", "m10");
  CHECK(names.ours("l1") == "l1");  // would be m-1
  const name_map twice{{"{a}.{b}.{a}", "{b}x{a}"}, {"q{}", "{}p{}"}};
  check(twice, "3.4.3", "4x3");
  CHECK(twice.ours("3.4.5") == "3.4.5");
  check(twice, "q7", "7p7");
  CHECK(twice.theirs("7p8") == "7p8");
}

TEST_CASE("numbers are written as numbers are: without zeros in front, in nine digits") {
  const name_map names{{"a{n}", "b{n}"}};
  check(names, "a0", "b0");
  check(names, "a999999999", "b999999999");
  CHECK(names.ours("a01") == "a01");
  CHECK(names.ours("a1234567890") == "a1234567890");
  CHECK(names.ours("a") == "a");
  CHECK(names.ours("a-1") == "a-1");
}

TEST_CASE("stars stand for parts of a piece, in their order") {
  const name_map names{{"*_stream.*", "streams.*.*"}, {"w*", "*_weight"}};
  check(names, "left_stream.conv", "streams.left.conv");
  check(names, "a_b_stream.x.wq", "streams.a_b.x.q_weight");
  CHECK(names.ours("w") == "w");  // at least one character
}

TEST_CASE("tied patterns hold at the beginning, at the end, or for one whole name") {
  const name_map names{{"^a", "^first"}, {"b$", "last$"}, {"^one.name$", "^another$"}};
  check(names, "a.x.a", "first.x.a");
  check(names, "b.x.b", "b.x.last");
  check(names, "one.name", "another");
  check(names, "one.name.more", "one.name.more");
  check(names, "x.one.name", "x.one.name");
}

TEST_CASE("a prefix of all names comes and goes") {
  const name_map names{{"^module", "^"}, {"bn{n}", "norm{n}"}};
  check(names, "module.bn0.weight", "norm0.weight");
  check(names, "module.weight", "weight");
  CHECK(names.ours("bn0.weight") == "norm0.weight");
  const name_map inverse{{"^", "^net"}, {"bn{n}", "norm{n}"}};
  check(inverse, "bn0.weight", "net.norm0.weight");
}

TEST_CASE("the first rule that matches decides, and added rules come last") {
  const name_map special{{"a.b", "x"}};
  const name_map general{{"a", "y"}, {"b", "z"}};
  check(special + general, "a.b.a", "x.y");
  CHECK((general + special).ours("a.b.a") == "y.z.y");
}

TEST_CASE("a map may be a function, or two") {
  const name_map one([](std::string_view ours) { return "net." + std::string(ours); });
  CHECK(one.theirs("a.b") == "net.a.b");
  CHECK(message_of<value_error>([&] { one.ours("net.a"); }).find("needs the other direction") !=
        std::string::npos);
  const name_map two([](std::string_view ours) { return "net." + std::string(ours); },
                     [](std::string_view theirs) { return std::string(theirs.substr(4)); });
  check(two, "net.a.b", "a.b");
  CHECK_THROWS_AS(one + two, value_error);
  CHECK_THROWS_AS(name_map(name_map::function{}), value_error);
}

TEST_CASE("rules that cannot be read both ways are refused with a reason") {
  const auto refused = [](std::string theirs, std::string ours) {
    return message_of<value_error>([&] { name_map{{theirs, ours}}; });
  };
  CHECK(refused("a{n}", "b") == "name_map: the rule 'a{n}' <-> 'b' has a number on one side only");
  CHECK(refused("a{n}", "b{m}").find("a number on one side only") != std::string::npos);
  CHECK(refused("a*", "b").find("more * on one side") != std::string::npos);
  CHECK(refused("^a", "b").find("tied by ^ or $ on one side only") != std::string::npos);
  CHECK(refused("a$", "b").find("tied by ^ or $ on one side only") != std::string::npos);
  CHECK(refused("", "b").find("a side that stands for nothing") != std::string::npos);
  CHECK(refused("^$", "^b$").find("a side that stands for nothing") != std::string::npos);
  CHECK(refused("a{n", "b{n}") == "name_map: in 'a{n' a '{' is not closed");
  for (const std::string placeholder : {"{n+}", "{n*2}", "{N}", "{0n}", "{n+1234567890}", "{n 1}"}) {
    INFO(placeholder);
    CHECK(refused("a" + placeholder, "b{n}").find("a placeholder cannot be read") != std::string::npos);
  }
}

}  // namespace name_map_test
