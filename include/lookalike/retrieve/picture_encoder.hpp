#pragma once

/// \file
/// An encoder of whole pictures whose type is known at run time only: what a collection describes its
/// photographs with.

#include <concepts>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <lookalike/image/image.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>

namespace lookalike {

/// What a stage of your own needs so that a collection can be built with it: a descriptor of a whole picture,
/// the blocks that it consists of (their names must tell all parameters, since descriptors of equal blocks
/// are compared), and the number of pixels of a picture's shorter side beyond which it does not profit.
template <class E>
concept describes_pictures = requires(const E& e, const image<3>& picture) {
  { e(picture) } -> std::same_as<descriptor>;
  { e.blocks() } -> std::same_as<std::vector<descriptor_block>>;
  { e.sufficient_side() } -> std::convertible_to<int>;
};

class picture_encoder {
 public:
  /// `scene_descriptor`.
  picture_encoder() : picture_encoder(scene_descriptor) {}

  template <describes_pictures E>
  requires(!std::same_as<std::remove_cvref_t<E>, picture_encoder>) picture_encoder(E encoder)
      : blocks_(encoder.blocks()),
        sufficient_side_(encoder.sufficient_side()),
        describe_(std::move(encoder)) {
    require(value_count(blocks_) > 0, "picture_encoder: given an encoder to ", describe_blocks(blocks_),
            ", wanted at least one value");
  }

  /// Throws what the encoder throws, and `value_error` when it does not return what it announced.
  descriptor operator()(const image<3>& picture) const {
    descriptor d = describe_(picture);
    require_valid(d, "picture_encoder");
    require(comparable(d.blocks, blocks_), "picture_encoder: given a descriptor of ",
            describe_blocks(d.blocks), ", wanted ", describe_blocks(blocks_));
    return d;
  }

  std::span<const descriptor_block> blocks() const { return blocks_; }
  int sufficient_side() const { return sufficient_side_; }

 private:
  std::vector<descriptor_block> blocks_;
  int sufficient_side_;
  std::function<descriptor(const image<3>&)> describe_;
};

}  // namespace lookalike
