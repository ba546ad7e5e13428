#pragma once

/// \file
/// Error sentences for code that every network instantiates: one function throws them all, so that a message
/// costs the compiler a list of its parts instead of a stream.

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

#include <lookalike/core/error.hpp>
#include <lookalike/core/static_text.hpp>

namespace lookalike::detail {

/// A text or a whole number.
struct sentence_part {
  std::string_view text;
  long long number = 0;
  bool is_number = false;

  sentence_part(std::string_view t) : text(t) {}
  sentence_part(const char* t) : text(t) {}
  template <std::integral Number>
  sentence_part(Number n) : number(static_cast<long long>(n)), is_number(true) {}
};

/// Throws `value_error` with the sentence that the parts make.
#if defined(__GNUC__)
[[gnu::cold, gnu::noinline]]
#endif
[[noreturn]] inline void
refuse(std::initializer_list<sentence_part> parts) {
  std::string text;
  for (const sentence_part& part : parts) {
    if (part.is_number) {
      text += std::to_string(part.number);
    } else {
      text += part.text;
    }
  }
  throw value_error(text);
}

}  // namespace lookalike::detail
