#pragma once

/// \file
/// A shortlist by the first principal components (A. Torralba, R. Fergus and W. Freeman: 80 million tiny
/// images, PAMI 30(11), 2008, section 4.2, who took 19): the vectors whose first coordinates are nearest, to
/// be measured exactly afterwards. It keeps 19 numbers a vector, and can miss neighbors; a `vector_index`
/// uses components too, but as a bound, and misses none.

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/progress.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/principal_components.hpp>
#include <lookalike/retrieve/rerank.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/retrieve/vector_view.hpp>
#include <lookalike/simd/precise.hpp>

namespace lookalike {

struct component_shortlist_options {
  /// How many coordinates.
  int components = 19;
  /// Components are fitted on at most so many vectors, evenly spaced.
  std::int64_t sample = 10000;
  std::uint64_t seed = 0;
};

/// A handle of vectors that do not change, which must stay where they are: cheap to copy, shared.
class component_shortlist {
 public:
  /// Fits the components. Throws `value_error` as `principal_components::fit` does.
  explicit component_shortlist(const vector_view& vectors, const component_shortlist_options& options = {})
      : vectors_(vectors),
        components_(std::make_shared<const principal_components>(principal_components::fit(
            vectors, {.components = options.components, .sample = options.sample, .seed = options.seed}))),
        index_(components_->project(vectors)) {
    require(vectors.type() == element::float32, "component_shortlist: given vectors of ",
            name_of(vectors.type()), ", wanted float32");
  }

  /// The `count` vectors nearest by the first components; distances are squared ones of the coordinates, at
  /// most the real ones. Never certified.
  std::vector<matches> candidates(const vector_view& queries, int count, const progress& watcher = {}) const {
    std::vector<matches> found =
        index_.search(components_->project(queries), search_options{.k = count}, watcher);
    for (matches& each : found) each.certified = false;
    return found;
  }

  /// The k nearest of `count` candidates by their real squared distances. Never certified: `recall`
  /// (retrieve/recall.hpp) compares with the exact answer.
  std::vector<matches> search(const vector_view& queries, int k, int count,
                              const progress& watcher = {}) const {
    const std::vector<matches> shortlists = candidates(queries, count, watcher);
    return rerank(
        std::span<const matches>(shortlists), k,
        [&](std::int64_t i) {
          return [&, query = queries.row_as<float>(i)](std::int64_t id) {
            return static_cast<float>(
                simd::precise_squared_l2(query, vectors_.row_as<float>(id), vectors_.dimension()));
          };
        },
        watcher);
  }

  const principal_components& components() const { return *components_; }

 private:
  vector_view vectors_;
  std::shared_ptr<const principal_components> components_;
  vector_index index_;
};

}  // namespace lookalike
