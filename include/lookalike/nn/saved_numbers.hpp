#pragma once

/// \file
/// A few named numbers: how objects with little state (early stopping, a schedule that watches the loss) hand
/// it to a checkpoint and take it back. Counts are numbers too; up to 2^53 they are exact.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/error.hpp>

namespace lookalike {

struct saved_number {
  std::string name;
  double value = 0;

  friend bool operator==(const saved_number&, const saved_number&) = default;
};

using saved_numbers = std::vector<saved_number>;

/// The number called `name`. Throws `value_error`, beginning with `where`, when there is none.
inline double saved_value(std::string_view where, std::span<const saved_number> numbers,
                          std::string_view name) {
  const auto found =
      std::find_if(numbers.begin(), numbers.end(), [&](const saved_number& n) { return n.name == name; });
  require(found != numbers.end(), where, ": given ", numbers.size(),
          " numbers to go on from, none of which is '", name, "'");
  return found->value;
}

/// The same for a count. Throws `value_error` when it is none, too.
inline std::int64_t saved_count(std::string_view where, std::span<const saved_number> numbers,
                                std::string_view name) {
  constexpr double largest = 9007199254740992.0;  // 2^53
  const double value = saved_value(where, numbers, name);
  require(value >= 0 && value <= largest && value == std::floor(value), where, ": given ", name, " = ", value,
          ", wanted a whole number of 0 or more");
  return static_cast<std::int64_t>(value);
}

}  // namespace lookalike
