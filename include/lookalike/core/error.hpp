#pragma once

/// \file
/// What a running program throws. Every message says what was given, what was wanted, and where.
/// Mistakes of composition never get this far: they are compile errors (core/sentence.hpp).

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

namespace lookalike {

/// Base of everything the library throws on purpose.
class error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A value that cannot be worked with: wrong shape, NaN, empty collection, a mask that covers everything.
/// In Python it is also a `ValueError`.
class value_error : public error {
 public:
  using error::error;
};

/// A file or folder that cannot be read or written: missing, truncated, of another kind, disk full.
/// In Python it is also an `OSError`.
class file_error : public error {
 public:
  using error::error;
};

/// A long call that stopped because its `progress` asked it to. What had been committed stays.
class interrupted : public error {
 public:
  using error::error;
};

/// One sentence out of parts: `sentence("seam: mask is ", h, "x", w, ", wanted ", H, "x", W)`.
template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

/// Throws `Error` with the sentence made of `parts` unless `condition` holds.
template <class Error = value_error, class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) throw Error(sentence(parts...));
}

}  // namespace lookalike
