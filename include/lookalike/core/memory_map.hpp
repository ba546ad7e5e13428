#pragma once

/// \file
/// The beginning of a file as memory, read by the system as it is touched: how columns larger than memory are
/// searched. The file may grow meanwhile; whoever shortens it pulls the floor away (SIGBUS), so that the
/// library only ever shortens what no map shows.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>

namespace lookalike {

class memory_map {
 public:
  memory_map() = default;

  /// Maps the first `size` bytes of a file, for reading. Throws `file_error` when it cannot be opened or is
  /// shorter.
  memory_map(const std::filesystem::path& path, std::uint64_t size) : size_(static_cast<std::size_t>(size)) {
    const detail::file_descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) detail::throw_file_error("open", path, errno);
    struct stat status {};
    if (::fstat(file.number(), &status) != 0) detail::throw_file_error("examine", path, errno);
    require<file_error>(static_cast<std::uint64_t>(status.st_size) >= size, "cannot read '", path.string(),
                        "': it has ", status.st_size, " bytes, wanted at least ", size);
    if (size_ == 0) return;  // an empty range cannot be mapped
    void* const address = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.number(), 0);
    if (address == MAP_FAILED) detail::throw_file_error("map", path, errno);
    address_ = address;
  }
  memory_map(memory_map&& other) noexcept
      : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  memory_map& operator=(memory_map&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~memory_map() {
    if (address_ != nullptr) ::munmap(address_, size_);
  }

  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(address_), size_}; }

  /// The bytes as numbers of a type without constructors; the file starts on a page, so they are aligned.
  template <class Value>
  std::span<const Value> as() const {
    return {static_cast<const Value*>(address_), size_ / sizeof(Value)};
  }

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace lookalike
