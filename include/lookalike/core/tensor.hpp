#pragma once

/// \file
/// Four-dimensional arrays (batch, channels, height, width), the way they look from outside a network:
/// NumPy's and PyTorch's order NCHW. Inside, networks keep channels last (simd/feature_map.hpp).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/shape.hpp>

namespace lookalike {

namespace detail {

/// "2 x 3 x 32 x 32".
inline std::string extents_text(const std::array<std::int64_t, 4>& extents) {
  std::string text;
  for (std::size_t axis = 0; axis < 4; ++axis) {
    text += (axis == 0 ? "" : " x ") + std::to_string(extents[axis]);
  }
  return text;
}

}  // namespace detail

/// Somebody else's array: where it starts, its extents, and the distance in scalars between neighbors along
/// each of them. Negative and zero distances are allowed where nothing is written.
template <class Scalar>
struct tensor_view {
  Scalar* data = nullptr;
  std::array<std::int64_t, 4> extents{};  ///< batch, channels, height, width
  std::array<std::int64_t, 4> strides{};

  /// NCHW without gaps.
  static constexpr tensor_view contiguous(Scalar* data, std::int64_t batch, std::int64_t channels,
                                          std::int64_t height, std::int64_t width) {
    return {data,
            {batch, channels, height, width},
            {channels * height * width, height * width, width, std::int64_t{1}}};
  }

  constexpr std::int64_t batch() const { return extents[0]; }
  constexpr std::int64_t channels() const { return extents[1]; }
  constexpr std::int64_t height() const { return extents[2]; }
  constexpr std::int64_t width() const { return extents[3]; }
  constexpr std::int64_t size() const { return extents[0] * extents[1] * extents[2] * extents[3]; }
  constexpr bool is_contiguous() const {
    return strides == contiguous(data, extents[0], extents[1], extents[2], extents[3]).strides;
  }

  constexpr Scalar& operator()(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    return data[n * strides[0] + c * strides[1] + y * strides[2] + x * strides[3]];
  }

  /// What may be written may be read.
  constexpr operator tensor_view<const Scalar>() const requires(!std::is_const_v<Scalar>) {
    return {data, extents, strides};
  }
};

/// An array of one's own, NCHW without gaps, zero at first.
template <class Scalar = float>
class tensor {
 public:
  using value_type = Scalar;

  tensor() = default;
  /// Throws `value_error` for a negative extent.
  tensor(std::int64_t batch, std::int64_t channels, std::int64_t height = 1, std::int64_t width = 1)
      : extents_{batch, channels, height, width} {
    require(batch >= 0 && channels >= 0 && height >= 0 && width >= 0, "tensor: given ", batch, " x ",
            channels, " x ", height, " x ", width, ", wanted extents of 0 or more");
    values_.resize(static_cast<std::size_t>(batch * channels * height * width));
  }
  /// A copy of any array.
  explicit tensor(tensor_view<const Scalar> source)
      : tensor(source.extents[0], source.extents[1], source.extents[2], source.extents[3]) {
    std::size_t i = 0;
    for (std::int64_t n = 0; n < batch(); ++n)
      for (std::int64_t c = 0; c < channels(); ++c)
        for (std::int64_t y = 0; y < height(); ++y)
          for (std::int64_t x = 0; x < width(); ++x) values_[i++] = source(n, c, y, x);
  }

  const std::array<std::int64_t, 4>& extents() const { return extents_; }
  std::int64_t batch() const { return extents_[0]; }
  std::int64_t channels() const { return extents_[1]; }
  std::int64_t height() const { return extents_[2]; }
  std::int64_t width() const { return extents_[3]; }
  std::int64_t size() const { return static_cast<std::int64_t>(values_.size()); }
  bool empty() const { return values_.empty(); }

  Scalar* data() { return values_.data(); }
  const Scalar* data() const { return values_.data(); }
  auto begin() { return values_.begin(); }
  auto end() { return values_.end(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

  Scalar& operator()(std::int64_t n, std::int64_t c, std::int64_t y = 0, std::int64_t x = 0) {
    return values_[offset(n, c, y, x)];
  }
  const Scalar& operator()(std::int64_t n, std::int64_t c, std::int64_t y = 0, std::int64_t x = 0) const {
    return values_[offset(n, c, y, x)];
  }

  tensor_view<Scalar> view() {
    return tensor_view<Scalar>::contiguous(data(), extents_[0], extents_[1], extents_[2], extents_[3]);
  }
  tensor_view<const Scalar> view() const {
    return tensor_view<const Scalar>::contiguous(data(), extents_[0], extents_[1], extents_[2], extents_[3]);
  }
  operator tensor_view<Scalar>() { return view(); }
  operator tensor_view<const Scalar>() const { return view(); }

  friend bool operator==(const tensor&, const tensor&) = default;

 private:
  std::size_t offset(std::int64_t n, std::int64_t c, std::int64_t y, std::int64_t x) const {
    return static_cast<std::size_t>(((n * extents_[1] + c) * extents_[2] + y) * extents_[3] + x);
  }

  std::array<std::int64_t, 4> extents_{};
  aligned_vector<Scalar> values_;
};

}  // namespace lookalike
