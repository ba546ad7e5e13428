#pragma once

/// \file
/// Files of named arrays in the safetensors format (github.com/huggingface/safetensors), in which weights
/// travel between PyTorch and this library: eight bytes of length, a JSON header that says for each name the
/// type, the shape and where the bytes lie, and then the bytes. A file is believed only after everything it
/// says about itself has been checked.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/memory_map.hpp>
#include <lookalike/nn/detail/safetensors_header.hpp>
#include <lookalike/nn/safetensor.hpp>

namespace lookalike {

/// A file that is open for reading. Opening it costs memory for names and shapes only, at most about ten
/// times the header's size; numbers are read from the map as they are asked for.
///
/// What is refused, with a `file_error` that names file, tensor and reason: a header beyond 100,000,000 bytes
/// (the reference implementation's limit) or beyond the file; a header that is not UTF-8, not JSON, or not a
/// table of tensors; a name, a field or a key of the metadata that comes twice; unknown types; more than 64
/// dimensions; shapes whose size in bytes exceeds 64 bits or differs from the range they are given; ranges
/// that overlap, leave bytes to nobody, or end elsewhere than the file.
class safetensors_file {
 public:
  /// Maps the file into memory and checks it.
  static safetensors_file open(const std::filesystem::path& path) {
    std::error_code failure;
    const std::uintmax_t size = std::filesystem::file_size(path, failure);
    if (failure) detail::throw_file_error("read", path, failure.value());
    memory_map map(path, size);
    safetensors_file file(map.bytes(), path.string());
    file.map_ = std::move(map);
    return file;
  }

  /// A file that lies in memory, where it must stay; `name` is what messages call it.
  static safetensors_file from_bytes(std::span<const std::byte> bytes, std::string name = "(bytes)") {
    return safetensors_file(bytes, std::move(name));
  }

  /// All tensors, in the order of their bytes.
  const std::vector<safetensor>& tensors() const { return tensors_; }
  const safetensors_metadata& metadata() const { return metadata_; }
  /// The path, or the name given to `from_bytes`.
  const std::string& name() const { return name_; }

  /// The tensor called `name`, or null.
  const safetensor* find(std::string_view name) const {
    const auto found = std::lower_bound(
        by_name_.begin(), by_name_.end(), name,
        [this](std::size_t i, std::string_view wanted) { return tensors_[i].name < wanted; });
    return found == by_name_.end() || tensors_[*found].name != name ? nullptr : &tensors_[*found];
  }

  /// The tensor called `name`. Throws `file_error` where there is none.
  const safetensor& at(std::string_view name) const {
    const safetensor* const found = find(name);
    require<file_error>(found != nullptr, "'", name_, "': holds no tensor '", name, "'");
    return *found;
  }

  /// Copies the numbers of the tensor called `name`. Throws `file_error` where there is none, where it has
  /// more or fewer numbers, or where its type cannot be read (`can_read_as`).
  template <class Number>
  void read(std::string_view name, std::span<Number> numbers) const {
    try {
      copy_numbers(at(name), numbers);
    } catch (const value_error& failure) {
      throw file_error(sentence("'", name_, "': ", failure.what()));
    }
  }

  /// The numbers of the tensor called `name` (truth values only into a span).
  template <class Number>
  requires(!std::is_same_v<Number, bool>) std::vector<Number> read(std::string_view name)
  const {
    const safetensor& tensor = at(name);
    require<file_error>(can_read_as<Number>(tensor.type), "'", name_, "': tensor '", name, "' is of type ",
                        name_of(tensor.type), ", wanted one that can be read as ",
                        name_of(safetensor_type_of<Number>()));
    std::vector<Number> numbers(static_cast<std::size_t>(tensor.size()));
    copy_numbers(tensor, std::span<Number>(numbers));
    return numbers;
  }

 private:
  safetensors_file(std::span<const std::byte> bytes, std::string name) : name_(std::move(name)) {
    constexpr std::size_t prefix = detail::safetensors_length_bytes;
    require<file_error>(bytes.size() >= prefix, "'", name_, "': has ", bytes.size(),
                        " bytes, too few for the length of a header");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), prefix);
    require<file_error>(length <= detail::safetensors_largest_header, "'", name_, "': given a header of ",
                        length, " bytes, wanted at most ", detail::safetensors_largest_header);
    require<file_error>(length <= bytes.size() - prefix, "'", name_, "': given a header of ", length,
                        " bytes, but only ", bytes.size() - prefix, " follow");
    const auto header = bytes.subspan(prefix, static_cast<std::size_t>(length));
    auto table = detail::parse_safetensors_header(
        {reinterpret_cast<const char*>(header.data()), header.size()}, name_);
    metadata_ = std::move(table.metadata);
    take(table.rows, bytes.subspan(prefix + header.size()));
    index();
  }

  /// Hands each row its bytes, once all have been checked against `data`.
  void take(std::vector<detail::safetensors_row>& rows, std::span<const std::byte> data) {
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      return std::tie(a.begin, a.end, a.tensor.name) < std::tie(b.begin, b.end, b.tensor.name);
    });
    std::uint64_t reached = 0;
    for (const detail::safetensors_row& row : rows) {
      const auto wanted = [&](bool condition, const auto&... parts) {
        require<file_error>(condition, "'", name_, "': tensor '", detail::for_message(row.tensor.name), "' ",
                            parts...);
      };
      wanted(row.begin <= row.end && row.end <= data.size(), "is said to lie in bytes ", row.begin, " to ",
             row.end, " of ", data.size());
      wanted(row.begin >= reached, "begins at byte ", row.begin, ", but the one before it ends at ", reached);
      wanted(row.begin == reached, "begins at byte ", row.begin, ", which leaves those from ", reached,
             " on to no tensor");
      auto size = static_cast<std::uint64_t>(bytes_of(row.tensor.type));
      for (const std::int64_t extent : row.tensor.shape) {
        wanted(!__builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size), "of shape ",
               detail::shape_text(row.tensor.shape), " is too large for 64 bits");
      }
      wanted(size == row.end - row.begin, "of shape ", detail::shape_text(row.tensor.shape), " and type ",
             name_of(row.tensor.type), " takes ", size, " bytes, given ", row.end - row.begin);
      reached = row.end;
    }
    require<file_error>(reached == data.size(), "'", name_, "': the tensors take ", reached,
                        " bytes, but the file holds ", data.size());
    tensors_.reserve(rows.size());
    for (detail::safetensors_row& row : rows) {
      row.tensor.bytes =
          data.subspan(static_cast<std::size_t>(row.begin), static_cast<std::size_t>(row.end - row.begin));
      tensors_.push_back(std::move(row.tensor));
    }
  }

  void index() {
    by_name_.resize(tensors_.size());
    std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
    std::sort(by_name_.begin(), by_name_.end(),
              [this](std::size_t a, std::size_t b) { return tensors_[a].name < tensors_[b].name; });
    const auto twice = std::adjacent_find(
        by_name_.begin(), by_name_.end(),
        [this](std::size_t a, std::size_t b) { return tensors_[a].name == tensors_[b].name; });
    require<file_error>(twice == by_name_.end(), "'", name_, "': tensor '",
                        twice == by_name_.end() ? "" : detail::for_message(tensors_[*twice].name),
                        "' comes twice");
  }

  memory_map map_;
  std::string name_;
  std::vector<safetensor> tensors_;
  std::vector<std::size_t> by_name_;
  safetensors_metadata metadata_;
};

namespace detail {

/// The tensors in the order in which the reference implementation writes them: those of wider numbers first,
/// so that all are aligned, then by name. Throws `value_error` for what no file can hold.
inline std::vector<const safetensor*> in_file_order(std::span<const safetensor> tensors) {
  std::vector<const safetensor*> order;
  order.reserve(tensors.size());
  for (const safetensor& tensor : tensors) {
    const std::string shown = for_message(tensor.name);
    require(tensor.name != safetensors_metadata_key, "safetensors: no tensor can be called '", tensor.name,
            "'");
    require(tensor.shape.size() <= safetensors_largest_rank, "safetensors: tensor '", shown, "' has ",
            tensor.shape.size(), " dimensions, wanted at most ", safetensors_largest_rank);
    auto size = static_cast<std::uint64_t>(bytes_of(tensor.type));
    for (const std::int64_t extent : tensor.shape) {
      require(extent >= 0 && !__builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size),
              "safetensors: tensor '", shown, "' has the shape ", shape_text(tensor.shape));
    }
    require(size == tensor.bytes.size(), "safetensors: tensor '", shown, "' of shape ",
            shape_text(tensor.shape), " and type ", name_of(tensor.type), " takes ", size, " bytes, given ",
            tensor.bytes.size());
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const safetensor* a, const safetensor* b) {
    return a->type != b->type ? a->type > b->type : a->name < b->name;
  });
  std::vector<std::string_view> names;
  for (const safetensor* tensor : order) names.push_back(tensor->name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  require(twice == names.end(), "safetensors: given two tensors called '",
          twice == names.end() ? "" : for_message(*twice), "'");
  return order;
}

/// Gives the parts of the file to `write`, one after another.
template <class Write>
void write_safetensors_parts(std::span<const safetensor> tensors, const safetensors_metadata& metadata,
                             const Write& write) {
  const auto order = in_file_order(tensors);
  const std::string header = safetensors_header_text(order, metadata);
  require(header.size() <= safetensors_largest_header, "safetensors: names and metadata take ", header.size(),
          " bytes, wanted at most ", safetensors_largest_header);
  const std::uint64_t length = header.size();
  write(std::as_bytes(std::span(&length, 1)));
  write(std::as_bytes(std::span(header)));
  for (const safetensor* tensor : order) write(tensor->bytes);
}

}  // namespace detail

/// Writes a file of `tensors`, complete or not at all (core/files.hpp): byte for byte what the reference
/// implementation writes, with the metadata in the order of their keys. Throws `file_error` when it cannot be
/// written, and `value_error`, before anything is written, for tensors that no file can hold: twice the same
/// name, names that are not UTF-8, bytes that do not fit the shape.
inline void write_safetensors(const std::filesystem::path& path, std::span<const safetensor> tensors,
                              const safetensors_metadata& metadata = {}) {
  std::optional<atomic_file> file;
  detail::write_safetensors_parts(tensors, metadata, [&](std::span<const std::byte> part) {
    if (!file) file.emplace(path);
    file->write(part);
  });
  file->commit();
}

/// The same file as bytes.
inline std::vector<std::byte> safetensors_bytes(std::span<const safetensor> tensors,
                                                const safetensors_metadata& metadata = {}) {
  std::vector<std::byte> bytes;
  detail::write_safetensors_parts(tensors, metadata, [&](std::span<const std::byte> part) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  });
  return bytes;
}

}  // namespace lookalike
