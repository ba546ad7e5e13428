// budget: 0.5 times the reference, 250 MB

/// \file
/// What the algebra itself costs: a pipeline of ten stages with a skip, of stages that cost nothing.

#include <string_view>
#include <tuple>

#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

namespace {

template <int N>
struct value {
  float amount = 0;
};

template <int N>
struct step {
  using input = value<N>;
  using output = value<N + 1>;
  static constexpr std::string_view name = "step";
  output operator()(const input& x) const { return {x.amount + 1.0f}; }
};

}  // namespace

int main() {
  using namespace lookalike;
  const auto join = [](const std::tuple<value<2>, value<5>>& x) {
    return value<6>{std::get<0>(x).amount + std::get<1>(x).amount};
  };
  const auto whole = step<0>{} | step<1>{} | skip(step<2>{} | step<3>{} | step<4>{}) | join | step<6>{} |
                     step<7>{} | step<8>{};
  return whole(value<0>{1.0f}).amount > 0.0f ? 0 : 1;
}
