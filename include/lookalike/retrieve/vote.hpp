#pragma once

/// \file
/// What matches say together: classification by nearest neighbors (E. Fix and J. Hodges, 1951; T. Cover and
/// P. Hart, Nearest neighbor pattern classification, IEEE Trans. Information Theory 13, 1967).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>

#include <lookalike/core/error.hpp>
#include <lookalike/retrieve/matches.hpp>

namespace lookalike {

/// The label that most of the matches have; of labels with as many, that of the nearest match among them.
/// `labels[id]` is the label of an entry. Throws `value_error` when there is no match, or one whose id has no
/// label.
inline int vote(const matches& found, std::span<const int> labels) {
  require(found.count > 0, "vote: given no matches, wanted at least one");
  std::map<int, int> votes;
  const auto label_of = [&](int i) {
    const std::int64_t id = found.ids[static_cast<std::size_t>(i)];
    require(id >= 0 && id < std::ssize(labels), "vote: given a match with the id ", id,
            ", wanted one of the ", labels.size(), " that have labels");
    return labels[static_cast<std::size_t>(id)];
  };
  int most = 0;
  for (int i = 0; i < found.count; ++i) most = std::max(most, ++votes[label_of(i)]);
  int nearest = 0;
  while (votes[label_of(nearest)] < most) ++nearest;
  return label_of(nearest);
}

}  // namespace lookalike
