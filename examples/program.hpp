#pragma once

// What all programs have in common: exit status, interruption, progress, and the folder for results.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <lookalike/core/error.hpp>

namespace program {

/// Whether somebody wishes that the program stops.
inline std::atomic<bool> stop_requested{false};

/// Parses the command line and calls `run`. Returns the exit status: 0 done, 1 bad input or a failure (one
/// line on standard error), 2 wrong usage, 130 interrupted.
template <class Run>
int run_program(CLI::App& app, int argc, char** argv, const Run& run) {
  try {
    app.parse(argc, argv);
    std::signal(SIGINT, [](int) { stop_requested = true; });
    std::signal(SIGTERM, [](int) { stop_requested = true; });
    run();
    return 0;
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? 0 : 2;
  } catch (const lookalike::interrupted& stopped) {
    std::cerr << app.get_name() << ": " << stopped.what() << '\n';
    return 130;
  } catch (const std::exception& failure) {
    std::cerr << app.get_name() << ": " << failure.what() << '\n';
    return 1;
  }
}

/// A `lookalike::progress`: draws it on a terminal; elsewhere says once what is being done. Hears of a wish
/// to stop.
class progress_line {
 public:
  bool operator()(std::string_view task, std::int64_t done, std::int64_t total) {
    const bool finished = total >= 0 && done >= total;
    if (task != task_) {
      task_ = task;
      if (!terminal_) std::cerr << task_ << "..." << std::endl;
    }
    const auto now = std::chrono::steady_clock::now();
    if (terminal_ && (finished || now - drawn_ > std::chrono::milliseconds(100))) {
      drawn_ = now;
      std::cerr << "\r\033[K" << task_ << ' ' << done;
      if (total >= 0) std::cerr << " of " << total;
      if (finished) std::cerr << '\n';
      std::cerr << std::flush;
    }
    return !stop_requested;
  }

 private:
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  std::string task_;
  std::chrono::steady_clock::time_point drawn_;
};

/// Makes the folder for results. Throws `file_error` if it cannot be made or written to.
inline void make_output_folder(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  lookalike::require<lookalike::file_error>(
      !failure && access(folder.c_str(), W_OK) == 0, folder,
      ": given a folder that cannot be made or written to, wanted one for the results");
}

inline std::string two_digits(std::size_t number) {
  std::ostringstream text;
  text << std::setw(2) << std::setfill('0') << number;
  return text.str();
}

}  // namespace program
