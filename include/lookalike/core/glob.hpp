#pragma once

/// \file
/// Names by pattern: `encoder.*` freezes an encoder, `*.weight` initializes all weights.

#include <cstddef>
#include <string_view>

namespace lookalike {

/// Whether the whole of `name` matches `pattern`, where `*` stands for any characters (dots too, or none at
/// all), `?` for exactly one, and all others for themselves. At most pattern times name steps.
constexpr bool glob_matches(std::string_view pattern, std::string_view name) {
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = none;  // the last star met, and how far its characters reached when it was tried last
  std::size_t reach = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      reach = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != none) {  // no earlier star can do better than this one taking one character more
      p = star + 1;
      n = ++reach;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace lookalike
