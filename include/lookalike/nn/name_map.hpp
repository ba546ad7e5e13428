#pragma once

/// \file
/// How parameters are called elsewhere. PyTorch's `layer1.0.conv2.weight` may be our
/// `layer1.block0.conv1.weight`; a few rules say so for a whole network, and are read in both directions:
///
///     const name_map resnet{{"layer{i}.{j}", "layer{i}.block{j}"},
///                           {"conv{n+1}", "conv{n}"},
///                           {"bn{n+1}", "batch_norm{n}"},
///                           {"running_var", "running_variance"}};

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/detail/name_pattern.hpp>

namespace lookalike {

/// A pair of patterns: what matches the one is called by the other. See `name_map` for the language.
struct name_rule {
  std::string theirs;
  std::string ours;
};

/// Translates the names of parameters between another library (theirs) and this one (ours), both ways.
///
/// A rule is a pair of patterns. A pattern describes one or several whole pieces of a dotted name, and holds
/// wherever in a name they occur: `bn1` is found in `layer1.0.bn1.weight`, but not in `bn10`. In it
/// - `{n}` stands for a number, any lower-case name will do, `{}` is a number without a name; the other side
///   writes it where it has the same placeholder. `{n+1}`, `{n-1}` and `{3n+1}` stand for numbers that differ
///   so from n, which is never negative;
/// - `*` stands for any characters but dots, at least one; the first here is the first there;
/// - `^` in front ties the pattern to the beginning of the name, `$` behind to its end, so that
///   `^fc.weight$` is one whole name. Both sides must be tied alike. A lone `^` stands for nothing at all:
///   `{"^module", "^"}` says that all their names may begin with `module.`.
///
/// A name is translated from left to right: at each piece the first rule that matches takes its pieces and
/// writes the other side; a piece that no rule takes stays as it is. So longer and tied rules come first.
class name_map {
 public:
  using function = std::function<std::string(std::string_view)>;

  /// All names stay.
  name_map() = default;

  /// Throws `value_error` for a rule that cannot be read in both directions, saying why.
  name_map(std::initializer_list<name_rule> rules) : name_map(std::vector<name_rule>(rules)) {}
  explicit name_map(const std::vector<name_rule>& rules) {
    for (const name_rule& rule : rules) {
      rules_.push_back({detail::name_pattern(rule.theirs), detail::name_pattern(rule.ours)});
      require_reversible(rules_.back());
    }
  }

  /// Names by any function from ours to theirs. The other direction, where it is asked for, needs its own.
  explicit name_map(function to_theirs, function to_ours = {})
      : to_theirs_(std::move(to_theirs)), to_ours_(std::move(to_ours)) {
    require(static_cast<bool>(to_theirs_), "name_map: given an empty function");
  }

  /// What they call our `name`.
  std::string theirs(std::string_view name) const {
    if (to_theirs_) return to_theirs_(name);
    return translate(name, &both::ours, &both::theirs);
  }

  /// What we call their `name`. Throws `value_error` for a map by one function.
  std::string ours(std::string_view name) const {
    require(!to_theirs_ || to_ours_, "name_map: given one function, which leads from our names to theirs; '",
            name, "' needs the other direction too");
    if (to_ours_) return to_ours_(name);
    return translate(name, &both::theirs, &both::ours);
  }

  /// The rules of `first`, then those of `second`. Throws `value_error` for maps by functions.
  friend name_map operator+(name_map first, const name_map& second) {
    require(!first.to_theirs_ && !second.to_theirs_, "name_map: only maps made of rules can be added");
    first.rules_.insert(first.rules_.end(), second.rules_.begin(), second.rules_.end());
    return first;
  }

 private:
  struct both {
    detail::name_pattern theirs;
    detail::name_pattern ours;
  };

  static void require_reversible(const both& rule) {
    const auto that = [&](bool condition, std::string_view reason) {
      require(condition, "name_map: the rule '", rule.theirs.text(), "' <-> '", rule.ours.text(), "' ",
              reason);
    };
    auto there = rule.theirs.numbers();
    auto here = rule.ours.numbers();
    std::sort(there.begin(), there.end());
    std::sort(here.begin(), here.end());
    that(there == here, "has a number on one side only");
    that(rule.theirs.texts() == rule.ours.texts(), "has more * on one side than on the other");
    that(rule.theirs.at_start() == rule.ours.at_start() && rule.theirs.at_end() == rule.ours.at_end(),
         "is tied by ^ or $ on one side only");
    const bool may_be_empty = rule.theirs.at_start() && !rule.theirs.at_end();
    that(may_be_empty || (!rule.theirs.empty() && !rule.ours.empty()), "has a side that stands for nothing");
  }

  std::string translate(std::string_view name, detail::name_pattern both::*from,
                        detail::name_pattern both::*to) const {
    std::string translated;
    bool first = true;
    const auto append = [&](std::string_view pieces) {
      if (!std::exchange(first, false)) translated += '.';
      translated += pieces;
    };
    for (const both& rule : rules_) {  // what stands for nothing is in front of every name
      if ((rule.*from).empty() && !(rule.*to).empty()) append(*(rule.*to).write({}));
    }
    std::size_t at = 0;
    while (at <= name.size()) {
      std::size_t end = std::min(name.find('.', at), name.size());
      std::optional<std::string> pieces(name.substr(at, end - at));
      for (const both& rule : rules_) {
        if ((rule.*from).empty()) continue;
        detail::name_pattern::capture found;
        const auto matched = (rule.*from).match(name, at, found);
        if (!matched) continue;
        auto written = (rule.*to).write(found);
        if (!written) continue;
        pieces =
            written->empty() ? std::nullopt : std::move(written);  // a prefix that goes takes its dot along
        end = *matched;
        break;
      }
      if (pieces) append(*pieces);
      at = end + 1;
    }
    return translated;
  }

  std::vector<both> rules_;
  function to_theirs_;
  function to_ours_;
};

}  // namespace lookalike
