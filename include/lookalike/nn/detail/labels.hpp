#pragma once

/// \file
/// Class numbers as losses and metrics take them: one for each pixel of an output, in a tensor of N x 1 x H x
/// W or in a row of N*H*W (the label of a whole picture is that of its only pixel).

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <vector>

#include <lookalike/nn/detail/tensor_argument.hpp>

namespace lookalike::detail {

template <class Labels>
concept label_row =
    !tensor_like<Labels> && std::ranges::contiguous_range<const Labels> &&
    std::ranges::sized_range<const Labels> && std::is_integral_v<std::ranges::range_value_t<const Labels>> &&
    !std::is_same_v<std::ranges::range_value_t<const Labels>, bool>;

/// A tensor or a row of class numbers.
template <class Labels>
concept labels_like = label_tensor<Labels> || label_row<Labels>;

/// What stands for a label that does not count.
inline constexpr std::int32_t ignored_label = -1;

/// The labels of the pixels of `extents` (N x C x H x W) in the order n, y, x; `ignored_label` for those that
/// equal `ignore`. Throws `value_error` for another number of labels, and for a label outside of [0, C).
template <labels_like Labels>
std::vector<std::int32_t> checked_labels(std::string_view where, const Labels& labels,
                                         const std::array<std::int64_t, 4>& extents, std::int64_t ignore) {
  const auto [batch, channels, height, width] = extents;
  std::vector<std::int32_t> result;
  result.reserve(static_cast<std::size_t>(batch * height * width));
  const auto take = [&, classes = extents[1], rows = extents[2], columns = extents[3]](auto label) {
    const auto number = static_cast<std::int64_t>(label);
    if (number == ignore) {
      result.push_back(ignored_label);
      return;
    }
    if (number < 0 || number >= classes) {
      const auto i = static_cast<std::int64_t>(result.size());
      require(false, where, ": given the label ", number, " for picture ", i / (rows * columns), ", row ",
              i / columns % rows, ", column ", i % columns, ", wanted 0 to ", classes - 1, " or ", ignore,
              " to ignore it");
    }
    result.push_back(static_cast<std::int32_t>(number));
  };
  if constexpr (tensor_like<Labels>) {
    const auto view = view_of(labels);
    const std::array<std::int64_t, 4> wanted{batch, 1, height, width};
    require(view.extents == wanted, where, ": given labels of ", extents_text(view.extents), ", wanted ",
            extents_text(wanted), " for outputs of ", extents_text(extents));
    for (std::int64_t n = 0; n < batch; ++n)
      for (std::int64_t y = 0; y < height; ++y)
        for (std::int64_t x = 0; x < width; ++x) take(view(n, 0, y, x));
  } else {
    require(std::ranges::size(labels) == static_cast<std::size_t>(batch * height * width), where, ": given ",
            std::ranges::size(labels), " labels, wanted ", batch * height * width, " for outputs of ",
            extents_text(extents));
    for (const auto label : labels) take(label);
  }
  return result;
}

}  // namespace lookalike::detail
