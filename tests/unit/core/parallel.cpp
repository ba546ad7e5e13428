#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

#include <lookalike/core/parallel.hpp>

using namespace lookalike;

namespace {

/// Enough steps of some length that a loop cannot be over before every thread has had its turn.
constexpr int steps = 4000;
void take_a_moment() {
  std::this_thread::sleep_for(std::chrono::microseconds(50));
}

}  // namespace

TEST_CASE("every step runs exactly once, for any number of threads") {
  for (int count : {1, 2, 3, 8}) {
    const thread_scope scope(count);
    for (std::int64_t wanted : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(wanted));
      parallel_for(wanted, [&](std::int64_t i) { ++runs[static_cast<std::size_t>(i)]; });
      for (const auto& run : runs) REQUIRE(run == 1);
    }
  }
  bool ran = false;
  parallel_for(-5, [&](std::int64_t) { ran = true; });
  CHECK_FALSE(ran);
}

TEST_CASE("an exception of a step reaches the caller, with its type and message, and ends the loop") {
  for (int count : {1, 4}) {
    const thread_scope scope(count);
    std::atomic<int> runs{0};
    const auto loop = [&] {
      parallel_for(steps, [&](std::int64_t i) {
        ++runs;
        take_a_moment();
        if (i == 17) throw std::domain_error("step seventeen");
      });
    };
    CHECK_THROWS_AS(loop(), std::domain_error);
    CHECK_THROWS_WITH(loop(), "step seventeen");
    CHECK(runs < 2 * steps - steps / 4);  // the rest was left out
    // The pool is as good as before.
    std::atomic<int> after{0};
    parallel_for(100, [&](std::int64_t) { ++after; });
    CHECK(after == 100);
  }
}

TEST_CASE("when all steps throw, one exception arrives") {
  for (int count : {1, 4}) {
    const thread_scope scope(count);
    CHECK_THROWS_AS(parallel_for(50, [](std::int64_t i) { throw value_error(std::to_string(i)); }),
                    value_error);
  }
}

TEST_CASE("a watcher hears of progress on the calling thread only, and of the end") {
  for (int count : {1, 4}) {
    const thread_scope scope(count);
    const auto caller = std::this_thread::get_id();
    bool elsewhere = false;
    bool in_order = true;
    std::int64_t last = 0;
    parallel_for(
        500, [](std::int64_t) {},
        [&](std::string_view task, std::int64_t done, std::int64_t total) {
          elsewhere |= std::this_thread::get_id() != caller;
          in_order &= done >= last && done <= total && total == 500 && task == "sorting";
          last = done;
          return true;
        },
        "sorting");
    CHECK_FALSE(elsewhere);
    CHECK(in_order);
    CHECK(last == 500);
  }
}

TEST_CASE("a watcher that says no interrupts the loop") {
  for (int count : {1, 4}) {
    const thread_scope scope(count);
    std::atomic<int> runs{0};
    const auto loop = [&] {
      parallel_for(
          steps,
          [&](std::int64_t) {
            ++runs;
            take_a_moment();
          },
          [](std::string_view, std::int64_t done, std::int64_t) { return done < 10; }, "sorting");
    };
    CHECK_THROWS_AS(loop(), interrupted);
    CHECK(runs < steps);
  }
}

TEST_CASE("a stop is noticed within a long step, on every thread, through loops inside loops") {
  for (int count : {1, 4}) {
    const thread_scope scope(count);
    const auto caller = std::this_thread::get_id();
    std::atomic<int> calls{0}, beats{0};
    std::atomic<bool> elsewhere{false};
    const auto loop = [&] {
      parallel_for(
          4,
          [&](std::int64_t, const progress& heartbeat) {
            for (;;) {  // ends only by interruption
              parallel_for(
                  3, [&](std::int64_t, const progress& inner) { report(inner, "inner", ++beats, -1); },
                  heartbeat);
              take_a_moment();
            }
          },
          [&](std::string_view task, std::int64_t done, std::int64_t total) {
            if (std::this_thread::get_id() != caller || task != "outer" || done != 0 || total != 4) {
              elsewhere = true;
            }
            return ++calls < 20;
          },
          "outer");
    };
    CHECK_THROWS_AS(loop(), interrupted);
    CHECK_FALSE(elsewhere);
    CHECK(calls == 20);
  }
}

TEST_CASE("a loop inside a loop runs on the thread it is on") {
  const thread_scope scope(4);
  std::atomic<int> inner_runs{0};
  std::atomic<int> strangers{0};
  parallel_for(16, [&](std::int64_t) {
    const auto here = std::this_thread::get_id();
    parallel_for(10, [&](std::int64_t) {
      ++inner_runs;
      if (std::this_thread::get_id() != here) ++strangers;
    });
  });
  CHECK(inner_runs == 160);
  CHECK(strangers == 0);
}

TEST_CASE("the number of threads is what was set, and returns at the end of a scope") {
  const int before = threads();
  CHECK(before >= 1);
  {
    const thread_scope scope(3);
#ifdef _OPENMP
    CHECK(threads() == 3);
#else
    CHECK(threads() == 1);
#endif
    CHECK_THROWS_AS(set_threads(-1), value_error);
  }
  CHECK(threads() == before);
}

TEST_CASE("loops work in a child forked before and after loops of the parent") {
  const auto child_counts = [](int expected) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::alarm(20);  // a child that waits for threads it does not have must not wait forever
      std::atomic<int> runs{0};
      const thread_scope scope(4);
      parallel_for(expected, [&](std::int64_t) { ++runs; });
      ::_exit(runs == expected ? 0 : 1);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  };
  CHECK(child_counts(1000));
  const thread_scope scope(4);
  parallel_for(1000, [](std::int64_t) {});
  CHECK(child_counts(1000));
  std::atomic<int> runs{0};
  parallel_for(1000, [&](std::int64_t) { ++runs; });  // and the parent is as it was
  CHECK(runs == 1000);
}
