#pragma once

/// \file
/// What the values that flow between stages are called when a composition does not fit.

#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>

#include <lookalike/core/static_text.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

namespace detail {

/// The type as the compiler spells it: "std::vector<float>".
template <class Value>
constexpr std::string_view spelled_type() {
  constexpr std::string_view pretty = __PRETTY_FUNCTION__;
  constexpr std::string_view opening = "Value = ";
  constexpr auto start = pretty.find(opening) + opening.size();
  constexpr auto rest = pretty.substr(start);
  return rest.substr(0, rest.find_first_of(";]"));
}

template <class Value>
concept names_itself = requires {
  { Value::value_name } -> std::convertible_to<std::string_view>;
};

}  // namespace detail

/// What a value of this type is called in an error sentence: the type's own
/// `static constexpr std::string_view value_name`, else the type as the compiler spells it. Specialize it for
/// types that are not yours.
template <class Value>
struct value_name {
  static constexpr static_sentence text() {
    static_sentence name;
    if constexpr (detail::names_itself<Value>) {
      name << std::string_view(Value::value_name);
    } else {
      name << detail::spelled_type<Value>();
    }
    return name;
  }
};

template <int Channels, class Value>
struct value_name<image<Channels, Value>> {
  static constexpr static_sentence text() {
    static_sentence name;
    name << "image with " << Channels << (Channels == 1 ? " channel" : " channels");
    if constexpr (!std::is_same_v<Value, float>) name << " of " << detail::spelled_type<Value>();
    return name;
  }
};

template <>
struct value_name<masked_image> {
  static constexpr static_sentence text() {
    static_sentence name;
    name << "masked image";
    return name;
  }
};

/// What `branch` and `skip` yield: "(masked image, matches)".
template <class... Values>
struct value_name<std::tuple<Values...>> {
  static constexpr static_sentence text() {
    static_sentence name;
    name << "(";
    int position = 0;
    ((name << (position++ == 0 ? "" : ", ") << value_name<Values>::text()), ...);
    name << ")";
    return name;
  }
};

}  // namespace lookalike
