#include <sstream>

#include <catch2/catch.hpp>

#include <lookalike/models/resnet.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/summary.hpp>

#include "plain_layers.hpp"

namespace summary_test {

using namespace lookalike;

namespace {

struct definition {
  static constexpr architecture define() {
    return input(3) | named("enc", plain::conv(8, 3, 2) | plain::norm() | plain::relu()) |
           shared("t", plain::conv(8, 1)) | shared("t", plain::conv(8, 1)) | skip(plain::scale(0.5)) |
           plain::conv(2, 1);
  }
};

}  // namespace

TEST_CASE("a summary has a row for each layer, with what it costs") {
  const network_summary s = summary(definition::define(), 16, 8);
  REQUIRE(s.rows.size() == 9);
  CHECK(s.rows[0].kind == "input");
  CHECK(s.rows[1].name == "enc.conv0");
  CHECK(s.rows[1].options == "channels 8, kernel 3, stride 2");
  CHECK(s.rows[1].output == shape{8, 8, 4});
  CHECK(s.rows[1].parameters == 8 * 27 + 8);
  CHECK(s.rows[1].multiply_adds == 8 * 8 * 4 * 27);
  CHECK(s.rows[1].activation_bytes == 8 * 8 * 4 * 4);
  CHECK(s.rows[2].parameters == 16);
  CHECK(s.rows[2].buffers == 16);
  CHECK(s.rows[4].parameters == 72);
  CHECK(s.rows[5].parameters == 0);  // the same as before
  CHECK(s.rows[5].multiply_adds == 64 * 32);
  CHECK(s.rows[6].options == "factor 0.5");
  CHECK(s.rows[7].name == "conv0.input");
  CHECK(s.rows[7].output.channels == 16);
  CHECK(s.parameters == 224 + 16 + 72 + 34);
  CHECK(s.parameters == model<definition>::static_parameter_count);
  CHECK(s.parameter_bytes == (s.parameters + 16) * 4);
  CHECK(s.multiply_adds == 8 * 32 * 27 + 2 * 64 * 32 + 32 * 32);
  std::int64_t bytes = 0;
  for (const summary_row& row : s.rows) bytes += row.activation_bytes;
  CHECK(s.activation_bytes == bytes);
  CHECK(s.inference_bytes < bytes);
  CHECK(s.training_bytes > s.inference_bytes);
}

TEST_CASE("what a summary says of memory is what a pass takes") {
  const model<definition> net;
  const network_summary s = summary(net, 16, 8);
  const auto x = tensor<float>(1, 3, 16, 8);
  const std::int64_t pass = static_cast<std::int64_t>(net.forward(x).memory());
  CHECK(pass >= s.inference_bytes);
  CHECK(pass <= s.inference_bytes + 1024);  // scratch memory and alignment
}

TEST_CASE("where extents are open a summary counts parameters only") {
  const network_summary s = summary(definition::define());
  CHECK_FALSE(s.extents_known);
  CHECK(s.parameters == 346);
  CHECK(s.multiply_adds == 0);
  CHECK(s.text().find("8 x ? x ?") != std::string::npos);
  CHECK(s.text().find("extents of the input are open") != std::string::npos);
}

TEST_CASE("networks summarize like their architectures") {
  const std::string wanted = summary(definition::define(), 16, 8).text();
  CHECK(summary(model<definition, float, 16, 8>()).text() == wanted);
  CHECK(summary(dynamic_model<float>(definition::define()), 16, 8).text() == wanted);
  CHECK(summary(dynamic_model<double>(definition::define()), 16, 8).parameter_bytes == 8 * (346 + 16));
  CHECK_THROWS_WITH(summary(plain::conv(3)),
                    "conv0: nothing comes in; a network begins with input(channels)");
}

TEST_CASE("the text of a summary") {
  std::ostringstream out;
  out << summary(input(3) | named("a", plain::conv(2)) | plain::relu(), 32, 32);
  CHECK(out.str() ==
        "name     layer                        output       parameters  multiply-adds     bytes\n"
        "--------------------------------------------------------------------------------------\n"
        "input0   input (channels 3)           3 x 32 x 32                             12.0 KiB\n"
        "a.conv0  conv (channels 2, kernel 3)  2 x 32 x 32          56         55,296   8.0 KiB\n"
        "relu0    relu                         2 x 32 x 32                              8.0 KiB\n"
        "--------------------------------------------------------------------------------------\n"
        "parameters: 56 (224 B)\n"
        "multiply-adds for one picture: 55,296\n"
        "values of one picture: 28.0 KiB; they share 20.0 KiB in inference, 40.0 KiB in training with their "
        "gradients\n");
}

TEST_CASE("a residual network's table has the figures of the paper") {
  const network_summary s = summary(resnet18(), 224, 224);
  CHECK(s.parameters == 11689512);
  CHECK(s.multiply_adds / 1000000 == 1814);  // "1.8 x 10^9"
}

}  // namespace summary_test
