#pragma once

/// \file
/// All layers of the library. Each has a header of its own in nn/layers/; a layer of one's own has the same
/// form (nn/layer.hpp).

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
