#pragma once

/// \file
/// Colorization by Welsh, Ashikhmin and Mueller (blend/welsh_transfer.hpp) whose example nobody has to
/// choose: it is looked up.

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/apps/detail/neighbor_colors.hpp>
#include <lookalike/blend/welsh_transfer.hpp>

namespace lookalike {

struct welsh_stage_options {
  welsh_options transfer{};
  /// How many of the nearest neighbors are examples; they share the samples.
  int examples = 1;
  /// Examples are shrunk until their longer side has at most so many pixels.
  int longest_side = 512;
  /// Pairs of parts of query and example; only with one example.
  std::vector<swatch> swatches{};
};

/// Query beside its matches to colorization, from photographs at their own resolution. Those that cannot be
/// read are passed over. Throws `value_error` for an empty query, values outside [0, 1], swatches not inside
/// (in the example as shrunk), and matches that are none, have no source or cannot be read.
class welsh_stage {
 public:
  using input = detail::query_and_matches;
  using output = colorization;
  static constexpr std::string_view name = "welsh";

  explicit welsh_stage(welsh_stage_options options = {}) : options_(std::move(options)) {
    detail::check(options_.transfer);
    require(options_.examples >= 1 && options_.longest_side >= 1, "welsh: given ", options_.examples,
            " examples of at most ", options_.longest_side, " pixels, wanted at least 1");
    require(options_.swatches.empty() || options_.examples == 1, "welsh: given swatches and ",
            options_.examples, " examples, wanted one example");
  }

  colorization operator()(detail::query_and_matches given) const {
    auto& [query, found] = given;
    const image<1> light = detail::query_lightness("welsh", query);
    const int most = options_.longest_side;
    detail::neighbor_colors examples = detail::read_neighbors(
        name, found, options_.examples, [most](const photo_source& photos, std::int64_t id) {
          byte_image photo = photos.read_photo(id);
          return std::max(photo.height(), photo.width()) > most ? resize_longest_side(photo, most) : photo;
        });
    const image<2> chroma = options_.swatches.empty() ? welsh_transfer(light, examples.lab, options_.transfer)
                                                      : welsh_transfer(light, examples.lab.front(),
                                                                       options_.swatches, options_.transfer);
    return detail::colorized(light, chroma, std::move(found), std::move(examples.ids),
                             detail::mean_chroma(examples.lab));
  }

  const welsh_stage_options& options() const { return options_; }

 private:
  welsh_stage_options options_;
};

/// `skip(gray_thumbnail | lookup(index, 1)) | welsh()`.
inline welsh_stage welsh(welsh_stage_options options = {}) {
  return welsh_stage(std::move(options));
}

}  // namespace lookalike
