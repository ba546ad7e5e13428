#pragma once

/// \file
/// PNG encoding by libpng, with the error handling of png_decoder.hpp.

#include <bit>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <type_traits>
#include <vector>

#include <png.h>

#include <lookalike/core/error.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike::detail {

/// One PNG being encoded into memory.
class png_encoder {
 public:
  explicit png_encoder(std::string_view name) : name_(name) {
    state_ =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, this, &on_error, [](png_structp, png_const_charp) {});
    info_ = state_ == nullptr ? nullptr : png_create_info_struct(state_);
    if (info_ == nullptr) {
      png_destroy_write_struct(&state_, nullptr);
      throw file_error(sentence("cannot write '", name_, "': libpng does not start"));
    }
  }
  ~png_encoder() { png_destroy_write_struct(&state_, &info_); }
  png_encoder(const png_encoder&) = delete;
  png_encoder& operator=(const png_encoder&) = delete;

  /// Gray or RGB; `Value` is 8 or 16 bits. `compression` is zlib's, 0 (none) to 9.
  template <int Channels, class Value>
  std::vector<std::byte> encode(const image<Channels, Value>& picture, int compression) {
    static_assert((Channels == 1 || Channels == 3) && std::is_unsigned_v<Value> && sizeof(Value) <= 2);
    guarded([&] {
      png_set_write_fn(state_, this, &on_write, [](png_structp) {});
      constexpr png_uint_32 largest_extent = 0x7fffffff;
      png_set_user_limits(state_, largest_extent, largest_extent);
      png_set_compression_level(state_, compression);
      png_set_IHDR(state_, info_, static_cast<png_uint_32>(picture.width()),
                   static_cast<png_uint_32>(picture.height()), 8 * static_cast<int>(sizeof(Value)),
                   Channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                   PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
      png_write_info(state_, info_);
      if (sizeof(Value) == 2 && std::endian::native == std::endian::little) png_set_swap(state_);
      for (int y = 0; y < picture.height(); ++y) {
        png_write_row(state_, reinterpret_cast<png_const_bytep>(&picture(y, 0)));
      }
      png_write_end(state_, info_);
    });
    return std::move(bytes_);
  }

 private:
  /// Runs `step`, which calls libpng and creates no object with a destructor.
  template <class Step>
  void guarded(const Step& step) {
    if (setjmp(escape_) != 0) throw file_error(sentence("cannot write '", name_, "': ", message_));
    step();
  }

  static void on_error(png_structp state, png_const_charp message) {
    auto& self = *static_cast<png_encoder*>(png_get_error_ptr(state));
    std::snprintf(self.message_, sizeof self.message_, "%s", message);
    std::longjmp(self.escape_, 1);
  }

  static void on_write(png_structp state, png_bytep data, std::size_t size) {
    auto& self = *static_cast<png_encoder*>(png_get_io_ptr(state));
    if (!self.append(reinterpret_cast<const std::byte*>(data), size)) png_error(state, "out of memory");
  }

  /// False instead of an exception, which must not cross libpng.
  bool append(const std::byte* data, std::size_t size) noexcept {
    try {
      bytes_.insert(bytes_.end(), data, data + size);
    } catch (...) {
      return false;
    }
    return true;
  }

  std::string_view name_;
  png_structp state_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf escape_{};
  char message_[200]{};
  std::vector<std::byte> bytes_;
};

}  // namespace lookalike::detail
