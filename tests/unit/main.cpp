/// \file
/// The main program of every unit test executable; it is compiled once and shared.

#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
