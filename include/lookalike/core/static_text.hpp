#pragma once

/// \file
/// Text that exists during compilation, and the one way this library reports a mistake of composition: a
/// sentence that becomes the template argument of an undefined type, so that the compiler's first error line
/// reads like one of ours: `seam: expects placements, given matches by lookup`.

#include <cstddef>
#include <string_view>
#include <utility>

namespace lookalike {

/// A string literal of `Size` bytes (with its final zero) that can be a template argument.
template <std::size_t Size>
struct static_text {
  char characters[Size]{};

  constexpr static_text() = default;
  constexpr static_text(const char (&literal)[Size]) {
    for (std::size_t i = 0; i < Size; ++i) characters[i] = literal[i];
  }
  constexpr operator std::string_view() const { return {characters, Size - 1}; }
};

/// A sentence under construction in a constant expression. What exceeds the capacity is cut off.
class static_sentence {
 public:
  static constexpr std::size_t capacity = 400;

  constexpr static_sentence& operator<<(std::string_view text) {
    for (char c : text) {
      if (length_ < capacity) characters_[length_++] = c;
    }
    return *this;
  }
  constexpr static_sentence& operator<<(const static_sentence& other) { return *this << other.view(); }
  constexpr static_sentence& operator<<(long long number) {
    char digits[24]{};
    std::size_t count = 0;
    unsigned long long rest =
        number < 0 ? 0ULL - static_cast<unsigned long long>(number) : static_cast<unsigned long long>(number);
    do {
      digits[count++] = static_cast<char>('0' + rest % 10);
    } while (rest /= 10);
    if (number < 0) *this << std::string_view("-");
    while (count > 0) *this << std::string_view(&digits[--count], 1);
    return *this;
  }
  constexpr std::string_view view() const { return {characters_, length_}; }
  constexpr std::size_t size() const { return length_; }

 private:
  char characters_[capacity]{};
  std::size_t length_ = 0;
};

/// Never defined: its name in an error message carries the sentence.
template <static_text Sentence>
struct composition_error;

/// The same for clang 14, which cuts the text of a template argument off after ten numbers, but spells a
/// sequence of letters out.
template <char... Letters>
struct spelled_composition_error;

namespace detail {

template <class MakeSentence>
inline constexpr static_sentence built_sentence = MakeSentence::text();

template <class MakeSentence, std::size_t... Position>
consteval bool fail_composition(std::index_sequence<Position...>) {
#if defined(__clang__) && __clang_major__ < 15
  return sizeof(spelled_composition_error<built_sentence<MakeSentence>.view()[Position]...>) != 0;
#else
  return sizeof(composition_error<static_text<sizeof...(Position) + 1>{
                    {built_sentence<MakeSentence>.view()[Position]..., '\0'}}>) != 0;
#endif
}

}  // namespace detail

/// Stops the compilation with the sentence that `MakeSentence::text()` returns, unless `Holds`.
template <bool Holds, class MakeSentence>
consteval bool check_composition() {
  if constexpr (!Holds) {
    return detail::fail_composition<MakeSentence>(
        std::make_index_sequence<detail::built_sentence<MakeSentence>.size()>{});
  }
  return Holds;
}

}  // namespace lookalike
