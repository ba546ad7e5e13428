#pragma once

/// \file
/// What training the completion network needs besides the networks (Iizuka, Simo-Serra and Ishikawa 2017,
/// section 3.3 and algorithm 1): random holes, the local discriminator's window around them, known pixels put
/// back, and the ways of the gradients through that. With C the completion network, D the discriminator:
///
///     const auto completed = C.forward({{"image", with_hole(x, mask, mean)}, {"mask", mask}}, training);
///     const auto picture = pasted(completed.output(), x, mask);
///     auto judged = D.forward({{"local", cropped(picture, windows)}, {"global", picture}}, training);
///     // D's loss against real pictures and their windows, judged.backward({g}, gradients_of_D); for C:
///     const auto back = judged.backward({g}, {});
///     tensor<float> g_picture(back[1]);
///     add_cropped(back[0], windows, g_picture.view());
///     completed.backward({in_hole(g_picture, mask)}, gradients_of_C);
///
/// and the error to begin with is `mean_squared_error{.reduce = reduction::weighted_mean}(output, x, mask)`.

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/size.hpp>

namespace lookalike {

/// Sides of random holes: any from `least` to `most`, both included.
struct hole_options {
  int least = 96;
  int most = 128;
};

/// A box of the given extent, anywhere in a picture: what of a real picture the local discriminator sees. Two
/// draws. Throws `value_error` when it does not fit.
inline box random_box(int height, int width, image_size picture, random_sequence& random) {
  require(height > 0 && width > 0 && height <= picture.height && width <= picture.width,
          "random_box: given a box of ", height, "x", width, " in a picture of ", picture.height, "x",
          picture.width, ", wanted one that fits");
  const auto y = random.integer(picture.height - height + 1);
  const auto x = random.integer(picture.width - width + 1);
  return {static_cast<int>(y), static_cast<int>(x), height, width};
}

/// A hole for training: height, width and place at random. Four draws.
inline box random_hole(image_size picture, random_sequence& random, const hole_options& options = {}) {
  require(options.least >= 1 && options.least <= options.most, "random_hole: given sides from ",
          options.least, " to ", options.most, ", wanted 1 or more in order");
  const auto side = [&] {
    return options.least + static_cast<int>(random.integer(options.most - options.least + 1));
  };
  const int height = side();
  const int width = side();
  return random_box(height, width, picture, random);
}

/// The square of `extent` x `extent` pixels around the middle of a hole, moved as far as it must be to lie in
/// the picture: what of a completed picture the local discriminator sees.
inline box window_around(const box& hole, int extent, image_size picture) {
  require(extent > 0 && extent <= picture.height && extent <= picture.width, "window_around: given ", extent,
          "x", extent, " in a picture of ", picture.height, "x", picture.width, ", wanted one that fits");
  const auto place = [extent](int first, int size, int all) {
    return std::clamp(first + size / 2 - extent / 2, 0, all - extent);
  };
  return {place(hole.y, hole.height, picture.height), place(hole.x, hole.width, picture.width), extent,
          extent};
}

/// A mask for each hole, N x 1 x H x W: 1 in the hole, 0 elsewhere.
template <class Scalar>
tensor<Scalar> hole_masks(std::span<const box> holes, image_size picture) {
  tensor<Scalar> masks(static_cast<std::int64_t>(holes.size()), 1, picture.height, picture.width);
  for (std::size_t n = 0; n < holes.size(); ++n) {
    const box& hole = holes[n];
    require(hole.y >= 0 && hole.x >= 0 && hole.height <= picture.height - hole.y &&
                hole.width <= picture.width - hole.x,
            "hole_masks: hole ", n, " does not lie in a picture of ", picture.height, "x", picture.width);
    for (int y = hole.y; y < hole.y + hole.height; ++y)
      for (int x = hole.x; x < hole.x + hole.width; ++x) masks(static_cast<std::int64_t>(n), 0, y, x) = 1;
  }
  return masks;
}

namespace detail {

/// A batch like `mask` with what `value(n, c, y, x, missing)` says.
template <class Scalar, class Value>
tensor<Scalar> by_mask(const char* where, std::int64_t channels, tensor_view<const Scalar> like,
                       tensor_view<const Scalar> mask, const Value& value) {
  require(mask.channels() == 1 && mask.batch() == like.batch() && mask.height() == like.height() &&
              mask.width() == like.width() && like.channels() == channels,
          where, ": given a mask of ", extents_text(mask.extents), " for ", extents_text(like.extents));
  tensor<Scalar> out(like.batch(), channels, like.height(), like.width());
  for (std::int64_t n = 0; n < like.batch(); ++n)
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t y = 0; y < like.height(); ++y)
        for (std::int64_t x = 0; x < like.width(); ++x)
          out(n, c, y, x) = value(n, c, y, x, mask(n, 0, y, x) != 0);
  return out;
}

}  // namespace detail

/// Pictures with their holes set to a color, which is the training set's mean. Throws `value_error`, as all
/// of these do, for extents that differ.
template <class Scalar>
tensor<Scalar> with_hole(std::type_identity_t<tensor_view<const Scalar>> pictures,
                         std::type_identity_t<tensor_view<const Scalar>> masks,
                         const std::array<Scalar, 3>& color) {
  return detail::by_mask<Scalar>("with_hole", 3, pictures, masks,
                                 [&](auto n, auto c, auto y, auto x, bool missing) {
                                   return missing ? color[static_cast<std::size_t>(c)] : pictures(n, c, y, x);
                                 });
}

/// What the network completed where pixels are missing, and elsewhere the pictures themselves, bit for bit.
template <class Scalar>
tensor<Scalar> pasted(tensor_view<const Scalar> completed,
                      std::type_identity_t<tensor_view<const Scalar>> pictures,
                      std::type_identity_t<tensor_view<const Scalar>> masks) {
  require(completed.extents == pictures.extents, "pasted: given ", detail::extents_text(completed.extents),
          " to paste into ", detail::extents_text(pictures.extents));
  return detail::by_mask<Scalar>("pasted", pictures.channels(), pictures, masks,
                                 [&](auto n, auto c, auto y, auto x, bool missing) {
                                   return missing ? completed(n, c, y, x) : pictures(n, c, y, x);
                                 });
}

/// A gradient with respect to `pasted` pictures as one with respect to what the network completed, times
/// `factor`: nothing outside of the holes.
template <class Scalar>
tensor<Scalar> in_hole(const tensor<Scalar>& gradient, const tensor<Scalar>& masks, double factor = 1) {
  return detail::by_mask<Scalar>("in_hole", gradient.channels(), gradient.view(), masks.view(),
                                 [&](auto n, auto c, auto y, auto x, bool missing) {
                                   return missing ? static_cast<Scalar>(factor) * gradient(n, c, y, x)
                                                  : Scalar(0);
                                 });
}

/// One window of each picture, all of the same extent.
template <class Scalar>
tensor<Scalar> cropped(const tensor<Scalar>& pictures, std::span<const box> windows) {
  require(!windows.empty() && static_cast<std::int64_t>(windows.size()) == pictures.batch(),
          "cropped: given ", windows.size(), " windows for ", pictures.batch(),
          " pictures, wanted one for each");
  tensor<Scalar> parts(pictures.batch(), pictures.channels(), windows[0].height, windows[0].width);
  for (std::int64_t n = 0; n < pictures.batch(); ++n) {
    const box& w = windows[static_cast<std::size_t>(n)];
    require(w.height == windows[0].height && w.width == windows[0].width && w.y >= 0 && w.x >= 0 &&
                w.height <= pictures.height() - w.y && w.width <= pictures.width() - w.x,
            "cropped: window ", n, " is of another extent, or not in the picture");
    for (std::int64_t c = 0; c < pictures.channels(); ++c)
      for (int y = 0; y < w.height; ++y)
        for (int x = 0; x < w.width; ++x) parts(n, c, y, x) = pictures(n, c, w.y + y, w.x + x);
  }
  return parts;
}

/// The way back: adds a gradient with respect to `cropped` pictures to one with respect to the pictures.
template <class Scalar>
void add_cropped(tensor_view<const Scalar> parts, std::span<const box> windows,
                 std::type_identity_t<tensor_view<Scalar>> gradient) {
  require(static_cast<std::int64_t>(windows.size()) == parts.batch() && parts.batch() == gradient.batch() &&
              parts.channels() == gradient.channels(),
          "add_cropped: given ", detail::extents_text(parts.extents), " in ", windows.size(), " windows of ",
          detail::extents_text(gradient.extents));
  for (std::int64_t n = 0; n < parts.batch(); ++n) {
    const box& w = windows[static_cast<std::size_t>(n)];
    require(w.height == parts.height() && w.width == parts.width() && w.y >= 0 && w.x >= 0 &&
                w.height <= gradient.height() - w.y && w.width <= gradient.width() - w.x,
            "add_cropped: window ", n, " is of another extent, or not in the picture");
    for (std::int64_t c = 0; c < parts.channels(); ++c)
      for (int y = 0; y < w.height; ++y)
        for (int x = 0; x < w.width; ++x) gradient(n, c, w.y + y, w.x + x) += parts(n, c, y, x);
  }
}

}  // namespace lookalike
