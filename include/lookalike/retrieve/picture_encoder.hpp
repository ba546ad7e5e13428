#pragma once

/// \file
/// An encoder of whole pictures whose type is known at run time only: what a collection describes its
/// photographs with. It may be one stage, or a branch of several whose blocks are joined:
///
///     const picture_encoder look = branch(gist, color_grid, encode(net, "code"));
///     const auto photos = collection::build("holiday_pictures", {.encoder = look});
///     const auto find = look | lookup(photos, 5);

#include <algorithm>
#include <concepts>
#include <functional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <lookalike/image/image.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>
#include <lookalike/stage/branch.hpp>

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

/// Such a stage may take bytes as well, which spares a collection making floats of large pictures. The
/// descriptor must be that of the picture as floats.
template <class E>
concept describes_bytes = describes_pictures<E> && requires(const E& e, const byte_image& picture) {
  { e(picture) } -> std::same_as<descriptor>;
};

/// The encoder of a collection that keeps thumbnails and nothing else: tiny images, looked up by
/// retrieve/thumbnail_index.hpp. Its descriptors have no blocks.
struct no_descriptor {
  descriptor operator()(const image<3>&) const { return {}; }
  descriptor operator()(const byte_image&) const { return {}; }
  std::vector<descriptor_block> blocks() const { return {}; }
  int sufficient_side() const { return 1; }
};

inline constexpr no_descriptor thumbnails_only;

class picture_encoder {
 public:
  using input = image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "picture_encoder";

  /// `scene_descriptor`.
  picture_encoder() : picture_encoder(scene_descriptor) {}

  template <describes_pictures E>
  requires(!std::same_as<std::remove_cvref_t<E>, picture_encoder>) picture_encoder(E encoder)
      : blocks_(encoder.blocks()), sufficient_side_(encoder.sufficient_side()) {
    require(value_count(blocks_) > 0 || std::same_as<E, no_descriptor>,
            "picture_encoder: given an encoder to ", describe_blocks(blocks_), ", wanted at least one value");
    if constexpr (describes_bytes<E>) describe_bytes_ = encoder;
    describe_ = std::move(encoder);
  }

  /// Several encoders, whose blocks are joined in their order.
  template <describes_pictures... Stages>
  picture_encoder(const branch_stage<Stages...>& several)
      : picture_encoder(std::apply([](const Stages&... stage) { return joined({picture_encoder(stage)...}); },
                                   several.stages())) {}
  static picture_encoder joined(std::vector<picture_encoder> parts);

  /// Throws what the encoder throws, and `value_error` when it does not return what it announced.
  descriptor operator()(const image<3>& picture) const { return checked(describe_(picture)); }
  descriptor operator()(const byte_image& picture) const {
    return checked(describe_bytes_ ? describe_bytes_(picture) : describe_(to_float(picture)));
  }

  std::span<const descriptor_block> blocks() const { return blocks_; }
  int sufficient_side() const { return sufficient_side_; }

 private:
  descriptor checked(descriptor d) const {
    if (!blocks_.empty()) require_valid(d, "picture_encoder");
    require(comparable(d.blocks, blocks_), "picture_encoder: given a descriptor of ",
            describe_blocks(d.blocks), ", wanted ", describe_blocks(blocks_));
    return d;
  }

  std::vector<descriptor_block> blocks_;
  int sufficient_side_;
  std::function<descriptor(const byte_image&)> describe_bytes_;  // empty where it takes floats alone
  std::function<descriptor(const image<3>&)> describe_;
};

namespace detail {

struct joined_encoders {
  std::vector<picture_encoder> parts;

  template <class Picture>
  descriptor operator()(const Picture& picture) const {
    descriptor whole;
    for (const picture_encoder& part : parts) whole = join(std::move(whole), part(picture));
    return whole;
  }
  std::vector<descriptor_block> blocks() const {
    std::vector<descriptor_block> all;
    for (const picture_encoder& part : parts) {
      all.insert(all.end(), part.blocks().begin(), part.blocks().end());
    }
    return all;
  }
  int sufficient_side() const {
    int side = 1;
    for (const picture_encoder& part : parts) side = std::max(side, part.sufficient_side());
    return side;
  }
};

}  // namespace detail

inline picture_encoder picture_encoder::joined(std::vector<picture_encoder> parts) {
  return detail::joined_encoders{std::move(parts)};
}

}  // namespace lookalike
