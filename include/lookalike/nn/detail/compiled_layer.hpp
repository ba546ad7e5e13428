#pragma once

/// \file
/// Layers compiled in advance. Headers only is the default. Who links `lookalike::compiled` (which defines
/// LOOKALIKE_COMPILED) finds the kernels of the library's layers there instead of compiling them in each
/// translation unit; nothing else changes. Every header of nn/layers/ names its layers with
/// LOOKALIKE_COMPILED_LAYER, and the library is made of the same names (cmake/lookalike_compiled.cmake).

/// Declares or defines, as `prefix` is `extern` or empty, what of a layer is worth compiling once.
#define LOOKALIKE_INSTANTIATE_LAYER(prefix, layer)      \
  LOOKALIKE_INSTANTIATE_LAYER_FOR(prefix, layer, float) \
  LOOKALIKE_INSTANTIATE_LAYER_FOR(prefix, layer, double)

#define LOOKALIKE_INSTANTIATE_LAYER_FOR(prefix, layer, scalar)                                               \
  prefix template void detail::layer_adaptor<layers::layer>::forward<scalar>(const layer_rules::instance&,   \
                                                                             const forward_call<scalar>&);   \
  prefix template void detail::layer_adaptor<layers::layer>::backward<scalar>(const layer_rules::instance&,  \
                                                                              const backward_call<scalar>&); \
  prefix template std::int64_t detail::layer_adaptor<layers::layer>::scratch_size<scalar>(                   \
      const layer_rules::instance&, const run_extents&);                                                     \
  prefix template weight_packing detail::layer_adaptor<layers::layer>::packing<scalar>(                      \
      const layer_rules::instance&, const run_extents&);                                                     \
  prefix template void detail::layer_adaptor<layers::layer>::pack<scalar>(                                   \
      const layer_rules::instance&, const weight_packing&, std::span<const shape>,                           \
      std::span<const scalar* const>, scalar*);

#ifdef LOOKALIKE_COMPILED
#define LOOKALIKE_COMPILED_LAYER(layer) LOOKALIKE_INSTANTIATE_LAYER(extern, layer)
#else
#define LOOKALIKE_COMPILED_LAYER(layer)
#endif
