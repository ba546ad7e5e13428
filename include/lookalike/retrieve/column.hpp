#pragma once

/// \file
/// Columns of a collection: a row of numbers for every item, all of one type and length, made by one encoder.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/retrieve/descriptor.hpp>

namespace lookalike {

/// Descriptors are float32, float16 (IEEE 754 binary16, as bit patterns) or uint8; the others are for what
/// the store keeps beside them.
enum class column_type { float32, float16, uint8, int32, int64, uint64 };

/// Bytes of a number.
constexpr std::int64_t size_of(column_type type) {
  switch (type) {
    case column_type::uint8:
      return 1;
    case column_type::float16:
      return 2;
    case column_type::float32:
    case column_type::int32:
      return 4;
    case column_type::int64:
    case column_type::uint64:
      return 8;
  }
  return 0;
}

constexpr std::string_view name_of(column_type type) {
  switch (type) {
    case column_type::float32:
      return "float32";
    case column_type::float16:
      return "float16";
    case column_type::uint8:
      return "uint8";
    case column_type::int32:
      return "int32";
    case column_type::int64:
      return "int64";
    case column_type::uint64:
      return "uint64";
  }
  return {};
}

/// What a column holds.
struct column_info {
  std::string name;
  column_type type = column_type::float32;
  /// Numbers in a row.
  std::int64_t dimension = 0;
  /// What made it, with its parameters; empty where nobody said. Rows of another encoder are refused.
  std::string encoder;
  /// The blocks that rows consist of, where a `picture_encoder` made them.
  std::vector<descriptor_block> blocks;

  friend bool operator==(const column_info&, const column_info&) = default;
};

/// "float32 x 960 by 'gist(side=128,...)'": for messages.
inline std::string describe_column(column_type type, std::int64_t dimension, std::string_view encoder) {
  return sentence(name_of(type), " x ", dimension, encoder.empty() ? "" : " by '", encoder,
                  encoder.empty() ? "" : "'");
}

/// Rows for a column, in the caller's memory, row after row without gaps.
struct column_values {
  const void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t dimension = 0;
  column_type type = column_type::float32;
  std::string encoder;

  column_values() = default;
  column_values(const void* values, std::int64_t count, std::int64_t length, column_type of,
                std::string made_by = {})
      : data(values), rows(count), dimension(length), type(of), encoder(std::move(made_by)) {}
  /// Throws `value_error` when the numbers do not make up whole rows.
  column_values(std::span<const float> values, std::int64_t length, std::string made_by = {})
      : column_values(values.data(), whole_rows(values.size(), length), length, column_type::float32,
                      std::move(made_by)) {}
  column_values(std::span<const std::uint8_t> values, std::int64_t length, std::string made_by = {})
      : column_values(values.data(), whole_rows(values.size(), length), length, column_type::uint8,
                      std::move(made_by)) {}
  /// Bit patterns of 16-bit floats.
  column_values(std::span<const std::uint16_t> values, std::int64_t length, std::string made_by = {})
      : column_values(values.data(), whole_rows(values.size(), length), length, column_type::float16,
                      std::move(made_by)) {}

  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(data),
            static_cast<std::size_t>(rows) * static_cast<std::size_t>(dimension * size_of(type))};
  }

 private:
  static std::int64_t whole_rows(std::size_t numbers, std::int64_t length) {
    require(length >= 1 && numbers % static_cast<std::size_t>(length) == 0, "column_values: given ", numbers,
            " numbers in rows of ", length, ", wanted whole rows of at least one");
    return static_cast<std::int64_t>(numbers) / length;
  }
};

/// The rows of a column as one commit left them, memory-mapped: what searches run over. Cheap to copy; keeps
/// the map, and so the disk space, for its life. It shows all rows in the order in which they were added,
/// also those that were removed since; `is_live` tells which.
class column_view {
 public:
  column_view() = default;
  /// `keeps_alive` owns what the others point into.
  column_view(std::shared_ptr<const void> keeps_alive, const column_info& info, const void* data,
              std::int64_t pitch, std::span<const std::int64_t> ids, std::span<const std::uint64_t> live)
      : keeps_alive_(std::move(keeps_alive)),
        info_(info),
        data_(data),
        pitch_(pitch),
        ids_(ids),
        live_(live) {}

  const column_info& info() const { return info_; }
  column_type type() const { return info_.type; }
  /// All rows, live or not.
  std::int64_t rows() const { return static_cast<std::int64_t>(ids_.size()); }
  std::int64_t dimension() const { return info_.dimension; }
  /// Numbers from one row to the next: `dimension()`, or more where a row goes on with what masked search
  /// needs.
  std::int64_t pitch() const { return pitch_; }
  const void* data() const { return data_; }

  /// The row as numbers of the C++ type that `type()` stands for (float16: std::uint16_t). Throws
  /// `value_error` for another size of number or a row that is not there.
  template <class Value>
  std::span<const Value> row(std::int64_t at) const {
    require(sizeof(Value) == static_cast<std::size_t>(size_of(info_.type)) && at >= 0 && at < rows(),
            "column_view: given row ", at, " of numbers of ", sizeof(Value), " bytes, wanted 0 to ",
            rows() - 1, " of ", size_of(info_.type));
    return {static_cast<const Value*>(data_) + at * pitch_, static_cast<std::size_t>(info_.dimension)};
  }

  /// The id of each row. One that was replaced occurs again.
  std::span<const std::int64_t> ids() const { return ids_; }
  bool is_live(std::int64_t row) const {
    return (live_[static_cast<std::size_t>(row / 64)] >> (row % 64) & 1) != 0;
  }
  /// The same as a bit mask: bit row % 64 of word row / 64. Bits beyond the last row are 0.
  std::span<const std::uint64_t> live() const { return live_; }

 private:
  std::shared_ptr<const void> keeps_alive_;
  column_info info_;
  const void* data_ = nullptr;
  std::int64_t pitch_ = 0;
  std::span<const std::int64_t> ids_;
  std::span<const std::uint64_t> live_;
};

}  // namespace lookalike
