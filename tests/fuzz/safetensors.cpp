/// \file
/// A libFuzzer target: whatever bytes are given, the reader of safetensors either throws `file_error` or
/// gives a file that can be read to its end and written again.
///
///   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/safetensors.cpp -o
///   fuzz
///   ./fuzz -malloc_limit_mb=64 -rss_limit_mb=1024 -max_len=4096 -dict=tests/fuzz/safetensors.dict corpus/

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/safetensors.hpp>

namespace {

using namespace lookalike;

void insist(bool condition) {
  if (!condition) std::abort();
}

void use(const safetensors_file& file, std::size_t file_size) {
  std::size_t total = 0;
  double sum = 0;
  for (const safetensor& tensor : file.tensors()) {
    total += tensor.bytes.size();
    insist(file.find(tensor.name) == &tensor);
    for (const std::byte b : tensor.bytes) sum += std::to_integer<int>(b);
    if (is_floating(tensor.type)) {
      insist(file.read<float>(tensor.name).size() == static_cast<std::size_t>(tensor.size()));
      insist(file.read<double>(tensor.name).size() == static_cast<std::size_t>(tensor.size()));
    }
  }
  insist(sum >= 0);
  insist(total < file_size);
  const std::vector<std::byte> once = safetensors_bytes(file.tensors(), file.metadata());
  const auto again = safetensors_file::from_bytes(once);
  insist(again.metadata() == file.metadata());
  insist(again.tensors().size() == file.tensors().size());
  for (const safetensor& tensor : again.tensors()) {
    const safetensor* const before = file.find(tensor.name);
    insist(before != nullptr && before->type == tensor.type && before->shape == tensor.shape);
    insist(std::equal(before->bytes.begin(), before->bytes.end(), tensor.bytes.begin(), tensor.bytes.end()));
  }
  insist(safetensors_bytes(again.tensors(), again.metadata()) == once);
}

void open_bytes(std::span<const std::byte> bytes) {
  std::vector<safetensors_file> opened;
  try {
    opened.push_back(safetensors_file::from_bytes(bytes));
  } catch (const file_error&) {
    return;
  }
  use(opened[0], bytes.size());  // nothing may be thrown from here on
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto given = std::as_bytes(std::span(data, size));
  open_bytes(given);
  // Once more as the header alone, with its true length before it: few mutations keep that right.
  std::vector<std::byte> framed(8);
  for (std::size_t i = 0; i < 8; ++i) framed[i] = static_cast<std::byte>(std::uint64_t{size} >> (8 * i));
  framed.insert(framed.end(), given.begin(), given.end());
  open_bytes(framed);
  return 0;
}
