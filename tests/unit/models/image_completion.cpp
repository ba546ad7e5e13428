// Completion network and discriminators run on pictures of all sizes that they should run on. Their receptive
// fields are checked in tests/unit/nn/receptive_field.cpp, parameters in tests/static/models.cpp.

#include <lookalike/models/image_completion.hpp>

#include "run.hpp"

using namespace lookalike;

TEST_CASE("the completion network runs in all modes, on any picture whose extents are multiples of 4") {
  dynamic_model<float> net(completion_network(8));
  for (const auto& [height, width] : {std::pair{64, 64}, {4, 100}, {36, 52}}) {
    const tensor<float> y = run_in_all_modes(
        net, {random_pictures(2, 3, height, width, 1), random_pictures(2, 1, height, width, 2)},
        {2, 3, height, width});
    for (const float v : y) REQUIRE((v >= 0 && v <= 1));
  }
  dynamic_model<float> full(completion_network());
  const auto pass = std::as_const(full).forward(
      {{"image", random_pictures(1, 3, 64, 32, 3)}, {"mask", random_pictures(1, 1, 64, 32, 4)}});
  CHECK(pass.output().extents == std::array<std::int64_t, 4>{1, 3, 64, 32});
}

TEST_CASE("for other extents the completion network yields the next multiple of 4") {
  const dynamic_model<float> net(completion_network(4));
  const auto pass = net.forward({random_pictures(1, 3, 33, 34, 1), random_pictures(1, 1, 33, 34, 1)});
  CHECK(pass.output().height() == 36);
  CHECK(pass.output().width() == 36);
}

TEST_CASE("the completion network is convolutional: what is moved by a multiple of 4 comes out moved") {
  const thread_scope one(1);
  dynamic_model<double> net(completion_network(2));
  strengthen(net);
  // The whole network sees 303 pixels, most of them faintly; with a picture that repeats itself every 16
  // pixels over 400, the middle does not see the border, and must repeat itself too.
  tensor<double> image(1, 3, 16, 464), mask(1, 1, 16, 464);
  const tensor<double> tile = random_pictures<double>(1, 4, 16, 16, 5);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 464; ++x) {
      for (int c = 0; c < 3; ++c) image(0, c, y, x) = tile(0, c, y, x % 16);
      mask(0, 0, y, x) = tile(0, 3, y, x % 16) > 0.5 ? 1 : 0;
    }
  const tensor<double> y(net.forward({image, mask}).output());
  for (int row = 0; row < 16; ++row)
    for (int x = 208; x < 224; ++x)
      for (int c = 0; c < 3; ++c) CHECK(y(0, c, row, x) == Approx(y(0, c, row, x + 16)).epsilon(1e-12));
  CHECK(y(0, 0, 8, 0) != Approx(y(0, 0, 8, 208)).epsilon(1e-12));
}

TEST_CASE("either place for the normalization has the same parameters and other results") {
  dynamic_model<float> before(completion_network(4));
  dynamic_model<float> after(completion_network(4, normalization_place::after_relu));
  REQUIRE(before.parameters().size() == after.parameters().size());
  for (std::size_t i = 0; i < before.parameters().size(); ++i) {
    CHECK(before.parameters()[i].name == after.parameters()[i].name);
    CHECK(before.parameters()[i].dimensions == after.parameters()[i].dimensions);
  }
  strengthen(before);
  std::copy(before.values().begin(), before.values().end(), after.values().begin());
  for (dynamic_model<float>* net : {&before, &after}) {
    for (float& bias : net->values("encoder.batch_norm0.bias")) bias = -0.1f;
  }
  const tensor<float> image = random_pictures(1, 3, 16, 16, 6), mask(1, 1, 16, 16);
  CHECK(largest_difference(before.forward({image, mask}).output(), after.forward({image, mask}).output()) >
        1e-6);
}

TEST_CASE("the discriminators run in all modes, apart and together") {
  dynamic_model<float> local(local_discriminator(32, 8, 12));
  run_in_all_modes(local, {random_pictures(3, 3, 32, 32, 1)}, {3, 12, 1, 1});
  dynamic_model<float> global(global_discriminator(64, 8, 12));
  run_in_all_modes(global, {random_pictures(3, 3, 64, 64, 2)}, {3, 12, 1, 1});
  dynamic_model<float> both(completion_discriminator(64, 8, 12));
  CHECK(both.input_name(0) == "local");
  CHECK(both.input_name(1) == "global");
  run_in_all_modes(both, {random_pictures(3, 3, 32, 32, 3), random_pictures(3, 3, 64, 64, 4)}, {3, 1, 1, 1});
}

TEST_CASE("gradients of small completion networks") {
  check_some_gradients(completion_network(2),
                       {.samples = 2, .height = 8, .width = 12, .idle_biases = true, .most_skipped = 0.1});
  check_some_gradients(completion_network(2, normalization_place::after_relu),
                       {.samples = 2, .height = 8, .width = 8, .most_skipped = 0.15});
  check_some_gradients(completion_discriminator(64, 2, 3),
                       {.samples = 3, .idle_biases = true, .most_skipped = 0.1});
}
