#pragma once

/// \file
/// Maps made larger or smaller by interpolation, by PyTorch's rules (simd/resize.hpp), without smoothing.

#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/resize.hpp>

namespace lookalike {

using simd::interpolation;

/// Options of `resize` and `upsample`.
struct interpolation_options {
  interpolation method = interpolation::nearest;
  /// Whether corner pixels keep their place (bilinear only); otherwise corners of corner pixels do.
  bool align_corners = false;
};

namespace layers {

/// What both have in common. Subclasses know the extents.
struct interpolated {
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  interpolation method = interpolation::nearest;
  bool align_corners = false;

  constexpr void check(diagnosis& problem) const {
    if (align_corners && (method == interpolation::nearest || method == interpolation::nearest_exact) &&
        !problem.failed())
      problem << "expects bilinear interpolation where corners are aligned, given nearest";
  }
  constexpr interpolation rule() const {
    return align_corners ? interpolation::bilinear_align_corners : method;
  }
  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    return simd::resize_scratch(detail::extents_map<Scalar>(e.output, e.batch));
  }
  template <class Scalar>
  static void forward(const forward_call<Scalar>& call, const simd::resize_options& options) {
    simd::resize(call.inputs[0], options, call.output, call.scratch);
  }
  template <class Scalar>
  static void backward(const backward_call<Scalar>& call, const simd::resize_options& options) {
    if (call.wants_input_gradient(0))
      simd::resize_backward(call.output_gradient, options, call.input_gradients[0], call.accumulate[0],
                            call.scratch);
  }
};

/// To given extents.
struct resize : interpolated {
  static constexpr std::string_view kind = "resize";
  int height = 1, width = 1;
  static constexpr auto attributes =
      std::tuple(attribute("height", &resize::height), attribute("width", &resize::width),
                 attribute("method", &resize::method), attribute("align_corners", &resize::align_corners));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    detail::expect_positive({height, width}, "an output", problem);
    check(problem);
    return {x[0].channels, height, width};
  }
  constexpr layer_window window() const { return {.everything = true}; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    interpolated::forward(call, {.rule = rule()});
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    interpolated::backward(call, {.rule = rule()});
  }
};

/// By a factor: floor(factor rows) x floor(factor columns).
struct upsample : interpolated {
  static constexpr std::string_view kind = "upsample";
  double factor = 2;
  static constexpr auto attributes =
      std::tuple(attribute("factor", &upsample::factor), attribute("method", &upsample::method),
                 attribute("align_corners", &upsample::align_corners));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (!(factor > 0)) {
      problem << "expects a factor above 0, given one that is not";
      return {};
    }
    check(problem);
    const auto extent = [&](int given, std::string_view what) {
      if (given == dynamic) return dynamic;
      const int scaled = static_cast<int>(factor * given);
      if (scaled < 1 && !problem.failed())
        problem << "expects enough " << what << " to keep one, given " << given;
      return scaled;
    };
    return {x[0].channels, extent(x[0].height, "rows"), extent(x[0].width, "columns")};
  }
  constexpr layer_window window() const {
    const bool nearest = method == interpolation::nearest || method == interpolation::nearest_exact;
    const int times = factor > 1 ? static_cast<int>(factor) : 1;
    const int steps = factor < 1 ? static_cast<int>(1 / factor) : 1;
    const int seen = nearest ? 1 : 2;
    return {.extent_height = seen,
            .extent_width = seen,
            .stride_height = steps,
            .stride_width = steps,
            .padding_top = seen - 1,
            .padding_left = seen - 1,
            .upsampling_height = times,
            .upsampling_width = times};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    interpolated::forward(call, options());
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    interpolated::backward(call, options());
  }

 private:
  constexpr simd::resize_options options() const { return {rule(), factor, factor}; }
};

}  // namespace layers

/// Interpolates to `height` x `width` pixels.
constexpr architecture resize(int height, int width, interpolation_options options = {}) {
  layers::resize l;
  l.height = height;
  l.width = width;
  l.method = options.method;
  l.align_corners = options.align_corners;
  return layer(l);
}

/// Interpolates to `factor` times the extents, rounded down: `upsample(2)`, `upsample(4, {.method =
/// interpolation::bilinear})`.
constexpr architecture upsample(double factor, interpolation_options options = {}) {
  layers::upsample l;
  l.factor = factor;
  l.method = options.method;
  l.align_corners = options.align_corners;
  return layer(l);
}

LOOKALIKE_COMPILED_LAYER(resize)
LOOKALIKE_COMPILED_LAYER(upsample)

}  // namespace lookalike
