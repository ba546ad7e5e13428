#pragma once

/// \file
/// Networks as values.
/// Written by tools/umbrella.

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/averaged_weights.hpp>
#include <lookalike/nn/cifar.hpp>
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/data_loader.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/early_stopping.hpp>
#include <lookalike/nn/extent.hpp>
#include <lookalike/nn/fingerprint.hpp>
#include <lookalike/nn/fuse.hpp>
#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/gradient_report.hpp>
#include <lookalike/nn/infer_shapes.hpp>
#include <lookalike/nn/initialize.hpp>
#include <lookalike/nn/layer.hpp>
#include <lookalike/nn/layer_registry.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/layers/activations.hpp>
#include <lookalike/nn/layers/adaptive_pooling.hpp>
#include <lookalike/nn/layers/batch_norm.hpp>
#include <lookalike/nn/layers/concat.hpp>
#include <lookalike/nn/layers/constant.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/layers/crop.hpp>
#include <lookalike/nn/layers/dropout.hpp>
#include <lookalike/nn/layers/elementwise.hpp>
#include <lookalike/nn/layers/embedding.hpp>
#include <lookalike/nn/layers/fully_connected.hpp>
#include <lookalike/nn/layers/group_norm.hpp>
#include <lookalike/nn/layers/instance_norm.hpp>
#include <lookalike/nn/layers/layer_norm.hpp>
#include <lookalike/nn/layers/local_response_norm.hpp>
#include <lookalike/nn/layers/max_unpool.hpp>
#include <lookalike/nn/layers/pad_channels.hpp>
#include <lookalike/nn/layers/permute.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/layers/reshape.hpp>
#include <lookalike/nn/layers/resize.hpp>
#include <lookalike/nn/layers/slice.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/layers/softmax.hpp>
#include <lookalike/nn/layers/transposed_conv.hpp>
#include <lookalike/nn/loss.hpp>
#include <lookalike/nn/losses/binary_cross_entropy.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/losses/regression.hpp>
#include <lookalike/nn/memory_plan.hpp>
#include <lookalike/nn/metrics.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/name_map.hpp>
#include <lookalike/nn/names.hpp>
#include <lookalike/nn/network.hpp>
#include <lookalike/nn/optimizer.hpp>
#include <lookalike/nn/optimizers/adadelta.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/optimizers/sgd.hpp>
#include <lookalike/nn/parameter.hpp>
#include <lookalike/nn/pass.hpp>
#include <lookalike/nn/pointwise.hpp>
#include <lookalike/nn/profile.hpp>
#include <lookalike/nn/receptive_field.hpp>
#include <lookalike/nn/safetensor.hpp>
#include <lookalike/nn/saved_numbers.hpp>
#include <lookalike/nn/schedule.hpp>
#include <lookalike/nn/summary.hpp>
#include <lookalike/nn/tiles.hpp>
#include <lookalike/nn/to_fully_convolutional.hpp>
#include <lookalike/nn/trainer.hpp>
#include <lookalike/nn/tune.hpp>

#if __has_include(<jpeglib.h>) && __has_include(<png.h>) && __has_include(<zlib.h>)
#include <lookalike/nn/cifar_archive.hpp>
#endif

#if __has_include(<nlohmann/json.hpp>)
#include <lookalike/nn/architecture_json.hpp>
#include <lookalike/nn/checkpoint.hpp>
#include <lookalike/nn/safetensors.hpp>
#include <lookalike/nn/weights.hpp>
#endif
