#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/models/image_completion.hpp>
#include <lookalike/models/pix2pix.hpp>
#include <lookalike/models/resnet.hpp>
#include <lookalike/models/unet.hpp>
#include <lookalike/nn/architecture_json.hpp>
#include <lookalike/nn/detail/lowering.hpp>

#include "random_architecture.hpp"

namespace architecture_json_test {

using namespace lookalike;

namespace {

layer_registry plain_registry() {
  layer_registry r;
  r.add<detail::input_layer>().add<detail::from_layer>().add<layers::concat>();
  r.add<plain::conv_layer>().add<plain::relu_layer>().add<plain::scale_layer>().add<plain::bend_layer>();
  r.add<plain::norm_layer>().add<plain::add_layer>().add<plain::product_layer>().add<plain::pool_layer>();
  r.add<plain::up_layer>().add<plain::drop_layer>().add<plain::constant_layer>();
  return r;
}

std::string error_of(const std::string& text, const layer_registry& registry = standard_layers()) {
  try {
    (void)architecture_from_json(text, registry);
  } catch (const value_error& e) {
    return e.what();
  }
  return "";
}

std::string with(const std::string& layers, const std::string& rest = R"("yields": [0])") {
  return R"({"format": "lookalike.architecture", "version": 1, "layers": [)" + layers + "], " + rest + "}";
}

}  // namespace

TEST_CASE("what is written is read back as an equal architecture") {
  const layer_registry registry = plain_registry();
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    const architecture a = plain::random_architecture(seed).make();
    REQUIRE(architecture_from_json(to_json(a), registry) == a);
    REQUIRE(architecture_from_json(to_json(a, 2), registry) == a);
  }
  // Recipes that begin nowhere yet, too.
  for (const architecture& a : {identity(), skip(relu()), named("x", conv(3)) | from("x") | expose("x"),
                                named("in", relu() | expose("relu0"))})
    REQUIRE(architecture_from_json(to_json(a)) == a);
}

TEST_CASE("the models of the library go through JSON") {
  for (const architecture& a : {resnet50(), unet_original(), unet_normalized(), pix2pix_generator(),
                                patch_discriminator(), completion_network(), completion_discriminator()})
    REQUIRE(architecture_from_json(to_json(a)) == a);
}

TEST_CASE("options keep every bit") {
  for (double slope : {0.1, 1.0 / 3, 1e-300, -0.0, 5e-324, 1.7976931348623157e308}) {
    const architecture a = input(1) | leaky_relu(slope);
    const architecture b = architecture_from_json(to_json(a));
    REQUIRE(b.numbers.back() == slope);
    REQUIRE(std::signbit(b.numbers.back()) == std::signbit(slope));
  }
  CHECK_THROWS_AS(to_json(input(1) | leaky_relu(std::nan(""))), value_error);
}

TEST_CASE("the text says what a person expects") {
  CHECK(to_json(input("x", 3) | named("a", dropout(0.25))) ==
        R"({"format":"lookalike.architecture","version":1,"layers":[)"
        R"({"kind":"input","name":"x","channels":3,"height":-1,"width":-1},)"
        R"({"kind":"dropout","reads":[0],"in":0,"probability":0.25}],)"
        R"("parts":[{"name":"a","yields":[1]}],"yields":[1]})");
}

TEST_CASE("options that are not said have their defaults") {
  const architecture a = architecture_from_json(
      with(R"({"kind": "input", "channels": 3}, {"kind": "conv", "reads": [0], "channels": 4})",
           R"("yields": [1])"));
  CHECK(a == (input(3) | conv(4, {.padding = 0})));
}

TEST_CASE("users' kinds are read where they have been added") {
  auto mine = standard_layers();
  const architecture a = input(3) | plain::bend() | relu();
  CHECK(error_of(to_json(a)) ==
        "architecture: layers[1]: no layer of the kind 'bend' is known; add it to the layer_registry");
  mine.add<plain::bend_layer>();
  CHECK(architecture_from_json(to_json(a), mine) == a);
  CHECK_THROWS_WITH(mine.add<plain::relu_layer>(), "layer_registry: another layer is called 'relu' already");
  CHECK_NOTHROW(mine.add<plain::bend_layer>());
}

TEST_CASE("every kind of the library is registered once") {
  const auto kinds = standard_layers().kinds();
  for (const layer_rules* rules : kinds) {
    CHECK(standard_layers().find(rules->kind) == rules);
    CHECK(rules->attribute_defaults.size() == rules->attribute_names.size());
    CHECK(rules->attribute_types.size() == rules->attribute_names.size());
    for (std::string_view name : rules->attribute_names) CHECK_FALSE(detail::is_reserved_option(name));
  }
  CHECK(kinds.size() == 44);
}

TEST_CASE("what cannot be read is reported") {
  const std::string input = R"({"kind": "input", "channels": 3})";
  CHECK(error_of("") == "architecture: expects JSON of the format lookalike.architecture");
  CHECK(error_of("[1, 2") == "architecture: expects JSON of the format lookalike.architecture");
  CHECK(error_of(R"({"format": "lookalike.architecture", "version": 2})") ==
        "architecture: expects version 1");
  CHECK(error_of(with("3")) == "architecture: layers[0]: expects an object with a kind");
  CHECK(error_of(with(R"({"kind": "conf"})")) ==
        "architecture: layers[0]: no layer of the kind 'conf' is known; add it to the layer_registry");
  CHECK(error_of(with(R"({"kind": "input", "channel": 3})")) ==
        "architecture: layers[0]: 'input' has no option 'channel'");
  CHECK(error_of(with(R"({"kind": "input", "channels": "3"})")) ==
        "architecture: layers[0].channels: expects a number, given \"3\"");
  CHECK(error_of(with(R"({"kind": "input", "channels": 3.5})")) ==
        "architecture: layers[0].channels: expects an integer from -2147483647 to 2147483647, given 3.5");
  CHECK(error_of(with(R"({"kind": "input", "channels": 1e30})")) ==
        "architecture: layers[0].channels: expects an integer from -2147483647 to 2147483647, given 1e+30");
  CHECK(error_of(with(R"({"kind": "conv", "bias": 1})")) ==
        "architecture: layers[0].bias: expects true or false, given 1");
  CHECK(error_of(with(input + R"(, {"kind": "relu", "reads": [1]})")) ==
        "architecture: layers[1].reads: expects layers from -1 to 0, given 1");
  CHECK(error_of(with(input, R"("yields": [1])")) ==
        "architecture: yields: expects layers from -1 to 0, given 1");
  CHECK(error_of(with(input, R"("yields": [-2])")) ==
        "architecture: yields: expects layers from -1 to 0, given -2");
  CHECK(error_of(with(R"({"kind": "input", "in": 0})")) ==
        "architecture: layers[0]: expects a part from 0 to -1, given 0");
  CHECK(error_of(with(input, R"("yields": [0], "parts": [{"name": "a", "in": 0, "yields": []}])")) ==
        "architecture: parts[0]: expects a part from 0 to -1, given 0");
  CHECK(error_of(with(input, R"("yields": [0], "parts": [{"yields": []}])")) ==
        "architecture: parts[0]: expects a name");
}

TEST_CASE("damaged text gives an error or an architecture that can be looked at, never a crash") {
  const layer_registry registry = plain_registry();
  std::mt19937 chance(7);
  int read = 0, refused = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    const std::string text = to_json(plain::random_architecture(seed).make(2, 3));
    for (int k = 0; k < 50; ++k) {
      std::string damaged = text;
      for (int changes = 1 + static_cast<int>(chance() % 3); changes > 0; --changes) {
        const std::size_t at = chance() % damaged.size();
        const std::size_t digit = damaged.find_first_of("0123456789", at);
        switch (chance() % 8) {
          case 0:
            damaged[at] = static_cast<char>(chance() % 256);
            break;
          case 1:
            damaged.erase(at, 1 + chance() % 8);
            break;
          case 2:
            damaged.insert(at, std::string(1, "0123456789-[]{},\"e"[chance() % 18]));
            break;
          case 3:
            damaged.resize(at);
            break;
          default:
            if (digit != std::string::npos) damaged[digit] = static_cast<char>('0' + chance() % 10);
            break;
        }
        if (damaged.empty()) damaged = "{";
      }
      try {
        const architecture a = architecture_from_json(damaged, registry);
        const detail::lowering low = detail::lower(a, 8, 8);
        REQUIRE(architecture_from_json(to_json(a), registry) == a);
        ++read;
      } catch (const value_error&) {
        ++refused;
      }
    }
  }
  CHECK(read > 50);
  CHECK(refused > 500);
}

}  // namespace architecture_json_test
