#pragma once

// A disk that is full, on demand, for tests of what is written.

#include <csignal>

#include <catch2/catch.hpp>
#include <sys/resource.h>

/// For its life, no file of this process grows beyond `bytes`.
struct full_disk {
  rlimit before{};
  void (*handler)(int);
  explicit full_disk(rlim_t bytes) : handler(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limit{bytes, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~full_disk() {
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
};
