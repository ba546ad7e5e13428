#pragma once

/// \file
/// A number that tells networks apart by what they compute. What was made with a network and outlives it, a
/// column of descriptors for instance, keeps it, and is not used with another network.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <lookalike/core/hash.hpp>
#include <lookalike/nn/network.hpp>

namespace lookalike {

namespace detail {

/// Bytes to hash, put together such that no two lists of values make the same bytes.
class fingerprint_bytes {
 public:
  template <class Value>
  requires std::is_arithmetic_v<Value>
  void add(Value value) {
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  template <class Value>
  void add(std::span<const Value> values) {
    add(static_cast<std::uint64_t>(values.size()));
    for (const Value value : values) add(value);
  }
  void add(std::string_view text) { add(std::span<const char>(text.data(), text.size())); }
  void add(const shape& s) {
    for (const int extent : {s.channels, s.height, s.width}) add(extent);
  }

  std::uint64_t hash() const { return hash64(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace detail

/// A 64-bit hash of the layers of a network with their options and connections, the extents of its inputs,
/// its outputs, the parts that can be asked for by name, and all its parameters. `model` and `dynamic_model`
/// of one architecture and the same parameters have the same; how the network is executed
/// (`set_execution`, `prepare`) does not matter, nor do names that nobody can ask for. Layers count as the
/// same where their kinds are called the same, as in `architecture`'s `==`. Linear in the parameters, several
/// bytes a clock cycle.
template <class Scalar>
std::uint64_t fingerprint(const network<Scalar>& net) {
  const detail::program<Scalar>& p = net.program();
  detail::fingerprint_bytes bytes;
  for (int i = 0; i < p.graph.size(); ++i) {
    bytes.add(p.graph.at(i).kind);
    bytes.add(p.graph.instance(i).attributes);
    bytes.add(p.graph.inputs(i));
  }
  for (const int input : p.inputs) bytes.add(p.shapes[static_cast<std::size_t>(input)]);
  bytes.add(p.graph.exits);
  for (const detail::named_part& part : p.parts) {
    bytes.add(p.text_of(part.text));
    bytes.add(part.node);
  }
  bytes.add(hash64(std::as_bytes(net.values())));
  return bytes.hash();
}

}  // namespace lookalike
