#pragma once

// Options that are enumerations in C++ and words in Python.

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include <lookalike/core/error.hpp>

namespace lookalike::python {

template <class Value, std::size_t Count>
using words = std::array<std::pair<const char*, Value>, Count>;

/// The value that a word means. Throws `value_error` that lists the words: `resize.method: given 'cubic',
/// wanted ...`.
template <class Value, std::size_t Count>
Value meaning(const std::string& given, const char* where, const words<Value, Count>& known) {
  std::string wanted;
  for (const auto& [word, value] : known) {
    if (given == word) return value;
    wanted += (wanted.empty() ? "'" : ", '") + std::string(word) + "'";
  }
  throw value_error(sentence(where, ": given '", given, "', wanted one of ", wanted));
}

/// The word for a value.
template <class Value, std::size_t Count>
std::string word_for(Value value, const words<Value, Count>& known) {
  for (const auto& [word, meant] : known) {
    if (value == meant) return word;
  }
  return {};
}

}  // namespace lookalike::python
