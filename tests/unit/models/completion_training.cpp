// Training of the completion network: holes, windows, pasting, and gradients that go from the discriminator's
// verdict through the pasted picture into the completion network, with all passes alive at once.

#include <set>
#include <vector>

#include <lookalike/models/completion_training.hpp>
#include <lookalike/models/image_completion.hpp>
#include <lookalike/nn/losses/binary_cross_entropy.hpp>
#include <lookalike/nn/losses/regression.hpp>
#include <lookalike/nn/optimizers/adadelta.hpp>

#include "run.hpp"

using namespace lookalike;

TEST_CASE("holes have sides within the bounds, lie in the picture and come everywhere") {
  random_sequence random(1);
  std::set<int> heights, tops;
  for (int i = 0; i < 500; ++i) {
    const box hole = random_hole({32, 20}, random, {.least = 6, .most = 9});
    REQUIRE((hole.height >= 6 && hole.height <= 9 && hole.width >= 6 && hole.width <= 9));
    REQUIRE((hole.y >= 0 && hole.x >= 0 && hole.y + hole.height <= 32 && hole.x + hole.width <= 20));
    heights.insert(hole.height);
    tops.insert(hole.y);
  }
  CHECK(heights == std::set<int>{6, 7, 8, 9});
  CHECK(tops.size() == 27);  // 0 to 32 - 6
  CHECK_THROWS_AS(random_hole({5, 20}, random, {.least = 6, .most = 9}), value_error);
  CHECK_THROWS_AS(random_hole({50, 50}, random, {.least = 9, .most = 6}), value_error);
}

TEST_CASE("a window lies around the middle of the hole, and within the picture") {
  CHECK(window_around({40, 50, 10, 20}, 32, {100, 100}) == box{29, 44, 32, 32});
  CHECK(window_around({0, 90, 10, 10}, 32, {100, 100}) == box{0, 68, 32, 32});
  CHECK(window_around({3, 3, 100, 2}, 32, {32, 32}) == box{0, 0, 32, 32});
  CHECK_THROWS_AS(window_around({0, 0, 4, 4}, 33, {32, 40}), value_error);
}

TEST_CASE("known pixels stay bit-identical, missing ones are the network's") {
  const tensor<float> x = random_pictures(2, 3, 8, 12, 1), y = random_pictures(2, 3, 8, 12, 2);
  const std::vector<box> holes{{1, 2, 3, 4}, {4, 0, 4, 12}};
  const tensor<float> masks = hole_masks<float>(holes, {8, 12});
  const tensor<float> out = pasted<float>(y, x, masks);
  const tensor<float> given = with_hole<float>(x, masks, {0.25f, 0.5f, 0.75f});
  for (int n = 0; n < 2; ++n)
    for (int c = 0; c < 3; ++c)
      for (int row = 0; row < 8; ++row)
        for (int column = 0; column < 12; ++column) {
          const box& h = holes[static_cast<std::size_t>(n)];
          const bool missing = row >= h.y && row < h.y + h.height && column >= h.x && column < h.x + h.width;
          CHECK(masks(n, 0, row, column) == (missing ? 1.0f : 0.0f));
          CHECK(out(n, c, row, column) == (missing ? y : x)(n, c, row, column));
          CHECK(given(n, c, row, column) ==
                (missing ? 0.25f + 0.25f * static_cast<float>(c) : x(n, c, row, column)));
        }
  CHECK_THROWS_AS(pasted<float>(y, x, x), value_error);
}

TEST_CASE("the gradients of cropping and pasting are their adjoints") {
  // <crop(x), g> = <x, crop'(g)> and <pasted(y), g> - <pasted(0), g> = <y, in_hole(g)>, exactly up to
  // rounding.
  const tensor<double> x = random_pictures<double>(2, 3, 9, 10, 3, -1, 1);
  const tensor<double> g = random_pictures<double>(2, 3, 4, 4, 4, -1, 1);
  const std::vector<box> windows{{1, 2, 4, 4}, {5, 6, 4, 4}};
  const auto inner = [](const tensor<double>& a, const tensor<double>& b) {
    REQUIRE(a.extents() == b.extents());
    double sum = 0;
    for (std::int64_t i = 0; i < a.size(); ++i) sum += a.data()[i] * b.data()[i];
    return sum;
  };
  tensor<double> back(2, 3, 9, 10);
  add_cropped<double>(g, windows, back);
  CHECK(inner(cropped(x, windows), g) == Approx(inner(x, back)));
  const tensor<double> whole = random_pictures<double>(2, 3, 9, 10, 5, -1, 1);
  const tensor<double> masks = hole_masks<double>(windows, {9, 10});
  const tensor<double> zero(2, 3, 9, 10);
  CHECK(inner(pasted<double>(x, zero, masks), whole) == Approx(inner(x, in_hole(whole, masks))));
}

namespace {

struct batch {
  tensor<double> x = random_pictures<double>(2, 3, 32, 32, 6);
  std::vector<box> holes{{8, 9, 10, 8}, {12, 3, 9, 12}};
  std::vector<box> windows{window_around(holes[0], 16, {32, 32}), window_around(holes[1], 16, {32, 32})};
  tensor<double> masks = hole_masks<double>(holes, {32, 32});
  tensor<double> given = with_hole<double>(x, masks, {0.5, 0.5, 0.5});
};

constexpr double alpha = 0.1;  // 0.0004 in the paper; large here, so that the check sees it
constexpr mean_squared_error hole_error{.reduce = reduction::weighted_mean};

tensor<double> verdicts(double value) {
  tensor<double> t(2, 1);
  std::fill(t.begin(), t.end(), value);
  return t;
}

// The completion network's loss: the error in the hole, and alpha times how sure the discriminator is that
// the pictures are completed. The discriminator is in evaluation here, so that a difference is one of C
// alone.
double generator_loss(const network<double>& c, const network<double>& d, const batch& b) {
  const auto completed = c.forward({{"image", b.given}, {"mask", b.masks}}, {.training = true});
  const tensor<double> picture = pasted<double>(completed.output(), b.x, b.masks);
  const auto judged = d.forward({{"local", cropped(picture, b.windows)}, {"global", picture}});
  return hole_error(completed.output(), b.x, b.masks).value +
         alpha * binary_cross_entropy{}(judged.output(), verdicts(1)).value;
}

}  // namespace

TEST_CASE("gradients flow from the discriminator through the pasted picture into the completion network") {
  const thread_scope one(1);
  const batch b;
  dynamic_model<double> c(completion_network(2));
  dynamic_model<double> d(completion_discriminator(32, 2, 6));
  strengthen(c, 1);
  strengthen(d, 2);
  const network<double>& fixed_c = c;
  const network<double>& fixed_d = d;

  // All passes live at once: completion, verdict on real pictures, verdict on completed ones.
  auto completed = fixed_c.forward({{"image", b.given}, {"mask", b.masks}}, {.training = true});
  const tensor<double> picture = pasted<double>(completed.output(), b.x, b.masks);
  auto real = fixed_d.forward({{"local", cropped(b.x, b.windows)}, {"global", b.x}}, {.training = true});
  auto judged = fixed_d.forward({{"local", cropped(picture, b.windows)}, {"global", picture}},
                                {.differentiable = true});

  auto gradients_of_d = d.make_gradients();
  real.backward({binary_cross_entropy{}(real.output(), verdicts(1)).gradient}, gradients_of_d);
  CHECK(std::any_of(gradients_of_d.begin(), gradients_of_d.end(), [](double g) { return g != 0; }));

  const auto back = judged.backward({binary_cross_entropy{}(judged.output(), verdicts(1)).gradient}, {});
  REQUIRE(back.size() == 2);
  tensor<double> of_picture(back[1]);
  add_cropped<double>(back[0], b.windows, of_picture);
  auto adversarial = hole_error(completed.output(), b.x, b.masks);
  const tensor<double> share = in_hole(of_picture, b.masks, alpha);
  CHECK(std::any_of(share.begin(), share.end(), [](double g) { return g != 0; }));
  for (std::int64_t i = 0; i < share.size(); ++i) adversarial.gradient.data()[i] += share.data()[i];
  auto gradients_of_c = c.make_gradients();
  completed.backward({adversarial.gradient}, gradients_of_c);

  // Against differences of the whole loss, at a few weights of each layer.
  random_sequence random(7);
  int compared = 0, kinks = 0;
  for (const parameter& p : c.parameters()) {
    if (p.rank != 4) continue;
    for (int k = 0; k < 2; ++k) {
      const auto at = static_cast<std::size_t>(p.offset + random.integer(p.size));
      double& w = c.values()[at];
      const double before = w, h = 1e-6, now = generator_loss(fixed_c, fixed_d, b);
      w = before + h;
      const double above = generator_loss(fixed_c, fixed_d, b);
      w = before - h;
      const double below = generator_loss(fixed_c, fixed_d, b);
      w = before;
      const double difference = (above - below) / (2 * h);
      const double apart = std::abs(difference - gradients_of_c[at]);
      const double tolerance = 1e-5 * std::max(std::abs(difference), 1e-3);
      if (apart > tolerance && std::abs((above - now) - (now - below)) / h >= apart) {
        ++kinks;
        continue;
      }
      CAPTURE(p.name, difference, gradients_of_c[at]);
      CHECK(apart <= tolerance);
      ++compared;
    }
  }
  CHECK(compared > 25);
  CHECK(kinks <= 5);
}

TEST_CASE("steps of the three phases change what they should and nothing else") {
  const thread_scope one(1);
  const batch b;
  dynamic_model<double> c(completion_network(2));
  dynamic_model<double> d(completion_discriminator(32, 2, 6));
  optimizer<adadelta, double> of_c(adadelta{}), of_d(adadelta{});
  auto gradients_of_c = c.make_gradients();
  auto gradients_of_d = d.make_gradients();
  const auto error = [&] {
    const auto completed =
        std::as_const(c).forward({{"image", b.given}, {"mask", b.masks}}, {.training = true});
    return hole_error(completed.output(), b.x, b.masks).value;
  };

  // Completion alone.
  const double at_first = error();
  for (int i = 0; i < 30; ++i) {
    auto completed = c.forward({{"image", b.given}, {"mask", b.masks}}, {.training = true});
    completed.backward({hole_error(completed.output(), b.x, b.masks).gradient}, gradients_of_c);
    of_c.step(c.parameters(), c.values(), gradients_of_c);
  }
  CHECK(error() < at_first);

  // The discriminator alone: it learns to tell real from completed.
  const std::vector<double> c_before(c.values().begin(), c.values().end());
  const tensor<double> picture = pasted<double>(
      std::as_const(c).forward({{"image", b.given}, {"mask", b.masks}}, {.training = true}).output(), b.x,
      b.masks);
  double loss = 0, first_loss = 0;
  for (int i = 0; i < 60; ++i) {
    auto real = d.forward({{"local", cropped(b.x, b.windows)}, {"global", b.x}}, {.training = true});
    auto completed =
        d.forward({{"local", cropped(picture, b.windows)}, {"global", picture}}, {.training = true});
    const auto yes = binary_cross_entropy{}(real.output(), verdicts(1));
    const auto no = binary_cross_entropy{}(completed.output(), verdicts(0));
    loss = yes.value + no.value;
    if (i == 0) first_loss = loss;
    real.backward({yes.gradient}, gradients_of_d);
    completed.backward({no.gradient}, gradients_of_d);
    of_d.step(d.parameters(), d.values(), gradients_of_d);
  }
  CHECK(loss < 0.9 * first_loss);
  CHECK(std::equal(c_before.begin(), c_before.end(), c.values().begin()));
}
