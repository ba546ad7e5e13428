#pragma once

/// \file
/// One side of a rule that translates names (nn/name_map.hpp has the language).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>

namespace lookalike::detail {

/// A pattern taken apart, for matching names and for writing them.
class name_pattern {
 public:
  /// What the placeholders of a match stand for.
  struct capture {
    std::vector<std::pair<std::string_view, std::int64_t>> numbers;
    std::vector<std::string_view> texts;
  };

  /// Throws `value_error` for a text that is no pattern.
  explicit name_pattern(std::string text) : text_(std::move(text)) {
    std::string_view rest = text_;
    if (rest.starts_with('^')) {
      at_start_ = true;
      rest.remove_prefix(1);
    }
    if (rest.ends_with('$')) {
      at_end_ = true;
      rest.remove_suffix(1);
    }
    while (!rest.empty()) {
      if (rest[0] == '{') {
        const std::size_t close = rest.find('}');
        require(close != std::string_view::npos, "name_map: in '", text_, "' a '{' is not closed");
        parts_.push_back(number_part(rest.substr(1, close - 1)));
        rest.remove_prefix(close + 1);
      } else if (rest[0] == '*') {
        parts_.push_back({part_kind::text, {}, 1, 0});
        rest.remove_prefix(1);
      } else {
        const std::size_t length = std::min(rest.find_first_of("{*"), rest.size());
        parts_.push_back({part_kind::literal, std::string(rest.substr(0, length)), 1, 0});
        rest.remove_prefix(length);
      }
    }
  }

  const std::string& text() const { return text_; }
  bool at_start() const { return at_start_; }
  bool at_end() const { return at_end_; }
  bool empty() const { return parts_.empty(); }

  /// Names of the numbers, in order of first appearance, and how many `*` there are.
  std::vector<std::string> numbers() const {
    std::vector<std::string> names;
    for (const part& p : parts_) {
      if (p.kind == part_kind::number && std::find(names.begin(), names.end(), p.text) == names.end())
        names.push_back(p.text);
    }
    return names;
  }
  std::int64_t texts() const {
    return std::count_if(parts_.begin(), parts_.end(),
                         [](const part& p) { return p.kind == part_kind::text; });
  }

  /// Where the match that begins at `begin` ends, if there is one: at a dot or at the end of the name.
  std::optional<std::size_t> match(std::string_view name, std::size_t begin, capture& found) const {
    if (at_start_ && begin != 0) return std::nullopt;
    return match_parts(0, name, begin, found);
  }

  /// The name with the placeholders filled in; nothing where a number would be negative.
  std::optional<std::string> write(const capture& found) const {
    std::string name;
    std::size_t next_text = 0;
    for (const part& p : parts_) {
      if (p.kind == part_kind::literal) {
        name += p.text;
      } else if (p.kind == part_kind::text) {
        name += found.texts[next_text++];
      } else {
        const std::int64_t number = p.factor * *number_called(p.text, found) + p.offset;
        if (number < 0) return std::nullopt;
        name += std::to_string(number);
      }
    }
    return name;
  }

 private:
  enum class part_kind : unsigned char { literal, number, text };
  struct part {
    part_kind kind;
    std::string text;  // the literal, or the number's name
    std::int64_t factor;
    std::int64_t offset;
  };
  static constexpr std::size_t most_digits = 9;  // so that nothing below can overflow

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  /// Takes the digits at the front of `text`; -1 where there are none, or too many.
  static std::int64_t take_number(std::string_view& text) {
    std::size_t digits = 0;
    std::int64_t number = 0;
    while (digits < text.size() && is_digit(text[digits])) {
      if (digits >= most_digits) return -1;
      number = 10 * number + (text[digits++] - '0');
    }
    text.remove_prefix(digits);
    return digits > 0 ? number : -1;
  }

  /// "n", "n+1", "3n-2" or nothing: factor, name, offset.
  part number_part(std::string_view inside) const {
    part p{part_kind::number, {}, 1, 0};
    bool valid = true;
    if (!inside.empty() && is_digit(inside[0])) {
      p.factor = take_number(inside);
      valid = p.factor >= 1;
    }
    while (!inside.empty() && ((inside[0] >= 'a' && inside[0] <= 'z') || inside[0] == '_')) {
      p.text += inside[0];
      inside.remove_prefix(1);
    }
    if (!inside.empty() && (inside[0] == '+' || inside[0] == '-')) {
      const std::int64_t sign = inside[0] == '+' ? 1 : -1;
      inside.remove_prefix(1);
      const std::int64_t offset = take_number(inside);
      valid = valid && offset >= 0;
      p.offset = sign * offset;
    }
    require(valid && inside.empty(), "name_map: in '", text_,
            "' a placeholder cannot be read, wanted one like {}, {n}, {n+1} or {3n-2}");
    return p;
  }

  static const std::int64_t* number_called(std::string_view name, const capture& found) {
    for (const auto& number : found.numbers) {
      if (number.first == name) return &number.second;
    }
    return nullptr;
  }

  std::optional<std::size_t> match_parts(std::size_t next, std::string_view name, std::size_t at,
                                         capture& found) const {
    if (next == parts_.size()) {
      const bool ends = at == name.size() || (!at_end_ && name[at] == '.');
      return ends ? std::optional(at) : std::nullopt;
    }
    const part& p = parts_[next];
    if (p.kind == part_kind::literal) {
      if (!name.substr(at).starts_with(p.text)) return std::nullopt;
      return match_parts(next + 1, name, at + p.text.size(), found);
    }
    if (p.kind == part_kind::number) return match_number(next, name, at, found);
    const std::size_t longest = std::min(name.find('.', at), name.size()) - at;
    for (std::size_t length = longest; length > 0; --length) {
      found.texts.push_back(name.substr(at, length));
      if (const auto end = match_parts(next + 1, name, at + length, found)) return end;
      found.texts.pop_back();
    }
    return std::nullopt;
  }

  std::optional<std::size_t> match_number(std::size_t next, std::string_view name, std::size_t at,
                                          capture& found) const {
    const part& p = parts_[next];
    std::string_view rest = name.substr(at);
    const bool padded = rest.size() > 1 && rest[0] == '0' && is_digit(rest[1]);  // 01 would come back as 1
    const std::int64_t written = take_number(rest);
    if (written < 0 || padded) return std::nullopt;
    const std::int64_t multiple = written - p.offset;
    if (multiple < 0 || multiple % p.factor != 0) return std::nullopt;
    const std::int64_t value = multiple / p.factor;
    const std::size_t after = name.size() - rest.size();
    if (const std::int64_t* const known = number_called(p.text, found)) {
      return *known == value ? match_parts(next + 1, name, after, found) : std::nullopt;
    }
    found.numbers.emplace_back(p.text, value);
    const auto end = match_parts(next + 1, name, after, found);
    if (!end) found.numbers.pop_back();
    return end;
  }

  std::string text_;
  bool at_start_ = false;
  bool at_end_ = false;
  std::vector<part> parts_;
};

}  // namespace lookalike::detail
