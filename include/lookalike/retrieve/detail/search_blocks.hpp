#pragma once

/// \file
/// How a search of many queries among many rows is divided among threads: queries in blocks that share what
/// is read of the rows and, where there are fewer blocks than threads, the rows in parts as well.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/retrieve/detail/nearest_list.hpp>
#include <lookalike/retrieve/detail/pruned_search.hpp>

namespace lookalike::detail {

class search_blocks {
 public:
  /// Queries [begin, end) of those that begin at `base`, among one of `parts` parts of the rows.
  struct task {
    std::int64_t base = 0, begin = 0, end = 0;
    std::int64_t part = 0, parts = 1;
    std::vector<shared_limit>* limits = nullptr;

    shared_limit* limit(std::int64_t query) const {
      return parts == 1 ? nullptr : &(*limits)[static_cast<std::size_t>(query)];
    }
  };

  /// At most `most` queries in a block. `spreads`: blocks are made smaller rather than the rows divided.
  search_blocks(std::int64_t queries, std::int64_t rows, std::int64_t most, bool spreads)
      : count_(queries), team_(threads()) {
    constexpr std::int64_t rows_a_part = 4096;
    const std::int64_t even = spreads ? ((queries + team_ - 1) / team_ + 3) / 4 * 4 : most;
    block_ = std::clamp<std::int64_t>(even, 1, std::min(most, std::max<std::int64_t>(1, queries)));
    blocks_ = (queries + block_ - 1) / block_;
    parts_ = blocks_ == 0 ? 1
                          : std::clamp<std::int64_t>((team_ + blocks_ - 1) / blocks_, 1,
                                                     std::max<std::int64_t>(1, rows / rows_a_part));
    at_once_ = parts_ > 1 ? 1 : spreads ? 8 * team_ : team_;
  }

  /// Fills `found`, a list for each query. `prepare(first, count)` comes before those queries are searched by
  /// `search(task, counts, heartbeat)`, which returns a list for each of its queries.
  void run(std::vector<nearest_list>& found, search_counts& counts, const progress& watcher,
           const std::function<void(std::int64_t, std::int64_t)>& prepare,
           const std::function<std::vector<nearest_list>(const task&, search_counts&, const progress&)>&
               search) const {
    std::mutex guard;
    for (std::int64_t first_block = 0; first_block < blocks_;) {
      const std::int64_t some = std::min(blocks_ - first_block, at_once_);
      const std::int64_t first = first_block * block_;
      const std::int64_t taken = std::min(some * block_, count_ - first);
      prepare(first, taken);
      std::vector<shared_limit> limits(static_cast<std::size_t>(parts_ > 1 ? taken : 0));
      std::vector<std::vector<nearest_list>> lists(static_cast<std::size_t>(some * parts_));
      const progress inner = [&](std::string_view what, std::int64_t, std::int64_t) {
        return !watcher || watcher(what, first, count_);
      };
      parallel_for(
          some * parts_,
          [&](std::int64_t number, const progress& heartbeat) {
            const std::int64_t begin = number / parts_ * block_;
            const task one{first, begin, std::min(begin + block_, taken), number % parts_, parts_, &limits};
            search_counts here;
            lists[static_cast<std::size_t>(number)] = search(one, here, heartbeat);
            const std::lock_guard hold(guard);
            counts += here;
          },
          watcher ? inner : progress(), "look up");
      for (std::int64_t number = 0; number < some * parts_; ++number) {
        auto& of_task = lists[static_cast<std::size_t>(number)];
        for (std::size_t q = 0; q < of_task.size(); ++q) {
          auto& all = found[static_cast<std::size_t>(first + number / parts_ * block_) + q];
          if (parts_ == 1) {
            all = std::move(of_task[q]);
          } else {
            for (const auto& [distance, id] : of_task[q].entries())
              all.add(static_cast<double>(distance), id);
          }
        }
      }
      report(watcher, "look up", first + taken, count_);
      first_block += some;
    }
  }

 private:
  std::int64_t count_, team_;
  std::int64_t block_ = 1, blocks_ = 0, parts_ = 1, at_once_ = 1;
};

}  // namespace lookalike::detail
