#pragma once

/// \file
/// The inner part of a map, as in the U-Net whose convolutions lose their borders (Ronneberger et al., 2015).

#include <string_view>
#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/strided_view.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike {

namespace detail {

/// to = the window of `from` that starts at row `top` and column `left`.
template <class Scalar>
void copy_window(const feature_map<const Scalar>& from, int top, int left, const feature_map<Scalar>& to) {
  for (int n = 0; n < to.batch; ++n)
    for (int y = 0; y < to.height; ++y)
      simd::copy(part_of_row(from, n, top + y, left, to.width), part_of_row(to, n, y, 0, to.width));
}

/// The way back. Without `accumulate` what lies around the window becomes 0.
template <class Scalar>
void copy_into_window(const feature_map<const Scalar>& from, int top, int left, bool accumulate,
                      const feature_map<Scalar>& to) {
  if (!accumulate) simd::fill(to, Scalar(0));
  for (int n = 0; n < from.batch; ++n)
    for (int y = 0; y < from.height; ++y)
      simd::copy(part_of_row(from, n, y, 0, from.width), part_of_row(to, n, top + y, left, from.width),
                 accumulate);
}

}  // namespace detail

namespace layers {

/// Leaves out so many rows and columns on each side.
struct crop {
  static constexpr std::string_view kind = "crop";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int top = 0, left = 0, bottom = 0, right = 0;
  static constexpr auto attributes =
      std::tuple(attribute("top", &crop::top), attribute("left", &crop::left),
                 attribute("bottom", &crop::bottom), attribute("right", &crop::right));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (top < 0 || left < 0 || bottom < 0 || right < 0)
      problem << "expects a crop of 0 or more on each side, given " << top << ", " << left << ", " << bottom
              << ", " << right << " (top, left, bottom, right)";
    const auto inner = [&](int extent, int cropped, std::string_view what) {
      if (extent == dynamic) return dynamic;
      detail::expect_extent(extent, cropped + 1, what, problem);
      return extent - cropped;
    };
    return {x[0].channels, inner(x[0].height, top + bottom, "rows"),
            inner(x[0].width, left + right, "columns")};
  }
  constexpr layer_window window() const { return {.padding_top = -top, .padding_left = -left}; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    detail::copy_window(call.inputs[0], top, left, call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      detail::copy_into_window(call.output_gradient, top, left, call.accumulate[0], call.input_gradients[0]);
  }
};

/// The middle of the first input, as high and as wide as the second. Where they differ by an odd number, one
/// more row or column is left out after (below, on the right).
struct center_crop_to {
  static constexpr std::string_view kind = "center_crop_to";
  static constexpr int inputs = 2;
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    const auto fit = [&](int whole, int like, std::string_view what) {
      if (whole == dynamic || like == dynamic || whole >= like || problem.failed()) return;
      problem << "expects " << like << " or more " << what << ", as many as it is cropped to, given "
              << whole;
    };
    fit(x[0].height, x[1].height, "rows");
    fit(x[0].width, x[1].width, "columns");
    return {x[0].channels, x[1].height, x[1].width};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const feature_map<const Scalar>& x = call.inputs[0];
    detail::copy_window(x, before(x.height, call.output.height), before(x.width, call.output.width),
                        call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const feature_map<const Scalar>& g = call.output_gradient;
    const feature_map<Scalar>& to = call.input_gradients[0];
    if (call.wants_input_gradient(0))
      detail::copy_into_window(g, before(to.height, g.height), before(to.width, g.width), call.accumulate[0],
                               to);
    if (call.wants_input_gradient(1) && !call.accumulate[1]) simd::fill(call.input_gradients[1], Scalar(0));
  }

 private:
  static constexpr int before(int whole, int part) { return (whole - part) / 2; }
};

}  // namespace layers

/// Leaves out `top` rows above, `left` columns on the left, and so on.
constexpr architecture crop(int top, int left, int bottom, int right) {
  return layer(layers::crop{top, left, bottom, right});
}

/// Crops the first of two inputs to the height and width of the second:
/// `branch(from("encoder"), identity()) | center_crop_to()`.
constexpr architecture center_crop_to() {
  return layer(layers::center_crop_to{});
}

LOOKALIKE_COMPILED_LAYER(crop)
LOOKALIKE_COMPILED_LAYER(center_crop_to)

}  // namespace lookalike
