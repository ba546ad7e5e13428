// Weights that are packed once: what `prepare` changes, which is not the results.

#include <algorithm>
#include <cmath>
#include <cstring>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/model.hpp>

#include "../allocations.hpp"
#include "random_architecture.hpp"

namespace packed_weights_test {

using namespace lookalike;

namespace {

constexpr architecture body() {
  return conv(32) | batch_norm() | silu() | conv(32, {.dilation = 2});
}

/// Direct and Winograd's convolutions, groups, up-convolution, and parameters that two places share.
struct mixed {
  static constexpr architecture define() {
    return input(3) | conv(24, {.stride = 2}) | silu() | shared("tower", conv(24)) | silu() |
           shared("tower", conv(24)) | body() | conv(32, {.groups = 32}) | up_conv(16) |
           conv(5, {.kernel = 1}) | global_average_pool() | fully_connected(4);
  }
};

tensor<float> picture(int batch, int extent, unsigned seed) {
  return plain::random_tensor<float>(batch, 3, extent, extent, seed);
}

bool same_bits(const tensor<float>& a, const tensor<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("packed weights change no bit, at any extent, batch and number of threads") {
  model<mixed> net;
  dynamic_model<float> dynamic_net(mixed::define());
  const dynamic_model<float> unprepared(mixed::define());
  net.prepare();
  dynamic_net.prepare();
  for (const int thread_count : {1, 3}) {
    const thread_scope scope(thread_count);
    for (const int extent : {32, 17, 64, 32}) {
      const tensor<float> x = picture(2, extent, static_cast<unsigned>(extent));
      const tensor<float> wanted = unprepared(x.view());
      CHECK(same_bits(net(x.view()), wanted));
      CHECK(same_bits(dynamic_net(x.view()), wanted));
    }
  }
}

TEST_CASE("who can change parameters undoes the preparation") {
  dynamic_model<float> net(mixed::define()), other(mixed::define());
  const tensor<float> x = picture(1, 32, 1);
  net.prepare();
  const tensor<float> before = net(x.view());
  CHECK(net.is_prepared());
  CHECK(net.packed_memory() > 0);
  net.initialize(5);
  CHECK_FALSE(net.is_prepared());
  CHECK(net.packed_memory() == 0);
  other.initialize(5);
  const tensor<float> wanted = other(x.view());
  CHECK_FALSE(same_bits(before, wanted));
  CHECK(same_bits(net(x.view()), wanted));
  net.prepare();
  CHECK(same_bits(net(x.view()), wanted));
}

TEST_CASE("plans share packed weights of the same form, and the same part has them once") {
  dynamic_model<float> net(input(16) | shared("tower", conv(16)) | silu() | shared("tower", conv(16)));
  net.prepare();
  CHECK(net.packed_memory() == 0);
  const auto run = [&](int extent) {
    net(plain::random_tensor<float>(1, 16, extent, extent, 2).view());
    return net.packed_memory();
  };
  const std::size_t large = run(32);
  CHECK(large == sizeof(float) * 16 * 16 * 36);
  CHECK(run(40) == large);
  CHECK(run(7) == large + sizeof(float) * 16 * 16 * 16);  // F(2x2) for few pixels
  net.prepare({.low_memory = true});
  CHECK(run(32) == sizeof(float) * 16 * 16 * 16);
  net.prepare({.algorithm = simd::convolution_algorithm::direct});
  CHECK(run(32) == sizeof(float) * 16 * 16 * 9);
}

TEST_CASE("outputs and gradients with any algorithm are as near to double precision as direct ones, nearly") {
  using enum simd::convolution_algorithm;
  /// Outputs in inference, and the gradients of a training pass.
  const auto run = [](auto& net, auto zero) {
    using scalar = decltype(zero);
    const auto x = plain::random_tensor<scalar>(2, 3, 32, 32, 3);
    const auto weights = plain::random_tensor<scalar>(2, 4, 1, 1, 4);
    auto pass = net.forward(x, {.training = true});
    auto gradients = net.make_gradients();
    const tensor<scalar> at_input(pass.backward({named_tensor<scalar>(weights)}, gradients)[0]);
    std::vector<double> all(gradients.begin(), gradients.end());
    all.insert(all.end(), at_input.data(), at_input.data() + at_input.size());
    const tensor<scalar> y = std::as_const(net)(x.view());
    all.insert(all.end(), y.data(), y.data() + y.size());
    return all;
  };
  dynamic_model<float> net(mixed::define());
  dynamic_model<double> exact(mixed::define());
  const std::vector<float> values(net.values().begin(), net.values().end());
  std::copy(values.begin(), values.end(), exact.values().begin());
  const std::vector<double> truth = run(exact, 0.0);
  const auto error = [&](simd::convolution_algorithm algorithm) {
    std::copy(values.begin(), values.end(), net.values().begin());
    net.set_execution({.algorithm = algorithm});
    const std::vector<double> given = run(net, 0.0F);
    double squares = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) squares += std::pow(given[i] - truth[i], 2);
    return std::sqrt(squares);
  };
  const double of_direct = error(direct);
  CHECK(of_direct > 0);
  for (const auto algorithm : {automatic, winograd_2x2, winograd_4x4})
    CHECK(error(algorithm) < 4 * of_direct);
  CHECK(error(winograd_6x6) < 20 * of_direct);
  CHECK(error(winograd_6x6) != of_direct);
}

TEST_CASE("a double network has nothing to pack") {
  dynamic_model<double> net(mixed::define());
  const tensor<double> x = plain::random_tensor<double>(1, 3, 32, 32, 5);
  const tensor<double> wanted = std::as_const(net)(x.view());
  net.prepare();
  const tensor<double> given = std::as_const(net)(x.view());
  CHECK(std::equal(given.begin(), given.end(), wanted.begin(), wanted.end()));
  CHECK(net.packed_memory() == 0);
}

TEST_CASE("prepared inference allocates nothing after the first call") {
  const thread_scope scope(1);
  dynamic_model<float> net(mixed::define());
  net.prepare();
  const auto& reading = std::as_const(net);
  const tensor<float> x = picture(1, 32, 6);
  { const auto pass = reading.forward(x); }
  const std::int64_t before = allocations::count;
  { const auto pass = reading.forward(x); }
  CHECK(allocations::count == before);
}

}  // namespace packed_weights_test
