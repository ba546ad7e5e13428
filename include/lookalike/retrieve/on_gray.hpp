#pragma once

/// \file
/// Any encoder of pictures, kept from seeing color: `on_gray(gist) | lookup(index, k)`.

#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/image/chroma.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>

namespace lookalike {

/// Gives `Encoder` the gray picture of the same lightness L*. Made by `on_gray`.
template <describes_pictures Encoder>
class on_gray_stage {
 public:
  using input = image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "on_gray";

  explicit on_gray_stage(Encoder encoder) : encoder_(std::move(encoder)) {}

  /// Throws what the encoder throws, and `value_error` for values outside [0, 1].
  descriptor operator()(const image<3>& picture) const {
    require_unit_range(picture, "on_gray");
    descriptor d = encoder_(gray_picture(lightness(picture)));
    d.blocks = blocks();
    return d;
  }

  /// Those of the encoder, named "on_gray(...)".
  std::vector<descriptor_block> blocks() const {
    const auto own = encoder_.blocks();
    std::vector<descriptor_block> renamed(own.begin(), own.end());
    for (descriptor_block& block : renamed) block.name = "on_gray(" + block.name + ")";
    return renamed;
  }
  int sufficient_side() const { return encoder_.sufficient_side(); }

 private:
  Encoder encoder_;
};

/// An encoder of gray pictures made of one of color pictures, such as `gist` or a network's `encode(...)`.
template <describes_pictures Encoder>
on_gray_stage<Encoder> on_gray(Encoder encoder) {
  return on_gray_stage<Encoder>(std::move(encoder));
}

}  // namespace lookalike
