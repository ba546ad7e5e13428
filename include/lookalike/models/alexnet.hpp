#pragma once

/// \file
/// AlexNet (Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural
/// networks", NIPS 2012): the network of the paper, whose groups mirror its two graphics cards, and the
/// single-tower variant that later work uses. Inputs are RGB, the paper's with the mean picture of the
/// training set taken off (values in [-128, 128]), torchvision's normalized to mean 0 and deviation 1 by
/// channel.
///
/// The next-to-last layer is a descriptor of pictures: `alexnet() | expose("classifier.descriptor")` keeps
/// its 4096 numbers, `pass["classifier.descriptor"]` shows them.

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// The network of the paper (section 3, figure 2), for pictures of 3 x 227 x 227 (the paper says 224; its
/// arithmetic needs 227). Yields one score (logit) for each class. 60,965,224 parameters for 1000 classes.
/// `narrowing` divides the channels of all layers but the last; 1 is the paper's.
constexpr architecture alexnet(int classes = 1000, int narrowing = 1) {
  const auto width = [narrowing](int channels) { return channels / narrowing; };
  const architecture normalize = local_response_norm({.size = 5, .alpha = 1e-4, .beta = 0.75, .k = 2});
  const architecture pool = max_pool(3, {.stride = 2});
  const architecture features =
      conv(width(96), {.kernel = 11, .stride = 4, .padding = 0}) | relu() | normalize | pool  // 27 x 27
      | conv(width(256), {.kernel = 5, .groups = 2}) | relu() | normalize | pool              // 13 x 13
      | conv(width(384)) | relu()                                                             //
      | conv(width(384), {.groups = 2}) | relu()                                              //
      | conv(width(256), {.groups = 2}) | relu() | pool;                                      // 6 x 6
  const architecture classifier = fully_connected(width(4096)) | relu() | dropout(0.5)        //
                                  | named("descriptor", fully_connected(width(4096)) | relu()) |
                                  dropout(0.5)  //
                                  | fully_connected(classes);
  return input(3, {.height = 227, .width = 227}) | named("features", features) |
         named("classifier", classifier);
}

/// One tower without groups and local response normalization (Krizhevsky, "One weird trick for parallelizing
/// convolutional neural networks", 2014; torchvision's `alexnet`), for pictures of 3 x 63 x 63 or more,
/// usually 3 x 224 x 224. 61,100,840 parameters for 1000 classes. `narrowing` as above.
constexpr architecture alexnet_single_tower(int classes = 1000, int narrowing = 1) {
  const auto width = [narrowing](int channels) { return channels / narrowing; };
  const architecture pool = max_pool(3, {.stride = 2});
  const architecture features = conv(width(64), {.kernel = 11, .stride = 4, .padding = 2}) | relu() | pool  //
                                | conv(width(192), {.kernel = 5}) | relu() | pool                           //
                                | conv(width(384)) | relu()                                                 //
                                | conv(width(256)) | relu()                                                 //
                                | conv(width(256)) | relu() | pool | adaptive_average_pool(6, 6);
  const architecture classifier = dropout(0.5) | fully_connected(width(4096)) | relu() | dropout(0.5)  //
                                  | named("descriptor", fully_connected(width(4096)) | relu())         //
                                  | fully_connected(classes);
  return input(3) | named("features", features) | named("classifier", classifier);
}

}  // namespace lookalike
