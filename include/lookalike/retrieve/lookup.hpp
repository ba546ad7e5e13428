#pragma once

/// \file
/// Looking up as a stage: whatever an encoder yields goes in, the nearest entries of an index come out.
/// `scene_descriptor | lookup(photos, 200)`.

#include <string_view>
#include <utility>

#include <lookalike/retrieve/search.hpp>
#include <lookalike/stage/roles.hpp>

namespace lookalike {

/// Made by `lookup`.
template <index Index>
class lookup_stage {
 public:
  using input = typename Index::query;
  using output = typename Index::result;
  static constexpr std::string_view name = "lookup";

  lookup_stage(Index searched, typename Index::search_options options)
      : index_(std::move(searched)), options_(std::move(options)) {}

  output operator()(const input& query) const { return index_.search(query, options_); }

 private:
  Index index_;
  typename Index::search_options options_;
};

namespace detail {
template <class Index>
struct options_of {
  using type = search_options;
};
template <class Index>
requires requires {
  typename Index::search_options;
}
struct options_of<Index> {
  using type = typename Index::search_options;
};
}  // namespace detail

/// Finds the `k` nearest entries of `searched`, of which it keeps a copy (a handle). Further options in
/// braces: `lookup(photos, 200, {.leave_out = ids})`. Throws `value_error` for k < 1. Compile error
/// `lookup: expects an index ..., given ...` for other things.
template <class Index>
auto lookup(Index searched, int k, typename detail::options_of<Index>::type options = {}) {
  if constexpr (check_index<Index>()) {
    require(k >= 1, "lookup: given k = ", k, ", wanted at least 1");
    options.k = k;
    return lookup_stage<Index>(std::move(searched), std::move(options));
  }
}

}  // namespace lookalike
