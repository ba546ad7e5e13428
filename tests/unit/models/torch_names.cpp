// Names of parameters: each map must be a bijection between our table and the names that the PyTorch module
// has. The lists below are written down from those modules' definitions: what `list(module.state_dict())`
// gives, without num_batches_tracked, which nn/weights.hpp handles.

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/models/alexnet.hpp>
#include <lookalike/models/colorful_colorization.hpp>
#include <lookalike/models/image_completion.hpp>
#include <lookalike/models/pix2pix.hpp>
#include <lookalike/models/resnet.hpp>
#include <lookalike/models/torch_names.hpp>
#include <lookalike/models/unet.hpp>
#include <lookalike/nn/detail/lowering.hpp>

using namespace lookalike;

namespace {

// A name and the dimensions of what it calls, so that a map that confuses two layers is found out. Dimensions
// are written for layers only, since batch normalization follows them.
class state_dict {
 public:
  using dimensions = std::vector<std::int64_t>;
  struct row {
    std::string name;
    dimensions extents;
    bool operator<(const row& other) const { return name < other.name; }
    bool operator==(const row&) const = default;
  };

  void conv(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel,
            bool bias = true) {
    rows.push_back({name + ".weight", {out, in, kernel, kernel}});
    if (bias) rows.push_back({name + ".bias", {out}});
  }
  void transposed(const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                  bool bias = true) {
    rows.push_back({name + ".weight", {in, out, kernel, kernel}});
    if (bias) rows.push_back({name + ".bias", {out}});
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    rows.push_back({name + ".weight", {out, in}});
    rows.push_back({name + ".bias", {out}});
  }
  void norm(const std::string& name, std::int64_t channels) {
    for (const char* what : {".weight", ".bias", ".running_mean", ".running_var"})
      rows.push_back({name + what, {channels}});
  }

  std::vector<row> rows;
};

// The table of our network, its names translated.
std::vector<state_dict::row> translated(const architecture& a, const name_map& names,
                                        std::vector<std::string>& ours) {
  const detail::lowering low = detail::lower(a);
  REQUIRE(low.problem.text().view() == "");
  std::vector<state_dict::row> rows;
  for (const detail::parameter_slot& slot : low.slots) {
    const pool_range place = low.names[slot.node];
    ours.push_back(std::string(low.text.begin() + place.first, static_cast<std::size_t>(place.count)) + "." +
                   std::string(slot.declared.name));
    rows.push_back(
        {names.theirs(ours.back()),
         {slot.declared.dimensions.begin(), slot.declared.dimensions.begin() + slot.declared.rank}});
  }
  return rows;
}

void check_bijection(const architecture& a, const name_map& names, state_dict theirs) {
  std::vector<std::string> ours;
  std::vector<state_dict::row> rows = translated(a, names, ours);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(names.ours(rows[i].name) == ours[i]);
  std::sort(rows.begin(), rows.end());
  std::sort(theirs.rows.begin(), theirs.rows.end());
  REQUIRE(rows.size() == theirs.rows.size());
  REQUIRE(std::adjacent_find(theirs.rows.begin(), theirs.rows.end()) == theirs.rows.end());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(rows[i].name == theirs.rows[i].name);
    CHECK(rows[i].extents == theirs.rows[i].extents);
  }
}

std::string piece(const std::string& before, int number) {
  return before + std::to_string(number);
}

state_dict residual_network(const std::vector<int>& counts, bool bottleneck) {
  state_dict d;
  d.conv("conv1", 64, 3, 7, false);
  d.norm("bn1", 64);
  int from = 64;
  for (int stage = 0; stage < 4; ++stage) {
    const int channels = 64 << stage;
    const int to = bottleneck ? 4 * channels : channels;
    for (int block = 0; block < counts[static_cast<std::size_t>(stage)]; ++block) {
      const std::string at = piece("layer", stage + 1) + piece(".", block);
      if (bottleneck) {
        d.conv(at + ".conv1", channels, from, 1, false);
        d.conv(at + ".conv2", channels, channels, 3, false);
        d.conv(at + ".conv3", to, channels, 1, false);
        d.norm(at + ".bn3", to);
      } else {
        d.conv(at + ".conv1", channels, from, 3, false);
        d.conv(at + ".conv2", channels, channels, 3, false);
      }
      d.norm(at + ".bn1", channels);
      d.norm(at + ".bn2", channels);
      if (from != to) {
        d.conv(at + ".downsample.0", to, from, 1, false);
        d.norm(at + ".downsample.1", to);
      }
      from = to;
    }
  }
  d.linear("fc", 1000, from);
  return d;
}

state_dict cifar_network(int count, bool projection) {
  state_dict d;
  d.conv("conv1", 16, 3, 3, false);
  d.norm("bn1", 16);
  int from = 16;
  for (int stage = 0; stage < 3; ++stage) {
    const int channels = 16 << stage;
    for (int block = 0; block < count; ++block) {
      const std::string at = piece("layer", stage + 1) + piece(".", block);
      d.conv(at + ".conv1", channels, from, 3, false);
      d.norm(at + ".bn1", channels);
      d.conv(at + ".conv2", channels, channels, 3, false);
      d.norm(at + ".bn2", channels);
      if (from != channels && projection) {
        d.conv(at + ".shortcut.0", channels, from, 1, false);
        d.norm(at + ".shortcut.1", channels);
      }
      from = channels;
    }
  }
  d.linear("linear", 10, 64);
  return d;
}

}  // namespace

TEST_CASE("torchvision's AlexNet") {
  state_dict d;
  d.conv("features.0", 64, 3, 11);
  d.conv("features.3", 192, 64, 5);
  d.conv("features.6", 384, 192, 3);
  d.conv("features.8", 256, 384, 3);
  d.conv("features.10", 256, 256, 3);
  d.linear("classifier.1", 4096, 256 * 6 * 6);
  d.linear("classifier.4", 4096, 4096);
  d.linear("classifier.6", 1000, 4096);
  check_bijection(alexnet_single_tower(), torch_names::alexnet(), d);
}

TEST_CASE("torchvision's residual networks") {
  check_bijection(resnet18(), torch_names::resnet(), residual_network({2, 2, 2, 2}, false));
  check_bijection(resnet34(), torch_names::resnet(), residual_network({3, 4, 6, 3}, false));
  check_bijection(resnet50(), torch_names::resnet(), residual_network({3, 4, 6, 3}, true));
  check_bijection(resnet101(), torch_names::resnet(), residual_network({3, 4, 23, 3}, true));
}

TEST_CASE("the residual networks for CIFAR, with either shortcut") {
  check_bijection(cifar_resnet(20), torch_names::cifar_resnet(), cifar_network(3, false));
  check_bijection(cifar_resnet(110), torch_names::cifar_resnet(), cifar_network(18, false));
  check_bijection(cifar_resnet(20, {.classes = 10, .shortcut = shortcut_kind::projection}),
                  torch_names::cifar_resnet(), cifar_network(3, true));
}

TEST_CASE("the usual U-Net, of any depth") {
  for (const int levels : {2, 4}) {
    state_dict d;
    const auto twice = [&](const std::string& at, int from, int to) {
      d.conv(at + ".double_conv.0", to, from, 3, false);
      d.norm(at + ".double_conv.1", to);
      d.conv(at + ".double_conv.3", to, to, 3, false);
      d.norm(at + ".double_conv.4", to);
    };
    twice("inc", 3, 64);
    for (int level = 1; level <= levels; ++level)
      twice(piece("down", level) + ".maxpool_conv.1", 32 << level, 64 << level);
    for (int step = 1; step <= levels; ++step) {
      const int from = 64 << (levels - step + 1);
      d.transposed(piece("up", step) + ".up", from, from / 2, 2);
      twice(piece("up", step) + ".conv", from, from / 2);
    }
    d.conv("outc.conv", 2, 64, 1);
    check_bijection(unet_normalized({.inputs = 3, .levels = levels}), torch_names::unet(levels), d);
  }
}

TEST_CASE("pix2pix's generators, for pictures of 256 and of 128 pixels") {
  for (const int levels : {7, 8}) {
    state_dict d;
    d.conv("model.model.0", 64, 3, 4, false);
    d.transposed("model.model.3", 128, 3, 4);
    std::string at = "model.model.1";
    for (int level = 1; level < levels; ++level) {
      const int outer = std::min(64 << (level - 1), 512);
      const int inner = std::min(64 << level, 512);
      d.conv(at + ".model.1", inner, outer, 4, false);
      if (level + 1 == levels) {
        d.transposed(at + ".model.3", inner, outer, 4, false);
        d.norm(at + ".model.4", outer);
      } else {
        d.norm(at + ".model.2", inner);
        d.transposed(at + ".model.5", 2 * inner, outer, 4, false);
        d.norm(at + ".model.6", outer);
      }
      at += ".model.3";
    }
    check_bijection(pix2pix_generator({.levels = levels}), torch_names::pix2pix_generator(levels), d);
  }
}

TEST_CASE("PatchGAN") {
  state_dict d;
  d.conv("model.0", 64, 6, 4);
  d.conv("model.2", 128, 64, 4, false);
  d.norm("model.3", 128);
  d.conv("model.5", 256, 128, 4, false);
  d.norm("model.6", 256);
  d.conv("model.8", 512, 256, 4, false);
  d.norm("model.9", 512);
  d.conv("model.11", 1, 512, 4);
  check_bijection(patch_discriminator(), torch_names::patch_discriminator(), d);
}

TEST_CASE("the released colorization network") {
  state_dict d;
  int from = 1;
  const int channels[] = {64, 128, 256, 512, 512, 512, 512};
  for (int block = 1; block <= 7; ++block) {
    const int to = channels[block - 1];
    const int count = block <= 2 ? 2 : 3;
    for (int i = 0; i < count; ++i) {
      d.conv(piece("model", block) + piece(".", 2 * i), to, from, 3);
      from = to;
    }
    d.norm(piece("model", block) + piece(".", 2 * count), to);
  }
  d.transposed("model8.0", 512, 256, 4);
  d.conv("model8.2", 256, 256, 3);
  d.conv("model8.4", 256, 256, 3);
  d.conv("model8.6", 313, 256, 1);
  d.conv("model_out", 2, 313, 1, false);
  check_bijection(colorful_colorization_release(), torch_names::colorful_colorization(), d);
}

TEST_CASE("the completion network and its discriminators") {
  state_dict d;
  const int channels[] = {4, 64, 128, 128, 256, 256, 256, 256, 256, 256, 256, 256, 256, 128, 128, 64, 32, 3};
  for (int i = 1; i <= 17; ++i) {
    const int from = channels[i - 1];
    const int to = channels[i];
    if (i == 13 || i == 15) {
      d.transposed(piece("deconv", i), from, to, 4);
    } else {
      d.conv(piece("conv", i), to, from, i == 1 ? 5 : 3);
    }
    if (i < 17) d.norm(piece("bn", i), to);
  }
  check_bijection(completion_network(64, normalization_place::after_relu), torch_names::completion_network(),
                  d);

  state_dict both;
  for (const std::string which : {"model_ld", "model_gd"}) {
    const int halvings = which == "model_ld" ? 5 : 6;
    int from = 3;
    for (int i = 1; i <= halvings; ++i) {
      const int to = std::min(32 << i, 512);
      both.conv(which + piece(".conv", i), to, from, 5);
      both.norm(which + piece(".bn", i), to);
      from = to;
    }
    both.linear(which + piece(".linear", halvings + 1), 1024, 512 * 4 * 4);
  }
  both.linear("linear1", 1, 2048);
  check_bijection(completion_discriminator(256, 64, 1024, normalization_place::after_relu),
                  torch_names::completion_discriminator(), both);
}

TEST_CASE("names that DataParallel has put something in front of") {
  const name_map names = torch_names::data_parallel(torch_names::pix2pix_generator());
  CHECK(names.theirs("below.conv0.weight") == "module.model.model.1.model.1.weight");
  CHECK(names.ours("module.model.model.1.model.1.weight") == "below.conv0.weight");
  CHECK_THROWS_WITH(names.ours("model.model.0.weight"),
                    "data_parallel: given 'model.model.0.weight', wanted a name that begins with 'module.'");
}
