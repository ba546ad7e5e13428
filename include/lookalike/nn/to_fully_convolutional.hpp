#pragma once

/// \file
/// From a classifier of one size of picture to a network that slides over pictures of any size (Sermanet et
/// al., "OverFeat", 2014; Long, Shelhamer and Darrell, CVPR 2015). A fully connected layer over C x h x w
/// numbers is a convolution with a kernel of h x w and the same weights in the same order; the ones after it
/// are convolutions of 1 x 1. At the native size the result is the same; on a larger picture there is one
/// result for each place to which the native window can be moved by the network's stride. (Where convolutions
/// pad, windows next to the border see zeros and those inside see their neighbors.)

#include <algorithm>
#include <string>
#include <string_view>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/detail/lowering.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/layers/pooling.hpp>

namespace lookalike {

/// A parameter that is called otherwise now. Its numbers and their order are the same.
struct renamed_parameter {
  static_sentence before;
  static_sentence after;
};

/// What `to_fully_convolutional` returns.
struct fully_convolutional {
  architecture network;
  constexpr_vector<renamed_parameter> parameters;  ///< all of them, also those whose name stays
};

namespace detail {

/// How a value of the classifier lives on: as the map `node`, of which a fully connected layer at native size
/// reads `taps` x `taps` pixels that are `apart` pixels apart.
struct sliding_value {
  int node = -1;
  int taps_height = 1, taps_width = 1;
  int apart_height = 1, apart_width = 1;
  bool waits = false;  ///< for a fully connected layer: other layers would see something else
};

class convolutional_writer {
 public:
  constexpr explicit convolutional_writer(const lowering& low) : low_(low), old_(low.graph) {
    out_.characters = low.graph.characters;
    out_.scopes = low.graph.scopes;
    out_.exits = {};
  }

  constexpr fully_convolutional write() {
    constexpr_vector<int> wrote;  // for each node of the result the one it was
    for (int i = 0; i < old_.size(); ++i) values_.push_back(convert(i, wrote));
    for (int i = 0; i < old_.size(); ++i) {
      if (values_[i].waits && is_exit(i)) fail(i, "expects a fully connected layer behind it");
    }
    constexpr_vector<int> exits;
    for (int exit : old_.exits) put_edges(exit, exits);
    out_.exits = std::move(exits);
    for (int s = 0; s < out_.scopes.size(); ++s) {
      constexpr_vector<int> edges;
      for (int exit : old_.range(low_.graph.scopes[s].exits)) put_edges(exit, edges);
      out_.scopes[s].exits = append(out_.edges, edges);
    }
    number_nodes(out_);
    fully_convolutional result;
    for (int n = 0; n < out_.nodes.size(); ++n) {
      const int was = wrote[n];
      const static_sentence name = node_name(out_, n);
      const pool_range slots = low_.slots_of[was];
      bool listed = false;  // shared by an earlier node
      for (int other = 0; other < n; ++other) listed = listed || low_.slots_of[wrote[other]] == slots;
      for (int k = slots.first; k < slots.first + slots.count && !listed; ++k) {
        renamed_parameter row{node_name(old_, was), name};
        row.before << "." << low_.slots[k].declared.name;
        row.after << "." << low_.slots[k].declared.name;
        result.parameters.push_back(row);
      }
      if (old_.at(was).kept) out_.exposed.push_back({append(out_.characters, name.view()), -1});
    }
    result.network = std::move(out_);
    return result;
  }

 private:
  constexpr bool is_exit(int i) const {
    for (int exit : old_.exits)
      if (exit == i) return true;
    return false;
  }
  [[noreturn]] void fail(int i, std::string_view what) const {  // stops the compiler too
    static_sentence text;
    text << "to_fully_convolutional: " << node_name(old_, i) << ": " << what;
    throw value_error(std::string(text.view()));
  }
  /// What reading the old node `i` means now: the parts of an implicit concatenation are listed again.
  constexpr void put_edges(int i, constexpr_vector<int>& edges) const {
    if (old_.at(i).ordinal == implicit_concat) {
      for (int source : old_.inputs(i)) put_edges(source, edges);
    } else {
      edges.push_back(values_[i].node);
    }
  }
  constexpr int put(int i, const layer_rules& rules, std::span<const double> attributes,
                    constexpr_vector<int>& wrote) {
    node n;
    n.rules = &rules;
    n.attributes = append(out_.numbers, attributes);
    n.text = old_.at(i).text;
    n.scope = old_.at(i).scope;
    constexpr_vector<int> edges;
    for (int source : old_.inputs(i)) put_edges(source, edges);
    n.edges = append(out_.edges, edges);
    out_.nodes.push_back(n);
    wrote.push_back(i);
    return out_.nodes.size() - 1;
  }
  constexpr int put(int i, const architecture& one_layer, constexpr_vector<int>& wrote) {
    return put(i, *one_layer.nodes[0].rules, one_layer.numbers.view(), wrote);
  }

  constexpr sliding_value convert(int i, constexpr_vector<int>& wrote) {
    const node& n = old_.at(i);
    const shape& own = low_.shapes[i];
    sliding_value value{-1, own.height, own.width};
    const std::span<const int> inputs = old_.inputs(i);
    if (n.is(rules_of<input_layer>)) {  // of any size
      value.node = put(i, *n.rules, std::array<double, 3>{double(own.channels), dynamic, dynamic}, wrote);
      return value;
    }
    bool waits = false;
    for (int source : inputs) waits = waits || values_[source].waits;
    if (n.ordinal == implicit_concat) {
      if (waits) fail(i, "expects a fully connected layer, given a concatenation");
      return value;
    }
    const std::string_view kind = n.rules->kind;
    const sliding_value from = inputs.empty() ? sliding_value{} : values_[inputs[0]];
    if (kind == "flatten") {
      // Somebody who reads a single pixel reads the same as before.
      value = from;
      value.waits = from.waits || from.taps_height != 1 || from.taps_width != 1;
      if (old_.at(inputs[0]).ordinal == implicit_concat) {
        value.node = put(i, layer(layers::concat{}), wrote);  // a concatenation of its own
      }
      return value;
    }
    if (kind == "fully_connected") {
      const std::span<const double> options = old_.instance(i).attributes;
      value = {};
      value.node = put(i,
                       conv(static_cast<int>(options[0]), {.kernel = {from.taps_height, from.taps_width},
                                                           .padding = 0,
                                                           .dilation = {from.apart_height, from.apart_width},
                                                           .bias = options[1] != 0}),
                       wrote);
      return value;
    }
    const bool average = kind == "adaptive_average_pool" || kind == "global_average_pool";
    if (average || kind == "adaptive_max_pool" || kind == "global_max_pool") {
      const shape& in = low_.shapes[inputs[0]];
      if (waits) fail(i, "expects a fully connected layer before it");
      if (in.height % own.height != 0 || in.width % own.width != 0)
        fail(i, "expects a map whose extents are multiples of the pool's");
      value.apart_height = in.height / own.height;
      value.apart_width = in.width / own.width;
      value.waits = true;
      const extent_2d kernel{value.apart_height, value.apart_width};
      value.node = average ? put(i, average_pool(kernel, {.stride = 1}), wrote)
                           : put(i, max_pool(kernel, {.stride = 1}), wrote);
      return value;
    }
    const layer_window w = n.rules->window(old_.instance(i));
    if (w.everything) fail(i, "sees the whole picture, and no convolution does");
    if (waits) {
      const bool point = inputs.size() == 1 && w.extent_height == 1 && w.extent_width == 1 &&
                         w.stride_height == 1 && w.stride_width == 1 && w.padding_top == 0 &&
                         w.padding_left == 0 && w.upsampling_height == 1 && w.upsampling_width == 1;
      // Parameters that were one for each number of the flattened map are another thing for its channels.
      if (!point || low_.slots_of[i].count > 0) fail(i, "expects a fully connected layer before it");
      value = from;
    }
    value.node = put(i, *n.rules, old_.instance(i).attributes, wrote);
    return value;
  }

  const lowering& low_;
  architecture_view old_;
  architecture out_;
  constexpr_vector<sliding_value> values_;
};

}  // namespace detail

/// Makes convolutions of the fully connected layers of a classifier whose native size is `height` x `width`
/// (for inputs that do not say theirs). Flattening before them goes; adaptive and global pools become pools
/// that slide pixel by pixel. Inputs are of any size then. Works in constant expressions too. Throws
/// `value_error` for a network that does not fit together, and for layers between a flattening or a pool and
/// the fully connected layer that would see something else than before.
constexpr fully_convolutional to_fully_convolutional(const architecture& classifier, int height = dynamic,
                                                     int width = dynamic) {
  const detail::lowering low = detail::lower(classifier, height, width);
  if (low.problem.failed()) throw value_error(std::string(low.problem.text().view()));
  for (const shape& s : low.shapes) {
    if (!s.is_static())
      throw value_error("to_fully_convolutional: expects the classifier's height and width");
  }
  return detail::convolutional_writer(low).write();
}

/// Gives `to` the numbers of `from`, of which it is the fully convolutional form.
template <class From, class To>
void copy_parameters(const From& from, To& to, const constexpr_vector<renamed_parameter>& names) {
  for (const renamed_parameter& row : names) {
    const auto source = from.values(row.before.view());
    const auto target = to.values(row.after.view());
    require(source.size() == target.size(), "copy_parameters: ", row.before.view(), " has ", source.size(),
            " numbers, wanted ", target.size());
    std::copy(source.begin(), source.end(), target.begin());
  }
}

}  // namespace lookalike
