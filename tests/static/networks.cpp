// What networks promise while compiling, checked by compiling this file.

#include <lookalike/models/resnet.hpp>
#include <lookalike/models/unet.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/receptive_field.hpp>
#include <lookalike/nn/to_fully_convolutional.hpp>

namespace {

using namespace lookalike;

// The algebra, on values.
static_assert((conv(8) | relu() | max_pool(2)) == (conv(8) | (relu() | max_pool(2))));
static_assert(skip(conv(8)) == branch(identity(), conv(8)));
static_assert((identity() | conv(8)) == conv(8) && (conv(8) | identity()) == conv(8));
static_assert(repeat(0, conv(8)) == identity());
static_assert(!(conv(8) == conv(9)) && !(named("a", conv(8)) == shared("a", conv(8))));

struct segmentation {
  static constexpr architecture define() { return unet_padded({.inputs = 3, .width = 8}); }
};
static_assert(model<segmentation>::static_output_shape() == shape{2, dynamic, dynamic});
static_assert(model<segmentation, float, 64, 96>::static_output_shape() == shape{2, 64, 96});

struct classifier {
  static constexpr architecture define() { return resnet18(); }
};
static_assert(model<classifier>::static_parameter_count == 11689512);
static_assert(receptive_field(resnet18()).everything, "global pooling");

// A classifier that slides is a definition like any other.
struct sliding {
  static constexpr architecture define() { return to_fully_convolutional(resnet18(), 224, 224).network; }
};
static_assert(model<sliding>::static_parameter_count == 11689512);
static_assert(model<sliding, float, 256, 288>::static_output_shape() == shape{1000, 2, 3});

}  // namespace
