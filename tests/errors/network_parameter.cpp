// expected: model: no parameter is called
// expected: encoder.conv0.wait
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | named("encoder", conv(8)); }
};
auto weights(model<definition>& net) {
  return net.get<"encoder.conv0.wait">();
}
