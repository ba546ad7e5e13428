#pragma once

/// \file
/// A network as a stage: `encode(net, "code")` runs it and yields one of its parts, a bottleneck for
/// instance, as a descriptor. A network thus stands in a pipeline where gist does:
///
///     const auto find = encode(net, "code") | lookup(photos, 5);
///
/// and a collection can be built with it: `collection::build(folder, {.encoder = encode(net, "code")})`.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <lookalike/core/hash.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/crop_and_flip.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/normalization.hpp>
#include <lookalike/image/planes.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/nn/fingerprint.hpp>
#include <lookalike/nn/network.hpp>
#include <lookalike/retrieve/descriptor.hpp>

namespace lookalike {

struct learned_descriptor_options {
  /// Pixels of the pictures that the network sees; 0: what the network says, which must then be fixed.
  int height = 0;
  int width = 0;
  /// Of bytes 0..255, as it was in training (image/normalization.hpp); by default they become [0, 1].
  lookalike::normalization normalization = uniform_normalization(3);
  /// Scales each descriptor to length 1 (unless it is 0), so that directions are compared.
  bool unit_length = false;
  /// See `descriptor_block`.
  float importance = 1;
};

class learned_batch_stage;

/// Picture to a part of a network. Made by `encode`. Shares the network, whose parameters do not change.
class learned_descriptor {
 public:
  using input = image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "encode";

  /// `net` takes one picture of 3 channels, and `part` is one of its outputs or a part that its architecture
  /// exposes; the numbers of a part are taken in NCHW order. Runs the network once. Throws `value_error`
  /// otherwise.
  learned_descriptor(std::shared_ptr<const network<float>> net, std::string part,
                     learned_descriptor_options options)
      : net_(std::move(net)), part_(std::move(part)), options_(std::move(options)) {
    require(net_ != nullptr, "encode: given no network");
    require(net_->input_count() == 1 && net_->input_shape().channels == 3, "encode: given a network of ",
            net_->input_count(), " inputs, the first of ", net_->input_shape().channels,
            " channels, wanted one input of 3");
    const shape own = net_->input_shape();
    if (options_.height == 0) options_.height = own.height;
    if (options_.width == 0) options_.width = own.width;
    require(options_.height > 0 && options_.width > 0,
            "encode: given a network for pictures of any size, wanted the height and width to use in the "
            "options");
    const tensor<float> blank(1, 3, options_.height, options_.width);
    dimension_ = net_->forward(blank)[part_].size();
    require(dimension_ <= (std::int64_t{1} << 24), "encode: given a part of ", dimension_,
            " numbers, wanted at most ", 1 << 24);
    block_name_ = sentence("encode(part=", part_, ",height=", options_.height, ",width=", options_.width,
                           options_.unit_length ? ",unit_length" : "", ",network=", std::hex, std::setw(16),
                           std::setfill('0'), fingerprint(*net_) ^ hash_of_normalization(), ")");
  }

  /// One picture of any size, floats in [0, 1]; it is squashed to the network's size. Throws `value_error`
  /// for an empty picture, for values outside [0, 1], and when the network yields what is not finite.
  descriptor operator()(const image<3>& picture) const {
    require(!picture.empty(), "encode: given an empty picture, wanted at least one pixel");
    require_unit_range(picture, "encode");
    const image<3> fitting = resize(picture, options_.height, options_.width, resampling::bilinear);
    tensor<float> x(1, 3, options_.height, options_.width);
    write_planes(fitting, x.view());
    for (float& value : x) value *= 255.0f;
    std::vector<float> values(static_cast<std::size_t>(dimension_));
    describe(tensor_view<const float>(x), values.data());
    return {blocks(), std::move(values), {1.0f}};
  }

  /// Many pictures that have the network's size: pictures x 3 x height x width bytes to pictures x numbers.
  /// Throws `value_error` for another size, and when the network yields what is not finite.
  tensor<float> operator()(tensor_view<const std::uint8_t> pictures, const progress& watcher = {}) const {
    constexpr std::int64_t at_once = 256;
    require(pictures.channels() == 3 && pictures.height() == options_.height &&
                pictures.width() == options_.width,
            "encode: given pictures of ", pictures.channels(), " x ", pictures.height(), " x ",
            pictures.width(), ", wanted 3 x ", options_.height, " x ", options_.width);
    tensor<float> result(pictures.batch(), dimension_);
    for (std::int64_t first = 0; first < pictures.batch(); first += at_once) {
      tensor_view<const std::uint8_t> some = pictures;
      some.data += first * pictures.strides[0];
      some.extents[0] = std::min(at_once, pictures.batch() - first);
      describe(some, result.data() + first * dimension_);
      report(watcher, "encode pictures", first + some.extents[0], pictures.batch());
    }
    return result;
  }

  /// The stage whose inputs are whole batches: `tensor<std::uint8_t>` to `tensor<float>`.
  learned_batch_stage on_batches() const;

  /// What its descriptors consist of.
  std::vector<descriptor_block> blocks() const {
    return {{block_name_, 1, static_cast<int>(dimension_), options_.importance}};
  }
  /// A picture whose shorter side has this many pixels is large enough.
  int sufficient_side() const { return 2 * std::max(options_.height, options_.width); }
  /// Numbers in a descriptor.
  std::int64_t dimension() const { return dimension_; }

 private:
  /// Normalizes pictures of the network's size, runs them, and writes their rows to `to`.
  template <class Value>
  void describe(const tensor_view<const Value>& pictures, float* to) const {
    tensor<float> x(pictures.batch(), 3, options_.height, options_.width);
    parallel_for(pictures.batch(), [&](std::int64_t i) {
      write_crop_and_flip(sample_of(pictures, i), {}, options_.normalization, sample_of(x.view(), i));
    });
    const auto pass = net_->forward(x);
    const tensor<float> part(pass[part_]);
    for (std::int64_t i = 0; i < part.batch(); ++i) {
      double squared_length = 0;
      for (std::int64_t j = 0; j < dimension_; ++j) {
        const float value = part.data()[i * dimension_ + j];
        require(std::isfinite(value), "encode: the network yields ", value, " in '", part_,
                "', wanted finite numbers");
        squared_length += static_cast<double>(value) * static_cast<double>(value);
      }
      const double scale = options_.unit_length && squared_length > 0 ? 1 / std::sqrt(squared_length) : 1;
      for (std::int64_t j = 0; j < dimension_; ++j)
        to[i * dimension_ + j] =
            static_cast<float>(scale * static_cast<double>(part.data()[i * dimension_ + j]));
    }
  }

  std::uint64_t hash_of_normalization() const {
    const auto& [mean, scale] = options_.normalization;
    const auto bytes = [](const tensor<float>& numbers) {
      return std::as_bytes(std::span(numbers.data(), static_cast<std::size_t>(numbers.size())));
    };
    return hash64(bytes(mean)) + 3 * hash64(bytes(scale));
  }

  std::shared_ptr<const network<float>> net_;
  std::string part_;
  learned_descriptor_options options_;
  std::int64_t dimension_ = 0;
  std::string block_name_;
};

/// Batch of pictures to the part of a network. Made by `learned_descriptor::on_batches`.
class learned_batch_stage {
 public:
  using input = tensor<std::uint8_t>;
  using output = tensor<float>;
  static constexpr std::string_view name = "encode";

  explicit learned_batch_stage(learned_descriptor each) : each_(std::move(each)) {}

  tensor<float> operator()(const tensor<std::uint8_t>& pictures, const progress& watcher = {}) const {
    return each_(pictures.view(), watcher);
  }

 private:
  learned_descriptor each_;
};

inline learned_batch_stage learned_descriptor::on_batches() const {
  return learned_batch_stage(*this);
}

/// The stage from pictures to the part called `part` of a network (`model` or `dynamic_model`, of floats),
/// which is copied, or moved from: later training does not change what the stage yields. Throws `value_error`
/// when the part is not an output and not exposed, and for other inputs than one picture of 3 channels.
template <class Network>
requires std::is_base_of_v<network<float>, std::remove_cvref_t<Network>> learned_descriptor
encode(Network&& net, std::string part = "out", learned_descriptor_options options = {}) {
  return {std::make_shared<const std::remove_cvref_t<Network>>(std::forward<Network>(net)), std::move(part),
          std::move(options)};
}

}  // namespace lookalike
