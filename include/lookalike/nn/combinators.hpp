#pragma once

/// \file
/// How architectures are put together. Between layers flows a flat list of tensors: `branch(a, b)` yields two
/// where one came in, and a layer of one input that is given several receives them concatenated by channel.
///
///     constexpr architecture unet(int levels, int channels, auto block) {
///       if (levels == 0) return named("bottleneck", block(channels));
///       return named("encoder", block(channels))
///            | skip(max_pool(2) | named("below", unet(levels - 1, 2 * channels, block))
///                               | named("up", up_conv(channels)))
///            | named("decoder", block(channels));
///     }
///
/// `|` is associative, and `skip(body)` is `branch(identity(), body)`, here as among the stages of a pipeline
/// (stage/pipeline.hpp, stage/branch.hpp), which are written in the same words. A part of a network is called
/// by its path: `named("encoder", conv(8) | relu())` holds `encoder.conv0` and `encoder.relu0`, and `encoder`
/// is what it yields.

#include <concepts>
#include <string_view>
#include <utility>

#include <lookalike/core/static_text.hpp>
#include <lookalike/nn/architecture.hpp>

namespace lookalike {

namespace detail {

/// Where a network begins. Yields what the caller gives.
struct input_layer {
  static constexpr std::string_view kind = "input";
  static constexpr int inputs = 0;
  int channels = 0;
  int height = dynamic;
  int width = dynamic;
  static constexpr auto attributes =
      std::tuple(attribute("channels", &input_layer::channels), attribute("height", &input_layer::height),
                 attribute("width", &input_layer::width));

  constexpr shape infer_shape(std::span<const shape>, diagnosis& problem) const {
    if (channels < 1) problem << "expects 1 or more channels, given " << channels;
    return {channels, height, width};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>&) const {}
  template <class Scalar>
  void backward(const backward_call<Scalar>&) const {}
};

/// A reference by name; replaced by an edge before anything runs (nn/detail/resolve.hpp).
struct from_layer {
  static constexpr std::string_view kind = "from";
  static constexpr int inputs = 0;
  constexpr shape infer_shape(std::span<const shape>, diagnosis&) const { return {}; }
  template <class Scalar>
  void forward(const forward_call<Scalar>&) const {}
};

constexpr architecture in_scope(std::string_view name, const architecture& body, bool shared) {
  architecture a;
  name_scope s;
  s.name = append(a.characters, name);
  s.shared = shared;
  a.scopes.push_back(s);
  a.exits = splice(a, body, {incoming}, 0);
  a.scopes[0].exits = append(a.edges, a.exits);
  return a;
}

constexpr void append_branch(architecture& a, constexpr_vector<int>& exits, const architecture& body) {
  for (int exit : splice(a, body, {incoming})) exits.push_back(exit);
}

}  // namespace detail

/// Extents of an input that a network insists on.
struct input_options {
  int height = dynamic;
  int width = dynamic;
};

/// Where a network begins: a picture, or a batch of them, of `channels` channels.
constexpr architecture input(int channels, input_options options = {}) {
  const auto numbers = detail::to_numbers(detail::input_layer{channels, options.height, options.width});
  return detail::single_node(rules_of<detail::input_layer>, numbers, {});
}

/// One of several inputs, by name: `branch(input("image", 3), input("mask", 1)) | conv(64)`.
constexpr architecture input(std::string_view name, int channels, input_options options = {}) {
  const auto numbers = detail::to_numbers(detail::input_layer{channels, options.height, options.width});
  return detail::single_node(rules_of<detail::input_layer>, numbers, {}, name);
}

/// What comes in, unchanged.
constexpr architecture identity() {
  return {};
}

/// `a`, and then `b` with what `a` yields.
constexpr architecture operator|(architecture a, const architecture& b) {
  const constexpr_vector<int> feed = a.exits;
  a.exits = detail::splice(a, b, feed);
  return a;
}

/// All of `bodies` with what comes in; yields what they yield, one after another.
template <std::same_as<architecture>... Bodies>
constexpr architecture branch(const architecture& first, const Bodies&... others) {
  architecture a;
  constexpr_vector<int> exits;
  detail::append_branch(a, exits, first);
  (detail::append_branch(a, exits, others), ...);
  a.exits = std::move(exits);
  return a;
}

/// The same for a list of them.
constexpr architecture branch(const constexpr_vector<architecture>& bodies) {
  architecture a;
  constexpr_vector<int> exits;
  for (const architecture& body : bodies) detail::append_branch(a, exits, body);
  a.exits = std::move(exits);
  return a;
}

/// A skip connection: what comes in, and what `body` makes of it.
constexpr architecture skip(const architecture& body) {
  return branch(identity(), body);
}

/// `body` with a name before the names in it.
constexpr architecture named(std::string_view name, const architecture& body) {
  return detail::in_scope(name, body, false);
}

/// `body` with a name; wherever the same full name comes again, the parameters are the same.
constexpr architecture shared(std::string_view name, const architecture& body) {
  return detail::in_scope(name, body, true);
}

/// What the part of that name yields (the nearest one before, looked for in the scopes around, inner ones
/// first), instead of what comes in: `branch(identity(), from("encoder.conv1")) | conv(8)`.
constexpr architecture from(std::string_view name) {
  return detail::single_node(rules_of<detail::from_layer>, {}, {}, name);
}

/// Hands on what comes in, and has the parts of these names (looked for in the scopes around, inner ones
/// first) kept in inference, so that a pass can show them.
template <std::convertible_to<std::string_view>... Names>
constexpr architecture expose(const Names&... names) {
  architecture a;
  (a.exposed.push_back({detail::append(a.characters, std::string_view(names)), -1}), ...);
  return a;
}

/// `count` times `body`, one after another, named "0", "1" and so on.
constexpr architecture repeat(int count, const architecture& body) {
  architecture a;
  for (int i = 0; i < count; ++i) {
    static_sentence name;
    name << i;
    a = std::move(a) | named(name.view(), body);
  }
  return a;
}

}  // namespace lookalike
