#pragma once

/// \file
/// Layers by the name of their kind, for networks that are read from files: all kinds of the library are
/// listed here, those of one's own are added.

#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// A set of kinds. `layer_registry()` is empty; `standard_layers()` has the library's.
class layer_registry {
 public:
  /// Adds the kind of a layer struct: `registry.add<my_layer>()`. Throws `value_error` when another layer of
  /// that name is there already.
  template <class Layer>
  layer_registry& add() {
    return add(rules_of<Layer>);
  }
  /// Adds a kind that exists only at run time; `rules` must outlive what is made of it.
  layer_registry& add(const layer_rules& rules) {
    const layer_rules* known = find(rules.kind);
    require(known == nullptr || known == &rules, "layer_registry: another layer is called '", rules.kind,
            "' already");
    if (known == nullptr) kinds_.push_back(&rules);
    return *this;
  }
  /// The rules of a kind, or null.
  const layer_rules* find(std::string_view kind) const {
    for (const layer_rules* rules : kinds_) {
      if (rules->kind == kind) return rules;
    }
    return nullptr;
  }
  std::span<const layer_rules* const> kinds() const { return kinds_; }

 private:
  std::vector<const layer_rules*> kinds_;
};

namespace detail {

template <class... Layers>
layer_registry registry_of() {
  layer_registry registry;
  (registry.add<Layers>(), ...);
  return registry;
}

}  // namespace detail

/// All kinds of the library. A copy of it takes one's own: `auto mine = standard_layers();
/// mine.add<my_layer>();`
inline const layer_registry& standard_layers() {
  namespace l = layers;
  static const layer_registry all = detail::registry_of<
      detail::input_layer, detail::from_layer,                                                          //
      l::conv, l::transposed_conv, l::fully_connected, l::embedding, l::constant, l::soft_lookup,       //
      l::attention, l::relu, l::leaky_relu, l::elu, l::sigmoid, l::tanh, l::silu, l::gelu, l::softmax,  //
      l::log_softmax, l::batch_norm, l::instance_norm, l::group_norm, l::layer_norm,                    //
      l::local_response_norm, l::dropout, l::max_pool, l::average_pool, l::adaptive_average_pool,       //
      l::adaptive_max_pool, l::global_average_pool, l::global_max_pool, l::max_pool_indices,            //
      l::max_unpool, l::resize, l::upsample, l::add, l::multiply, l::concat, l::slice, l::reshape,      //
      l::flatten, l::permute, l::crop, l::center_crop_to, l::pad_channels>();
  return all;
}

}  // namespace lookalike
