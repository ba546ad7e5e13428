#pragma once

/// \file
/// Exact search among vectors: which way, in which blocks, on which threads.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/retrieve/detail/bound_table.hpp>
#include <lookalike/retrieve/detail/exact_distance.hpp>
#include <lookalike/retrieve/detail/nearest_list.hpp>
#include <lookalike/retrieve/detail/product_search.hpp>
#include <lookalike/retrieve/detail/pruned_search.hpp>
#include <lookalike/retrieve/detail/row_source.hpp>
#include <lookalike/retrieve/detail/search_blocks.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/vector_view.hpp>

namespace lookalike::detail {

/// Whether to make a table for so many vectors, for good or for so many queries: it costs about as much as
/// reading everything for 400.
inline bool table_pays(const vector_view& vectors, std::int64_t queries) {
  return vectors.size() >= 8192 && vectors.dimension() >= 96 && queries >= 500;
}

/// The table of bounds for vectors; null where the components hold so little that it would not help.
inline std::unique_ptr<const bound_table> make_bound_table(const vector_view& vectors, metric m,
                                                           const bound_table_plan& plan, std::uint64_t seed,
                                                           const progress& watcher = {}) {
  const row_source rows = rows_for(vectors, m);
  principal_components components = principal_components::fit(
      rows, {.components = plan.components(), .sample = plan.sample, .iterations = 2, .seed = seed});
  double captured = 0;
  for (const double variance : components.variances()) captured += variance;
  constexpr double least_captured = 0.4;
  if (!(captured > least_captured * components.total_variance())) return nullptr;
  const std::vector<float> mean(components.mean().begin(), components.mean().end());
  const auto dimension = vectors.dimension();
  // Squared distances: constant + |y|^2 - 2 u.y. Products: constant - u.y - mean.y.
  const bound_table::offset_of offset = [m, mean, dimension](const float* y, double squares) {
    return m == metric::squared_l2 ? -squares : simd::precise_inner_product(mean.data(), y, dimension);
  };
  return std::make_unique<const bound_table>(rows, std::move(components), plan, offset,
                                             bound_table::extra_columns{}, watcher);
}

/// Of all rows of bytes; empty for others.
inline std::vector<byte_moments> moments_of(const vector_view& vectors) {
  std::vector<byte_moments> moments;
  if (vectors.type() != element::uint8) return moments;
  moments.resize(static_cast<std::size_t>(vectors.size()));
  parallel_for((vectors.size() + 255) / 256, [&](std::int64_t step) {
    for (std::int64_t row = step * 256; row < std::min(vectors.size(), step * 256 + 256); ++row) {
      moments[static_cast<std::size_t>(row)] =
          byte_moments(vectors.row_as<std::uint8_t>(row), vectors.dimension());
    }
  });
  return moments;
}

struct vector_search_options {
  metric how = metric::squared_l2;
  int k = 10;
  float radius = std::numeric_limits<float>::infinity();
  row_filter filter{};
  /// Where few rows are admitted: which.
  const std::vector<std::int64_t>* few = nullptr;
  /// Query q must not find row q.
  bool excludes_itself = false;
  const byte_moments* moments = nullptr;
};

class vector_search {
 public:
  vector_search(const vector_view& vectors, const bound_table* table, const vector_search_options& options)
      : vectors_(vectors), table_(table), options_(options), source_(rows_for(vectors, options.how)) {}

  /// One list for each query.
  std::vector<nearest_list> run(const vector_view& queries, search_counts& counts, const progress& watcher) {
    std::vector<nearest_list> found(static_cast<std::size_t>(queries.size()),
                                    nearest_list(options_.k, options_.radius));
    const std::int64_t count = queries.size();
    if (count == 0 || vectors_.size() == 0) return found;
    if (options_.few != nullptr) {
      measure_few(queries, found, counts, watcher);
      return found;
    }
    const search_blocks blocks(count, vectors_.size(), table_ != nullptr ? 32 : 252, table_ != nullptr);
    std::unique_ptr<const prepared> asked;
    blocks.run(
        found, counts, watcher,
        [&](std::int64_t first, std::int64_t taken) {
          asked = std::make_unique<const prepared>(*this, queries.part(first, taken));
        },
        [&](const search_blocks::task& t, search_counts& here, const progress& heartbeat) {
          return run_block(queries, *asked, t, here, heartbeat);
        });
    return found;
  }

 private:
  /// Queries as floats, and what the table is asked.
  struct prepared {
    aligned_vector<float> values;
    std::vector<double> squares;
    std::vector<bound_query> bounds;

    prepared(const vector_search& search, const vector_view& queries) {
      const std::int64_t dimension = queries.dimension();
      values.resize(static_cast<std::size_t>(queries.size() * dimension));
      squares.resize(static_cast<std::size_t>(queries.size()));
      const row_source source = rows_for(queries, search.options_.how);
      const row_source plain = rows_for(queries, metric::squared_l2);
      parallel_for(queries.size(), [&](std::int64_t q) {
        float* to = values.data() + q * dimension;
        if (search.options_.how == metric::correlation && queries.type() != element::uint8) {
          plain.read(q, to);
          require_finite(simd::precise_inner_product(to, to, dimension));
        }
        source.read(q, to);
        squares[static_cast<std::size_t>(q)] = simd::precise_inner_product(to, to, dimension);
        require_finite(squares[static_cast<std::size_t>(q)]);
      });
      if (search.table_ != nullptr && search.options_.few == nullptr) ask(search, queries.size(), dimension);
    }

    static void require_finite(double square) {
      require(std::isfinite(square), "search: given a vector whose squared length is ", square,
              ", wanted finite numbers");
    }

    void ask(const vector_search& search, std::int64_t count, std::int64_t dimension) {
      const bound_table& table = *search.table_;
      const float* mean = table.components().mean().data();
      const double mean_length = std::sqrt(simd::precise_inner_product(mean, mean, dimension));
      aligned_vector<float> centered(values.size());
      std::vector<bound_question> questions(static_cast<std::size_t>(count));
      parallel_for(count, [&](std::int64_t q) {
        const float* from = values.data() + q * dimension;
        float* to = centered.data() + q * dimension;
        for (std::int64_t i = 0; i < dimension; ++i) to[i] = from[i] - mean[i];
        bound_question& question = questions[static_cast<std::size_t>(q)];
        question.vector = to;
        const double squares_here = simd::precise_inner_product(to, to, dimension);
        const double length = std::sqrt(squares_here);
        const double product = simd::precise_inner_product(from, mean, dimension);
        // Taking the mean, and normalizing, round each number once.
        switch (search.options_.how) {
          case metric::squared_l2:
            question.factor = 2;
            question.constant = squares_here;
            question.slack = 1e-6 * (length + table.length()) * (length + table.length());
            break;
          case metric::inner_product:
            question.constant = -product;
            question.slack = 1e-6 * (length + mean_length) * (table.length() + mean_length);
            break;
          case metric::correlation:
            question.constant = 1 - product;
            question.slack = 1e-6 * (1 + (length + mean_length) * (table.length() + mean_length));
        }
      });
      bounds = table.ask(questions);
    }
  };

  /// Measures the few rows that are admitted.
  void measure_few(const vector_view& queries, std::vector<nearest_list>& found, search_counts& counts,
                   const progress& watcher) const {
    const prepared asked(*this, queries);  // for what it refuses
    parallel_for(
        queries.size(),
        [&](std::int64_t q) {
          exact_distance distance(vectors_, queries, q, options_.how, options_.moments);
          for (const std::int64_t row : *options_.few) {
            if (options_.excludes_itself && row == q) continue;
            const double apart = distance(row);
            require(!std::isnan(apart), "search: given vectors with numbers that are not finite");
            found[static_cast<std::size_t>(q)].add(apart, options_.filter.id(row));
          }
        },
        watcher, "look up");
    const auto all = static_cast<std::int64_t>(options_.few->size()) * queries.size();
    counts += {.rows = all, .coarse = all, .fine = all, .measured = all};
  }

  std::vector<nearest_list> run_block(const vector_view& queries, const prepared& asked,
                                      const search_blocks::task& t, search_counts& counts,
                                      const progress& heartbeat) const {
    const auto count = static_cast<std::size_t>(t.end - t.begin);
    std::vector<nearest_list> lists(count, nearest_list(options_.k, options_.radius));
    std::vector<exact_distance> distances;
    distances.reserve(count);
    for (std::int64_t q = t.begin; q < t.end; ++q) {
      distances.emplace_back(vectors_, queries, t.base + q, options_.how, options_.moments);
    }
    const auto make_searches = [&] {
      std::vector<best_first_search> searches;
      searches.reserve(count);
      for (std::size_t q = 0; q < count; ++q) {
        const std::int64_t number = t.begin + static_cast<std::int64_t>(q);
        searches.emplace_back(lists[q], distances[q], options_.filter,
                              options_.excludes_itself ? t.base + number : -1, t.limit(number));
      }
      return searches;
    };
    const auto sum_up = [&](const std::vector<best_first_search>& searches, std::int64_t rows) {
      for (const auto& search : searches) counts += search.counts();
      counts.rows += rows * static_cast<std::int64_t>(count);
    };
    if (table_ != nullptr) {
      const std::int64_t first = table_->groups() * t.part / t.parts;
      const std::int64_t last = table_->groups() * (t.part + 1) / t.parts;
      auto searches = make_searches();
      const bool done =
          table_search(*table_, options_.k)
              .run(first, last, std::span(asked.bounds).subspan(static_cast<std::size_t>(t.begin), count),
                   searches, heartbeat);
      const std::int64_t rows = (last - first) * simd::quantized_rows;
      sum_up(searches, done ? rows : 0);
      if (done) return lists;
      lists.assign(count, nearest_list(options_.k, options_.radius));
      auto again = make_searches();
      const std::int64_t end_row = std::min(last * simd::quantized_rows, vectors_.size());
      products(asked, t.begin, t.end, first * simd::quantized_rows, end_row, again, heartbeat);
      sum_up(again, rows);
      return lists;
    }
    const std::int64_t first = vectors_.size() * t.part / t.parts;
    const std::int64_t last = vectors_.size() * (t.part + 1) / t.parts;
    auto searches = make_searches();
    products(asked, t.begin, t.end, first, last, searches, heartbeat);
    sum_up(searches, last - first);
    return lists;
  }

  void products(const prepared& asked, std::int64_t begin, std::int64_t end, std::int64_t first,
                std::int64_t last, std::span<best_first_search> searches, const progress& heartbeat) const {
    search_products(vectors_, options_.how, first, last, asked.values.data() + begin * vectors_.dimension(),
                    std::span(asked.squares)
                        .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
                    searches, options_.k, heartbeat);
  }

  vector_view vectors_;
  const bound_table* table_;
  vector_search_options options_;
  row_source source_;
};

inline neighbors to_neighbors(const std::vector<nearest_list>& lists, int k) {
  neighbors result;
  result.k = k;
  result.certified = true;
  result.ids.assign(lists.size() * static_cast<std::size_t>(k), -1);
  result.distances.assign(result.ids.size(), std::numeric_limits<float>::infinity());
  std::size_t first = 0;
  for (const nearest_list& list : lists) {
    auto entries = list.entries();
    std::sort(entries.begin(), entries.end());
    for (std::size_t i = 0; i < entries.size(); ++i) {
      result.distances[first + i] = entries[i].first;
      result.ids[first + i] = entries[i].second;
    }
    result.counts.push_back(static_cast<int>(entries.size()));
    first += static_cast<std::size_t>(k);
  }
  return result;
}

/// Throws `value_error` in the words of `where` unless there are vectors, and one id for each, or none at
/// all.
inline void require_ids(const std::vector<std::int64_t>& ids, std::int64_t count, const char* where) {
  require(count > 0, where, ": given no vectors, wanted at least one");
  if (ids.empty()) return;
  require(std::ssize(ids) == count, where, ": given ", ids.size(), " ids for ", count, " vectors");
  std::vector<std::int64_t> sorted = ids;
  std::sort(sorted.begin(), sorted.end());
  require(sorted.front() >= 0, where, ": given the id ", sorted.front(), ", wanted 0 or more");
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  require(twice == sorted.end(), where, ": given the id ", twice == sorted.end() ? 0 : *twice, " twice");
}

/// Vectors that stay, and what was prepared of them.
class known_vectors {
 public:
  /// `ids` may be empty. `queries`: how many are to come. Throws `value_error` for what is not finite.
  known_vectors(const vector_view& vectors, metric how, std::vector<std::int64_t> ids, std::int64_t queries,
                std::uint64_t seed, const progress& watcher)
      : vectors_(vectors), how_(how), ids_(std::move(ids)), moments_(moments_of(vectors)) {
    if (table_pays(vectors, queries)) table_ = make_bound_table(vectors, how, {}, seed, watcher);
  }

  const vector_view& vectors() const { return vectors_; }
  metric how() const { return how_; }
  const bound_table* table() const { return table_.get(); }
  std::int64_t id(std::int64_t row) const { return ids_.empty() ? row : ids_[static_cast<std::size_t>(row)]; }

  /// `removed` has a bit for each row that must not be found, or is empty. `excludes_itself`: query q must
  /// not find row q.
  neighbors search(const vector_view& queries, const search_options& options, bool excludes_itself,
                   const std::vector<std::uint64_t>& removed, search_counts& counts,
                   const progress& watcher) const {
    const admission admitted(options);
    require(queries.size() == 0 || vectors_.size() == 0 || queries.dimension() == vectors_.dimension(),
            "search: given a vector of ", queries.dimension(), " numbers, wanted ", vectors_.dimension());
    require(queries.size() == 0 || vectors_.size() == 0 || queries.type() == vectors_.type(),
            "search: given queries of ", name_of(queries.type()), ", wanted ", name_of(vectors_.type()),
            ", as the vectors are");
    vector_search_options how{.how = how_, .k = options.k, .radius = options.radius};
    how.filter.ids = ids_.empty() ? nullptr : ids_.data();
    how.moments = moments_.empty() ? nullptr : moments_.data();
    how.excludes_itself = excludes_itself;
    std::vector<std::uint64_t> bits;
    std::vector<std::int64_t> few;
    if (!removed.empty() || !admitted.admits_all()) {
      bits.assign(static_cast<std::size_t>(vectors_.size() + 63) / 64, 0);
      std::int64_t count = 0;
      for (std::int64_t row = 0; row < vectors_.size(); ++row) {
        const auto at = static_cast<std::size_t>(row);
        if (!removed.empty() && (removed[at / 64] >> (at % 64) & 1U) != 0) continue;
        if (!admitted(id(row))) continue;
        bits[at / 64] |= std::uint64_t{1} << (at % 64);
        if (++count <= vectors_.size() / 32 + 64) few.push_back(row);
      }
      how.filter.bits = bits.data();
      if (count == std::ssize(few)) how.few = &few;
    }
    return to_neighbors(vector_search(vectors_, table_.get(), how).run(queries, counts, watcher), options.k);
  }

 private:
  vector_view vectors_;
  metric how_;
  std::vector<std::int64_t> ids_;
  std::vector<byte_moments> moments_;
  std::unique_ptr<const bound_table> table_;
};

}  // namespace lookalike::detail
