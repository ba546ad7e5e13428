#pragma once

/// \file
/// Where the time of a network goes, layer by layer.
///
///     std::cout << profile(net, {x}).text();

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <numeric>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/network.hpp>

namespace lookalike {

/// One layer, with whatever is fused into it.
struct profile_row {
  std::string name;
  double seconds = 0;  ///< median over the passes
};

/// Layers in the order in which they run.
struct network_profile {
  std::vector<profile_row> rows;

  double seconds() const {
    return std::accumulate(rows.begin(), rows.end(), 0.0,
                           [](double sum, const profile_row& row) { return sum + row.seconds; });
  }

  /// A table with the milliseconds and the share of each layer, ready to be printed.
  std::string text() const {
    std::size_t width = 5;
    for (const profile_row& row : rows) width = std::max(width, row.name.size());
    const double all = seconds();
    std::string table;
    const auto line = [&](const std::string& name, double time) {
      char numbers[64];
      std::snprintf(numbers, sizeof numbers, "%10.3f ms %5.1f %%\n", 1e3 * time,
                    all > 0 ? 100 * time / all : 0.0);
      table += name + std::string(width - name.size(), ' ') + numbers;
    };
    for (const profile_row& row : rows) line(row.name, row.seconds);
    line("total", all);
    return table;
  }
};

namespace detail {

/// Runs inference `repetitions` times after two passes that do not count; `combine` makes one number of a
/// layer's times. One entry for each node of `program().graph`.
template <class Scalar, class Combine>
std::vector<double> layer_seconds(const network<Scalar>& net,
                                  std::type_identity_t<std::span<const named_tensor<Scalar>>> inputs,
                                  int repetitions, const Combine& combine) {
  const auto layers = static_cast<std::size_t>(net.program().graph.size());
  std::vector<std::vector<double>> times(layers);
  std::vector<double> seconds(layers);
  constexpr int warm_up = 2;
  for (int pass = -warm_up; pass < repetitions; ++pass) {
    std::fill(seconds.begin(), seconds.end(), 0.0);
    net.forward(inputs, {.seconds = seconds});
    if (pass < 0) continue;
    for (std::size_t i = 0; i < layers; ++i) times[i].push_back(seconds[i]);
  }
  for (std::size_t i = 0; i < layers; ++i) {
    std::sort(times[i].begin(), times[i].end());
    seconds[i] = combine(times[i]);
  }
  return seconds;
}

}  // namespace detail

/// The time of each layer in inference, the median of `repetitions` passes after two to warm up. Throws
/// `value_error` for less than one repetition, and as `network::forward` does.
template <class Scalar>
network_profile profile(const network<Scalar>& net,
                        std::type_identity_t<std::span<const named_tensor<Scalar>>> inputs,
                        int repetitions = 10) {
  require(repetitions >= 1, "profile: given ", repetitions, " repetitions, wanted at least 1");
  const std::vector<double> seconds = detail::layer_seconds(
      net, inputs, repetitions, [](const std::vector<double>& times) { return times[times.size() / 2]; });
  network_profile result;
  for (int i = 0; i < net.program().graph.size(); ++i) {
    const double time = seconds[static_cast<std::size_t>(i)];
    if (time > 0) result.rows.push_back({std::string(net.program().name(i)), time});
  }
  return result;
}

template <class Scalar>
network_profile profile(const network<Scalar>& net,
                        std::initializer_list<std::type_identity_t<named_tensor<Scalar>>> inputs,
                        int repetitions = 10) {
  return profile<Scalar>(net, std::span<const named_tensor<Scalar>>(inputs.begin(), inputs.size()),
                         repetitions);
}

}  // namespace lookalike
