#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/fingerprint.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/model.hpp>

namespace fingerprint_test {

using namespace lookalike;

namespace {

constexpr architecture small_network() {
  return input(3, {.height = 8, .width = 8}) | conv(4, {.stride = 2}) | relu() | named("code", conv(4)) |
         skip(conv(4)) | expose("code");
}
struct small_definition {
  static constexpr architecture define() { return small_network(); }
};

/// With one number in all parameters, so that only the architecture differs.
std::uint64_t of(const architecture& a, int height = 8, int width = 8) {
  dynamic_model<float> net(a, height, width);
  for (float& value : net.values()) value = 0.5f;
  return fingerprint(net);
}

}  // namespace

TEST_CASE("a network and its copy have one fingerprint, however they were made and are executed") {
  const dynamic_model<float> net(small_network());
  const model<small_definition> compiled;
  CHECK(fingerprint(net) == fingerprint(compiled));
  CHECK(fingerprint(net) == fingerprint(dynamic_model<float>(small_network())));
  dynamic_model<float> prepared(small_network());
  prepared.prepare({.algorithm = simd::convolution_algorithm::direct});
  CHECK(fingerprint(net) == fingerprint(prepared));
}

TEST_CASE("networks of equal parameters that compute something else have other fingerprints") {
  const auto with = [](const architecture& middle) { return input(3) | conv(4) | middle | conv(4); };
  const std::vector<architecture> different{
      with(relu()),
      with(leaky_relu(0.1)),
      with(leaky_relu(0.2)),
      with(tanh()),
      with(identity()),
      with(max_pool(2)),
      with(average_pool(2)),
      input(3) | conv(4, {.stride = 2}) | relu() | conv(4),
      input(3) | conv(4) | relu() | conv(4, {.stride = 2}),
      input(3) | conv(4, {.padding = 0}) | relu() | conv(4),
      input(3) | conv(4, {.dilation = 2}) | relu() | conv(4),
      input(3) | conv(4) | relu() | skip(conv(4)),
      input(3) | conv(4) | branch(relu() | conv(4), identity()) | concat(),
      input(3) | conv(4) | branch(identity(), relu() | conv(4)) | concat(),
  };
  std::set<std::uint64_t> found;
  for (const architecture& a : different) found.insert(of(a));
  CHECK(found.size() == different.size());
}

TEST_CASE("the extents of inputs, parts that have names, and each parameter count") {
  const architecture open = input(3) | conv(4) | relu() | conv(4);
  CHECK(of(open) != of(open, 8, 9));
  CHECK(of(open) != of(open, dynamic, dynamic));
  const auto exposing = [](const architecture& first, const architecture& second) {
    return input(3) | first | second | expose("code");
  };
  CHECK(of(exposing(named("code", conv(4)), conv(4))) != of(exposing(conv(4), named("code", conv(4)))));

  dynamic_model<float> net(small_network());
  const std::uint64_t before = fingerprint(net);
  for (const parameter& p : net.parameters()) {
    float& last = net.values(p.name).back();
    const float kept = last;
    last += 1;
    CHECK(fingerprint(net) != before);
    last = kept;
  }
  CHECK(fingerprint(net) == before);
}

}  // namespace fingerprint_test
