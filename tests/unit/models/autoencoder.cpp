// Autoencoders: what goes in has the extents of what comes out, and the code is what it says.

#include <lookalike/models/autoencoder.hpp>

#include "run.hpp"

using namespace lookalike;

TEST_CASE("the networks run in all modes and show their codes") {
  dynamic_model<float> linear(linear_autoencoder({3, 6, 5}, 4) | expose("code"));
  const tensor<float> x = random_pictures(5, 3, 6, 5, 1);
  run_in_all_modes(linear, {x}, {5, 3, 6, 5});
  CHECK(std::as_const(linear).forward(x)["code"].extents == std::array<std::int64_t, 4>{5, 4, 1, 1});

  dynamic_model<float> deep(convolutional_autoencoder({3, 32, 16}, {.width = 4, .halvings = 3, .code = 9}) |
                            expose("code"));
  const tensor<float> pictures = random_pictures(2, 3, 32, 16, 2);
  const tensor<float> y = run_in_all_modes(deep, {pictures}, {2, 3, 32, 16});
  for (const float v : y) REQUIRE((v >= 0 && v <= 1));
  CHECK(std::as_const(deep).forward(pictures)["code"].extents == std::array<std::int64_t, 4>{2, 9, 1, 1});
}

TEST_CASE("the linear one is linear, up to its biases") {
  dynamic_model<double> net(linear_autoencoder({2, 3, 3}, 4, false));
  const tensor<double> a = random_pictures<double>(1, 2, 3, 3, 1), b = random_pictures<double>(1, 2, 3, 3, 2);
  tensor<double> sum = a;
  for (std::int64_t i = 0; i < sum.size(); ++i) sum.data()[i] = 2 * a.data()[i] - 3 * b.data()[i];
  const tensor<double> fa = net(a), fb = net(b), fsum = net(sum);
  for (std::int64_t i = 0; i < fsum.size(); ++i)
    CHECK(fsum.data()[i] == Approx(2 * fa.data()[i] - 3 * fb.data()[i]).margin(1e-12));
}

TEST_CASE("gradients of small autoencoders") {
  check_some_gradients(linear_autoencoder({2, 3, 4}, 3), {.samples = 10, .batch = 3});
  check_some_gradients(convolutional_autoencoder({1, 8, 4}, {.width = 2, .halvings = 2, .code = 3}),
                       {.samples = 8, .batch = 3});
}

TEST_CASE("pictures that cannot be halved so often are an error") {
  CHECK_THROWS_AS(convolutional_autoencoder({3, 20, 16}), value_error);
  CHECK_THROWS_AS(convolutional_autoencoder({3, 16, 16}, {.halvings = 0}), value_error);
}
