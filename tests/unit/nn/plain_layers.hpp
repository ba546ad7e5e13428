#pragma once

// Layers for the tests of what puts layers together and runs them. Slow and obvious; between them they say
// everything that a layer can say about itself: in place, concatenating, overwriting gradients or not,
// reading inputs or outputs in the backward run, saved and scratch memory, buffers, chance, every role in
// fusion.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include <lookalike/nn/combinators.hpp>

namespace plain {

using namespace lookalike;

/// A convolution with zeros around, kernel x kernel, weight (O, I, k, k) and bias.
struct conv_layer {
  static constexpr std::string_view kind = "conv";
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::accepts_epilogue;
  int channels = 1;
  int kernel = 3;
  int stride = 1;
  static constexpr auto attributes =
      std::tuple(attribute("channels", &conv_layer::channels), attribute("kernel", &conv_layer::kernel),
                 attribute("stride", &conv_layer::stride));

  constexpr int extent(int given) const {
    return given == dynamic ? dynamic : (given + 2 * (kernel / 2) - kernel) / stride + 1;
  }
  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (channels < 1) problem << "expects 1 or more channels, given " << channels;
    if (kernel < 1 || stride < 1 || kernel > 99) {
      problem << "expects a kernel from 1 to 99 and a stride of 1 or more";
      return {};
    }
    return {channels, extent(x[0].height), extent(x[0].width)};
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    const std::int64_t fan_in = std::int64_t{x[0].channels} * kernel * kernel;
    list.add("weight", {channels, x[0].channels, kernel, kernel},
             {.initial = initial_value::from_fan_in, .fan_in = fan_in});
    list.add("bias", {channels}, {.initial = initial_value::from_fan_in, .fan_in = fan_in});
  }
  constexpr layer_window window() const { return {kernel, kernel, stride, stride, kernel / 2, kernel / 2}; }
  constexpr std::int64_t multiply_adds(std::span<const shape> x, const shape& y) const {
    return y.size() * x[0].channels * kernel * kernel;
  }
  std::int64_t scratch_size(const run_extents& e) const { return e.inputs[0].channels; }

  // Visits (output pixel, input pixel, index of the weight without its channels).
  template <class Output, class Visit>
  void taps(const Output& output, int height, int width, const Visit& visit) const {
    for_each_pixel(output, [&](int n, int y, int x, auto* pixel) {
      for (int i = 0; i < kernel; ++i)
        for (int j = 0; j < kernel; ++j) {
          const int row = y * stride + i - kernel / 2;
          const int column = x * stride + j - kernel / 2;
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          visit(pixel, n, row, column, i * kernel + j);
        }
    });
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const feature_map<const Scalar>& in = call.inputs[0];
    const int area = kernel * kernel;
    for_each_pixel(call.output, [&](int, int, int, Scalar* out) {
      for (int o = 0; o < channels; ++o) out[o] = call.parameters[1][o];
    });
    taps(call.output, in.height, in.width, [&](Scalar* out, int n, int row, int column, int tap) {
      std::copy_n(in.pixel(n, row, column), in.channels, call.scratch.data());
      for (int o = 0; o < channels; ++o)
        for (int c = 0; c < in.channels; ++c)
          out[o] += call.parameters[0][(o * in.channels + c) * area + tap] *
                    call.scratch[static_cast<std::size_t>(c)];
    });
    if (call.epilogue != nullptr)
      for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
        for (int o = 0; o < channels; ++o) out[o] = simd::finish(out[o], *call.epilogue, n, y, x, o);
      });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const feature_map<const Scalar>& in = call.inputs[0];
    const feature_map<Scalar>& to = call.input_gradients[0];
    const int area = kernel * kernel;
    if (call.wants_input_gradient(0) && !call.accumulate[0])
      for_each_pixel(to, [&](int, int, int, Scalar* g) { std::fill_n(g, to.channels, Scalar(0)); });
    for_each_pixel(call.output_gradient, [&](int, int, int, const Scalar* g) {
      for (int o = 0; o < channels && call.wants_parameter_gradient(1); ++o)
        call.parameter_gradients[1][o] += g[o];
    });
    taps(call.output_gradient, in.height, in.width,
         [&](const Scalar* g, int n, int row, int column, int tap) {
           for (int o = 0; o < channels; ++o)
             for (int c = 0; c < in.channels; ++c) {
               const int w = (o * in.channels + c) * area + tap;
               if (call.wants_parameter_gradient(0))
                 call.parameter_gradients[0][w] += g[o] * in.pixel(n, row, column)[c];
               if (call.wants_input_gradient(0)) to.pixel(n, row, column)[c] += g[o] * call.parameters[0][w];
             }
         });
  }
};

/// What layers that work value by value have in common. `f(x)` and `slope(x or y)`.
template <class Layer>
struct pointwise_layer {
  static constexpr bool overwrites_gradients = true;
  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (int c = 0; c < call.output.channels; ++c) out[c] = static_cast<const Layer&>(*this).value(in[c]);
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (!call.wants_input_gradient(0)) return;
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      Scalar* to = call.input_gradients[0].pixel(n, y, x);
      const auto& seen = Layer::backward_reads_inputs ? call.inputs[0] : call.output;
      const Scalar* at = seen.pixel(n, y, x);
      for (int c = 0; c < call.output_gradient.channels; ++c) {
        const Scalar d = g[c] * static_cast<const Layer&>(*this).slope(at[c]);
        to[c] = call.accumulate[0] ? to[c] + d : d;
      }
    });
  }
};

/// max(x, 0): in place, reads its output.
struct relu_layer : pointwise_layer<relu_layer> {
  static constexpr std::string_view kind = "relu";
  static constexpr bool in_place = true;
  static constexpr bool backward_reads_inputs = false;
  static constexpr fusion_role fusion = fusion_role::activates;
  constexpr simd::activation_options fused_activation() const { return {simd::activation_function::relu}; }
  template <class Scalar>
  Scalar value(Scalar x) const {
    return x < Scalar(0) ? Scalar(0) : x;
  }
  template <class Scalar>
  Scalar slope(Scalar y) const {
    return y > Scalar(0) ? Scalar(1) : Scalar(0);
  }
};

/// factor x: in place, reads nothing in the backward run, which makes it the boldest layer for a memory plan.
struct scale_layer : pointwise_layer<scale_layer> {
  static constexpr std::string_view kind = "scale";
  static constexpr bool in_place = true;
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  double factor = 1;
  static constexpr auto attributes = std::tuple(attribute("factor", &scale_layer::factor));
  template <class Scalar>
  Scalar value(Scalar x) const {
    return Scalar(factor) * x;
  }
  template <class Scalar>
  Scalar slope(Scalar) const {
    return Scalar(factor);
  }
};

/// x^2 / 2 + x: in place where no backward run follows, since that reads the input.
struct bend_layer : pointwise_layer<bend_layer> {
  static constexpr std::string_view kind = "bend";
  static constexpr bool in_place = true;
  static constexpr bool backward_reads_inputs = true;
  static constexpr bool backward_reads_output = false;
  template <class Scalar>
  Scalar value(Scalar x) const {
    return x * x / 2 + x;
  }
  template <class Scalar>
  Scalar slope(Scalar x) const {
    return x + 1;
  }
};

/// weight (x - running_mean) / sqrt(running_variance + epsilon) + bias. In training it moves the running mean
/// afterwards, and it saves what it divides by.
struct norm_layer {
  static constexpr std::string_view kind = "norm";
  static constexpr bool backward_reads_output = false;
  static constexpr fusion_role fusion = fusion_role::normalizes;
  double epsilon = 0.1;
  static constexpr auto attributes = std::tuple(attribute("epsilon", &norm_layer::epsilon));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    list.add("weight", {x[0].channels}, {.initial = initial_value::ones});
    list.add("bias", {x[0].channels}, {});
    list.add("running_mean", {x[0].channels}, {.trainable = false});
    list.add("running_variance", {x[0].channels}, {.initial = initial_value::ones, .trainable = false});
  }
  std::int64_t saved_size(const run_extents& e) const { return 2 * e.output.channels; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const auto channels = static_cast<std::size_t>(call.output.channels);
    for (std::size_t c = 0; c < channels; ++c) {
      call.saved[c] = Scalar(1) / std::sqrt(call.parameters[3][c] + Scalar(epsilon));
      call.saved[channels + c] = call.parameters[2][c];
    }
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (std::size_t c = 0; c < channels; ++c)
        out[c] = call.parameters[0][c] * (in[c] - call.saved[channels + c]) * call.saved[c] +
                 call.parameters[1][c];
    });
    for (std::size_t c = 0; c < channels && call.training && call.buffers[2] != nullptr; ++c)
      call.buffers[2][c] += Scalar(0.125);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const auto channels = static_cast<std::size_t>(call.output_gradient.channels);
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (std::size_t c = 0; c < channels; ++c) {
        if (call.wants_parameter_gradient(0))
          call.parameter_gradients[0][c] += g[c] * (in[c] - call.saved[channels + c]) * call.saved[c];
        if (call.wants_parameter_gradient(1)) call.parameter_gradients[1][c] += g[c];
        if (call.wants_input_gradient(0))
          call.input_gradients[0].pixel(n, y, x)[c] += g[c] * call.parameters[0][c] * call.saved[c];
      }
    });
  }
};

/// Sum of its inputs. An input of 1 x 1 pixels is repeated.
struct add_layer {
  static constexpr std::string_view kind = "add";
  static constexpr int inputs = any_number;
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::adds;
  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    shape result = x[0];
    for (const shape& s : x) {
      if (s.channels != result.channels && !problem.failed())
        problem << "expects " << result.channels << " channels from every branch, given " << s.channels;
      if (result.height == 1) result.height = s.height;
      if (result.width == 1) result.width = s.width;
    }
    return result;
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      for (int c = 0; c < call.output.channels; ++c) {
        Scalar sum(0);
        for (const auto& in : call.inputs)
          sum += in.pixel(n, in.height == 1 ? 0 : y, in.width == 1 ? 0 : x)[c];
        out[c] = sum;
      }
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      const feature_map<Scalar>& to = call.input_gradients[i];
      if (!call.wants_input_gradient(i)) continue;
      if (!call.accumulate[i])
        for_each_pixel(to, [&](int, int, int, Scalar* g) { std::fill_n(g, to.channels, Scalar(0)); });
      for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
        Scalar* pixel = to.pixel(n, to.height == 1 ? 0 : y, to.width == 1 ? 0 : x);
        for (int c = 0; c < to.channels; ++c) pixel[c] += g[c];
      });
    }
  }
};

/// The product of two inputs; adds its gradients to what was cleared.
struct product_layer {
  static constexpr std::string_view kind = "product";
  static constexpr int inputs = 2;
  static constexpr bool backward_reads_output = false;
  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (x[0] != x[1]) problem << "expects two inputs of the same extents";
    return x[0];
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      for (int c = 0; c < call.output.channels; ++c)
        out[c] = call.inputs[0].pixel(n, y, x)[c] * call.inputs[1].pixel(n, y, x)[c];
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      for (std::size_t i = 0; i < 2; ++i) {
        if (!call.wants_input_gradient(i)) continue;
        for (int c = 0; c < call.output_gradient.channels; ++c)
          call.input_gradients[i].pixel(n, y, x)[c] += g[c] * call.inputs[1 - i].pixel(n, y, x)[c];
      }
    });
  }
};

/// Means of 2 x 2 pixels.
struct pool_layer {
  static constexpr std::string_view kind = "pool";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const {
    const auto half = [](int extent) { return extent == dynamic ? dynamic : extent / 2; };
    return {x[0].channels, half(x[0].height), half(x[0].width)};
  }
  constexpr layer_window window() const { return {2, 2, 2, 2}; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const auto& in = call.inputs[0];
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      for (int c = 0; c < in.channels; ++c)
        out[c] = (in.pixel(n, 2 * y, 2 * x)[c] + in.pixel(n, 2 * y, 2 * x + 1)[c] +
                  in.pixel(n, 2 * y + 1, 2 * x)[c] + in.pixel(n, 2 * y + 1, 2 * x + 1)[c]) /
                 4;
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const auto& to = call.input_gradients[0];
    if (!call.wants_input_gradient(0)) return;
    for_each_pixel(to, [&](int n, int y, int x, Scalar* g) {
      for (int c = 0; c < to.channels; ++c) {
        const bool inside = y / 2 < call.output_gradient.height && x / 2 < call.output_gradient.width;
        const Scalar d = inside ? call.output_gradient.pixel(n, y / 2, x / 2)[c] / 4 : Scalar(0);
        g[c] = call.accumulate[0] ? g[c] + d : d;
      }
    });
  }
};

/// Every pixel four times.
struct up_layer {
  static constexpr std::string_view kind = "up";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const {
    const auto twice = [](int extent) { return extent == dynamic ? dynamic : 2 * extent; };
    return {x[0].channels, twice(x[0].height), twice(x[0].width)};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      std::copy_n(call.inputs[0].pixel(n, y / 2, x / 2), call.output.channels, out);
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (!call.wants_input_gradient(0)) return;
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      for (int c = 0; c < call.output_gradient.channels; ++c)
        call.input_gradients[0].pixel(n, y / 2, x / 2)[c] += g[c];
    });
  }
};

/// In training a value is lost or doubled, by the seed; the identity otherwise.
struct drop_layer {
  static constexpr std::string_view kind = "drop";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::vanishes;
  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  std::int64_t saved_size(const run_extents& e) const { return e.output.size() * e.batch; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    std::uint64_t state = call.seed;
    std::size_t i = 0;
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (int c = 0; c < call.output.channels; ++c) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        const Scalar keep = call.training ? Scalar(2 * (state >> 63)) : Scalar(1);
        call.saved[i++] = keep;
        out[c] = keep * in[c];
      }
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    std::size_t i = 0;
    const auto& to = call.input_gradients[0];
    if (!call.wants_input_gradient(0)) return;
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      Scalar* pixel = to.pixel(n, y, x);
      for (int c = 0; c < to.channels; ++c) {
        const Scalar d = call.saved[i++] * g[c];
        pixel[c] = call.accumulate[0] ? pixel[c] + d : d;
      }
    });
  }
};

/// One learned vector, without an input.
struct constant_layer {
  static constexpr std::string_view kind = "learned";
  static constexpr int inputs = 0;
  int channels = 1;
  static constexpr auto attributes = std::tuple(attribute("channels", &constant_layer::channels));
  constexpr shape infer_shape(std::span<const shape>, diagnosis&) const { return {channels, 1, 1}; }
  constexpr void parameters(std::span<const shape>, parameter_list& list) const {
    list.add("weight", {channels}, {.initial = initial_value::ones});
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output,
                   [&](int, int, int, Scalar* out) { std::copy_n(call.parameters[0], channels, out); });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for_each_pixel(call.output_gradient, [&](int, int, int, const Scalar* g) {
      for (int c = 0; c < channels && call.wants_parameter_gradient(0); ++c)
        call.parameter_gradients[0][c] += g[c];
    });
  }
};

constexpr architecture conv(int channels, int kernel = 3, int stride = 1) {
  return layer(conv_layer{channels, kernel, stride});
}
constexpr architecture relu() {
  return layer(relu_layer{});
}
constexpr architecture scale(double factor) {
  scale_layer l;
  l.factor = factor;
  return layer(l);
}
constexpr architecture bend() {
  return layer(bend_layer{});
}
constexpr architecture norm() {
  return layer(norm_layer{});
}
constexpr architecture add() {
  return layer(add_layer{});
}
constexpr architecture product() {
  return layer(product_layer{});
}
constexpr architecture pool() {
  return layer(pool_layer{});
}
constexpr architecture up() {
  return layer(up_layer{});
}
constexpr architecture drop() {
  return layer(drop_layer{});
}
constexpr architecture learned(int channels) {
  return layer(constant_layer{channels});
}

}  // namespace plain
