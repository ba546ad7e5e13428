// The truth: which outputs change when one input pixel does, found by running the network; and the figures of
// the papers.

#include <catch2/catch.hpp>

#include <lookalike/models/image_completion.hpp>
#include <lookalike/models/pix2pix.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/receptive_field.hpp>

#include "random_architecture.hpp"

namespace receptive_field_test {

using namespace lookalike;

// Iizuka et al. quote 307 and 99; exact support counting of their table gives these.
static_assert(receptive_field(completion_network()).height == 303);
static_assert(receptive_field(completion_network()).least_width == 299);
static_assert(receptive_field(patch_discriminator()).height == 70);
static_assert(receptive_field(patch_discriminator()).width == 70);
static_assert(receptive_field(patch_discriminator()).stride_height == 8);
static_assert(receptive_field(local_discriminator()).everything);

namespace {

// The completion network's table with every dilation 1.
constexpr architecture without_dilation() {
  const auto up = [] { return transposed_conv(8, {.kernel = 4, .stride = 2, .padding = 1}); };
  architecture net =
      input(4) | conv(8, {.kernel = 5}) | conv(8, {.stride = 2}) | conv(8) | conv(8, {.stride = 2});
  for (int i = 0; i < 8; ++i) net = std::move(net) | conv(8);
  return std::move(net) | up() | conv(8) | up() | conv(8) | conv(3) | sigmoid();
}
static_assert(receptive_field(without_dilation()).height == 95);
static_assert(receptive_field(without_dilation()).least_height == 91);

int networks_run = 0;

// The input rows that rows of the output depend on, measured by changing one row at a time.
void check_by_running(const architecture& a, int extent) {
  CAPTURE(++networks_run);
  dynamic_model<double> net(a);
  for (double& w : net.values()) w = 0.1 + 0.01 * w;  // nothing cancels
  const receptive_field_extents field = receptive_field(a);
  REQUIRE_FALSE(field.everything);
  tensor<double> x(1, net.input_shape().channels, extent, extent);
  std::fill(x.begin(), x.end(), 1.0);
  const tensor<double> y = net(x);
  std::vector<int> first(static_cast<std::size_t>(y.height()), extent), last(first.size(), -1);
  for (int row = 0; row < extent; ++row) {
    tensor<double> changed = x;
    for (int c = 0; c < x.channels(); ++c)
      for (int column = 0; column < extent; ++column) changed(0, c, row, column) = 2;
    const tensor<double> z = net(changed);
    for (int i = 0; i < y.height(); ++i) {
      bool differs = false;
      for (int c = 0; c < y.channels(); ++c)
        for (int j = 0; j < y.width(); ++j) differs = differs || z(0, c, i, j) != y(0, c, i, j);
      if (!differs) continue;
      first[static_cast<std::size_t>(i)] = std::min(first[static_cast<std::size_t>(i)], row);
      last[static_cast<std::size_t>(i)] = row;
    }
  }
  int most = 0, least = extent + 1;
  bool inside = false;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (i < first.size() * 2 / 5 || i >= first.size() * 3 / 5) continue;  // perhaps cut off by the border
    inside = true;
    const int seen = last[i] >= first[i] ? last[i] - first[i] + 1 : 0;
    most = std::max(most, seen);
    least = std::min(least, seen);
    // The first position's field, moved by whole steps, is this one's.
    const int steps = static_cast<int>(i) / field.outputs_per_step_height;
    if (seen > 0 && static_cast<int>(i) % field.outputs_per_step_height == 0)
      CHECK(first[i] == steps * field.stride_height - field.padding_top);
  }
  REQUIRE(inside);
  CHECK(field.height == most);
  CHECK(field.least_height == least);
}

}  // namespace

TEST_CASE("the receptive field is what changes when a pixel does") {
  check_by_running(input(1) | conv(1, {.kernel = 3}), 24);
  check_by_running(input(1) | conv(1, {.kernel = 4, .stride = 2}) | conv(1, {.kernel = 3, .dilation = 3}),
                   48);
  check_by_running(input(1) | transposed_conv(1, {.kernel = 4, .stride = 2, .padding = 1}), 24);
  check_by_running(input(1) | transposed_conv(1, {.kernel = 3, .stride = 2, .padding = 1}) | conv(1), 24);
  check_by_running(input(1) | transposed_conv(1, {.kernel = 5, .stride = 3, .padding = 1}), 24);
  check_by_running(input(1) | transposed_conv(1, {.kernel = 2, .stride = 3}), 24);
  check_by_running(input(1) | transposed_conv(1, {.kernel = 3, .stride = 2, .padding = 1, .dilation = 3}),
                   16);
  check_by_running(input(1) | upsample(2) | conv(1), 24);
  check_by_running(input(1) | upsample(3) | conv(1, {.kernel = 5}), 24);
  check_by_running(input(1) | upsample(2, {.method = interpolation::bilinear}) | conv(1), 24);
  check_by_running(input(1) | upsample(3, {.method = interpolation::bilinear}), 24);
  check_by_running(input(1) | average_pool(3, {.stride = 2, .padding = 1}) | average_pool(2), 80);
  check_by_running(input(1) | crop(2, 1, 1, 0) | conv(1), 24);
  check_by_running(
      input(1) | skip(conv(1, {.kernel = 5}) | conv(1, {.kernel = 1})) | conv(1, {.dilation = 2}), 64);
  check_by_running(input(1) | conv(1) | skip(average_pool(2) | conv(1) | up_conv(1)) | conv(1), 64);
  check_by_running(input(1) |
                       skip(average_pool(2) | skip(average_pool(2) | conv(1) | up_conv(1)) | conv(1) |
                            transposed_conv(1, {.kernel = 4, .stride = 2, .padding = 1})) |
                       conv(1),
                   128);
}

TEST_CASE("of any part, with respect to any input") {
  constexpr auto net = [] {
    return branch(input("picture", 3), input("mask", 1)) |
           branch(from("picture") | named("wide", conv(2, {.kernel = 7})), from("mask")) |
           conv(2, {.kernel = 3, .stride = 2}) | expose("wide");
  };
  static_assert(receptive_field(net(), {.input = 0}).height == 9);
  static_assert(receptive_field(net(), {.input = 1}).height == 3);
  static_assert(receptive_field(net(), {.of = "wide"}).height == 7);
  static_assert(receptive_field(net(), {.of = "wide", .input = 1}).nothing);
  static_assert(receptive_field(net()).stride_height == 2);
  static_assert(receptive_field(net()).padding_top == 4);
  CHECK_THROWS_WITH(receptive_field(net(), {.of = "narrow"}),
                    "receptive_field: no part of the network is called 'narrow'");
  CHECK_THROWS_WITH(receptive_field(net(), {.input = 2}),
                    "receptive_field: given input 2, the network has fewer");
  CHECK_THROWS_WITH(receptive_field(conv(2)),
                    "conv0: nothing comes in; a network begins with input(channels)");
}

}  // namespace receptive_field_test
