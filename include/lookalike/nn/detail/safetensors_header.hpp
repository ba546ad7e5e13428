#pragma once

/// \file
/// The header of a safetensors file: JSON, read event by event, so that whatever is not a table of tensors
/// ends the reading where it begins, and nothing is built but the table. The only include of nlohmann-json,
/// which takes two seconds to compile.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/safetensor.hpp>

namespace lookalike::detail {

inline constexpr std::string_view safetensors_metadata_key = "__metadata__";
inline constexpr std::size_t safetensors_length_bytes = 8;
inline constexpr std::uint64_t safetensors_largest_header = 100'000'000;
inline constexpr std::size_t safetensors_largest_rank = 64;  // PyTorch's and NumPy's own

/// `text` fit for a message: not too long, without control characters.
inline std::string for_message(std::string_view text) {
  constexpr std::size_t longest = 120;
  std::string shown(text.substr(0, longest));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return text.size() > longest ? shown + "..." : shown;
}

/// A row of the table: the tensor without its bytes, and where in the data they are said to lie.
struct safetensors_row {
  safetensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct safetensors_table {
  std::vector<safetensors_row> rows;
  safetensors_metadata metadata;
};

/// Takes the events of the JSON parser and fills a table. Throws `file_error` at the first that does not
/// belong there.
class safetensors_events final : public nlohmann::json_sax<nlohmann::json> {
 public:
  safetensors_events(std::string_view file, safetensors_table& table) : file_(file), table_(table) {}

  bool null() override { refuse("null"); }
  bool boolean(bool) override { refuse("a boolean"); }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    refuse("a fraction or a number beyond 64 bits");
  }
  bool binary(binary_t&) override { refuse("binary data"); }

  bool number_unsigned(number_unsigned_t number) override {
    if (place_ == place::shape) {
      std::vector<std::int64_t>& shape = row().tensor.shape;
      require_that(shape.size() < safetensors_largest_rank, "has more than ", safetensors_largest_rank,
                   " dimensions");
      require_that(number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()),
                   "has an extent of ", number);
      shape.push_back(static_cast<std::int64_t>(number));
    } else if (place_ == place::offsets) {
      require_that(offsets_ < 2, "has more than two data_offsets");
      (offsets_++ == 0 ? row().begin : row().end) = number;
    } else {
      refuse("a number");
    }
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == place::metadata) {
      const bool fresh = table_.metadata.emplace(std::move(metadata_key_), std::move(text)).second;
      if (!fresh) fail("has a key twice in its ", safetensors_metadata_key);
    } else if (place_ == place::type) {
      const auto type = safetensor_type_called(text);
      require_that(type.has_value(), "is of type '", for_message(text), "', which is not known here");
      row().tensor.type = *type;
      place_ = place::tensor;
    } else {
      refuse("a string");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == place::file && !started_) {
      started_ = true;
    } else if (place_ == place::metadata_value) {
      place_ = place::metadata;
    } else if (place_ == place::tensor_value) {
      place_ = place::tensor;
    } else {
      refuse("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    switch (place_) {
      case place::file:
        if (key == safetensors_metadata_key) {
          if (std::exchange(has_metadata_, true)) fail("has ", safetensors_metadata_key, " twice");
          place_ = place::metadata_value;
        } else {
          table_.rows.emplace_back().tensor.name = std::move(key);
          offsets_ = 0;
          has_type_ = has_shape_ = has_offsets_ = false;
          place_ = place::tensor_value;
        }
        break;
      case place::metadata:
        metadata_key_ = std::move(key);
        break;
      default:
        if (key == "dtype") {
          begin_field(has_type_, place::type, key);
        } else if (key == "shape") {
          begin_field(has_shape_, place::shape_value, key);
        } else if (key == "data_offsets") {
          begin_field(has_offsets_, place::offsets_value, key);
        } else {
          fail_tensor("has a field '", for_message(key), "', wanted dtype, shape and data_offsets");
        }
    }
    return true;
  }

  bool end_object() override {
    if (place_ == place::tensor) {
      require_that(has_type_ && has_shape_ && has_offsets_, "lacks ",
                   !has_type_    ? "its dtype"
                   : !has_shape_ ? "its shape"
                                 : "its data_offsets");
    }
    place_ = place::file;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ == place::shape_value) {
      place_ = place::shape;
    } else if (place_ == place::offsets_value) {
      place_ = place::offsets;
    } else {
      refuse("a list");
    }
    return true;
  }

  bool end_array() override {
    require_that(place_ != place::offsets || offsets_ == 2, "has ", offsets_,
                 " data_offsets, wanted begin and end");
    place_ = place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    fail("is no valid JSON at byte ", position, ": ", for_message(error.what()));
  }

 private:
  /// Where in the header the next event belongs; `..._value` is between a key and what it stands for.
  enum class place : unsigned char {
    file,
    metadata_value,
    metadata,
    tensor_value,
    tensor,
    type,
    shape_value,
    shape,
    offsets_value,
    offsets
  };

  safetensors_row& row() { return table_.rows.back(); }

  void begin_field(bool& seen, place next, const std::string& key) {
    require_that(!std::exchange(seen, true), "has '", key, "' twice");
    place_ = next;
  }

  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw file_error(sentence("'", file_, "': the header ", parts...));
  }
  /// About the tensor that is being read.
  template <class... Parts>
  [[noreturn]] void fail_tensor(const Parts&... parts) const {
    const std::string& name = table_.rows.back().tensor.name;
    throw file_error(sentence("'", file_, "': tensor '", for_message(name), "' ", parts...));
  }
  template <class... Parts>
  void require_that(bool condition, const Parts&... parts) const {
    if (!condition) fail_tensor(parts...);
  }
  [[noreturn]] void refuse(std::string_view what) const {
    switch (place_) {
      case place::file:
        fail("holds ", what, ", wanted an object that names tensors");
      case place::metadata_value:
        fail("gives ", what, " as ", safetensors_metadata_key, ", wanted an object");
      case place::metadata:
        fail("gives ", what, " in ", safetensors_metadata_key, ", wanted a string");
      case place::type:
        fail_tensor("has ", what, " as its dtype, wanted a string");
      case place::shape_value:
      case place::shape:
        fail_tensor("has ", what, " in its shape, wanted a list of numbers");
      case place::offsets_value:
      case place::offsets:
        fail_tensor("has ", what, " in its data_offsets, wanted begin and end");
      default:
        fail_tensor("is given as ", what, ", wanted an object");
    }
  }

  std::string_view file_;
  safetensors_table& table_;
  place place_ = place::file;
  bool started_ = false;
  bool has_metadata_ = false;
  bool has_type_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
  int offsets_ = 0;
  std::string metadata_key_;
};

/// The table that the JSON text `header` describes. Throws `file_error`; `file` is what messages call it.
inline safetensors_table parse_safetensors_header(std::string_view header, std::string_view file) {
  // The parser would skip a byte order mark, and take a zero byte for the end.
  require<file_error>(header.starts_with('{'), "'", file, "': the header does not begin with '{'");
  require<file_error>(header.find('\0') == std::string_view::npos, "'", file,
                      "': the header contains a zero byte");
  safetensors_table table;
  safetensors_events events(file, table);
  nlohmann::json::sax_parse(header.begin(), header.end(), &events);
  return table;
}

/// `text` in quotes as JSON. Throws `value_error` if it is not UTF-8.
inline std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw value_error(
        sentence("safetensors: '", for_message(text), "' is no valid UTF-8, wanted for names and metadata"));
  }
}

/// The header of a file with these tensors one after another, padded with spaces to a multiple of 8 bytes.
inline std::string safetensors_header_text(std::span<const safetensor* const> tensors,
                                           const safetensors_metadata& metadata) {
  std::string text = "{";
  const auto separate = [&text](char first) {
    if (text.back() != first) text += ',';
  };
  if (!metadata.empty()) {
    text += sentence("\"", safetensors_metadata_key, "\":{");
    for (const auto& [key, value] : metadata) {
      separate('{');
      text += json_string(key) + ":" + json_string(value);
    }
    text += '}';
  }
  std::uint64_t offset = 0;
  for (const safetensor* tensor : tensors) {
    separate('{');
    text += json_string(tensor->name) + sentence(":{\"dtype\":\"", name_of(tensor->type), "\",\"shape\":[");
    for (const std::int64_t extent : tensor->shape) {
      separate('[');
      text += std::to_string(extent);
    }
    text += sentence("],\"data_offsets\":[", offset, ",", offset + tensor->bytes.size(), "]}");
    offset += tensor->bytes.size();
  }
  text += '}';
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace lookalike::detail
