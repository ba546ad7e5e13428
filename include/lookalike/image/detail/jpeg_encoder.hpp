#pragma once

/// \file
/// JPEG encoding by libjpeg(-turbo), with the error handling of jpeg_decoder.hpp.

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs it
//
#include <cstdlib>
#include <string_view>
#include <vector>

#include <jpeglib.h>

#include <lookalike/core/error.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike::detail {

/// One JPEG being encoded into memory.
class jpeg_encoder {
 public:
  explicit jpeg_encoder(std::string_view name) : name_(name) {
    state_.err = jpeg_std_error(&errors_);
    state_.client_data = this;
    errors_.error_exit = [](j_common_ptr state) {
      auto& self = *static_cast<jpeg_encoder*>(state->client_data);
      state->err->format_message(state, self.message_);
      std::longjmp(self.escape_, 1);
    };
    errors_.output_message = [](j_common_ptr) {};
  }
  ~jpeg_encoder() {
    jpeg_destroy_compress(&state_);
    std::free(buffer_);
  }
  jpeg_encoder(const jpeg_encoder&) = delete;
  jpeg_encoder& operator=(const jpeg_encoder&) = delete;

  /// `quality` is libjpeg's, 1 to 100. Above 90 color is kept at full resolution (4:4:4), below at half
  /// in both directions (4:2:0).
  template <int Channels>
  std::vector<std::byte> encode(const image<Channels, std::uint8_t>& picture, int quality) {
    static_assert(Channels == 1 || Channels == 3);
    constexpr int finest_halved_quality = 90;
    guarded([&] {
      jpeg_create_compress(&state_);
      jpeg_mem_dest(&state_, &buffer_, &size_);
      state_.image_width = static_cast<JDIMENSION>(picture.width());
      state_.image_height = static_cast<JDIMENSION>(picture.height());
      state_.input_components = Channels;
      state_.in_color_space = Channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
      jpeg_set_defaults(&state_);
      jpeg_set_quality(&state_, quality, TRUE);
      state_.optimize_coding = TRUE;
      if (quality > finest_halved_quality) {
        state_.comp_info[0].h_samp_factor = 1;
        state_.comp_info[0].v_samp_factor = 1;
      }
      jpeg_start_compress(&state_, TRUE);
      while (state_.next_scanline < state_.image_height) {
        auto* row = const_cast<JSAMPROW>(picture.data()) +
                    static_cast<std::size_t>(state_.next_scanline) * state_.image_width * Channels;
        jpeg_write_scanlines(&state_, &row, 1);
      }
      jpeg_finish_compress(&state_);
    });
    const auto* first = reinterpret_cast<const std::byte*>(buffer_);
    return {first, first + size_};
  }

 private:
  /// Runs `step`, which calls libjpeg and creates no object with a destructor.
  template <class Step>
  void guarded(const Step& step) {
    if (setjmp(escape_) != 0) throw file_error(sentence("cannot write '", name_, "': ", message_));
    step();
  }

  std::string_view name_;
  jpeg_compress_struct state_{};
  jpeg_error_mgr errors_{};
  std::jmp_buf escape_{};
  char message_[JMSG_LENGTH_MAX]{};
  unsigned char* buffer_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace lookalike::detail
