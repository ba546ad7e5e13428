#pragma once

/// \file
/// The ranking of Hays & Efros 2007, section 6: scene, context, texture and seam cost "scaled to contribute
/// roughly equally" and added up. The scale of a term is its median over the candidates (its mean, where the
/// median is zero).

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/blend/placements.hpp>

namespace lookalike {

/// How much each term counts after it has been divided by its median.
struct rank_weights {
  double scene = 1;
  double context = 1;
  double texture = 1;
  double seam = 1;
};

/// Composites to the `count` of lowest score, best first; ties by id.
class rank_stage {
 public:
  using input = composites;
  using output = composites;
  static constexpr std::string_view name = "rank";

  explicit rank_stage(int count, rank_weights weights = {}) : count_(count), weights_(weights) {
    require(count >= 1, "rank: given a count of ", count, ", wanted at least 1");
    for (double weight : {weights.scene, weights.context, weights.texture, weights.seam}) {
      require(weight >= 0, "rank: given a weight of ", weight, ", wanted at least 0");
    }
  }

  composites operator()(composites cut) const {
    for (composite& scene : cut.scenes) scene.score = 0;
    add_term(cut.scenes, &cost_terms::scene, weights_.scene);
    add_term(cut.scenes, &cost_terms::context, weights_.context);
    add_term(cut.scenes, &cost_terms::texture, weights_.texture);
    add_term(cut.scenes, &cost_terms::seam, weights_.seam);
    std::sort(cut.scenes.begin(), cut.scenes.end(), [](const composite& a, const composite& b) {
      return std::pair(a.score, a.source) < std::pair(b.score, b.source);
    });
    if (cut.scenes.size() > static_cast<std::size_t>(count_))
      cut.scenes.resize(static_cast<std::size_t>(count_));
    return cut;
  }

 private:
  static void add_term(std::vector<composite>& scenes, double cost_terms::*term, double weight) {
    if (scenes.empty()) return;
    std::vector<double> values;
    for (const composite& scene : scenes) values.push_back(scene.terms.*term);
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    double typical = *middle;
    if (typical <= 0) {  // half of the candidates are perfect in this term: the mean speaks for the others
      typical = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
    }
    if (typical <= 0) return;
    for (composite& scene : scenes) scene.score += weight * (scene.terms.*term) / typical;
  }

  int count_;
  rank_weights weights_;
};

/// `... | seam | rank(20) | poisson_blend`.
inline rank_stage rank(int count, rank_weights weights = {}) {
  return rank_stage(count, weights);
}

}  // namespace lookalike
