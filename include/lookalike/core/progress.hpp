#pragma once

/// \file
/// How long work tells where it is, and how a caller stops it.

#include <cstdint>
#include <functional>
#include <string_view>

#include <lookalike/core/error.hpp>

namespace lookalike {

/// Called now and then, always on the thread that made the call, with the name of the task, the number of
/// steps done and their total (-1 where it is not known yet). Returning false asks for a stop: the call then
/// throws `interrupted`. An empty function is allowed and means that nobody watches.
using progress = std::function<bool(std::string_view task, std::int64_t done, std::int64_t total)>;

/// Tells `watcher`, if there is one. Throws `interrupted` when it asks for a stop.
inline void report(const progress& watcher, std::string_view task, std::int64_t done, std::int64_t total) {
  if (watcher && !watcher(task, done, total)) {
    throw interrupted(sentence(task, ": stopped on request after ", done, " of ", total));
  }
}

}  // namespace lookalike
