#pragma once

/// \file
/// Exact search by bounds: what they leave over is measured, the most promising first, until nothing is left
/// that could be nearer than what was found (T. Seidl and H.-P. Kriegel, Optimal multi-step k-nearest
/// neighbor search, SIGMOD 1998). The first stage reads the codes of a tile of rows for several queries at a
/// time.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <span>
#include <vector>

#include <lookalike/retrieve/detail/bound_table.hpp>
#include <lookalike/retrieve/detail/exact_distance.hpp>
#include <lookalike/retrieve/detail/nearest_list.hpp>
#include <lookalike/simd/prefetch.hpp>
#include <lookalike/simd/quantized_product.hpp>

namespace lookalike::detail {

/// How many rows got how far.
struct search_counts {
  std::int64_t rows = 0, coarse = 0, fine = 0, measured = 0;

  search_counts& operator+=(const search_counts& other) {
    rows += other.rows;
    coarse += other.coarse;
    fine += other.fine;
    measured += other.measured;
    return *this;
  }
};

/// Which rows may be found, and under which ids.
struct row_filter {
  const std::uint64_t* bits = nullptr;  ///< null: all rows
  const std::int64_t* ids = nullptr;    ///< null: a row's number

  bool admits(std::int64_t row) const {
    return bits == nullptr ||
           (bits[static_cast<std::size_t>(row) / 64] >> (static_cast<std::size_t>(row) % 64) & 1U) != 0;
  }
  std::int64_t id(std::int64_t row) const { return ids == nullptr ? row : ids[row]; }
};

/// One query on its way through some rows. `Measure(row)` is the exact distance.
class best_first_search {
 public:
  /// `excluded` is a row that must not be found, or -1.
  best_first_search(nearest_list& found, row_measure& exact, const row_filter& filter, std::int64_t excluded,
                    shared_limit* shared)
      : found_(found), measure_(&exact), filter_(filter), excluded_(excluded), shared_(shared) {}

  double limit() const {
    const double own = found_.limit();
    return shared_ == nullptr ? own : std::min(own, shared_->get());
  }

  /// What a promise must be at least for a row to matter, where distances are at least `constant` - promise.
  float cut(double constant) const {
    const auto least = static_cast<float>(constant - limit());
    return least == least ? std::nextafter(least, -std::numeric_limits<float>::infinity())
                          : -std::numeric_limits<float>::infinity();
  }

  bool may_find(std::uint32_t row) const { return row != excluded_ && filter_.admits(row); }

  /// Measures some rows before all others; they need not be looked at again.
  void measure_seeds(std::span<const candidate> seeds) {
    measure_rows(seeds);
    for (const candidate& seed : seeds) seeds_.push_back(seed.row);
    std::sort(seeds_.begin(), seeds_.end());
  }

  /// Rows that nothing but a measurement tells more about.
  void add_waiting(std::span<const float> promises, std::span<const std::uint32_t> rows) {
    counts_.coarse += static_cast<std::int64_t>(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (may_find(rows[i])) waiting_.push_back({promises[i], rows[i]});
    }
  }
  std::size_t waiting() const { return waiting_.size(); }

  /// Looks more closely at rows of a table that the first stage left over; `sums` are its promises without
  /// what is left out. Both spans are used up.
  void refine(const bound_table& table, const bound_query& query, std::span<float> sums,
              std::span<std::uint32_t> rows) {
    std::size_t count = rows.size();
    counts_.coarse += static_cast<std::int64_t>(count);
    if (excluded_ >= 0 || filter_.bits != nullptr) {
      count = 0;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!may_find(rows[i])) continue;
        sums[count] = sums[i];
        rows[count++] = rows[i];
      }
    }
    if (left_.size() < count) left_.resize(count, candidate{0, 0});
    if (table.levels().empty()) {
      for (std::size_t i = 0; i < count; ++i) {
        left_[i] = {promise(sums[i], query.coarse, table.coarse_tails()[rows[i]]), rows[i], sums[i]};
      }
    } else {
      const auto from_first = [&](std::size_t i) { return candidate{sums[i], rows[i]}; };
      count = refine(table.levels()[0], query.levels[0], count, from_first);
    }
    for (std::size_t l = 1; l < table.levels().size(); ++l) {
      count = refine(table.levels()[l], query.levels[l], count, [this](std::size_t i) { return left_[i]; });
    }
    std::copy_if(left_.begin(), left_.begin() + static_cast<std::ptrdiff_t>(count),
                 std::back_inserter(waiting_),
                 [this](const candidate& entry) { return !is_seed(entry.row); });
  }

  /// Measures the most promising `count`, to lower the limit.
  void tighten(double constant, std::size_t count) {
    drop_hopeless(constant);
    count = std::min(count, waiting_.size());
    const auto middle = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    if (count < waiting_.size()) std::nth_element(waiting_.begin(), middle, waiting_.end());
    measure_rows({waiting_.data(), count});
    waiting_.erase(waiting_.begin(), middle);
  }

  /// Measures those that are nearer than the limit if what is left out of both is at right angles, as it
  /// mostly nearly is.
  void measure_likely(double constant) {
    drop_hopeless(constant);
    const auto middle = std::partition(waiting_.begin(), waiting_.end(), [&](const candidate& entry) {
      return !(entry.likely >= cut(constant));
    });
    std::sort(middle, waiting_.end());
    measure_rows({middle, waiting_.end()});
    waiting_.erase(middle, waiting_.end());
  }

  /// Measures all that could still be among the nearest.
  void finish(double constant) {
    drop_hopeless(constant);
    counts_.fine += static_cast<std::int64_t>(waiting_.size());
    std::sort(waiting_.begin(), waiting_.end());
    measure_rows(waiting_, constant);
    waiting_.clear();
  }

  const search_counts& counts() const { return counts_; }

 private:
  static float promise(float likely, const bound_query::stage& stage, float tail) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    return tail < infinity ? likely + stage.tail * tail : infinity;
  }

  /// Of the `count` that are left over, `entry(i)`, puts in front of `left_` those that the codes of a level
  /// do not rule out. Returns how many.
  template <class Entries>
  std::size_t refine(const bound_table::level& level, const bound_query::level& query, std::size_t count,
                     const Entries& entry) {
    constexpr std::size_t ahead = 16, at_once = simd::records_at_once;
    const float least = cut(query.constant);
    for (std::size_t i = 0; i < std::min(ahead, count); ++i) {
      simd::prefetch(level.record(entry(i).row), level.size());
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; i += at_once) {
      const std::size_t end = std::min(i + at_once, count);
      const std::int8_t* records[at_once];
      std::int32_t products[at_once];
      for (std::size_t j = i; j < i + at_once; ++j) {
        records[j - i] = level.record(entry(std::min(j, end - 1)).row);
        if (j + ahead < count) simd::prefetch(level.record(entry(j + ahead).row), level.size());
      }
      simd::record_products(records, query.factors.data(), level.size(), products);
      for (std::size_t j = i; j < end; ++j) {
        candidate one = entry(j);
        one.likely += query.scale * static_cast<float>(products[j - i]);
        one.promise = promise(one.likely, query, level.tail(one.row));
        left_[kept] = one;
        kept += static_cast<std::size_t>(!(one.promise < least));
      }
    }
    return kept;
  }

  void drop_hopeless(double constant) {
    const float least = cut(constant);
    std::erase_if(waiting_, [&](const candidate& entry) { return entry.promise < least; });
  }
  bool is_seed(std::uint32_t row) const { return std::binary_search(seeds_.begin(), seeds_.end(), row); }
  /// Measures in the order given, as long as distances of at least `constant` less a promise matter.
  void measure_rows(std::span<const candidate> entries,
                    double constant = -std::numeric_limits<double>::infinity()) {
    constexpr std::size_t ahead = 2;
    for (std::size_t i = 0; i < std::min(ahead, entries.size()); ++i) measure_->fetch(entries[i].row);
    for (std::size_t i = 0; i < entries.size() && !(entries[i].promise < cut(constant)); ++i) {
      if (i + ahead < entries.size()) measure_->fetch(entries[i + ahead].row);
      ++counts_.measured;
      found_.add((*measure_)(entries[i].row), filter_.id(entries[i].row));
    }
    if (shared_ != nullptr) shared_->lower(found_.limit());
  }

  nearest_list& found_;
  row_measure* measure_;
  const row_filter& filter_;
  std::int64_t excluded_;
  shared_limit* shared_;
  std::vector<candidate> left_;  ///< only grows: its beginning is what is left over
  std::vector<candidate> waiting_;
  std::vector<std::uint32_t> seeds_;
  search_counts counts_;
};

/// Searches groups of rows of a table for several queries. The codes of a tile of rows are multiplied with
/// four queries at a time. In the first chunk the rows that promise most, as far as the components tell, are
/// measured before anything else, so that the limit is low from the start.
class table_search {
 public:
  /// `gives_up`: where bounds do not help.
  table_search(const bound_table& table, int k, bool gives_up = true)
      : table_(table),
        wanted_(static_cast<std::size_t>(k)),
        gives_up_(gives_up),
        sums_(at_once * chunk_rows),
        kept_sums_(at_once),
        kept_rows_(at_once) {
    for (auto& sums : kept_sums_) sums.resize(chunk_rows + simd::kept_room);
    for (auto& rows : kept_rows_) rows.resize(chunk_rows + simd::kept_room);
  }

  /// The groups [first, last) for all of `searches`, which go with `queries`. False where the bounds leave
  /// over so much that reading everything is faster; the lists are then incomplete.
  bool run(std::int64_t first, std::int64_t last, std::span<const bound_query> queries,
           std::span<best_first_search> searches, const progress& heartbeat) {
    std::int64_t chunks = 0;
    for (std::int64_t group = first; group < last; group += chunk_groups) {
      report(heartbeat, "look up", group - first, last - first);
      const std::int64_t groups = std::min(chunk_groups, last - group);
      const std::int64_t first_row = group * simd::quantized_rows;
      const std::int64_t rows = std::min(groups * simd::quantized_rows, table_.count() - first_row);
      ++chunks;
      for (std::size_t q = 0; q < queries.size(); q += at_once) {
        const std::size_t some = std::min(at_once, queries.size() - q);
        look_at(group, groups, rows, queries.subspan(q, some), searches.subspan(q, some), chunks == 1);
        for (std::size_t i = 0; i < some; ++i) {
          // Measuring ahead pays whenever the number of rows has doubled.
          if ((chunks & (chunks - 1)) == 0) searches[q + i].measure_likely(queries[q + i].last().constant);
        }
      }
      if (gives_up_ && chunks == 1 && last - group > 2 * chunk_groups && leaves_too_much(searches, rows))
        return false;
    }
    for (std::size_t q = 0; q < queries.size(); ++q) {
      searches[q].measure_likely(queries[q].last().constant);
      searches[q].finish(queries[q].last().constant);
    }
    return true;
  }

 private:
  static constexpr std::int64_t chunk_groups = 2048;
  static constexpr std::size_t chunk_rows = chunk_groups * simd::quantized_rows;
  static constexpr std::size_t at_once = 4;

  /// Groups whose codes stay in the first-level cache for all queries.
  std::int64_t groups_a_tile() const {
    constexpr std::int64_t bytes = 16384;
    return std::max<std::int64_t>(8, bytes / (simd::quantized_rows * table_.coarse_columns()) / 8 * 8);
  }

  void look_at(std::int64_t group, std::int64_t groups, std::int64_t rows,
               std::span<const bound_query> queries, std::span<best_first_search> searches, bool is_first) {
    std::array<std::size_t, at_once> kept = {};
    std::array<float, at_once> cuts = {};
    const std::int64_t first_row = group * simd::quantized_rows;
    const std::int64_t tile = groups_a_tile();
    const auto keep = [&](std::size_t i, const std::int32_t* sums, std::int64_t from, std::int64_t some) {
      const bound_query::stage& stage = queries[i].coarse;
      const std::int64_t at = first_row + from;
      kept[i] += static_cast<std::size_t>(simd::keep_promising<simd::kept_value::sum>(
          sums, table_.offsets() + at, table_.coarse_tails() + at, some, stage.scale, stage.tail, cuts[i],
          static_cast<std::uint32_t>(at), kept_sums_[i].data() + kept[i], kept_rows_[i].data() + kept[i]));
    };
    for (std::size_t i = 0; i < queries.size(); ++i) cuts[i] = searches[i].cut(queries[i].coarse.constant);
    for (std::int64_t done = 0; done < groups; done += tile) {
      const std::int64_t some = std::min(tile, groups - done);
      const std::int64_t from = done * simd::quantized_rows;
      multiply(group + done, some, queries, is_first ? static_cast<std::size_t>(from) : 0);
      if (is_first) continue;
      for (std::size_t i = 0; i < queries.size(); ++i) {
        keep(i, sums_of(i), from, std::min(some * simd::quantized_rows, rows - from));
      }
    }
    for (std::size_t i = 0; i < queries.size(); ++i) {
      if (is_first) {
        measure_seeds(queries[i], searches[i], sums_of(i), first_row, rows);
        cuts[i] = searches[i].cut(queries[i].coarse.constant);
        keep(i, sums_of(i), 0, rows);
      }
      searches[i].refine(table_, queries[i], {kept_sums_[i].data(), kept[i]},
                         {kept_rows_[i].data(), kept[i]});
    }
  }

  std::int32_t* sums_of(std::size_t query) { return sums_.data() + query * chunk_rows; }

  void multiply(std::int64_t group, std::int64_t groups, std::span<const bound_query> queries,
                std::size_t first_sum) {
    const std::int32_t* factors[at_once];
    std::int32_t* to[at_once];
    for (std::size_t i = 0; i < queries.size(); ++i) {
      factors[i] = queries[i].coarse_factors.data();
      to[i] = sums_of(i) + first_sum;
    }
    simd::quantized_products(table_.coarse(group), groups, table_.coarse_columns(), factors, to,
                             std::ssize(queries));
  }

  /// The k rows with the largest promise as if nothing were left out, and some more: the limit is what the
  /// k-th of them is apart.
  void measure_seeds(const bound_query& query, best_first_search& search, const std::int32_t* sums,
                     std::int64_t first_row, std::int64_t rows) {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    constexpr std::int64_t rows_a_step = 256;
    const std::size_t seeds = wanted_ + wanted_ / 4 + 2;
    float* promises = kept_sums_[0].data();
    std::uint32_t* kept = kept_rows_[0].data();
    std::vector<candidate> best;
    float cut = -infinity;
    const auto keep_best = [&] {
      if (best.size() <= seeds) return;
      const auto last = best.begin() + static_cast<std::ptrdiff_t>(seeds) - 1;
      std::nth_element(best.begin(), last, best.end());
      cut = last->promise;
      best.resize(seeds, candidate{0, 0});
    };
    for (std::int64_t row = 0; row < rows; row += rows_a_step) {
      const std::int64_t some = std::min(rows_a_step, rows - row);
      const std::ptrdiff_t found = simd::keep_promising<simd::kept_value::promise>(
          sums + row, table_.offsets() + first_row + row, table_.coarse_tails() + first_row + row, some,
          query.coarse.scale, 0.0f, cut, static_cast<std::uint32_t>(first_row + row), promises, kept);
      for (std::ptrdiff_t i = 0; i < found; ++i) {
        if (promises[i] != infinity && search.may_find(kept[i])) best.push_back({promises[i], kept[i]});
      }
      if (best.size() >= 4 * seeds) keep_best();
    }
    keep_best();
    search.measure_seeds(best);
  }

  static bool leaves_too_much(std::span<const best_first_search> searches, std::int64_t rows) {
    std::int64_t left = 0;
    for (const best_first_search& search : searches) {
      left += static_cast<std::int64_t>(search.waiting()) + search.counts().measured;
    }
    return left > std::ssize(searches) * rows / 4;
  }

  const bound_table& table_;
  std::size_t wanted_;
  bool gives_up_;
  std::vector<std::int32_t> sums_;
  std::vector<std::vector<float>> kept_sums_;
  std::vector<std::vector<std::uint32_t>> kept_rows_;
};

}  // namespace lookalike::detail
