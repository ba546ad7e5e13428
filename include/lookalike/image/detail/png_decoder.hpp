#pragma once

/// \file
/// PNG decoding by libpng, made safe for C++ as in jpeg_decoder.hpp: every call runs under `setjmp`, and no
/// object with a destructor lives between.

#include <algorithm>
#include <bit>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include <png.h>

#include <lookalike/core/error.hpp>
#include <lookalike/image/detail/picture_header.hpp>

namespace lookalike::detail {

/// Pixels of a PNG: `channels` is 3 (RGB) or 4 (RGB and alpha, not premultiplied), `Value` is 8 or 16 bits.
template <class Value>
struct png_pixels {
  int height = 0;
  int width = 0;
  int channels = 0;
  std::vector<Value> values;
};

/// One PNG being decoded.
class png_decoder {
 public:
  png_decoder(byte_view bytes, std::string_view name) : name_(name), rest_(bytes) {
    state_ =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &on_error, [](png_structp, png_const_charp) {});
    require<file_error>(state_ != nullptr, "cannot read '", name_, "': libpng does not start");
    info_ = png_create_info_struct(state_);
    if (info_ == nullptr) {
      png_destroy_read_struct(&state_, nullptr, nullptr);
      throw file_error(sentence("cannot read '", name_, "': libpng does not start"));
    }
    const bool read = guarded([&] {
      png_set_read_fn(state_, this, &on_read);
      // The extent is ours to judge; the rest of a header should not cost more than a little memory.
      constexpr png_uint_32 largest_extent = 0x7fffffff;
      constexpr png_uint_32 chunks_kept = 128;
      constexpr png_alloc_size_t largest_chunk = 8 << 20;
      png_set_user_limits(state_, largest_extent, largest_extent);
      png_set_chunk_cache_max(state_, chunks_kept);
      png_set_chunk_malloc_max(state_, largest_chunk);
      png_read_info(state_, info_);
    });
    if (!read) {
      png_destroy_read_struct(&state_, &info_, nullptr);
      throw_damage();
    }
  }
  ~png_decoder() { png_destroy_read_struct(&state_, &info_, nullptr); }
  png_decoder(const png_decoder&) = delete;
  png_decoder& operator=(const png_decoder&) = delete;

  std::int64_t height() const { return png_get_image_height(state_, info_); }
  std::int64_t width() const { return png_get_image_width(state_, info_); }
  bool has_16_bits() const { return png_get_bit_depth(state_, info_) == 16; }

  /// Palette, gray and transparent colors are expanded. With an 8-bit `Value` 16-bit files are rounded; a
  /// 16-bit `Value` is for files that have 16 bits. Where data is missing or damaged this throws, or, with
  /// `accept_damaged`, leaves what did not come at zero.
  template <class Value>
  png_pixels<Value> decode(bool accept_damaged) {
    static_assert(sizeof(Value) <= 2);
    int passes = 1;
    const bool started = guarded([&] {
      png_set_expand(state_);
      png_set_gray_to_rgb(state_);
      if (sizeof(Value) == 1) png_set_scale_16(state_);
      if (sizeof(Value) == 2 && std::endian::native == std::endian::little) png_set_swap(state_);
      passes = png_set_interlace_handling(state_);
      png_read_update_info(state_, info_);
    });
    if (!started) throw_damage();
    png_pixels<Value> pixels;
    pixels.height = static_cast<int>(height());
    pixels.width = static_cast<int>(width());
    pixels.channels = png_get_channels(state_, info_);
    const std::size_t row_size = png_get_rowbytes(state_, info_);
    const auto expected = static_cast<std::size_t>(pixels.width) * static_cast<std::size_t>(pixels.channels);
    require<file_error>(row_size == expected * sizeof(Value), "cannot read '", name_,
                        "': found a PNG of unknown layout");
    pixels.values.resize(expected * static_cast<std::size_t>(pixels.height));
    auto* const first = reinterpret_cast<png_bytep>(pixels.values.data());
    const bool complete = guarded([&] {
      for (int pass = 0; pass < passes; ++pass) {
        for (int y = 0; y < pixels.height; ++y) {
          png_read_row(state_, first + row_size * static_cast<std::size_t>(y), nullptr);
        }
      }
      png_read_end(state_, nullptr);
    });
    if (!complete && !accept_damaged) throw_damage();
    return pixels;
  }

 private:
  /// Runs `step`, which calls libpng and creates no object with a destructor; whether it went well.
  template <class Step>
  bool guarded(const Step& step) {
    if (setjmp(escape_) != 0) return false;
    step();
    return true;
  }

  [[noreturn]] void throw_damage() const {
    throw file_error(
        sentence("cannot read '", name_, "': found a damaged PNG (", message_, "), wanted a complete one"));
  }

  static void on_error(png_structp state, png_const_charp message) {
    auto& self = *static_cast<png_decoder*>(png_get_error_ptr(state));
    std::snprintf(self.message_, sizeof self.message_, "%s", message);
    std::longjmp(self.escape_, 1);
  }

  static void on_read(png_structp state, png_bytep target, std::size_t size) {
    auto& self = *static_cast<png_decoder*>(png_get_io_ptr(state));
    if (self.rest_.size() < size) png_error(state, "it ends too early");
    std::memcpy(target, self.rest_.data(), size);
    self.rest_ = self.rest_.subspan(size);
  }

  std::string_view name_;
  byte_view rest_;
  png_structp state_ = nullptr;
  png_infop info_ = nullptr;
  std::jmp_buf escape_{};
  char message_[200]{};
};

}  // namespace lookalike::detail
