#pragma once

// Long calls: without the GIL, and so that Ctrl-C and progress callbacks reach them.

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <pybind11/pybind11.h>

#include <lookalike/core/progress.hpp>

namespace lookalike::python {

namespace py = pybind11;

/// Hears what a long call reports, on the thread that made the call. At most every `pause`, at the start of a
/// task and at its end, it lets Python handle signals (Ctrl-C raises KeyboardInterrupt) and calls the user's
/// function. Both can end the call: by an exception, or the function by returning False.
class watch {
 public:
  /// `callback` is None or is called as `callback(task, done, total)`.
  explicit watch(py::object callback) : callback_(std::move(callback)) {}

  /// Runs `work(watcher)` without the GIL. Throws what `work` throws, or, where Python ended the call, the
  /// exception that did.
  template <class Work>
  auto run(const Work& work) {
    try {
      const py::gil_scoped_release released;
      return work(progress([this](std::string_view task, std::int64_t done, std::int64_t total) {
        return hear(task, done, total);
      }));
    } catch (const interrupted&) {
      if (failure_) std::rethrow_exception(failure_);
      throw;
    }
  }

 private:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds pause{50};

  bool hear(std::string_view task, std::int64_t done, std::int64_t total) {
    const bool first_or_last = task != task_ || (total >= 0 && done >= total);
    const auto now = clock::now();
    if (!first_or_last && now - heard_ < pause) return true;
    heard_ = now;
    if (task != task_) task_ = task;

    const py::gil_scoped_acquire held;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (callback_.is_none()) return true;
      const py::object answer = callback_(task_, done, total);
      return answer.ptr() != Py_False;
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
  }

  py::object callback_;
  std::string task_;
  clock::time_point heard_;
  std::exception_ptr failure_;
};

}  // namespace lookalike::python
