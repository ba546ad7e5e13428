#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <lookalike/core/files.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/nn/safetensors.hpp>

#include "../allocations.hpp"
#include "../full_disk.hpp"
#include "../scratch_folder.hpp"

namespace safetensors_test {

namespace {

namespace fs = std::filesystem;
using namespace lookalike;
using test::message_of;
using test::scratch_folder;
using bytes = std::vector<std::byte>;

bytes as_bytes_vector(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

/// A file by hand: the header's length as given, the header, the data.
bytes file_of(std::uint64_t length, std::string_view header, std::string_view data = {}) {
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  return as_bytes_vector(text.append(header).append(data));
}
bytes file_of(std::string_view header, std::string_view data = {}) {
  return file_of(header.size(), header, data);
}

std::string refusal(const bytes& file) {
  std::string message = "(accepted)";
  try {
    safetensors_file::from_bytes(file, "f");
  } catch (const file_error& failure) {
    message = failure.what();
  }
  return message;
}
std::string refusal(std::string_view header, std::string_view data = {}) {
  return refusal(file_of(header, data));
}

using namespace std::string_literals;
using namespace std::string_view_literals;

constexpr std::string_view reference_header =
    "{\"__metadata__\":{\"framework\":\"pt\"},"
    "\"n\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
    "\"a\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[8,56]},"
    "\"b.bias\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[56,64]},"
    "\"empty\":{\"dtype\":\"F16\",\"shape\":[0,4],\"data_offsets\":[64,64]},"
    "\"i\":{\"dtype\":\"I16\",\"shape\":[1,1],\"data_offsets\":[64,66]},"
    "\"q\\\"\\\\\\n\xc3\xa9\\u0001\x7f\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[66,67]},"
    "\"flag\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[67,70]}}       "sv;
constexpr std::string_view reference_data =
    "\x07\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\0\0"
    "\0\0\0\0\0\0\xf0\x3f"
    "\0\0\0\0\0\0\0\x40"
    "\0\0\0\0\0\0\x08\x40"
    "\0\0\0\0\0\0\x10\x40"
    "\0\0\0\0\0\0\x14\x40"
    "\0\0\xc0\x3f"
    "\0\0\0\xc0"
    "\xff\xff"
    "\x01"
    "\x01\0\x01"sv;
const std::string odd_name = "q\"\\\n\xc3\xa9\x01\x7f";

/// What the Python package safetensors 0.8.0 gives for
///   save({"b.bias": np.array([1.5, -2], np.float32), "a": np.arange(6.0).reshape(2, 3),
///         "flag": np.array([True, False, True]), "n": np.array(7, np.int64),
///         "empty": np.zeros((0, 4), np.float16), "q\"\\\n\u00e9\x01\x7f": np.array([1], np.uint8),
///         "i": np.array([[-1]], np.int16)}, {"framework": "pt"})
bytes reference_file() {
  return file_of(456, reference_header, reference_data);
}

/// The arrays of the reference file, in some order.
struct reference_arrays {
  std::array<float, 2> bias{1.5, -2};
  std::array<double, 6> a{0, 1, 2, 3, 4, 5};
  std::array<bool, 3> flag{true, false, true};
  std::array<std::int64_t, 1> n{7};
  std::array<std::uint8_t, 1> q{1};
  std::array<std::int16_t, 1> i{-1};

  std::vector<safetensor> tensors() const {
    return {make_safetensor("b.bias", {2}, std::span<const float>(bias)),
            make_safetensor("a", {2, 3}, std::span<const double>(a)),
            make_safetensor("flag", {3}, std::span<const bool>(flag)),
            make_safetensor("n", {}, std::span<const std::int64_t>(n)),
            {"empty", safetensor_type::float16, {0, 4}, {}},
            make_safetensor(odd_name, {1}, std::span<const std::uint8_t>(q)),
            make_safetensor("i", {1, 1}, std::span<const std::int16_t>(i))};
  }
};

/// A tensor's entry in a header.
std::string entry(std::string_view name, std::string_view type, std::string_view shape,
                  std::string_view offsets) {
  return "\""s.append(name) + "\":{\"dtype\":\"" + std::string(type) + "\",\"shape\":" + std::string(shape) +
         ",\"data_offsets\":" + std::string(offsets) + "}";
}

/// Touches all that an accepted file offers, and writes it again.
void use(const safetensors_file& file) {
  std::int64_t total = 0;
  for (const safetensor& tensor : file.tensors()) {
    total += static_cast<std::int64_t>(tensor.bytes.size());
    REQUIRE(file.find(tensor.name) == &tensor);
    if (can_read_as<double>(tensor.type)) {
      REQUIRE(file.read<double>(tensor.name).size() == static_cast<std::size_t>(tensor.size()));
    }
  }
  const bytes again = safetensors_bytes(file.tensors(), file.metadata());
  const auto reread = safetensors_file::from_bytes(again);
  REQUIRE(reread.metadata() == file.metadata());
  REQUIRE(reread.tensors().size() == file.tensors().size());
  std::int64_t reread_total = 0;
  for (const safetensor& tensor : reread.tensors()) {
    const safetensor* const before = file.find(tensor.name);
    REQUIRE(before != nullptr);
    REQUIRE(before->type == tensor.type);
    REQUIRE(before->shape == tensor.shape);
    reread_total += static_cast<std::int64_t>(tensor.bytes.size());
  }
  REQUIRE(total == reread_total);
}

struct outcome {
  bool accepted = false;
  std::int64_t allocated = 0;  ///< the most bytes in use on the way, beyond those before
};

/// Opens a file that may hold anything. The bytes lie in a block of their exact size, so that the address
/// sanitizer sees a step beyond them.
outcome open_anything(const bytes& content) {
  const auto exact = std::make_unique<std::byte[]>(content.size());
  std::copy(content.begin(), content.end(), exact.get());
  const std::span<const std::byte> given(exact.get(), content.size());
  const std::string name = "fuzzed";
  const std::int64_t before = allocations::live;
  allocations::start_peak();
  outcome result;
  try {
    const auto file = safetensors_file::from_bytes(given, name);
    result.allocated = allocations::peak - before;
    result.accepted = true;
    use(file);
  } catch (const file_error&) {
    if (!result.accepted) result.allocated = allocations::peak - before;
    REQUIRE(!result.accepted);
  }
  return result;
}

/// No file makes the reader allocate more than this. The constant is for messages and the parser's own state;
/// the factor for rows of the table, of which the shortest takes 50 bytes of header.
std::int64_t allocation_limit(const bytes& content) {
  return 16384 + 12 * static_cast<std::int64_t>(content.size());
}

}  // namespace

TEST_CASE("a file of the reference implementation is read") {
  const bytes content = reference_file();
  const auto file = safetensors_file::from_bytes(content, "f");
  CHECK(file.tensors().size() == 7);
  CHECK(file.metadata() == safetensors_metadata{{"framework", "pt"}});
  CHECK(file.read<float>("b.bias") == std::vector<float>{1.5, -2});
  CHECK(file.read<double>("b.bias") == std::vector<double>{1.5, -2});
  CHECK(file.read<double>("a") == std::vector<double>{0, 1, 2, 3, 4, 5});
  CHECK(file.read<float>("a") == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(file.at("a").shape == std::vector<std::int64_t>{2, 3});
  std::array<bool, 3> flag{};
  file.read("flag", std::span<bool>(flag));
  CHECK(flag == std::array<bool, 3>{true, false, true});
  CHECK(file.read<std::int64_t>("n") == std::vector<std::int64_t>{7});
  CHECK(file.at("n").shape.empty());
  CHECK(file.read<float>("empty").empty());
  CHECK(file.at("empty").shape == std::vector<std::int64_t>{0, 4});
  CHECK(file.read<std::uint8_t>(odd_name) == std::vector<std::uint8_t>{1});
  CHECK(file.read<std::int16_t>("i") == std::vector<std::int16_t>{-1});
  CHECK(file.find("b") == nullptr);
  CHECK(file.find("") == nullptr);
  CHECK(message_of([&] { file.at("b"); }) == "'f': holds no tensor 'b'");
  CHECK(message_of([&] { file.read<float>("n"); }) ==
        "'f': tensor 'n' is of type I64, wanted one that can be read as F32");
  std::array<float, 3> three{};
  CHECK(message_of([&] { file.read("b.bias", std::span<float>(three)); }) ==
        "'f': tensor 'b.bias' has 2 numbers, given room for 3");
}

TEST_CASE("the same arrays are written byte for byte as the reference implementation does") {
  const reference_arrays arrays;
  std::vector<safetensor> tensors = arrays.tensors();
  const bytes expected = reference_file();
  CHECK(safetensors_bytes(tensors, {{"framework", "pt"}}) == expected);
  random_sequence(1).shuffle(tensors);
  CHECK(safetensors_bytes(tensors, {{"framework", "pt"}}) == expected);

  const scratch_folder scratch;
  write_safetensors(scratch.path / "x.safetensors", tensors, {{"framework", "pt"}});
  CHECK(read_file(scratch.path / "x.safetensors") == expected);
  CHECK(std::distance(fs::directory_iterator(scratch.path), fs::directory_iterator()) == 1);
}

TEST_CASE("no tensors are a valid file of sixteen bytes; metadata are sorted") {
  CHECK(safetensors_bytes({}) == file_of("{}      "));
  const bytes with_text = safetensors_bytes({}, {{"b", "2"}, {"a", "\xe2\x82\xac\n"}});
  CHECK(with_text == file_of("{\"__metadata__\":{\"a\":\"\xe2\x82\xac\\n\",\"b\":\"2\"}}  "));
  const auto file = safetensors_file::from_bytes(with_text);
  CHECK(file.tensors().empty());
  CHECK(file.metadata() == safetensors_metadata{{"a", "\xe2\x82\xac\n"}, {"b", "2"}});
}

TEST_CASE("what others write is read: any order, unaligned data, white space, empty tensors anywhere") {
  const std::string header = "{ \"z\" : {\"data_offsets\":[ 3 , 7],\n\"shape\":[1],\"dtype\":\"F32\"},\t" +
                             entry("e", "F64", "[4,0]", "[3,3]") + "," + entry("y", "I8", "[3]", "[0,3]") +
                             "," + entry("e2", "F64", "[0]", "[7,7]") + ",\"__metadata__\":{}} ";
  const auto content = file_of(header, "\x01\x02\x03\0\0\x80\x3f"sv);
  const auto file = safetensors_file::from_bytes(content);
  REQUIRE(file.tensors().size() == 4);
  CHECK(file.tensors()[0].name == "y");
  CHECK(file.read<float>("z") == std::vector<float>{1});
  CHECK(file.read<std::int8_t>("y") == std::vector<std::int8_t>{1, 2, 3});
  CHECK(file.at("e").shape == std::vector<std::int64_t>{4, 0});
}

TEST_CASE("a file is mapped, and its tensors survive a move of the file's object") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "x.safetensors";
  write_atomically(path, reference_file());
  std::vector<safetensors_file> files;
  {
    auto opened = safetensors_file::open(path);
    CHECK(opened.name() == path.string());
    files.push_back(std::move(opened));
  }
  CHECK(files[0].read<float>("b.bias") == std::vector<float>{1.5, -2});
}

TEST_CASE("files that cannot be opened are named") {
  const scratch_folder scratch;
  CHECK(message_of([&] { safetensors_file::open(scratch.path / "gone"); }) ==
        "cannot read '" + (scratch.path / "gone").string() + "': No such file or directory");
  CHECK(message_of([&] { safetensors_file::open(scratch.path); }).find("Is a directory") !=
        std::string::npos);
  write_atomically(scratch.path / "empty", ""sv);
  CHECK(message_of([&] { safetensors_file::open(scratch.path / "empty"); }) ==
        "'" + (scratch.path / "empty").string() + "': has 0 bytes, too few for the length of a header");
}

TEST_CASE("a full disk leaves the file that was there") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "x.safetensors";
  write_atomically(path, reference_file());
  const std::vector<double> numbers(10000);
  const std::vector<safetensor> tensors{make_safetensor("a", {10000}, std::span<const double>(numbers))};
  {
    const full_disk disk(4096);
    CHECK_THROWS_AS(write_safetensors(path, tensors), file_error);
  }
  CHECK(read_file(path) == reference_file());
}

TEST_CASE("tensors that no file can hold are refused before anything is written") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "x.safetensors";
  const std::array<float, 2> numbers{1, 2};
  const auto tensor = [&](std::string name, std::vector<std::int64_t> shape) {
    return make_safetensor(std::move(name), std::move(shape), std::span<const float>(numbers));
  };
  const auto refused = [&](const std::vector<safetensor>& tensors,
                           const safetensors_metadata& metadata = {}) {
    std::string message = "(accepted)";
    try {
      write_safetensors(path, tensors, metadata);
    } catch (const value_error& failure) {
      message = failure.what();
    }
    CHECK(fs::is_empty(scratch.path));
    return message;
  };
  CHECK(refused({tensor("a", {2}), tensor("b", {2}), tensor("a", {2, 1})}) ==
        "safetensors: given two tensors called 'a'");
  CHECK(refused({tensor("a", {3})}) ==
        "safetensors: tensor 'a' of shape 3 and type F32 takes 12 bytes, given 8");
  CHECK(refused({tensor("a", {-1, -2})}) == "safetensors: tensor 'a' has the shape -1x-2");
  CHECK(refused({tensor("a", {1LL << 62, 4})}) ==
        "safetensors: tensor 'a' has the shape 4611686018427387904x4");
  CHECK(refused({tensor("__metadata__", {2})}) == "safetensors: no tensor can be called '__metadata__'");
  CHECK(refused({tensor("a\xff", {2})}).find("no valid UTF-8") != std::string::npos);
  CHECK(refused({}, {{"a", "\xc3("}}).find("no valid UTF-8") != std::string::npos);
  CHECK(refused({tensor("a", std::vector<std::int64_t>(65, 1))}) ==
        "safetensors: tensor 'a' has 65 dimensions, wanted at most 64");
}

TEST_CASE("lengths of headers that lie are refused") {
  for (std::size_t size = 0; size < 8; ++size) {
    CHECK(refusal(bytes(size)) ==
          "'f': has " + std::to_string(size) + " bytes, too few for the length of a header");
  }
  CHECK(refusal(file_of(0, "")) == "'f': the header does not begin with '{'");
  CHECK(refusal(file_of(3, "{}")) == "'f': given a header of 3 bytes, but only 2 follow");
  CHECK(refusal(file_of(100000000, "{}")) == "'f': given a header of 100000000 bytes, but only 2 follow");
  CHECK(refusal(file_of(100000001, "{}")) ==
        "'f': given a header of 100000001 bytes, wanted at most 100000000");
  CHECK(refusal(file_of(~std::uint64_t{0}, "{}")) ==
        "'f': given a header of 18446744073709551615 bytes, wanted at most 100000000");
  CHECK(refusal(file_of(~std::uint64_t{0} - 7, "{}")).find("wanted at most") != std::string::npos);
}

TEST_CASE("headers that are no JSON are refused") {
  CHECK(refusal("[]") == "'f': the header does not begin with '{'");
  CHECK(refusal("  {}") == "'f': the header does not begin with '{'");
  CHECK(refusal("\xef\xbb\xbf{}") == "'f': the header does not begin with '{'");
  CHECK(refusal("{}\0junk"sv) == "'f': the header contains a zero byte");
  for (const std::string_view broken :
       {"{"sv, "{}}"sv, "{} x"sv, "{\"a\""sv, "{\"a\":"sv, "{a:{}}"sv, "{\"__metadata__\":{},}"sv, "{/**/}"sv,
        "{\"\\ud800\":{}}"sv, "{\"\xff\":{}}"sv, "{\"\xc0\x80\":{}}"sv, "{\"\xed\xa0\x80\":{}}"sv,
        "{\"\xf5\x80\x80\x80\":{}}"sv, "{\"a\n\":{}}"sv, "{\"\\x41\":{}}"sv, "{}\xff"sv}) {
    INFO(broken);
    CHECK(refusal(broken).find("'f': the header is no valid JSON at byte") == 0);
  }
}

TEST_CASE("headers that are no table of tensors are refused, with the tensor's name") {
  const auto a = [](std::string_view fields) { return refusal("{\"a\":{" + std::string(fields) + "}}"); };
  CHECK(refusal("{\"a\":1}") == "'f': tensor 'a' is given as a number, wanted an object");
  CHECK(refusal("{\"a\":null}") == "'f': tensor 'a' is given as null, wanted an object");
  CHECK(refusal("{\"a\":[]}") == "'f': tensor 'a' is given as a list, wanted an object");
  CHECK(refusal("{\"a\":\"b\"}") == "'f': tensor 'a' is given as a string, wanted an object");
  CHECK(refusal("{\"a\":true}") == "'f': tensor 'a' is given as a boolean, wanted an object");
  CHECK(a("") == "'f': tensor 'a' lacks its dtype");
  CHECK(a("\"dtype\":\"F32\"") == "'f': tensor 'a' lacks its shape");
  CHECK(a("\"dtype\":\"F32\",\"shape\":[]") == "'f': tensor 'a' lacks its data_offsets");
  CHECK(a("\"dtype\":\"F32\",\"dtype\":\"F32\"") == "'f': tensor 'a' has 'dtype' twice");
  CHECK(a("\"color\":1") == "'f': tensor 'a' has a field 'color', wanted dtype, shape and data_offsets");
  CHECK(a("\"dtype\":\"F8\"") == "'f': tensor 'a' is of type 'F8', which is not known here");
  CHECK(a("\"dtype\":7") == "'f': tensor 'a' has a number as its dtype, wanted a string");
  CHECK(a("\"dtype\":{}") == "'f': tensor 'a' has an object as its dtype, wanted a string");
  CHECK(a("\"shape\":3") == "'f': tensor 'a' has a number in its shape, wanted a list of numbers");
  CHECK(a("\"shape\":{}") == "'f': tensor 'a' has an object in its shape, wanted a list of numbers");
  CHECK(a("\"shape\":[-1]") ==
        "'f': tensor 'a' has a negative number in its shape, wanted a list of numbers");
  CHECK(a("\"shape\":[[1]]") == "'f': tensor 'a' has a list in its shape, wanted a list of numbers");
  CHECK(a("\"shape\":[1.5]").find("has a fraction or a number beyond 64 bits in its shape") !=
        std::string::npos);
  CHECK(a("\"shape\":[1e2]").find("has a fraction") != std::string::npos);
  CHECK(a("\"shape\":[18446744073709551616]").find("number beyond 64 bits") != std::string::npos);
  CHECK(a("\"shape\":[18446744073709551615]") == "'f': tensor 'a' has an extent of 18446744073709551615");
  CHECK(a("\"data_offsets\":[0]") == "'f': tensor 'a' has 1 data_offsets, wanted begin and end");
  CHECK(a("\"data_offsets\":[]") == "'f': tensor 'a' has 0 data_offsets, wanted begin and end");
  CHECK(a("\"data_offsets\":[0,1,2]") == "'f': tensor 'a' has more than two data_offsets");
  CHECK(a("\"data_offsets\":[0,-4]") ==
        "'f': tensor 'a' has a negative number in its data_offsets, wanted begin and end");
  CHECK(a("\"data_offsets\":[null,4]") ==
        "'f': tensor 'a' has null in its data_offsets, wanted begin and end");
  CHECK(refusal("{\"__metadata__\":[]}") == "'f': the header gives a list as __metadata__, wanted an object");
  CHECK(refusal("{\"__metadata__\":{\"a\":1}}") ==
        "'f': the header gives a number in __metadata__, wanted a string");
  CHECK(refusal("{\"__metadata__\":{\"a\":{}}}") ==
        "'f': the header gives an object in __metadata__, wanted a string");
  CHECK(refusal("{\"__metadata__\":{},\"__metadata__\":{}}") == "'f': the header has __metadata__ twice");
  CHECK(refusal("{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}") ==
        "'f': the header has a key twice in its __metadata__");
  const std::string long_name(100000, 'n');
  CHECK(refusal("{\"" + long_name + "\\n\":1}").size() < 300);
}

TEST_CASE("names that come twice are refused, also where the JSON writes them differently") {
  CHECK(refusal("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("a", "U8", "[1]", "[1,2]") + "}",
                "xy") == "'f': tensor 'a' comes twice");
  CHECK(refusal("{" + entry("a", "U8", "[1]", "[0,1]") + "," + entry("\\u0061", "U8", "[1]", "[1,2]") + "}",
                "xy") == "'f': tensor 'a' comes twice");
}

TEST_CASE("ranges that overlap, leave holes, or miss the shape or the end of the file are refused") {
  const auto two = [](std::string_view first, std::string_view second) {
    return refusal("{" + entry("a", "F32", "[2]", first) + "," + entry("b", "F32", "[1]", second) + "}",
                   "0123456789ab");
  };
  CHECK(two("[0,8]", "[8,12]") == "(accepted)");
  CHECK(two("[4,12]", "[0,4]") == "(accepted)");
  CHECK(two("[0,8]", "[4,8]") == "'f': tensor 'b' begins at byte 4, but the one before it ends at 8");
  CHECK(two("[0,8]", "[0,8]") == "'f': tensor 'b' begins at byte 0, but the one before it ends at 8");
  CHECK(two("[1,9]", "[9,13]") ==
        "'f': tensor 'a' begins at byte 1, which leaves those from 0 on to no tensor");
  CHECK(two("[0,8]", "[9,13]") == "'f': tensor 'b' is said to lie in bytes 9 to 13 of 12");
  CHECK(two("[0,8]", "[12,8]") == "'f': tensor 'b' is said to lie in bytes 12 to 8 of 12");
  CHECK(two("[0,8]", "[8,18446744073709551615]") ==
        "'f': tensor 'b' is said to lie in bytes 8 to 18446744073709551615 of 12");
  CHECK(two("[0,4]", "[4,8]") == "'f': tensor 'a' of shape 2 and type F32 takes 8 bytes, given 4");
  CHECK(refusal("{" + entry("a", "F32", "[2]", "[0,8]") + "}", "0123456789") ==
        "'f': the tensors take 8 bytes, but the file holds 10");
  CHECK(refusal("{}", "0") == "'f': the tensors take 0 bytes, but the file holds 1");
}

TEST_CASE("shapes whose size exceeds 64 bits are refused, however it wraps around") {
  const auto shaped = [](std::string_view shape) {
    return refusal("{" + entry("a", "F64", shape, "[0,0]") + "}");
  };
  CHECK(shaped("[9223372036854775807]") ==
        "'f': tensor 'a' of shape 9223372036854775807 is too large for 64 bits");
  CHECK(shaped("[4294967296,4294967296]").find("too large") != std::string::npos);  // 2^67 wraps to 0
  CHECK(shaped("[2305843009213693952]").find("too large") != std::string::npos);    // 2^64 wraps to 0
  CHECK(shaped("[2305843009213693951]").find("takes 18446744073709551608 bytes") != std::string::npos);
  CHECK(shaped("[0]") == "(accepted)");
  std::string many = "[0";
  for (int i = 1; i < 64; ++i) many += ",9";
  CHECK(shaped(many + "]") == "(accepted)");
  CHECK(shaped(many + ",9]") == "'f': tensor 'a' has more than 64 dimensions");
}

TEST_CASE("every beginning of a file is refused, without large allocations") {
  const bytes whole = reference_file();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const outcome result = open_anything(part);
    REQUIRE(!result.accepted);
    REQUIRE(result.allocated <= allocation_limit(part));
  }
  CHECK(open_anything(whole).accepted);
}

TEST_CASE("every single bit turned over gives an error or a valid file") {
  bytes content = reference_file();
  int accepted = 0;
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      const auto mask = static_cast<std::byte>(1 << bit);
      content[i] ^= mask;
      const outcome result = open_anything(content);
      content[i] ^= mask;
      accepted += result.accepted;
      REQUIRE(result.allocated <= allocation_limit(content));
    }
  }
  CHECK(accepted > 70 * 8);  // all bits of the data, and some of names
  CHECK(accepted < 2000);
}

TEST_CASE("thousands of random mutations give an error or a valid file, without large allocations") {
  const std::vector<std::string> pieces{"18446744073709551615",
                                        "9223372036854775808",
                                        "4294967296",
                                        "100000000",
                                        "-1",
                                        "0",
                                        "1e999",
                                        "0.5",
                                        "[",
                                        "]",
                                        "{",
                                        "}",
                                        "[[[[[[[[",
                                        "{\"\":{\"\":",
                                        "\"",
                                        ",",
                                        ":",
                                        "null",
                                        "\xff",
                                        "\xed\xa0\x80",
                                        "\\ud800",
                                        "\\u0000",
                                        "\"dtype\":\"F16\",",
                                        "\"shape\":[0],",
                                        "[0,0]",
                                        "BF16",
                                        "\"__metadata__\":{},"};
  const bytes whole = reference_file();
  random_sequence chance(99);
  int accepted = 0;
  for (int round = 0; round < 40000; ++round) {
    bytes content = whole;
    const auto below = [&](std::size_t count) {
      return static_cast<std::size_t>(chance.integer(static_cast<std::int64_t>(count)));
    };
    for (std::size_t change = below(3) + 1; change-- > 0;) {
      const std::size_t at = below(content.size());
      const auto where = content.begin() + static_cast<std::ptrdiff_t>(at);
      switch (below(5)) {
        case 0:
          content[at] = static_cast<std::byte>(below(256));
          break;
        case 1:
          content.erase(where, where + static_cast<std::ptrdiff_t>(
                                           below(std::min<std::size_t>(content.size() - at, 12)) + 1));
          break;
        case 2: {
          const bytes piece = as_bytes_vector(pieces[below(pieces.size())]);
          content.insert(where, piece.begin(), piece.end());
          break;
        }
        case 3: {
          const bytes piece = as_bytes_vector(pieces[below(pieces.size())]);
          const std::size_t count = std::min(piece.size(), content.size() - at);
          std::copy_n(piece.begin(), count, where);
          break;
        }
        default: {
          const bytes stretch(where, where + static_cast<std::ptrdiff_t>(below(content.size() - at) + 1));
          const auto to = content.begin() + static_cast<std::ptrdiff_t>(below(content.size()));
          content.insert(to, stretch.begin(), stretch.end());
        }
      }
      if (content.size() < 16) content = whole;
    }
    if (below(2) == 0) {  // make the length of the header true again, so that the parser is reached
      const std::size_t data = std::min<std::size_t>(reference_data.size(), content.size() - 8);
      const std::uint64_t length = content.size() - 8 - data;
      std::memcpy(content.data(), &length, 8);
    }
    const outcome result = open_anything(content);
    accepted += result.accepted;
    if (result.allocated > allocation_limit(content)) FAIL(round << ": " << result.allocated);
  }
  CHECK(accepted > 1000);
  CHECK(accepted < 20000);
}

TEST_CASE("headers made to be expensive cost a small multiple of their size") {
  std::vector<std::string> headers;
  std::string metadata = "{\"__metadata__\":{";
  for (int i = 0; i < 50000; ++i) metadata += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"\"";
  headers.push_back(metadata + "}}");
  std::string rows = "{";
  for (int i = 0; i < 20000; ++i) {
    if (i > 0) rows += ",";
    rows += entry(std::to_string(i), "U8", "[0]", "[0,0]");
  }
  headers.push_back(rows + "}");
  std::string ranks = "{";
  std::string shape = "[0";
  for (int i = 1; i < 64; ++i) shape += ",0";
  for (int i = 0; i < 5000; ++i) {
    if (i > 0) ranks += ",";
    ranks += entry(std::to_string(i), "U8", shape + "]", "[0,0]");
  }
  headers.push_back(ranks + "}");
  std::string unfinished = "{";
  for (int i = 0; i < 20000; ++i) unfinished += "\"a\":{";
  headers.push_back(unfinished);
  headers.push_back("{\"a\":" + std::string(1000000, '['));
  headers.push_back("{\"a\":{\"shape\":[" + std::string(1000000, '9'));
  headers.push_back("{\"a\":{\"shape\":[0." + std::string(1000000, '0') + "1]}}");
  headers.push_back("{\"" + std::string(1000000, 'a'));
  headers.push_back("{\"" + std::string(1000000, 'a') + "\":{}}");
  headers.push_back("{" + std::string(1000000, ' ') + "x");
  headers.push_back("{\"a\":{\"dtype\":\"" + std::string(1000000, 'F') + "\"}}");
  for (const std::string& header : headers) {
    const bytes content = file_of(header);
    const outcome result = open_anything(content);
    INFO(header.substr(0, 40) << ": "
                              << static_cast<double>(result.allocated) / static_cast<double>(content.size()));
    CHECK(result.allocated <= allocation_limit(content));
  }
}

}  // namespace safetensors_test
