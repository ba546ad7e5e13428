#pragma once

/// \file
/// Loops over several threads. OpenMP where the compiler has it switched on, one thread otherwise. Which
/// thread runs which step never changes a result.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <string_view>
#include <type_traits>

#ifdef _OPENMP
#include <omp.h>
#include <pthread.h>
#endif

#include <lookalike/core/progress.hpp>

namespace lookalike {

namespace detail {
inline std::atomic<int> requested_threads{0};  // 0: as many as OpenMP offers

#ifdef _OPENMP
// libgomp's pool does not survive fork(): a child of a process that has run a parallel region would wait for
// threads that are not there. Such a child works on one thread.
inline std::atomic<bool> pool_started{false};
inline std::atomic<bool> pool_lost{false};
inline void watch_forks() {
  static const int registered =
      pthread_atfork(nullptr, nullptr, [] { pool_lost = pool_lost || pool_started; });
  (void)registered;
}
#endif
}  // namespace detail

/// The number of threads that the next parallel loop uses. By default what OpenMP offers, which respects CPU
/// affinity and OMP_NUM_THREADS; 1 inside a parallel loop, and in a child forked after one.
inline int threads() {
#ifdef _OPENMP
  if (omp_in_parallel() || detail::pool_lost) return 1;
  const int requested = detail::requested_threads;
  return requested > 0 ? requested : omp_get_max_threads();
#else
  return 1;
#endif
}

/// Sets the number of threads for loops to come; 0 returns to the default. Throws `value_error` below 0.
inline void set_threads(int count) {
  require(count >= 0, "set_threads: given ", count, ", wanted a number of threads, or 0 for the default");
  detail::requested_threads = count;
}

/// Sets the number of threads until the end of the scope.
class thread_scope {
 public:
  explicit thread_scope(int count) : previous_(detail::requested_threads) { set_threads(count); }
  ~thread_scope() { detail::requested_threads = previous_; }
  thread_scope(const thread_scope&) = delete;
  thread_scope& operator=(const thread_scope&) = delete;

 private:
  int previous_;
};

namespace detail {
template <class Step>
void run_step(const Step& step, std::int64_t i, const progress& heartbeat) {
  if constexpr (std::is_invocable_v<const Step&, std::int64_t, const progress&>) {
    step(i, heartbeat);
  } else {
    step(i);
  }
}
}  // namespace detail

/// Runs `step(i)` for i in [0, count), in any order, on several threads. An exception stops the loop and is
/// thrown on the calling thread; so does `interrupted` when `watcher` asks for a stop. `watcher` hears of
/// steps done, always on the calling thread.
///
/// Steps that take long are `step(i, heartbeat)`: they hand the progress they are given to what they call, so
/// that a stop is noticed within a step too. Heard on any thread, it counts steps as before.
template <class Step>
void parallel_for(std::int64_t count, const Step& step, const progress& watcher = {},
                  std::string_view task = "work") {
  if (count <= 0) return;
  std::atomic<std::int64_t> done{0};
#ifdef _OPENMP
  const int team = static_cast<int>(std::min<std::int64_t>(threads(), count));
  if (team > 1) {
    detail::watch_forks();
    detail::pool_started = true;
    std::atomic<bool> stop{false};
    std::exception_ptr failure;
    std::mutex failure_guard;
    const auto beat = [&](std::string_view, std::int64_t, std::int64_t) {
      if (watcher && omp_get_thread_num() == 0 && !watcher(task, done, count)) stop = true;
      return !stop;
    };
    const progress heartbeat = std::ref(beat);  // by reference, so that nothing is allocated
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
    for (std::int64_t i = 0; i < count; ++i) {
      if (stop) continue;
      try {
        detail::run_step(step, i, heartbeat);
        const std::int64_t finished = ++done;
        if (omp_get_thread_num() == 0) report(watcher, task, finished, count);
      } catch (...) {
        stop = true;
        const std::lock_guard hold(failure_guard);
        if (!failure) failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    report(watcher, task, count, count);
    return;
  }
#endif
  const auto beat = [&](std::string_view, std::int64_t, std::int64_t) {
    return !watcher || watcher(task, done, count);
  };
  const progress heartbeat = std::ref(beat);
  for (std::int64_t i = 0; i < count; ++i) {
    detail::run_step(step, i, heartbeat);
    report(watcher, task, ++done, count);
  }
}

}  // namespace lookalike
