#pragma once

/// \file
/// How the parts of a checkpoint get into a file and out of it. Loading has two halves: every part looks its
/// tensors up and says what it would do; only when nothing is wrong with any of them is it done.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/averaged_weights.hpp>
#include <lookalike/nn/optimizer.hpp>
#include <lookalike/nn/parameter.hpp>
#include <lookalike/nn/safetensor.hpp>
#include <lookalike/nn/safetensors.hpp>
#include <lookalike/nn/saved_numbers.hpp>
#include <lookalike/nn/weights.hpp>

namespace lookalike::detail {

inline constexpr std::string_view checkpoint_key = "lookalike.checkpoint";
inline constexpr std::string_view checkpoint_version = "1";

/// Collects tensors. Arrays must stay where they are until they are written.
class checkpoint_writer {
 public:
  template <class Number>
  void add(std::string name, std::vector<std::int64_t> shape, std::span<const Number> numbers) {
    tensors_.push_back(make_safetensor(std::move(name), std::move(shape), numbers));
  }
  /// Numbers that are kept here.
  template <class Number, std::size_t Count>
  void keep(std::string name, const std::array<Number, Count>& numbers) {
    const auto bytes = std::as_bytes(std::span(numbers));
    kept_.emplace_back(bytes.begin(), bytes.end());
    tensors_.push_back({std::move(name), safetensor_type_of<Number>(), shape_of_kept(Count), kept_.back()});
  }
  const std::vector<safetensor>& tensors() const { return tensors_; }

  /// One number has no dimensions.
  static std::vector<std::int64_t> shape_of_kept(std::size_t count) {
    return count == 1 ? std::vector<std::int64_t>{}
                      : std::vector<std::int64_t>{static_cast<std::int64_t>(count)};
  }

 private:
  std::vector<safetensor> tensors_;
  std::deque<std::vector<std::byte>> kept_;
};

/// Looks tensors up and remembers everything that is wrong.
class checkpoint_reader {
 public:
  explicit checkpoint_reader(const safetensors_file& file)
      : file_(&file), asked_for_(file.tensors().size()) {}

  /// The tensor called `name`, or null, and a fault, where there is none of that shape and type. Nothing is
  /// converted: what was saved is what is loaded. Without a shape any number of dimensions will do.
  const safetensor* find(std::string_view name, safetensor_type type,
                         const std::optional<std::vector<std::int64_t>>& shape) {
    const safetensor* const found = file_->find(name);
    if (found == nullptr) {
      fault("missing: '", for_message(name), "'");
      return nullptr;
    }
    asked_for_[static_cast<std::size_t>(found - file_->tensors().data())] = true;
    const bool right_shape = !shape || found->shape == *shape;
    const bool right_type = found->type == type;
    if (!right_shape) {
      fault("wrong shape: '", for_message(name), "' is ", shape_text(found->shape), ", wanted ",
            shape_text(*shape));
    }
    if (!right_type) {
      fault("wrong type: '", for_message(name), "' is ", name_of(found->type), ", wanted ", name_of(type));
    }
    return right_shape && right_type ? found : nullptr;
  }

  /// The numbers of the tensor called `name`, or nothing and a fault.
  template <class Number, std::size_t Count>
  std::optional<std::array<Number, Count>> read(std::string_view name) {
    const safetensor* const found =
        find(name, safetensor_type_of<Number>(), checkpoint_writer::shape_of_kept(Count));
    if (found == nullptr) return std::nullopt;
    std::array<Number, Count> numbers{};
    copy_numbers(*found, std::span<Number>(numbers));
    return numbers;
  }

  template <class... Parts>
  void fault(const Parts&... parts) {
    faults_.add(sentence(parts...));
  }
  /// Runs `check`; what it throws is a fault of the tensors called `name`.
  template <class Check>
  bool holds(std::string_view name, const Check& check) {
    try {
      check();
      return true;
    } catch (const value_error& failure) {
      fault("impossible: '", for_message(name), "': ", failure.what());
      return false;
    }
  }

  /// Throws `file_error` when there were faults; tensors that nobody asked for are some where `strict`.
  void finish(bool strict) {
    for (std::size_t i = 0; strict && i < asked_for_.size(); ++i) {
      if (!asked_for_[i]) fault("unexpected: '", for_message(file_->tensors()[i].name), "'");
    }
    require<file_error>(faults_.count() == 0, "'", file_->name(), "': ", faults_.count(),
                        " mismatches between the checkpoint and what is to be loaded:", faults_.text());
  }

 private:
  const safetensors_file* file_;
  std::vector<bool> asked_for_;
  fault_list faults_;
};

/// Something that is saved and loaded.
struct checkpoint_part {
  std::function<void(checkpoint_writer&)> save;
  /// Returns what is to be done when no part finds a fault.
  std::function<std::function<void()>(checkpoint_reader&)> check;
};

/// Numbers that are got and set by functions; `check(numbers)` throws `value_error` for those that cannot be.
template <class Get, class Check, class Set>
void add_counts(std::vector<checkpoint_part>& parts, const std::string& name, const Get& get,
                const Check& check, const Set& set) {
  using numbers = decltype(get());
  using number = typename numbers::value_type;
  parts.push_back({[=](checkpoint_writer& writer) { writer.keep(name, get()); },
                   [=](checkpoint_reader& reader) -> std::function<void()> {
                     const auto found = reader.read<number, std::tuple_size_v<numbers>>(name);
                     if (!found || !reader.holds(name, [&] { check(*found); })) return [] {};
                     return [set, value = *found] { set(value); };
                   }});
}

/// Copies tensors to where they belong, later.
template <class Scalar>
std::function<void()> copy_when_committed(
    std::vector<std::pair<const safetensor*, std::span<Scalar>>> copies) {
  return [copies = std::move(copies)] {
    for (const auto& [from, to] : copies) {
      if (from != nullptr) copy_numbers(*from, to);
    }
  };
}

template <class Scalar>
void add_parameters(std::vector<checkpoint_part>& parts, const std::string& name,
                    std::span<const parameter> table, std::span<Scalar> values) {
  require_rows_within(table, values.size(), "checkpoint");
  const auto numbers_of = [values](const parameter& row) {
    return values.subspan(static_cast<std::size_t>(row.offset), static_cast<std::size_t>(row.size));
  };
  parts.push_back({[=](checkpoint_writer& writer) {
                     for (const parameter& row : table) {
                       writer.add(name + '/' + row.name, shape_of(row),
                                  std::span<const Scalar>(numbers_of(row)));
                     }
                   },
                   [=](checkpoint_reader& reader) {
                     std::vector<std::pair<const safetensor*, std::span<Scalar>>> copies;
                     for (const parameter& row : table) {
                       copies.emplace_back(
                           reader.find(name + '/' + row.name, safetensor_type_of<Scalar>(), shape_of(row)),
                           numbers_of(row));
                     }
                     return copy_when_committed(std::move(copies));
                   }});
}

template <class Rule, class Scalar>
void add_optimizer(std::vector<checkpoint_part>& parts, const std::string& name, optimizer<Rule, Scalar>& how,
                   std::span<const parameter> table) {
  const std::string steps_name = name + "/steps";
  const std::vector<std::int64_t> steps_shape{static_cast<std::int64_t>(table.size())};
  parts.push_back(
      {[=, &how](checkpoint_writer& writer) {
         for (const optimizer_state<Scalar>& state : how.state(table)) {
           writer.add(name + '/' + state.name, shape_of(*state.of), std::span<const Scalar>(state.values));
         }
         writer.add(steps_name, steps_shape, std::span<const std::int64_t>(how.steps(table)));
       },
       [=, &how](checkpoint_reader& reader) -> std::function<void()> {
         std::vector<std::pair<const safetensor*, std::span<Scalar>>> copies;
         for (const optimizer_state<Scalar>& state : how.state(table)) {
           copies.emplace_back(
               reader.find(name + '/' + state.name, safetensor_type_of<Scalar>(), shape_of(*state.of)),
               state.values);
         }
         const safetensor* const found = reader.find(steps_name, safetensor_type::int64, steps_shape);
         if (found == nullptr) return [] {};
         std::vector<std::int64_t> steps(table.size());
         copy_numbers(*found, std::span<std::int64_t>(steps));
         reader.holds(steps_name, [&] {
           for (const std::int64_t count : steps)
             require(count >= 0, "given ", count, " steps, wanted 0 or more");
         });
         return [&how, table, steps = std::move(steps), copy = copy_when_committed(std::move(copies))] {
           copy();
           std::copy(steps.begin(), steps.end(), how.steps(table).begin());
         };
       }});
}

template <class Scalar>
void add_average(std::vector<checkpoint_part>& parts, const std::string& name,
                 averaged_weights<Scalar>& average, std::span<const parameter> table) {
  const std::string values_name = name + "/values";
  const std::string updates_name = name + "/updates";
  parts.push_back(
      {[=, &average](checkpoint_writer& writer) {
         writer.add(values_name, {static_cast<std::int64_t>(average.values().size())}, average.values());
         writer.keep(updates_name, std::array<std::int64_t, 1>{average.updates()});
       },
       [=, &average](checkpoint_reader& reader) -> std::function<void()> {
         const auto updates = reader.read<std::int64_t, 1>(updates_name);
         const safetensor* const found = reader.find(values_name, safetensor_type_of<Scalar>(), std::nullopt);
         if (!updates || found == nullptr) return [] {};
         const bool possible = reader.holds(values_name, [&, count = (*updates)[0]] {
           require(count >= 0, "given ", count, " updates, wanted 0 or more");
           const auto size = static_cast<std::size_t>(found->size());
           if (count == 0) {
             require(size == 0, "given ", size, " numbers before the first update, wanted none");
           } else if (average.updates() > 0) {
             require(size == average.values().size(), "given ", size, " numbers, wanted ",
                     average.values().size());
           } else {
             require(size >= block_size(table), "given ", size, " numbers, wanted the parameters' ",
                     block_size(table));
           }
         });
         if (!possible) return [] {};
         return [&average, found, count = (*updates)[0]] {
           std::vector<Scalar> numbers(static_cast<std::size_t>(found->size()));
           copy_numbers(*found, std::span<Scalar>(numbers));
           average.restore(numbers, count);
         };
       }});
}

template <class Object>
void add_saved_numbers(std::vector<checkpoint_part>& parts, const std::string& name, Object& object) {
  parts.push_back({[=, &object](checkpoint_writer& writer) {
                     for (const saved_number& number : object.state()) {
                       writer.keep(name + '/' + number.name, std::array<double, 1>{number.value});
                     }
                   },
                   [=, &object](checkpoint_reader& reader) -> std::function<void()> {
                     saved_numbers numbers = object.state();
                     bool complete = true;
                     for (saved_number& number : numbers) {
                       const auto found = reader.read<double, 1>(name + '/' + number.name);
                       complete = complete && found.has_value();
                       if (found) number.value = (*found)[0];
                     }
                     Object trial = object;
                     if (!complete || !reader.holds(name, [&] { trial.restore(numbers); })) return [] {};
                     return [&object, numbers = std::move(numbers)] { object.restore(numbers); };
                   }});
}

}  // namespace lookalike::detail
