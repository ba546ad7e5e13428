#pragma once

/// \file
/// How much of a picture one output of a network sees: the receptive field, by counting support. For each
/// value of the network the first and the last input that each of its positions depends on are followed
/// through all branches. Behind a transposed convolution or an upsampling neighboring positions see different
/// numbers of inputs; positions then repeat after a period, and the field has a largest and a least extent.

#include <numeric>
#include <string>
#include <string_view>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/detail/resolve.hpp>

namespace lookalike {

/// The receptive field of a value with respect to one input.
struct receptive_field_extents {
  int height = 0;  ///< rows from the first to the last one seen, at the positions that see the most
  int width = 0;
  int least_height = 0;  ///< at the positions that see the least
  int least_width = 0;
  /// Positions `outputs_per_step` apart see fields `stride` inputs apart: 4 and 1 behind two pools, 1 and 2
  /// behind an upsampling by 2.
  int stride_height = 1, stride_width = 1;
  int outputs_per_step_height = 1, outputs_per_step_width = 1;
  /// How far the field of the first position reaches over the border (negative: it begins inside).
  int padding_top = 0, padding_left = 0;
  bool everything = false;  ///< the whole input is seen (fully connected, global pooling); no extents then
  bool nothing = false;     ///< the value does not depend on that input

  friend constexpr bool operator==(const receptive_field_extents&, const receptive_field_extents&) = default;
};

/// Of what, and with respect to what.
struct receptive_field_options {
  std::string_view of = "";  ///< name of a part; empty: the first output
  int input = 0;             ///< by position
};

namespace detail {

/// What a layer sees along an axis: positions i stride - padding + t dilation, t < taps, of its input,
/// between whose neighbors there are `upsampling` - 1 positions with nothing.
struct axis_window {
  int taps = 1, dilation = 1, stride = 1, padding = 0, upsampling = 1;
};

constexpr int attribute_of(const architecture_view& a, int i, std::string_view name, int otherwise) {
  const std::span<const std::string_view> names = a.at(i).rules->attribute_names;
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (names[k] == name) return static_cast<int>(a.instance(i).attributes[k]);
  }
  return otherwise;
}

constexpr axis_window window_of(const architecture_view& a, int i, bool vertical) {
  const layer_window w = a.at(i).rules->window(a.instance(i));
  const int extent = vertical ? w.extent_height : w.extent_width;
  const int stride = vertical ? w.stride_height : w.stride_width;
  const int padding = vertical ? w.padding_top : w.padding_left;
  const int up = vertical ? w.upsampling_height : w.upsampling_width;
  const int kernel = attribute_of(a, i, vertical ? "kernel_height" : "kernel_width", 0);
  const int dilation = attribute_of(a, i, vertical ? "dilation_height" : "dilation_width", 1);
  const bool exact = kernel > 0 && dilation > 0;
  if (up == 1) {
    if (exact && dilation * (kernel - 1) + 1 == extent) return {kernel, dilation, stride, padding, 1};
    return {extent, 1, stride, padding, 1};
  }
  if (exact) {  // a transposed convolution or an unpooling: the kernel slides over the spread input
    const int around = attribute_of(a, i, vertical ? "padding_top" : "padding_left",
                                    attribute_of(a, i, vertical ? "padding_height" : "padding_width", 0));
    return {kernel, dilation, 1, dilation * (kernel - 1) - around, up};
  }
  if (extent == 2 && padding == 1) {  // linear interpolation: inputs less than one input away
    const auto down = [](int n, int d) { return n >= 0 ? n / d : -((-n + d - 1) / d); };
    const int before = -(down(1 - 3 * up, 2) + 1);
    const int after = -down(-(up + 1), 2) - 1;
    return {before + after + 1, 1, 1, before, up};
  }
  return {extent * up, 1, 1, padding * up + up - 1, up};
}

/// Which inputs are seen along one axis: position q period + r sees from first[r] + q step to last[r] + q
/// step.
struct axis_support {
  constexpr_vector<int> first, last;
  int step = 1;
  bool nothing = true;
  bool everything = false;

  static constexpr int empty_first = 1 << 29;

  constexpr int period() const { return first.size(); }
  constexpr int quotient(int position) const {
    const int p = period();
    return position >= 0 ? position / p : -((-position + p - 1) / p);
  }
  constexpr bool is_empty(int position) const {
    const int r = position - quotient(position) * period();
    return first[r] > last[r];
  }
  constexpr int first_at(int position) const {
    const int q = quotient(position);
    return first[position - q * period()] + q * step;
  }
  constexpr int last_at(int position) const {
    const int q = quotient(position);
    return last[position - q * period()] + q * step;
  }
  /// The period may be a multiple of the shortest.
  constexpr int shortest_period() const {
    for (int p = 1; p < period(); ++p) {
      if (period() % p != 0 || step * p % period() != 0) continue;
      bool repeats = true;
      for (int i = 0; i < period() && repeats; ++i) {
        repeats = is_empty(i) == is_empty(i + p);
        if (!is_empty(i))
          repeats = repeats && first_at(i + p) == first_at(i) + step * p / period() &&
                    last_at(i + p) == last_at(i) + step * p / period();
      }
      if (repeats) return p;
    }
    return period();
  }
};

constexpr axis_support through_window(const axis_support& in, const axis_window& w) {
  axis_support out;
  out.nothing = in.nothing;
  out.everything = in.everything;
  if (in.nothing || in.everything) return out;
  // After `period` positions both the input's pattern and the spread repeat.
  const int spread = in.period() * w.upsampling;
  const int period = spread / std::gcd(spread, w.stride);
  out.step = in.step * (w.stride * period / spread);
  for (int i = 0; i < period; ++i) {
    int first = axis_support::empty_first, last = -axis_support::empty_first;
    for (int t = 0; t < w.taps; ++t) {
      const int at = i * w.stride - w.padding + t * w.dilation;
      if (at % w.upsampling != 0) continue;
      const int source = at / w.upsampling;
      if (in.is_empty(source)) continue;
      if (in.first_at(source) < first) first = in.first_at(source);
      if (in.last_at(source) > last) last = in.last_at(source);
    }
    out.first.push_back(first);
    out.last.push_back(last);
  }
  return out;
}

constexpr axis_support joined(const axis_support& a, const axis_support& b) {
  if (a.nothing || b.everything) return b;
  if (b.nothing || a.everything) return a;
  axis_support out;
  out.nothing = false;
  const int period = std::lcm(a.period(), b.period());
  out.step = a.step * (period / a.period());
  if (out.step != b.step * (period / b.period())) {  // a map joined with one that is repeated over it
    out.everything = true;
    return out;
  }
  for (int i = 0; i < period; ++i) {
    const bool a_empty = a.is_empty(i), b_empty = b.is_empty(i);
    int first = a.first_at(i), last = a.last_at(i);
    if (a_empty || (!b_empty && b.first_at(i) < first)) first = b.first_at(i);
    if (a_empty || (!b_empty && b.last_at(i) > last)) last = b.last_at(i);
    out.first.push_back(first);
    out.last.push_back(last);
  }
  return out;
}

constexpr axis_support support_along(const architecture_view& a, int target, int input, bool vertical) {
  constexpr_vector<axis_support> supports(a.size());
  for (int i = 0; i <= target; ++i) {
    axis_support& own = supports[i];
    if (i == input) {
      own.nothing = false;
      own.first = {0};
      own.last = {0};
      continue;
    }
    for (int source : a.inputs(i)) own = joined(own, supports[source]);
    if (a.at(i).rules->window(a.instance(i)).everything && !own.nothing) {
      own.everything = true;
      continue;
    }
    own = through_window(own, window_of(a, i, vertical));
  }
  return supports[target];
}

}  // namespace detail

/// The receptive field of a part of a network. Layers that normalize by the whole picture, fully connected
/// ones and global pools see everything. Throws `value_error` (stops the compiler in a constant expression)
/// where the architecture does not fit together or has no such part. Complexity: nodes x period x kernel.
constexpr receptive_field_extents receptive_field(const architecture& network,
                                                  receptive_field_options options = {}) {
  const detail::resolved_architecture resolved = detail::resolve(network);
  if (resolved.problem.failed()) throw value_error(std::string(resolved.problem.text().view()));
  const architecture_view a(resolved.graph);
  const int target = options.of.empty() ? a.exits[0] : find_node(a, options.of);
  if (target < 0)
    throw value_error(sentence("receptive_field: no part of the network is called '", options.of, "'"));
  int input = -1;
  for (int i = 0, position = 0; i < a.size(); ++i) {
    if (a.at(i).is(rules_of<detail::input_layer>) && position++ == options.input) input = i;
  }
  if (input < 0)
    throw value_error(sentence("receptive_field: given input ", options.input, ", the network has fewer"));

  receptive_field_extents result;
  for (bool vertical : {true, false}) {
    const detail::axis_support s = detail::support_along(a, target, input, vertical);
    result.nothing = s.nothing;
    result.everything = s.everything;
    if (s.nothing || s.everything) return result;
    int most = 0, least = detail::axis_support::empty_first;
    for (int i = 0; i < s.period(); ++i) {
      const int extent = s.is_empty(i) ? 0 : s.last_at(i) - s.first_at(i) + 1;
      most = extent > most ? extent : most;
      least = extent < least ? extent : least;
    }
    (vertical ? result.height : result.width) = most;
    (vertical ? result.least_height : result.least_width) = least;
    const int apart = s.shortest_period();
    (vertical ? result.stride_height : result.stride_width) = s.step * apart / s.period();
    (vertical ? result.outputs_per_step_height : result.outputs_per_step_width) = apart;
    (vertical ? result.padding_top : result.padding_left) = s.is_empty(0) ? 0 : -s.first_at(0);
  }
  return result;
}

}  // namespace lookalike
