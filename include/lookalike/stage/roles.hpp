#pragma once

/// \file
/// The roles of the thesis: an encoder maps a picture to a representation, a decoder maps a representation to
/// a picture, and an index finds the representations nearest to one. Looking up and learning are two ways to
/// build the same three things, so these concepts ask nothing about how.

#include <concepts>
#include <type_traits>

#include <lookalike/core/static_text.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/stage/stage.hpp>
#include <lookalike/stage/value_name.hpp>

namespace lookalike {

/// Whether a type counts as a picture. Specialize it for picture types of your own.
template <class Value>
inline constexpr bool is_picture = false;
template <int Channels, class Value>
inline constexpr bool is_picture<image<Channels, Value>> = true;
template <>
inline constexpr bool is_picture<masked_image> = true;

/// A stage from pictures to something else: a descriptor, a code, a feature vector.
template <class S>
concept encoder = stage<S> && is_picture<typename S::input> && !is_picture<typename S::output>;

/// A stage from something else to pictures.
template <class S>
concept decoder = stage<S> && !is_picture<typename S::input> && is_picture<typename S::output>;

/// Something that can be searched: types `query`, `search_options` and `result`, and a const member
/// `search(query, search_options)` that may run on several threads at once. `lookup(index, k)` makes a stage
/// of it (retrieve/lookup.hpp).
template <class I>
concept index = requires {
  typename I::query;
  typename I::search_options;
  typename I::result;
}
&&requires(const I& i, const typename I::query& query, const typename I::search_options& options) {
  { i.search(query, options) } -> std::convertible_to<typename I::result>;
};

namespace detail {

template <class S>
struct encoder_sentence {
  static constexpr static_sentence text() {
    static_sentence s;
    if constexpr (stage<S>) {
      s << std::string_view(S::name) << ": expects to be an encoder (picture to representation), given "
        << value_name<typename S::input>::text() << " to " << value_name<typename S::output>::text();
    } else {
      s << "encoder: expects a stage, given " << spelled_type<S>();
    }
    return s;
  }
};

template <class S>
struct decoder_sentence {
  static constexpr static_sentence text() {
    static_sentence s;
    if constexpr (stage<S>) {
      s << std::string_view(S::name) << ": expects to be a decoder (representation to picture), given "
        << value_name<typename S::input>::text() << " to " << value_name<typename S::output>::text();
    } else {
      s << "decoder: expects a stage, given " << spelled_type<S>();
    }
    return s;
  }
};

template <class I>
struct index_sentence {
  static constexpr static_sentence text() {
    static_sentence s;
    s << "lookup: expects an index (types query, search_options, result; search(query, options)), given "
      << spelled_type<I>();
    return s;
  }
};

}  // namespace detail

/// Compile error `...: expects to be an encoder (picture to representation), given ...` unless S is one. For
/// places that take any encoder: `static_assert(check_encoder<S>())`.
template <class S>
consteval bool check_encoder() {
  return check_composition<encoder<S>, detail::encoder_sentence<S>>();
}
/// Compile error `...: expects to be a decoder (representation to picture), given ...` unless S is one.
template <class S>
consteval bool check_decoder() {
  return check_composition<decoder<S>, detail::decoder_sentence<S>>();
}
/// Compile error `lookup: expects an index ..., given ...` unless I is one.
template <class I>
consteval bool check_index() {
  return check_composition<index<I>, detail::index_sentence<I>>();
}

}  // namespace lookalike
