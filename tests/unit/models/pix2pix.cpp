// pix2pix: generator and discriminator run, and each pixel of the discriminator's verdict sees 70 pixels.

#include <lookalike/models/pix2pix.hpp>

#include "run.hpp"

using namespace lookalike;

TEST_CASE("the generator runs in all modes and yields values within [-1, 1]") {
  dynamic_model<float> full(pix2pix_generator());
  const tensor<float> one = std::as_const(full)(random_pictures(1, 3, 256, 256, 1, -1, 1));
  CHECK(one.extents() == std::array<std::int64_t, 4>{1, 3, 256, 256});
  CHECK(all_finite(one));

  dynamic_model<float> net(pix2pix_generator({.inputs = 1, .outputs = 3, .width = 8, .levels = 6}));
  const tensor<float> y = run_in_all_modes(net, {random_pictures(1, 1, 64, 128, 2, -1, 1)}, {1, 3, 64, 128});
  for (const float v : y) REQUIRE(std::abs(v) <= 1);
  CHECK_THROWS_AS(net(random_pictures(1, 1, 96, 64, 3)), value_error);
}

TEST_CASE("dropout is chance of its own in training, and the same for the same seed") {
  // Of 6 levels, two between the innermost one and the widening have dropout, as in the paper's decoder.
  const auto count = [](int levels) {
    const architecture a = pix2pix_generator({.width = 2, .levels = levels});
    int dropouts = 0;
    for (const node& n : a.nodes) dropouts += n.rules->kind == "dropout" ? 1 : 0;
    return dropouts;
  };
  CHECK(count(8) == 3);
  CHECK(count(7) == 2);
  CHECK(count(5) == 0);
  const dynamic_model<float> net(pix2pix_generator({.width = 4, .levels = 7}));
  const tensor<float> x = random_pictures(1, 3, 128, 128, 4, -1, 1);
  const tensor<float> a(net.forward(x, {.training = true, .seed = 1}).output());
  const tensor<float> b(net.forward(x, {.training = true, .seed = 2}).output());
  const tensor<float> again(net.forward(x, {.training = true, .seed = 1}).output());
  CHECK(a == again);
  CHECK_FALSE(a == b);
  CHECK(net(x) == net(x));
}

TEST_CASE("PatchGAN runs in all modes, one score for each patch") {
  dynamic_model<float> net(patch_discriminator(6, 8));
  run_in_all_modes(net, {random_pictures(2, 6, 80, 64, 5, -1, 1)}, {2, 1, 8, 6});
}

TEST_CASE("a score of PatchGAN depends on 70 x 70 pixels, by the support of its gradient") {
  const thread_scope one(1);
  dynamic_model<double> net(patch_discriminator(2, 4));
  const tensor<double> x = random_pictures<double>(1, 2, 160, 160, 6, -1, 1);
  auto pass = net.forward(x, {.differentiable = true});
  tensor<double> g(1, 1, pass.output().height(), pass.output().width());
  g(0, 0, 9, 8) = 1;
  const auto back = pass.backward({g}, {})[0];
  std::int64_t top = 1000, bottom = -1, left = 1000, right = -1;
  for (int c = 0; c < 2; ++c)
    for (std::int64_t y = 0; y < 160; ++y)
      for (std::int64_t column = 0; column < 160; ++column) {
        if (back(0, c, y, column) == 0) continue;
        top = std::min(top, y);
        bottom = std::max(bottom, y);
        left = std::min(left, column);
        right = std::max(right, column);
      }
  CHECK(bottom - top + 1 == 70);
  CHECK(right - left + 1 == 70);
}

TEST_CASE("gradients of small pix2pix networks") {
  check_some_gradients(pix2pix_generator({.width = 2, .levels = 4}),
                       {.samples = 5, .batch = 2, .height = 16, .width = 32});
  check_some_gradients(patch_discriminator(2, 3, 2), {.samples = 6, .batch = 2, .height = 20, .width = 18});
}

TEST_CASE("a generator of one level is an error") {
  CHECK_THROWS_WITH(pix2pix_generator({.levels = 1}), "pix2pix_generator: wanted 2 or more levels");
}
