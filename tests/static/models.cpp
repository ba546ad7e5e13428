// What the networks of models/ are, checked by compiling this file: parameters as the papers' tables give
// them or as they follow from them by counting, and the extents that come out. Nothing here runs, and only
// the cheap half of `model` is needed.

#include <string_view>

#include <lookalike/models/alexnet.hpp>
#include <lookalike/models/autoencoder.hpp>
#include <lookalike/models/colorful_colorization.hpp>
#include <lookalike/models/image_completion.hpp>
#include <lookalike/models/pix2pix.hpp>
#include <lookalike/models/resnet.hpp>
#include <lookalike/models/unet.hpp>
#include <lookalike/nn/detail/lowering.hpp>
#include <lookalike/nn/receptive_field.hpp>

namespace {

using namespace lookalike;

struct outline {
  std::int64_t parameters = 0;
  shape output;
  friend constexpr bool operator==(const outline&, const outline&) = default;
};

/// A network with shapes and parameters, but without what `detail::lower` does besides: names cost more steps
/// of the compiler than all of this.
struct counted {
  detail::lowering low;

  constexpr explicit counted(const architecture& a, int height = dynamic, int width = dynamic) {
    detail::resolved_architecture resolved = detail::resolve(a);
    low.graph = std::move(resolved.graph);
    low.problem = resolved.problem;
    if (low.problem.failed()) return;
    const architecture_view view(low.graph);
    constexpr_vector<shape> given;
    for (int i = 0; i < view.size(); ++i) {
      if (!detail::architecture_graph{view}.is_input(i)) continue;
      diagnosis ignored;
      const shape declared = view.at(i).rules->infer_shape(view.instance(i), {}, ignored);
      given.push_back({dynamic, declared.height == dynamic ? height : dynamic,
                       declared.width == dynamic ? width : dynamic});
    }
    low.shapes.resize(view.size());
    low.problem = infer_shapes(view, given.view(), low.shapes.view());
    if (!low.problem.failed()) detail::list_parameters(low);
  }

  constexpr outline sum() const {
    if (low.problem.failed()) return {};
    return {low.trainable_count, low.shapes[low.graph.exits[0]]};
  }
  /// The height of a part; 0 where there is none.
  constexpr int height(std::string_view part) const {
    const int node = low.problem.failed() ? -1 : find_node(low.graph, part);
    return node < 0 ? 0 : low.shapes[node].height;
  }
};

constexpr outline outline_of(const architecture& a, int height = dynamic, int width = dynamic) {
  return counted(a, height, width).sum();
}

// ---- AlexNet (SPEC: 60,965,224 and 61,100,840; 55/27/27/13/13/13/6 and 55/27/13/6) ----

static_assert(outline_of(alexnet()) == outline{60'965'224, {1000, 1, 1}});
static_assert(outline_of(alexnet_single_tower(), 224, 224) == outline{61'100'840, {1000, 1, 1}});

constexpr bool alexnet_extents() {
  const counted net(alexnet());
  return net.height("features.conv0") == 55 && net.height("features.max_pool0") == 27 &&
         net.height("features.conv1") == 27 && net.height("features.max_pool1") == 13 &&
         net.height("features.conv2") == 13 && net.height("features.conv3") == 13 &&
         net.height("features.conv4") == 13 && net.height("features.max_pool2") == 6;
}
static_assert(alexnet_extents());
constexpr bool single_tower_extents() {
  const counted net(alexnet_single_tower(), 224, 224);
  return net.height("features.conv0") == 55 && net.height("features.max_pool0") == 27 &&
         net.height("features.max_pool1") == 13 && net.height("features.max_pool2") == 6;
}
static_assert(single_tower_extents());
static_assert(outline_of(alexnet_single_tower(), 63, 63).parameters == 61'100'840);
static_assert(outline_of(alexnet_single_tower(), 62, 62).parameters == 0, "too small for the last pool");

// ---- residual networks ----

constexpr bool resnet18_extents() {
  const counted net(resnet18(), 224, 224);
  return net.sum() == outline{11'689'512, {1000, 1, 1}} && net.height("conv0") == 112 &&
         net.height("max_pool0") == 56 && net.height("layer1") == 56 && net.height("layer2") == 28 &&
         net.height("layer3") == 14 && net.height("layer4") == 7;
}
static_assert(resnet18_extents());
static_assert(outline_of(resnet34()) == outline{21'797'672, {1000, 1, 1}});

constexpr bool cifar_extents() {
  const counted net(cifar_resnet(20), 32, 32);
  return net.sum() == outline{269'722, {10, 1, 1}} && net.height("layer1") == 32 &&
         net.height("layer2") == 16 && net.height("layer3") == 8;
}
static_assert(cifar_extents());
static_assert(outline_of(cifar_resnet(32)).parameters == 464'154);

static_assert(outline_of(resnet50()) == outline{25'557'032, {1000, 1, 1}});
static_assert(outline_of(resnet50({.stride = stride_place::first})).parameters == 25'557'032);
static_assert(outline_of(cifar_resnet(44)).parameters == 658'586);
static_assert(outline_of(cifar_resnet(56)).parameters == 853'018);

// clang stops after a million steps unless it is told otherwise (-fconstexpr-steps).
#if !defined(__clang__)
static_assert(outline_of(resnet101()).parameters == 44'549'160);
static_assert(outline_of(resnet152()).parameters == 60'192'808);
static_assert(outline_of(cifar_resnet(110)).parameters == 1'727'962);
#endif

static_assert(outline_of(cifar_resnet(20, {.classes = 10, .shortcut = shortcut_kind::none})).parameters ==
                  269'722,
              "shortcut A has no parameters");
static_assert(outline_of(cifar_resnet(20, {.classes = 10, .shortcut = shortcut_kind::projection}))
                  .parameters == 269'722 + (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64));
static_assert(outline_of(cifar_resnet(20, {.classes = 10, .shortcut = shortcut_kind::projection_everywhere}))
                  .parameters == 269'722 + (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64) + 3 * (16 * 16 + 2 * 16) +
                                     2 * (32 * 32 + 2 * 32) + 2 * (64 * 64 + 2 * 64));
// ---- U-Net (SPEC: 31,030,658; 572 -> 388; sizes 12 mod 16, 184 pixels less) ----

static_assert(outline_of(unet_original(), 572, 572) == outline{31'030'658, {2, 388, 388}});
static_assert(outline_of(unet_original(), 188, 204) == outline{31'030'658, {2, 4, 20}});
static_assert(outline_of(unet_padded(), 512, 256) == outline{31'030'658, {2, 512, 256}});
static_assert(outline_of(unet_padded(), 520, 520).parameters == 0, "520 is no multiple of 16");
static_assert(outline_of(unet_normalized(), 64, 64) ==
              outline{31'030'658 + (64 + 128 + 256 + 512) * 4 + 1024 * 2, {2, 64, 64}});

/// Whether the pools halve without leaving a row out all the way down. (The number of channels is of no
/// account here.)
constexpr bool is_valid_size(int extent) {
  const counted net(unet_original({.width = 1}), extent, extent);
  if (net.low.problem.failed()) return false;
  bool exact = true;
  for (int i = 0; i < net.low.graph.nodes.size(); ++i) {
    if (net.low.graph.nodes[i].rules->kind != "max_pool") continue;
    exact = exact && net.low.shapes[architecture_view(net.low.graph).inputs(i)[0]].height % 2 == 0;
  }
  return exact && net.sum().output.height == extent - 184;
}
static_assert(!is_valid_size(172));
static_assert(is_valid_size(188));
static_assert(is_valid_size(204));
static_assert(!is_valid_size(189));
static_assert(!is_valid_size(190));
static_assert(!is_valid_size(192));
static_assert(!is_valid_size(196));

// ---- pix2pix ----

constexpr bool generator_extents() {
  const counted net(pix2pix_generator(), 256, 256);
  return net.sum() == outline{54'413'955, {3, 256, 256}} &&
         net.height("below.below.below.below.below.below.below.conv0") == 1;
}
static_assert(generator_extents());
static_assert(outline_of(patch_discriminator(), 256, 256) == outline{2'768'705, {1, 30, 30}});
static_assert(receptive_field(patch_discriminator()).height == 70);
static_assert(receptive_field(patch_discriminator()).width == 70);

// ---- colorful colorization ----

static_assert(outline_of(colorful_colorization(), 256, 176) == outline{32'235'385, {313, 64, 44}});
static_assert(outline_of(colorful_colorization_release(), 256, 176) ==
              outline{32'235'385 + 626, {2, 256, 176}});
static_assert(counted(colorful_colorization(), 256, 256).height("block7") == 32);

// ---- image completion ----

static_assert(outline_of(completion_network(), 256, 252) == outline{6'072'131, {3, 256, 252}});
static_assert(outline_of(completion_network(64, normalization_place::after_relu)).parameters == 6'072'131);
static_assert(outline_of(local_discriminator()) == outline{19'253'248, {1024, 1, 1}});
static_assert(outline_of(global_discriminator()) == outline{25'808'384, {1024, 1, 1}});
static_assert(outline_of(completion_discriminator()) == outline{19'253'248 + 25'808'384 + 2'049, {1, 1, 1}});
static_assert(receptive_field(completion_network()).height == 303);
static_assert(receptive_field(completion_network()).least_height == 299);

// ---- autoencoders ----

static_assert(outline_of(linear_autoencoder({3, 8, 8}, 5)) ==
              outline{192 * 5 + 5 + 5 * 192 + 192, {3, 8, 8}});
static_assert(outline_of(convolutional_autoencoder({3, 32, 32})).output == shape{3, 32, 32});

}  // namespace
