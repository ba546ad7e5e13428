#pragma once

/// \file
/// Colorization by global color transfer: the average color of the neighbors, with as much color, and as much
/// variety of it, as they have. Averaging keeps hue where neighbors agree but takes saturation away; the mean
/// and standard deviation of alpha and beta (E. Reinhard et al., Color transfer between images, 2001) over
/// all pixels of the neighbors put it back.

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/apps/average_color.hpp>
#include <lookalike/apps/detail/neighbor_colors.hpp>
#include <lookalike/blend/color_transfer.hpp>

namespace lookalike {

struct global_transfer_options {
  /// How neighbors are averaged first.
  average_color_options average{};
};

/// Query beside its matches to colorization. Throws as `average_color` does.
class global_transfer_stage {
 public:
  using input = detail::query_and_matches;
  using output = colorization;
  static constexpr std::string_view name = "global_transfer";

  explicit global_transfer_stage(const global_transfer_options& options = {})
      : options_(options), average_(options.average) {}

  colorization operator()(detail::query_and_matches given) const {
    auto& [query, found] = given;
    const image<1> light = detail::query_lightness("global_transfer", query);
    detail::neighbor_colors neighbors = detail::read_squashed_neighbors(name, found, options_.average.side);
    const image<2> average = resize(average_.chroma_map(neighbors), light.height(), light.width());

    color_statistics_sum sum;
    for (const image<3>& neighbor : neighbors.lab) sum.add(rgb_to_l_alpha_beta(lab_to_rgb(neighbor)));
    const image<3> averaged = lab_to_rgb(limit_chroma(with_chroma(light, average)));
    const image<3> transferred = l_alpha_beta_to_rgb(transfer(averaged, sum.statistics()));
    return detail::colorized(light, chroma_of_lab(rgb_to_lab(transferred)), std::move(found),
                             std::move(neighbors.ids), detail::mean_chroma(neighbors.lab));
  }

  const global_transfer_options& options() const { return options_; }

 private:
  /// In l-alpha-beta, with the target's alpha and beta, and light as it is.
  static image<3> transfer(const image<3>& picture, color_statistics target) {
    const image<3> own = rgb_to_l_alpha_beta(picture);
    const color_statistics light = measure_colors(own);
    target.mean[0] = light.mean[0];
    target.deviation[0] = light.deviation[0];
    return transfer_statistics(own, target);
  }

  global_transfer_options options_;
  average_color_stage average_;
};

/// `skip(gray_thumbnail | lookup(index, 20)) | global_transfer()`.
inline global_transfer_stage global_transfer(const global_transfer_options& options = {}) {
  return global_transfer_stage(options);
}

}  // namespace lookalike
