#pragma once

// Stages for the tests of error sentences.

#include <string_view>

#include <lookalike/image/image.hpp>
#include <lookalike/stage/stage.hpp>

struct descriptor {
  static constexpr std::string_view value_name = "descriptor";
};

struct gist {
  using input = lookalike::image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "gist";
  descriptor operator()(const lookalike::image<3>&) const { return {}; }
};

struct edges {
  using input = lookalike::image<1>;
  using output = descriptor;
  static constexpr std::string_view name = "edges";
  descriptor operator()(const lookalike::image<1>&) const { return {}; }
};

struct to_gray {
  using input = lookalike::image<3>;
  using output = lookalike::image<1>;
  static constexpr std::string_view name = "to_gray";
  lookalike::image<1> operator()(const lookalike::image<3>&) const { return {}; }
};
