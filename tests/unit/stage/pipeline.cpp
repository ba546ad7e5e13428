#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>

#include <catch2/catch.hpp>

#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

namespace {

using namespace lookalike;

struct add {
  using input = int;
  using output = int;
  static constexpr std::string_view name = "add";
  int amount = 1;
  int operator()(int x) const { return x + amount; }
};

struct halve {
  using input = int;
  using output = double;
  static constexpr std::string_view name = "halve";
  double operator()(int x) const { return x / 2.0; }
};

struct print {
  using input = double;
  using output = std::string;
  static constexpr std::string_view name = "print";
  std::string operator()(double x) const { return std::to_string(x); }
};

struct count_down {
  using input = int;
  using output = int;
  static constexpr std::string_view name = "count_down";
  int operator()(int x, const progress& watcher) const {
    for (int i = 0; i < x; ++i) report(watcher, name, i + 1, x);
    return 0;
  }
};

struct mean_brightness {
  using input = image<3>;
  using output = float;
  static constexpr std::string_view name = "mean_brightness";
  float operator()(const image<3>& x) const {
    float sum = 0;
    for (float v : x.values()) sum += v;
    return sum / static_cast<float>(x.values().size());
  }
};

struct paint {
  using input = float;
  using output = image<3>;
  static constexpr std::string_view name = "paint";
  image<3> operator()(float x) const { return image<3>(2, 3, x); }
};

struct move_only_step {
  using input = std::unique_ptr<int>;
  using output = std::unique_ptr<int>;
  static constexpr std::string_view name = "move_only_step";
  std::unique_ptr<int> operator()(std::unique_ptr<int> x) const {
    *x += 1;
    return x;
  }
};

}  // namespace

TEST_CASE("a pipeline runs its stages from left to right") {
  const auto p = add{3} | halve{} | print{};
  CHECK(p(4) == "3.500000");
  static_assert(std::is_same_v<decltype(p)::input, int>);
  static_assert(std::is_same_v<decltype(p)::output, std::string>);
}

TEST_CASE("| is associative in type and in value") {
  const auto left = (add{1} | add{2}) | halve{};
  const auto right = add{1} | (add{2} | halve{});
  static_assert(std::is_same_v<decltype(left), decltype(right)>);
  for (int x : {-3, 0, 7}) CHECK(left(x) == right(x));

  const auto skip_left =
      (skip(add{5}) | [](const std::tuple<int, int>& t) { return std::get<1>(t); }) | halve{};
  CHECK(skip_left(1) == 3.0);
}

TEST_CASE("skip(body) is branch(identity, body)") {
  const auto s = skip(add{5});
  const auto b = branch(identity<int>(), add{5});
  static_assert(std::is_same_v<decltype(s), decltype(b)>);
  CHECK(s(2) == std::tuple(2, 7));
  CHECK(s(2) == b(2));
}

TEST_CASE("branches run from left to right and yield one tuple") {
  std::string order;
  const auto first = [&order](int x) { return order += "a", x; };
  const auto second = [&order](int x) { return order += "b", x * 0.5; };
  const auto third = [&order](int x) { return order += "c", std::string(static_cast<std::size_t>(x), '*'); };
  const auto b = branch(first, second, third);
  CHECK(b(3) == std::tuple(3, 1.5, std::string("***")));
  CHECK(order == "abc");
}

TEST_CASE("functions of one typed parameter are stages") {
  const std::function<int(int)> twice = [](int x) { return 2 * x; };
  CHECK((add{1} | twice)(4) == 10);
  CHECK((twice | add{1})(4) == 9);
  CHECK((add{1} | as_stage<"generic", int>([](auto x) { return x * 3; }))(1) == 6);
  int seen = 0;
  const auto watched = add{1} | [&seen](int x, const progress& watcher) {
    report(watcher, "watched", 1, 1);
    seen = x;
    return x;
  };
  int calls = 0;
  watched(1, [&calls](std::string_view, std::int64_t, std::int64_t) { return ++calls > 0; });
  CHECK(seen == 2);
  CHECK(calls == 1);
}

TEST_CASE("progress reaches the stages inside branches, and stops them") {
  const auto p = add{0} | skip(count_down{});
  int calls = 0;
  p(5, [&calls](std::string_view task, std::int64_t done, std::int64_t total) {
    CHECK(task == "count_down");
    CHECK(done == ++calls);
    CHECK(total == 5);
    return true;
  });
  CHECK(calls == 5);
  CHECK_THROWS_AS(p(5, [](std::string_view, std::int64_t done, std::int64_t) { return done < 3; }),
                  interrupted);
}

TEST_CASE("values are moved through a pipeline") {
  const auto p = move_only_step{} | move_only_step{};
  CHECK(*p(std::make_unique<int>(40)) == 42);
}

TEST_CASE("roles follow from the types") {
  static_assert(encoder<mean_brightness> && !decoder<mean_brightness>);
  static_assert(decoder<paint> && !encoder<paint>);
  static_assert(!encoder<add> && !decoder<add>);
  const auto code = mean_brightness{} | [](float x) { return x * 2; };
  static_assert(encoder<decltype(code)>);
  static_assert(!encoder<decltype(mean_brightness{} | paint{})>);
  CHECK((code | paint{})(image<3>(4, 4, 0.25f))(1, 2, 0) == Approx(0.5f));
}

TEST_CASE("values are called what they are") {
  CHECK(value_name<image<1>>::text().view() == "image with 1 channel");
  CHECK(value_name<std::tuple<masked_image, image<3>>>::text().view() ==
        "(masked image, image with 3 channels)");
  CHECK(value_name<byte_image>::text().view() == "image with 3 channels of unsigned char");
  CHECK(value_name<double>::text().view() == "double");
}
