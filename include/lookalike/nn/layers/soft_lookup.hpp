#pragma once

/// \file
/// Look-up as a layer. One formula joins nearest neighbors, kernel regression and attention: for a query z,
/// keys k and values v,
///
///     y = sum over i of p[i] v[i],   p = softmax over i of score(z, k[i]) / temperature
///
/// with score -|z - k|^2, or z.k / sqrt(dimension). Its limits are
///
/// - temperature 0: the value of the nearest key (equally near ones share),
/// - temperature infinity: the mean of all values,
/// - `nearest = k`: only the k best keys take part; with temperature infinity that is the mean of the k
///   nearest neighbors.
///
/// In between it is the kernel regression of Nadaraya (1964) and Watson (1964) with a Gaussian kernel of
/// variance temperature / 2, and with the second score and temperature 1 the attention of Vaswani et al.
/// (2017). `soft_lookup` learns its keys and values; `attention` is given them.

#include <cmath>
#include <limits>
#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/layout.hpp>
#include <lookalike/simd/soft_lookup.hpp>

namespace lookalike {

using simd::lookup_score;

/// Options of `soft_lookup`.
struct soft_lookup_options {
  double temperature = 1;          ///< 0 to infinity
  bool learn_temperature = false;  ///< from there on
  int nearest = 0;                 ///< keys that take part for each query; 0: all
  lookup_score score = lookup_score::squared_distance;
};

/// Options of `attention`.
struct attention_options {
  double temperature = 1;  ///< 0 to infinity
  int nearest = 0;         ///< keys that take part for each query; 0: all
  lookup_score score = lookup_score::dot_product;
  int heads = 1;  ///< parts that the channels are divided into, each with a look-up of its own
};

namespace detail {

constexpr void check_lookup(double temperature, int nearest, diagnosis& problem) {
  if (!(temperature >= 0) && !problem.failed())
    problem << "expects a temperature of 0 or more, given one below";
  if (nearest < 0 && !problem.failed()) problem << "expects 0 (all) or more nearest keys, given " << nearest;
}

/// Rows without gaps, one a pixel.
template <class Scalar>
feature_map<Scalar> packed_rows(Scalar* data, const feature_map<const Scalar>& like) {
  return {data, like.batch, like.height, like.width, like.channels, like.channels};
}

}  // namespace detail

namespace layers {

/// Keys and values are learned. Every pixel is a query.
struct soft_lookup {
  static constexpr std::string_view kind = "soft_lookup";
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int count = 1;
  int outputs = 1;
  double temperature = 1;
  bool learn_temperature = false;
  int nearest = 0;
  lookup_score score = lookup_score::squared_distance;
  static constexpr auto attributes =
      std::tuple(attribute("count", &soft_lookup::count), attribute("outputs", &soft_lookup::outputs),
                 attribute("temperature", &soft_lookup::temperature),
                 attribute("learn_temperature", &soft_lookup::learn_temperature),
                 attribute("nearest", &soft_lookup::nearest), attribute("score", &soft_lookup::score));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (count < 1 || outputs < 1)
      problem << "expects 1 or more keys and outputs, given " << count << " and " << outputs;
    detail::check_lookup(temperature, nearest, problem);
    if (learn_temperature && !problem.failed() &&
        !(temperature > 0 && temperature <= std::numeric_limits<double>::max()))
      problem << "expects a temperature above 0 and below infinity to learn from, given a limit";
    return {outputs, x[0].height, x[0].width};
  }
  /// The temperature is temperature exp(log_temperature), so that it stays positive.
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    list.add("keys", {count, x[0].channels}, {.initial = initial_value::normal});
    list.add("values", {count, outputs}, {.initial = initial_value::normal});
    if (learn_temperature) list.add("log_temperature", {1}, {});
  }
  constexpr std::int64_t multiply_adds(std::span<const shape> x, const shape& output) const {
    if (!output.is_static()) return 0;
    return std::int64_t{output.height} * output.width * count * (x[0].channels + outputs);
  }
  std::int64_t scratch_size(const run_extents& e) const {
    const std::ptrdiff_t pixels = std::ptrdiff_t{e.batch} * e.output.height * e.output.width;
    return e.backward ? simd::soft_lookup_backward_scratch(pixels, count)
                      : simd::soft_lookup_scratch(pixels, count);
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::soft_lookup(call.inputs[0], table(call.parameters), tau(call.parameters), {score, nearest},
                      call.output, call.scratch);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const Scalar temperature_now = tau(call.parameters);
    Scalar of_temperature = 0;
    simd::lookup_gradient<Scalar> gradients{call.parameter_gradients[0], call.parameter_gradients[1]};
    const bool learns = learn_temperature && call.wants_parameter_gradient(2);
    if (learns) gradients.tau = &of_temperature;
    simd::soft_lookup_backward(call.inputs[0], call.output_gradient, table(call.parameters), temperature_now,
                               {score, nearest}, call.input_gradients[0], call.accumulate[0], gradients,
                               call.scratch);
    if (learns) call.parameter_gradients[2][0] += of_temperature * temperature_now;
  }

 private:
  template <class Scalar>
  simd::lookup_table<Scalar> table(std::span<const Scalar* const> parameters) const {
    return {parameters[0], parameters[1], count};
  }
  template <class Scalar>
  Scalar tau(std::span<const Scalar* const> parameters) const {
    const auto fixed = static_cast<Scalar>(temperature);
    return learn_temperature ? fixed * std::exp(parameters[2][0]) : fixed;
  }
};

/// Inputs: queries (dimension, any height and width), keys (dimension, another height and width), values
/// (outputs, as the keys). Every pixel of a picture's queries looks at all pixels of the same picture's keys.
struct attention {
  static constexpr std::string_view kind = "attention";
  static constexpr int inputs = 3;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  double temperature = 1;
  int nearest = 0;
  lookup_score score = lookup_score::dot_product;
  int heads = 1;
  static constexpr auto attributes =
      std::tuple(attribute("temperature", &attention::temperature), attribute("nearest", &attention::nearest),
                 attribute("score", &attention::score), attribute("heads", &attention::heads));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    detail::check_lookup(temperature, nearest, problem);
    if (x[1].channels != x[0].channels && !problem.failed())
      problem << "expects keys of " << x[0].channels << " channels, as many as queries, given "
              << x[1].channels;
    const auto fit = [&](int keys, int values, std::string_view what) {
      if (keys == values || keys == dynamic || values == dynamic || problem.failed()) return;
      problem << "expects as many values as keys, given " << values << " " << what << " for " << keys;
    };
    fit(x[1].height, x[2].height, "rows");
    fit(x[1].width, x[2].width, "columns");
    if (!problem.failed() && (heads < 1 || x[0].channels % heads != 0 || x[2].channels % heads != 0))
      problem << "expects heads that divide " << x[0].channels << " channels of queries and " << x[2].channels
              << " of values, given " << heads;
    return {x[2].channels, x[0].height, x[0].width};
  }
  constexpr layer_window window() const { return {.everything = true}; }
  constexpr std::int64_t multiply_adds(std::span<const shape> x, const shape& output) const {
    if (!output.is_static() || !x[1].is_static()) return 0;
    return std::int64_t{output.height} * output.width * x[1].height * x[1].width *
           (x[0].channels + output.channels);
  }
  std::int64_t scratch_size(const run_extents& e) const {
    const std::ptrdiff_t pixels = std::ptrdiff_t{e.output.height} * e.output.width;
    const std::ptrdiff_t count = std::ptrdiff_t{e.inputs[1].height} * e.inputs[1].width;
    const std::ptrdiff_t rows = count * ((e.inputs[1].channels + e.inputs[2].channels) / heads);
    return e.backward ? 2 * rows + simd::soft_lookup_backward_scratch(pixels, count)
                      : rows + simd::soft_lookup_scratch(pixels, count);
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_head(call.output, [&](int n, int head) {
      const auto queries = part(call.inputs[0], n, head);
      const auto keys = part(call.inputs[1], n, head);
      const auto values = part(call.inputs[2], n, head);
      Scalar* memory = call.scratch.data();
      const simd::lookup_table<Scalar> table = pack(keys, values, memory);
      simd::soft_lookup(queries, table, static_cast<Scalar>(temperature), {score, nearest},
                        part(call.output, n, head), rest(call.scratch, memory));
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for_each_head(call.output_gradient, [&](int n, int head) {
      const auto queries = part(call.inputs[0], n, head);
      const auto keys = part(call.inputs[1], n, head);
      const auto values = part(call.inputs[2], n, head);
      Scalar* memory = call.scratch.data();
      const simd::lookup_table<Scalar> table = pack(keys, values, memory);
      const feature_map<Scalar> of_keys = take(keys, memory);
      const feature_map<Scalar> of_values = take(values, memory);
      simd::fill(of_keys, Scalar(0));
      simd::fill(of_values, Scalar(0));
      const feature_map<Scalar> of_queries =
          call.wants_input_gradient(0) ? part(call.input_gradients[0], n, head) : feature_map<Scalar>{};
      simd::soft_lookup_backward(queries, part(call.output_gradient, n, head), table,
                                 static_cast<Scalar>(temperature), {score, nearest}, of_queries,
                                 call.accumulate[0],
                                 {call.wants_input_gradient(1) ? of_keys.data : nullptr,
                                  call.wants_input_gradient(2) ? of_values.data : nullptr},
                                 rest(call.scratch, memory));
      if (call.wants_input_gradient(1))
        simd::copy(of_keys, part(call.input_gradients[1], n, head), call.accumulate[1]);
      if (call.wants_input_gradient(2))
        simd::copy(of_values, part(call.input_gradients[2], n, head), call.accumulate[2]);
    });
  }

 private:
  template <class Map, class Step>
  void for_each_head(const Map& output, const Step& step) const {
    for (int n = 0; n < output.batch; ++n)
      for (int head = 0; head < heads; ++head) step(n, head);
  }
  template <class Scalar>
  feature_map<Scalar> part(const feature_map<Scalar>& whole, int n, int head) const {
    const int channels = whole.channels / heads;
    return whole.picture(n).slice(head * channels, channels);
  }
  /// Memory for rows like those of `map`.
  template <class Scalar>
  static feature_map<Scalar> take(const feature_map<const Scalar>& map, Scalar*& memory) {
    const feature_map<Scalar> rows = detail::packed_rows(memory, map);
    memory += rows.pixels() * rows.channels;
    return rows;
  }
  template <class Scalar>
  static simd::lookup_table<Scalar> pack(const feature_map<const Scalar>& keys,
                                         const feature_map<const Scalar>& values, Scalar*& memory) {
    const feature_map<Scalar> packed_keys = take(keys, memory);
    const feature_map<Scalar> packed_values = take(values, memory);
    simd::copy(keys, packed_keys);
    simd::copy(values, packed_values);
    return {packed_keys.data, packed_values.data, keys.pixels()};
  }
  template <class Scalar>
  static std::span<Scalar> rest(std::span<Scalar> scratch, Scalar* from) {
    return scratch.subspan(static_cast<std::size_t>(from - scratch.data()));
  }
};

}  // namespace layers

/// A look-up among `count` learned keys, whose values have `outputs` channels. Parameters: keys (count,
/// channels), values (count, outputs), log_temperature (1) if the temperature is learned.
constexpr architecture soft_lookup(int count, int outputs, const soft_lookup_options& options = {}) {
  return layer(layers::soft_lookup{count, outputs, options.temperature, options.learn_temperature,
                                   options.nearest, options.score});
}

/// A look-up among keys and values that come in. Inputs: queries, keys, values: with `heads`, queries and
/// keys of 1x1 convolutions, and tokens as pixels, this is the multi-head attention of a transformer.
constexpr architecture attention(const attention_options& options = {}) {
  return layer(layers::attention{options.temperature, options.nearest, options.score, options.heads});
}

LOOKALIKE_COMPILED_LAYER(soft_lookup)
LOOKALIKE_COMPILED_LAYER(attention)

}  // namespace lookalike
