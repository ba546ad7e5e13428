#pragma once

/// \file
/// Which way is up, by look-up: a picture is turned by quarters, and stands upright where it correlates best
/// with its neighbors among upright ones (A. Torralba, R. Fergus and W. Freeman: 80 million tiny images, PAMI
/// 30(11), 2008, section 6.2).

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/vector_index.hpp>

namespace lookalike {

struct orientation_options {
  /// How many neighbors of each turn are asked.
  int neighbors = 50;
  /// Entries that are not asked: near duplicates of the queries.
  std::vector<std::int64_t> leave_out{};
};

struct picture_orientation {
  /// Quarter turns, counterclockwise, that bring the picture upright: 0 to 3.
  int quarter_turns = 0;
  /// Mean correlation with the neighbors after each number of turns.
  std::array<double, 4> correlation{};
};

/// Square planes, turned counterclockwise. Throws `value_error` unless there are planes x side x side
/// numbers.
inline std::vector<float> quarter_turned(std::span<const float> values, int turns, int planes, int side) {
  require(planes > 0 && side > 0 &&
              static_cast<std::int64_t>(values.size()) == std::int64_t{planes} * side * side,
          "quarter_turned: given ", values.size(), " numbers, wanted ", planes, " x ", side, " x ", side);
  turns = (turns % 4 + 4) % 4;
  std::vector<float> result(values.size());
  for (int p = 0; p < planes; ++p) {
    for (int y = 0; y < side; ++y) {
      for (int x = 0; x < side; ++x) {
        int from_y = y, from_x = x;
        for (int t = 0; t < turns; ++t) {  // what is at the right goes to the top
          const int old = from_y;
          from_y = from_x;
          from_x = side - 1 - old;
        }
        result[static_cast<std::size_t>((p * side + y) * side + x)] =
            values[static_cast<std::size_t>((p * side + from_y) * side + from_x)];
      }
    }
  }
  return result;
}

/// Of normalized pictures (`tiny_image`, `normalized_pixels`), queries x planes x side x side numbers each,
/// looked up in an index of normalized upright ones. Of turns with equal correlation the smallest wins.
/// `watcher` hears of "look up", for each turn. Throws `value_error` for pictures that are not square or do
/// not fit the index, and as its search does; `interrupted`.
inline std::vector<picture_orientation> find_orientations(const vector_index& upright,
                                                          tensor_view<const float> queries,
                                                          const orientation_options& options = {},
                                                          const progress& watcher = {}) {
  require(queries.height() == queries.width(), "find_orientations: given pictures of ", queries.height(),
          " x ", queries.width(), " pixels, wanted square ones");
  require(options.neighbors >= 1, "find_orientations: given ", options.neighbors,
          " neighbors, wanted at least 1");
  std::vector<picture_orientation> result(static_cast<std::size_t>(queries.batch()));
  if (result.empty()) return result;
  const tensor<float> given(queries);
  const std::int64_t size = given.size() / given.batch();
  for (int turns = 0; turns < 4; ++turns) {
    tensor<float> turned(given.batch(), given.channels(), given.height(), given.width());
    for (std::int64_t n = 0; n < given.batch(); ++n) {
      const auto row = quarter_turned({given.data() + n * size, static_cast<std::size_t>(size)}, turns,
                                      static_cast<int>(given.channels()), static_cast<int>(given.height()));
      std::copy(row.begin(), row.end(), turned.data() + n * size);
    }
    const std::vector<matches> found = upright.search(
        turned, search_options{.k = options.neighbors, .leave_out = options.leave_out}, watcher);
    for (std::size_t n = 0; n < result.size(); ++n) {
      require(found[n].count > 0, "find_orientations: given an index without any vector that may be found");
      double sum = 0;
      for (int i = 0; i < found[n].count; ++i)
        sum += 1 - 0.5 * static_cast<double>(found[n].distances[static_cast<std::size_t>(i)]);
      const double mean = sum / found[n].count;
      result[n].correlation[static_cast<std::size_t>(turns)] = mean;
      if (mean > result[n].correlation[static_cast<std::size_t>(result[n].quarter_turns)])
        result[n].quarter_turns = turns;
    }
  }
  return result;
}

}  // namespace lookalike
