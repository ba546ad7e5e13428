#pragma once

/// \file
/// What widely used PyTorch versions of our networks call their parameters, so that their `state_dict`s load
/// and ours load there: `load_weights("resnet18.safetensors", net.parameters(), net.values(),
/// torch_names::resnet())`. Each map is read in both directions (nn/name_map.hpp). Where a file was saved
/// from `torch.nn.DataParallel`, all its names begin with "module."; `data_parallel(torch_names::resnet())`
/// reads it.

#include <string>
#include <string_view>
#include <vector>

#include <lookalike/nn/name_map.hpp>

namespace lookalike::torch_names {

/// torchvision's `alexnet`: our `alexnet_single_tower`.
inline name_map alexnet() {
  return {{"features.0", "features.conv0"},
          {"features.3", "features.conv1"},
          {"features.6", "features.conv2"},
          {"features.8", "features.conv3"},
          {"features.10", "features.conv4"},
          {"classifier.1", "classifier.fully_connected0"},
          {"classifier.4", "classifier.descriptor.fully_connected0"},
          {"classifier.6", "classifier.fully_connected1"}};
}

/// torchvision's `resnet18` to `resnet152`: ours with shortcuts of kind B and the stride in the middle.
inline name_map resnet() {
  return {{"downsample.0", "shortcut.conv0"}, {"downsample.1", "shortcut.batch_norm0"},
          {"conv{n+1}", "conv{n}"},           {"bn{n+1}", "batch_norm{n}"},
          {"fc", "fully_connected0"},         {"running_var", "running_variance"}};
}

/// akamaster's pytorch_resnet_cifar10, whose `resnet20` to `resnet1202` are our `cifar_resnet`.
inline name_map cifar_resnet() {
  return {{"shortcut.0", "shortcut.conv0"}, {"shortcut.1", "shortcut.batch_norm0"},
          {"conv{n+1}", "conv{n}"},         {"bn{n+1}", "batch_norm{n}"},
          {"linear", "fully_connected0"},   {"running_var", "running_variance"}};
}

/// milesial's Pytorch-UNet without bilinear upsampling: our `unet_normalized`, with so many `levels` (4
/// there).
inline name_map unet(int levels = 4) {
  std::vector<name_rule> rules;
  std::string below;  // "below.below.", the way down
  for (int level = 0; level < levels; ++level) {
    const std::string down = level == 0 ? "^inc" : sentence("^down", level, ".maxpool_conv.1");
    const std::string up = sentence("^up", levels - level);
    rules.push_back({down + ".double_conv", "^" + below + "encoder"});
    rules.push_back({up + ".up", "^" + below + "up.transposed_conv0"});
    rules.push_back({up + ".conv.double_conv", "^" + below + "decoder"});
    below += "below.";
  }
  rules.push_back({sentence("^down", levels, ".maxpool_conv.1.double_conv"), "^" + below + "bottleneck"});
  return name_map(rules) + name_map{{"^outc.conv", "^conv0"}, {"0", "conv0"},
                                    {"1", "batch_norm0"},     {"3", "conv1"},
                                    {"4", "batch_norm1"},     {"running_var", "running_variance"}};
}

/// The authors' pytorch-CycleGAN-and-pix2pix, `UnetGenerator` with batch normalization ("unet_256"): our
/// `pix2pix_generator` with so many `levels` (8 there; "unet_128" has 7).
inline name_map pix2pix_generator(int levels = 8) {
  std::string theirs = "^model.model.1";
  std::string ours = "^below";
  for (int level = 2; level < levels; ++level) {
    theirs += ".model.3";
    ours += ".below";
  }
  // The innermost level lacks what lies between the two convolutions of the others, and so counts
  // differently.
  return {{theirs + ".model.1", ours + ".conv0"},
          {theirs + ".model.3", ours + ".transposed_conv0"},
          {theirs + ".model.4", ours + ".batch_norm0"},
          {"^model.model.0", "^conv0"},
          {"^model.model.3", "^transposed_conv0"},
          {"^model.model.1", "^below"},
          {"model.3", "below"},
          {"model.1", "conv0"},
          {"model.2", "batch_norm0"},
          {"model.5", "transposed_conv0"},
          {"model.6", "batch_norm1"},
          {"running_var", "running_variance"}};
}

/// The same authors' `NLayerDiscriminator` with batch normalization: our `patch_discriminator`.
inline name_map patch_discriminator() {
  return {{"^model.0", "^conv0"},
          {"^model.{3n+2}", "^conv{n+1}"},
          {"^model.{3n+3}", "^batch_norm{n}"},
          {"running_var", "running_variance"}};
}

/// The authors' colorization for PyTorch, `eccv16`: our `colorful_colorization_release`. For
/// `colorful_colorization`, which leaves its decoder "model_out" out, load without `strict`.
inline name_map colorful_colorization() {
  return {{"^model_out", "^decode.conv0"},
          {"^model8.0", "^block8.transposed_conv0"},
          {"^model8.2", "^block8.conv0"},
          {"^model8.4", "^block8.conv1"},
          {"^model8.6", "^conv0"},
          {"^model1.4", "^block1.batch_norm0"},
          {"^model2.4", "^block2.batch_norm0"},
          {"^model{b}.6", "^block{b}.batch_norm0"},
          {"^model{b}.{2n}", "^block{b}.conv{n}"},
          {"running_var", "running_variance"}};
}

/// otenim's GLCIC-PyTorch, `CompletionNetwork`: our `completion_network(64,
/// normalization_place::after_relu)`.
inline name_map completion_network() {
  return {{"deconv13", "decoder.transposed_conv0"},
          {"deconv15", "decoder.transposed_conv1"},
          {"conv14", "decoder.conv2"},
          {"conv16", "decoder.conv3"},
          {"conv17", "decoder.conv4"},
          {"conv{n+11}", "decoder.conv{n}"},
          {"bn{n+11}", "decoder.batch_norm{n}"},
          {"conv{n+7}", "context.conv{n}"},
          {"bn{n+7}", "context.batch_norm{n}"},
          {"conv{n+1}", "encoder.conv{n}"},
          {"bn{n+1}", "encoder.batch_norm{n}"},
          {"running_var", "running_variance"}};
}

/// The same port's `ContextDiscriminator` in the mode "places2": our `completion_discriminator`, normalized
/// after rectification likewise.
inline name_map completion_discriminator() {
  return {{"model_ld.linear6", "local_critic.fully_connected0"},
          {"model_gd.linear7", "global_critic.fully_connected0"},
          {"model_ld.conv{n+1}", "local_critic.conv{n}"},
          {"model_ld.bn{n+1}", "local_critic.batch_norm{n}"},
          {"model_gd.conv{n+1}", "global_critic.conv{n}"},
          {"model_gd.bn{n+1}", "global_critic.batch_norm{n}"},
          {"linear1", "fully_connected0"},
          {"running_var", "running_variance"}};
}

/// The same names with "module." in front, as `torch.nn.DataParallel` has them.
inline name_map data_parallel(const name_map& names) {
  static constexpr std::string_view front = "module.";
  return name_map([names](std::string_view ours) { return std::string(front) + names.theirs(ours); },
                  [names](std::string_view theirs) {
                    require(theirs.starts_with(front), "data_parallel: given '", theirs,
                            "', wanted a name that begins with '", front, "'");
                    return names.ours(theirs.substr(front.size()));
                  });
}

}  // namespace lookalike::torch_names
