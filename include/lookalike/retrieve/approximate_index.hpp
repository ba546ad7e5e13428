#pragma once

/// \file
/// Vectors in memory, and entries near to one that are mostly, not provably, the nearest: a graph of links
/// between near vectors, on as many layers as its size asks for, through which a search walks (Malkov,
/// Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
/// world graphs", IEEE PAMI 2020; hnswlib's implementation). What the walk finds is measured again in double
/// precision.
///
///     const approximate_index known(encode(net, "code").on_batches()(pictures));
///     const auto find = encode(net, "code") | lookup(known, 10);
///     const double share = known.measure_recall(queries, {.k = 10});
///
/// Needs hnswlib 0.6.2 or later.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/detail/hnsw_graph.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/recall.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/simd/squared_l2.hpp>

namespace lookalike {

struct approximate_index_options {
  /// Links of an entry on each layer, twice as many on the lowest (the paper's M); 2 to 10000. More find more
  /// and take more memory: 8 bytes each, and as much time.
  int links = 16;
  /// Nearest entries known so far among which an entry's links are chosen (the paper's efConstruction).
  int ef_construction = 200;
  std::uint64_t seed = 0;
  /// One thread adds, and the same vectors give the same graph. Otherwise all threads do, and it depends on
  /// chance which of equally good graphs comes out.
  bool deterministic = true;
};

struct approximate_search_options {
  /// How many to find.
  int k = 10;
  /// How many near entries the walk keeps (the paper's ef), all of which are then measured; k if that is
  /// more. The one dial between time and recall.
  int candidates = 100;
  /// Ids that must not be found.
  std::vector<std::int64_t> leave_out{};
  /// Only ids for which it returns true are found. Called on the searching thread, once an entry a call of
  /// `search`.
  std::function<bool(std::int64_t)> filter{};
  /// Only these ids are found, where it is given; those that there are not do no harm.
  std::optional<std::vector<std::int64_t>> only{};
  /// Only ids that it says true for are found, where it is not empty; those beyond its end are not.
  std::vector<bool> bitmap{};
};

/// A handle, cheap to copy: copies share one index, and what `add` and `erase` change, they change for all.
/// All members may be called from many threads at once; a change waits for the searches before it.
///
/// Memory: 4 bytes a number, and about 8 `links` + 60 bytes a vector.
class approximate_index {
 public:
  static constexpr std::string_view value_name = "approximate_index";
  using query = feature_vector;
  using search_options = approximate_search_options;
  using result = matches;

  /// Copies the vectors: those of the samples of `rows`, a `tensor` or another array of (count, channels,
  /// height, width) without gaps. `ids` are theirs, 0, 1, ... where none are given. `watcher` hears of "link
  /// vectors". Throws `value_error` for options out of range, when there is no number, one is not finite, or
  /// there are other than `count` ids, or the same one twice, or one below 0; and `interrupted`.
  explicit approximate_index(tensor_view<const float> rows, const std::vector<std::int64_t>& ids = {},
                             const approximate_index_options& options = {}, const progress& watcher = {})
      : state_(std::make_shared<state>()) {
    using graph = detail::hnsw_graph;
    require(options.links >= static_cast<int>(graph::least_links) &&
                options.links <= static_cast<int>(graph::most_links),
            where, ": given ", options.links, " links, wanted 2 to 10000");
    require(options.ef_construction >= 1, where, ": given ef_construction = ", options.ef_construction,
            ", wanted at least 1");
    require(rows.size() > 0, where, ": given ", detail::extents_text(rows.extents),
            " numbers, wanted at least one vector of at least one");
    const std::int64_t dimension = rows.size() / rows.batch();
    state_->graph = std::make_unique<graph>(static_cast<std::uint32_t>(dimension),
                                            static_cast<std::uint32_t>(options.links),
                                            static_cast<std::uint32_t>(options.ef_construction), options.seed,
                                            static_cast<std::size_t>(rows.batch()));
    state_->deterministic = options.deterministic;
    add(rows, ids, watcher);
  }

  /// Vectors that can be found.
  std::int64_t size() const {
    const std::shared_lock reading(state_->guard);
    return live_count();
  }
  /// Numbers in a vector.
  std::int64_t dimension() const { return static_cast<std::int64_t>(state_->graph->dimension()); }

  /// Ids of the vectors that can be found, ascending.
  std::vector<std::int64_t> ids() const {
    const std::shared_lock reading(state_->guard);
    std::vector<std::int64_t> all;
    for (std::size_t entry = 0; entry < graph().count(); ++entry) {
      if (!graph().is_erased(entry)) all.push_back(graph().id(entry));
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  /// Adds vectors, with ids that were never given before; without `ids` they follow the largest one. Throws
  /// as the constructor does, and then adds nothing; of `interrupted`, what was added stays.
  void add(tensor_view<const float> rows, std::vector<std::int64_t> ids = {}, const progress& watcher = {}) {
    require_contiguous(rows);
    const std::int64_t count = rows.batch();
    if (count == 0 && ids.empty()) return;
    require(count > 0 && rows.size() / count == dimension(), where, ": given ",
            detail::extents_text(rows.extents), " numbers, wanted vectors of ", dimension());
    for (std::int64_t row = 0; row < count; ++row) require_finite(row_of(rows, row));
    const std::unique_lock changing(state_->guard);
    detail::hnsw_graph& graph = *state_->graph;
    if (ids.empty()) {
      ids.resize(static_cast<std::size_t>(count));
      std::iota(ids.begin(), ids.end(), state_->next_id);
    }
    require(std::ssize(ids) == count, where, ": given ", ids.size(), " ids for ", count, " vectors");
    std::vector<std::int64_t> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    require(sorted.front() >= 0, where, ": given the id ", sorted.front(), ", wanted 0 or more");
    for (std::size_t i = 0; i < sorted.size(); ++i) {
      require((i == 0 || sorted[i - 1] != sorted[i]) && !graph.knows(sorted[i]), where, ": given the id ",
              sorted[i], " twice");
    }
    require(graph.count() + ids.size() <= largest_count, where, ": given more than ", largest_count,
            " vectors");
    graph.reserve(graph.count() + ids.size());
    state_->next_id = std::max(state_->next_id, sorted.back() + 1);
    const auto add_row = [&](std::int64_t row) {
      graph.add(row_of(rows, row).data(), ids[static_cast<std::size_t>(row)]);
    };
    if (state_->deterministic) {
      for (std::int64_t row = 0; row < count; ++row) {
        add_row(row);
        report(watcher, "link vectors", row + 1, count);
      }
    } else {
      const std::int64_t alone = graph.count() == 0 ? 1 : 0;  // all others are linked to a first one
      for (std::int64_t row = 0; row < alone; ++row) add_row(row);
      parallel_for(
          count - alone, [&](std::int64_t row) { add_row(row + alone); }, watcher, "link vectors");
    }
  }

  /// Makes vectors unfindable. They stay in the graph as stepping stones and keep their memory: build anew
  /// when most are gone. Throws `value_error` for an id that is not there, and then erases nothing.
  void erase(std::span<const std::int64_t> ids) {
    const std::unique_lock changing(state_->guard);
    detail::hnsw_graph& graph = *state_->graph;
    for (const std::int64_t id : ids) {
      require(graph.knows(id) && !graph.is_erased(graph.entry_of(id)), where, ": given the id ", id,
              " to erase, which is not there");
    }
    for (const std::int64_t id : ids) {
      if (!graph.is_erased(graph.entry_of(id))) graph.erase(id);
    }
  }

  /// The k nearest to one vector, as far as the walk comes by them; distances are squared Euclidean ones and
  /// `certified` is false. There are fewer than k only where so few vectors are allowed: when the walk does
  /// not find enough, or would touch more vectors than are allowed, all of these are measured. Throws
  /// `value_error` for k or `candidates` < 1, for vectors of another dimension, and for numbers that are not
  /// finite. Costs about `links` * `candidates` distances; with `leave_out`, a little more; with a filter, in
  /// inverse proportion to the part of the vectors that it allows.
  matches search(const feature_vector& sought, const approximate_search_options& options = {}) const {
    require_dimension(static_cast<std::int64_t>(sought.values.size()));
    return std::move(search_rows(sought.values, 1, options, {})[0]);
  }

  /// The k nearest to each sample of a batch, on several threads. `watcher` hears of "look up", in queries.
  std::vector<matches> search(tensor_view<const float> sought, const approximate_search_options& options = {},
                              const progress& watcher = {}) const {
    require_contiguous(sought);
    if (sought.batch() > 0) require_dimension(sought.size() / sought.batch());
    return search_rows(std::span(sought.data, static_cast<std::size_t>(sought.size())), sought.batch(),
                       options, watcher);
  }

  /// The mean `recall` of the searches for `queries`, which should be like those to come and none of the
  /// vectors themselves. Measures all vectors for each. Throws as `search` does, and when there is no query.
  double measure_recall(tensor_view<const float> queries, const approximate_search_options& options = {},
                        const progress& watcher = {}) const {
    require(queries.batch() > 0, "measure_recall: given no queries");
    const std::vector<matches> found = search(queries, options);
    const std::shared_lock reading(state_->guard);
    const allowed_entries allowed(graph(), options);
    std::vector<double> shares(found.size());
    parallel_for(
        queries.batch(),
        [&](std::int64_t i) {
          const auto at = static_cast<std::size_t>(i);
          shares[at] = recall(found[at], scan(row_of(queries, i).data(), allowed, options.k));
        },
        watcher, "measure recall");
    return std::reduce(shares.begin(), shares.end()) / static_cast<double>(shares.size());
  }

  /// Writes the index to one file, which appears complete or not at all. Throws `file_error`.
  void save(const std::filesystem::path& path) const {
    const std::shared_lock reading(state_->guard);
    graph().save(path);
  }

  /// Reads an index that was saved: it finds what the saved one found. `deterministic` says how vectors will
  /// be added to it. Throws `file_error` when the file cannot be read, is no such file, of a later version,
  /// cut short or damaged.
  static approximate_index load(const std::filesystem::path& path, bool deterministic = true) {
    approximate_index loaded;
    loaded.state_->graph = detail::hnsw_graph::load(path);
    loaded.state_->deterministic = deterministic;
    for (std::size_t entry = 0; entry < loaded.graph().count(); ++entry)
      loaded.state_->next_id = std::max(loaded.state_->next_id, loaded.graph().id(entry) + 1);
    return loaded;
  }

 private:
  static constexpr const char* where = "approximate_index";
  static constexpr std::size_t largest_count = std::numeric_limits<std::int32_t>::max();

  struct state {
    mutable std::shared_mutex guard;
    std::unique_ptr<detail::hnsw_graph> graph;
    std::int64_t next_id = 0;
    bool deterministic = true;
  };

  /// Which entries a search may find.
  class allowed_entries {
   public:
    allowed_entries(const detail::hnsw_graph& graph, const approximate_search_options& options)
        : graph_(graph), left_out_(options.leave_out) {
      require(options.k >= 1, "search: given k = ", options.k, ", wanted at least 1");
      require(options.candidates >= 1, "search: given candidates = ", options.candidates,
              ", wanted at least 1");
      std::sort(left_out_.begin(), left_out_.end());
      left_out_.erase(std::unique(left_out_.begin(), left_out_.end()), left_out_.end());
      if (options.filter || options.only || !options.bitmap.empty()) {
        admitted_.emplace(graph.count());
        const auto consider = [&](std::size_t entry) {
          const std::int64_t id = graph.id(entry);
          const bool in_bitmap = options.bitmap.empty() || (id < std::ssize(options.bitmap) &&
                                                            options.bitmap[static_cast<std::size_t>(id)]);
          (*admitted_)[entry] =
              in_bitmap && !graph.is_erased(entry) && (!options.filter || options.filter(id));
        };
        if (options.only) {
          for (const std::int64_t id : *options.only) {
            if (graph.knows(id)) consider(graph.entry_of(id));
          }
        } else {
          for (std::size_t entry = 0; entry < graph.count(); ++entry) consider(entry);
        }
        count_ = std::count(admitted_->begin(), admitted_->end(), true);
      } else {
        count_ = static_cast<std::ptrdiff_t>(graph.count() - graph.count_erased());
      }
      for (const std::int64_t id : left_out_) {
        if (!graph.knows(id)) continue;
        const std::size_t entry = graph.entry_of(id);
        const bool counted = admitted_ ? (*admitted_)[entry] : !graph.is_erased(entry);
        count_ -= counted ? 1 : 0;
      }
    }

    bool operator()(std::size_t entry) const {
      return (admitted_ ? (*admitted_)[entry] : !graph_.is_erased(entry)) &&
             (left_out_.empty() || !std::binary_search(left_out_.begin(), left_out_.end(), graph_.id(entry)));
    }
    std::ptrdiff_t count() const { return count_; }
    std::ptrdiff_t left_out() const { return std::ssize(left_out_); }

   private:
    const detail::hnsw_graph& graph_;
    std::vector<std::int64_t> left_out_;
    std::optional<std::vector<bool>> admitted_;
    std::ptrdiff_t count_ = 0;
  };

  approximate_index() : state_(std::make_shared<state>()) {}

  const detail::hnsw_graph& graph() const { return *state_->graph; }
  std::int64_t live_count() const {
    return static_cast<std::int64_t>(graph().count() - graph().count_erased());
  }

  static std::span<const float> row_of(tensor_view<const float> rows, std::int64_t row) {
    const std::int64_t dimension = rows.size() / rows.batch();
    return {rows.data + row * dimension, static_cast<std::size_t>(dimension)};
  }
  static void require_contiguous(tensor_view<const float> rows) {
    require(rows.is_contiguous(), where, ": given an array with gaps, wanted vectors one after the other");
  }
  static void require_finite(std::span<const float> values) {
    for (const float value : values)
      require(std::isfinite(value), where, ": given ", value, ", wanted finite numbers");
  }
  void require_dimension(std::int64_t given) const {
    require(given == dimension(), "search: given a vector of ", given, " numbers, wanted ", dimension());
  }

  std::vector<matches> search_rows(std::span<const float> queries, std::int64_t count,
                                   const approximate_search_options& options, const progress& watcher) const {
    require_finite(queries);
    const std::shared_lock reading(state_->guard);
    const allowed_entries allowed(graph(), options);
    std::vector<matches> found(static_cast<std::size_t>(count));
    parallel_for(
        count,
        [&](std::int64_t i) {
          matches& nearest = found[static_cast<std::size_t>(i)];
          nearest = search_one(queries.data() + i * dimension(), allowed, options);
          nearest.certified = false;
        },
        watcher, "look up");
    return found;
  }

  matches search_one(const float* sought, const allowed_entries& allowed,
                     const approximate_search_options& options) const {
    if (allowed.count() <= 0) return detail::nearest_of({}, options.k);
    // Of what the walk finds, as large a part is allowed as of all.
    const double wanted = std::max(options.k, options.candidates);
    const double part = static_cast<double>(allowed.count()) / static_cast<double>(live_count());
    const double walked = wanted / part + static_cast<double>(allowed.left_out());
    if (walked * static_cast<double>(graph().links()) >= static_cast<double>(allowed.count()))
      return scan(sought, allowed, options.k);
    std::vector<std::pair<float, std::int64_t>> candidates;
    graph().search(sought, static_cast<std::size_t>(walked), [&](std::size_t entry) {
      if (allowed(entry)) candidates.emplace_back(distance(sought, entry), graph().id(entry));
    });
    if (std::ssize(candidates) < std::min<std::ptrdiff_t>(options.k, allowed.count()))
      return scan(sought, allowed, options.k);
    return detail::nearest_of(std::move(candidates), options.k);
  }

  /// The k nearest of all that are allowed, certified. A sum of n squares in floats is wrong by less than a
  /// factor of 1 + 2 n u, with the unit u of rounding, so that only those can be among the k nearest whose
  /// sum is below the k-th by that factor twice.
  matches scan(const float* sought, const allowed_entries& allowed, int k) const {
    std::vector<std::pair<float, std::size_t>> rough;
    for (std::size_t entry = 0; entry < graph().count(); ++entry) {
      if (allowed(entry)) {
        rough.emplace_back(
            simd::squared_l2(sought, graph().values(entry), static_cast<std::size_t>(dimension())), entry);
      }
    }
    float limit = std::numeric_limits<float>::infinity();
    if (rough.size() > static_cast<std::size_t>(k)) {
      const auto last = rough.begin() + k - 1;
      std::nth_element(rough.begin(), last, rough.end());
      constexpr float underflow = 1e-30f;  // what squares below the smallest normal number lose is less
      const float rounding =
          static_cast<float>(dimension() + 8) * std::numeric_limits<float>::epsilon();  // of which u is half
      limit = last->first * (1 + 4 * rounding) + underflow * static_cast<float>(dimension());
    }
    std::vector<std::pair<float, std::int64_t>> candidates;
    for (const auto& [sum, entry] : rough) {
      if (sum <= limit) candidates.emplace_back(distance(sought, entry), graph().id(entry));
    }
    matches nearest = detail::nearest_of(std::move(candidates), k);
    nearest.certified = true;
    return nearest;
  }

  float distance(const float* sought, std::size_t entry) const {
    const float* values = graph().values(entry);
    double sum = 0;
    for (std::size_t i = 0; i < graph().dimension(); ++i) {
      const double difference = static_cast<double>(sought[i]) - static_cast<double>(values[i]);
      sum += difference * difference;
    }
    return static_cast<float>(sum);
  }

  std::shared_ptr<state> state_;
};

}  // namespace lookalike
