#pragma once

/// \file
/// JPEG decoding by libjpeg(-turbo), made safe for C++: libjpeg reports errors by a function that must not
/// return, so every call into it runs under `setjmp`, and no object with a destructor lives between.

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs it
//
#include <jpeglib.h>
//
#include <algorithm>
#include <string_view>

#include <jerror.h>

#include <lookalike/core/error.hpp>
#include <lookalike/image/detail/picture_header.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike::detail {

/// One JPEG being decoded. Holds no resource but libjpeg's, freed in every case.
class jpeg_decoder {
 public:
  jpeg_decoder(byte_view bytes, std::string_view name) : name_(name) {
    state_.err = jpeg_std_error(&errors_);
    state_.client_data = this;
    errors_.error_exit = [](j_common_ptr state) {
      auto& self = *static_cast<jpeg_decoder*>(state->client_data);
      state->err->format_message(state, self.message_);
      std::longjmp(self.escape_, 1);
    };
    errors_.emit_message = [](j_common_ptr state, int level) {
      if (level < 0) static_cast<jpeg_decoder*>(state->client_data)->note_warning();
    };
    errors_.output_message = [](j_common_ptr) {};
    guarded([&] {
      jpeg_create_decompress(&state_);
      jpeg_mem_src(&state_, reinterpret_cast<const unsigned char*>(bytes.data()),
                   static_cast<unsigned long>(bytes.size()));
      limit_scans();
      jpeg_read_header(&state_, TRUE);
    });
  }
  ~jpeg_decoder() { jpeg_destroy_decompress(&state_); }
  jpeg_decoder(const jpeg_decoder&) = delete;
  jpeg_decoder& operator=(const jpeg_decoder&) = delete;

  std::int64_t height() const { return state_.image_height; }
  std::int64_t width() const { return state_.image_width; }

  /// The picture in RGB, reduced to the smallest of 1/8 ... 8/8 whose shorter side has `at_least` pixels
  /// (8/8 where `at_least` is 0).
  byte_image decode(int at_least) {
    const bool is_cmyk = state_.jpeg_color_space == JCS_CMYK || state_.jpeg_color_space == JCS_YCCK;
    state_.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    state_.scale_denom = 8;
    state_.scale_num = scale_for(at_least);
    guarded([&] { jpeg_start_decompress(&state_); });
    byte_image picture(static_cast<int>(state_.output_height), static_cast<int>(state_.output_width));
    if (is_cmyk) {
      image<4, std::uint8_t> inks(picture.height(), picture.width());
      read_rows(inks.data(), 4);
      to_rgb(inks, picture);
    } else {
      read_rows(picture.data(), 3);
    }
    return picture;
  }

  /// What libjpeg found wrong with the data so far (the first such finding); empty when nothing.
  std::string_view damage() const { return damage_; }

 private:
  /// Runs `step`, which calls libjpeg and creates no object with a destructor.
  template <class Step>
  void guarded(const Step& step) {
    if (setjmp(escape_) != 0) {
      jpeg_destroy_decompress(&state_);  // the constructor may be what fails; a second time does no harm
      throw file_error(sentence("cannot read '", name_, "': found a damaged or unsupported JPEG (", message_,
                                "), wanted a readable one"));
    }
    step();
  }

  /// libjpeg carries on after a warning. Those that mean lost pixels are remembered; harmless ones, such as
  /// stray bytes before a marker, are not.
  void note_warning() {
    const int code = errors_.msg_code;
    const bool loses_pixels = code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER ||
                              code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC ||
                              code == JWRN_ARITH_BAD_CODE;
    if (loses_pixels && damage_[0] == '\0') {
      errors_.format_message(reinterpret_cast<j_common_ptr>(&state_), damage_);
    }
  }

  /// A small file can ask for thousands of passes over a large picture; an honest one has about ten.
  void limit_scans() {
    progress_.progress_monitor = [](j_common_ptr state) {
      constexpr int largest_number_of_scans = 1000;
      if (reinterpret_cast<j_decompress_ptr>(state)->input_scan_number > largest_number_of_scans) {
        auto& self = *static_cast<jpeg_decoder*>(state->client_data);
        std::snprintf(self.message_, sizeof self.message_, "more than %d scans", largest_number_of_scans);
        std::longjmp(self.escape_, 1);
      }
    };
    state_.progress = &progress_;
  }

  unsigned scale_for(int at_least) const {
    const std::int64_t shorter = std::min(height(), width());
    unsigned eighths = 8;
    while (at_least > 0 && eighths > 1 && (shorter * (eighths - 1) + 7) / 8 >= at_least) --eighths;
    return eighths;
  }

  void read_rows(std::uint8_t* first, std::size_t channels) {
    const std::size_t pitch = channels * state_.output_width;
    guarded([&] {
      while (state_.output_scanline < state_.output_height) {
        JSAMPROW row = first + pitch * state_.output_scanline;
        jpeg_read_scanlines(&state_, &row, 1);
      }
    });
  }

  /// Four inks, stored the way Adobe's programs do and all readers assume: 255 means no ink.
  static void to_rgb(const image<4, std::uint8_t>& inks, byte_image& picture) {
    for (std::ptrdiff_t i = 0; i < picture.area(); ++i) {
      const std::uint8_t* ink = inks.data() + 4 * i;
      for (int c = 0; c < 3; ++c) {
        picture.data()[3 * i + c] = static_cast<std::uint8_t>((ink[c] * ink[3] + 127) / 255);
      }
    }
  }

  std::string_view name_;
  jpeg_decompress_struct state_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf escape_{};
  char message_[JMSG_LENGTH_MAX]{};
  char damage_[JMSG_LENGTH_MAX]{};
};

}  // namespace lookalike::detail
