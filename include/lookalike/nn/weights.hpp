#pragma once

/// \file
/// Weights in and out of files: a block of parameters with its table (nn/parameter.hpp) on one side, named
/// tensors (nn/safetensors.hpp) on the other. A `state_dict` that PyTorch saved with the safetensors package
/// is such a file; a `name_map` knows how its names differ from ours.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/name_map.hpp>
#include <lookalike/nn/parameter.hpp>
#include <lookalike/nn/safetensor.hpp>
#include <lookalike/nn/safetensors.hpp>

namespace lookalike {

/// What a file and a table of parameters make of each other.
struct weights_report {
  std::vector<std::string> loaded;      ///< our names, in the order of the table
  std::vector<std::string> missing;     ///< our names of parameters that the file lacks
  std::vector<std::string> unexpected;  ///< the file's names of tensors that no parameter asked for

  /// Whether every parameter found its tensor, and the other way round.
  bool complete() const { return missing.empty() && unexpected.empty(); }
};

struct load_weights_options {
  /// Whether missing and unexpected tensors are errors. Otherwise they are reported, and parameters without a
  /// tensor keep their values. Tensors of a wrong shape or type are errors in any case.
  bool strict = true;
};

struct save_weights_options {
  /// Whether to write, beside every `running_var` (by the file's names), the counter `num_batches_tracked`
  /// that PyTorch's batch normalization keeps and `load_state_dict` asks for: an I64 of value 0.
  bool num_batches_tracked = false;
};

namespace detail {

inline constexpr std::string_view batch_counter = "num_batches_tracked";

/// Whether the last piece of a dotted name is `piece`.
inline bool ends_with_piece(std::string_view name, std::string_view piece) {
  if (!name.ends_with(piece)) return false;
  return name.size() == piece.size() || name[name.size() - piece.size() - 1] == '.';
}

inline std::vector<std::int64_t> shape_of(const parameter& p) {
  return {p.dimensions.begin(), p.dimensions.begin() + p.rank};
}

/// Throws `value_error` for a table that does not fit its block: no fault of a file's.
inline void require_rows_within(std::span<const parameter> table, std::size_t count, std::string_view where) {
  const auto block = static_cast<std::int64_t>(count);
  for (const parameter& p : table) {
    std::int64_t size = 1;
    for (int i = 0; i < p.rank; ++i) size *= p.dimensions[static_cast<std::size_t>(i)];
    require(p.offset >= 0 && p.size >= 0 && p.offset <= block && p.size <= block - p.offset, where, ": '",
            p.name, "' takes ", p.size, " numbers from ", p.offset, " on, given a block of ", block);
    require(size == p.size, where, ": '", p.name, "' of shape ", shape_text(shape_of(p)), " takes ", size,
            " numbers, given a row of ", p.size);
  }
}

/// Puts faults into one message: how many, and the first of them, a line each.
class fault_list {
 public:
  void add(std::string fault) {
    if (++count_ <= listed) text_ += "\n  " + std::move(fault);
  }
  std::int64_t count() const { return count_; }
  std::string text() const {
    return count_ > listed ? sentence(text_, "\n  and ", count_ - listed, " more") : text_;
  }

 private:
  static constexpr std::int64_t listed = 20;
  std::int64_t count_ = 0;
  std::string text_;
};

/// "'layer1.conv0.weight'", and what the file would call it if that differs.
inline std::string both_names(std::string_view ours, std::string_view theirs) {
  return ours == theirs ? sentence("'", for_message(ours), "'")
                        : sentence("'", for_message(ours), "' (in the file '", for_message(theirs), "')");
}

}  // namespace detail

/// Fills `values` from the tensors of `file`: each row of `table` from the tensor that `names` says, which
/// must have the row's dimensions and a floating type (F64, F32, F16 or BF16; it is converted). What the file
/// holds beyond that is unexpected, except PyTorch's `num_batches_tracked`.
///
/// All or nothing: `values` change only when nothing is wrong. Throws one `file_error` that counts everything
/// that is wrong and lists the first twenty; `value_error` when the table does not fit `values`. Numbers of
/// the block that belong to no row stay. Costs reading the file once.
template <class Scalar>
weights_report load_weights(const safetensors_file& file, std::span<const parameter> table,
                            std::span<Scalar> values, const name_map& names = {},
                            const load_weights_options& options = {}) {
  static_assert(std::is_floating_point_v<Scalar>);
  detail::require_rows_within(table, values.size(), "load_weights");
  weights_report report;
  detail::fault_list faults;
  std::vector<const safetensor*> sources;
  std::vector<bool> asked_for(file.tensors().size());
  for (const parameter& p : table) {
    const std::string theirs = names.theirs(p.name);
    const safetensor* const found = file.find(theirs);
    sources.push_back(found);
    if (found == nullptr) {
      report.missing.push_back(p.name);
      if (options.strict) faults.add("missing: " + detail::both_names(p.name, theirs));
      continue;
    }
    asked_for[static_cast<std::size_t>(found - file.tensors().data())] = true;
    const bool right_shape = found->shape == detail::shape_of(p);
    const bool right_type = can_read_as<Scalar>(found->type);
    report.loaded.push_back(p.name);
    if (!right_shape) {
      faults.add(sentence("wrong shape: ", detail::both_names(p.name, theirs), " is ",
                          detail::shape_text(found->shape), ", wanted ",
                          detail::shape_text(detail::shape_of(p))));
    }
    if (!right_type) {
      faults.add(sentence("wrong type: ", detail::both_names(p.name, theirs), " is ", name_of(found->type),
                          ", wanted F64, F32, F16 or BF16"));
    }
  }
  for (std::size_t i = 0; i < asked_for.size(); ++i) {
    const std::string& name = file.tensors()[i].name;
    if (asked_for[i] || detail::ends_with_piece(name, detail::batch_counter)) continue;
    report.unexpected.push_back(name);
    if (options.strict) faults.add(sentence("unexpected: '", detail::for_message(name), "'"));
  }
  require<file_error>(faults.count() == 0, "'", file.name(), "': ", faults.count(),
                      " mismatches between its ", file.tensors().size(), " tensors and ", table.size(),
                      " parameters:", faults.text());

  for (std::size_t i = 0; i < table.size(); ++i) {
    if (sources[i] == nullptr) continue;
    copy_numbers(*sources[i], values.subspan(static_cast<std::size_t>(table[i].offset),
                                             static_cast<std::size_t>(table[i].size)));
  }
  return report;
}

/// The same from the file at `path`.
template <class Scalar>
weights_report load_weights(const std::filesystem::path& path, std::span<const parameter> table,
                            std::span<Scalar> values, const name_map& names = {},
                            const load_weights_options& options = {}) {
  return load_weights(safetensors_file::open(path), table, values, names, options);
}

/// The rows of `table` as tensors that lie in `values`, which must stay where they are, called what `names`
/// says. Throws `value_error` when the table does not fit, or when two rows get the same name.
template <class Scalar>
std::vector<safetensor> weights_as_tensors(std::span<const parameter> table, std::span<Scalar> values,
                                           const name_map& names = {},
                                           const save_weights_options& options = {}) {
  static constexpr std::array<std::int64_t, 1> no_batches{0};
  detail::require_rows_within(table, values.size(), "save_weights");
  std::vector<safetensor> tensors;
  std::vector<std::string> counters;
  for (const parameter& p : table) {
    std::string theirs = names.theirs(p.name);
    const auto part = values.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
    if (options.num_batches_tracked && detail::ends_with_piece(theirs, "running_var")) {
      counters.push_back(theirs.substr(0, theirs.size() - std::string_view("running_var").size()) +
                         std::string(detail::batch_counter));
    }
    tensors.push_back(make_safetensor(std::move(theirs), detail::shape_of(p),
                                      std::span<const std::remove_const_t<Scalar>>(part)));
  }
  for (std::string& name : counters) {
    tensors.push_back(make_safetensor(std::move(name), {}, std::span<const std::int64_t>(no_batches)));
  }
  // (safetensors.hpp would refuse two tensors of one name, but could not say which rows they are)
  std::vector<std::size_t> order(table.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return tensors[a].name < tensors[b].name; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    require(tensors[order[i - 1]].name != tensors[order[i]].name, "save_weights: '", table[order[i - 1]].name,
            "' and '", table[order[i]].name, "' would both be called '", tensors[order[i]].name, "'");
  }
  return tensors;
}

/// Writes the parameters to the file `path`, complete or not at all: one tensor a row of `table`, called what
/// `names` says, F32 or F64 as `Scalar` is, with text of your own in `metadata`. Throws `file_error` when it
/// cannot be written; `value_error` when the table does not fit, or when two rows get the same name.
template <class Scalar>
void save_weights(const std::filesystem::path& path, std::span<const parameter> table,
                  std::span<Scalar> values, const safetensors_metadata& metadata = {},
                  const name_map& names = {}, const save_weights_options& options = {}) {
  write_safetensors(path, weights_as_tensors(table, values, names, options), metadata);
}

}  // namespace lookalike
