// Works on any struct that has fields(): fills it, prints it, counts its members.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "codec/message.h"
#include "codec/node_id.h"

namespace nokv::codec {

// Gives every field a value that is not its default, the same ones each time: for golden files.
// Values depend on the field's number, so that two fields that change places are seen.
class ExampleFiller {
 public:
  template <class T>
  void operator()(uint32_t number, T& v) {
    if constexpr (internal::IsOptional<T>::value) {
      (*this)(number, v.emplace());
    } else if constexpr (internal::IsVector<T>::value) {
      v.resize(2);
      (*this)(number, v[0]);
      (*this)(number + 100, v[1]);
    } else if constexpr (std::same_as<T, bool>) {
      v = true;
    } else if constexpr (std::is_enum_v<T>) {
      v = static_cast<T>(1);
    } else if constexpr (std::signed_integral<T>) {
      v = -1000 - static_cast<T>(number);
    } else if constexpr (internal::Number<T>) {
      v = static_cast<T>(number) + 1000;
    } else if constexpr (std::same_as<T, std::string>) {
      v = str("s", number);
    } else if constexpr (internal::IsByteArray<T>::value) {
      for (size_t i = 0; i < v.size(); ++i) v[i] = static_cast<uint8_t>(number + i);
    } else if constexpr (std::same_as<T, NodeId>) {
      v = {1000 + number, {{number, 1}}};
    } else {
      T::fields(v, *this);
    }
  }

  template <class... T>
  void one_of(uint32_t, std::variant<T...>& v) {
    std::visit([&](auto& it) { it.fields(it, *this); }, v);
  }
};

// Gives fields random values, with a liking for limits and for emptiness. `Random` is a
// nokv::Random.
template <class Random>
class RandomFiller {
 public:
  explicit RandomFiller(Random& random) : random_(random) {}

  // What most strings, ids and numbers are taken from, when there are any: a request that names
  // things that exist gets further.
  std::vector<std::string> words;
  std::vector<NodeId> ids;
  uint64_t numbers_below = 0;

  template <class T>
  void operator()(uint32_t number, T& v) {
    if constexpr (internal::IsOptional<T>::value) {
      v.reset();
      if (random_.below(2) == 0) (*this)(number, v.emplace());
    } else if constexpr (internal::IsVector<T>::value) {
      v.resize(random_.below(4));
      for (auto& element : v) (*this)(number, element);
    } else if constexpr (std::same_as<T, bool>) {
      v = random_.below(2) == 0;
    } else if constexpr (std::is_enum_v<T>) {
      v = static_cast<T>(random_.below(20));
    } else if constexpr (internal::Number<T>) {
      v = integer<T>();
    } else if constexpr (std::same_as<T, std::string>) {
      if (!words.empty() && random_.below(12) != 0) {
        v = words[random_.below(words.size())];
      } else {
        fill(v, random_.below(10) == 0 ? 300 : random_.below(9));
      }
    } else if constexpr (internal::IsByteArray<T>::value) {
      for (auto& byte : v) byte = static_cast<uint8_t>(random_.next());
    } else if constexpr (std::same_as<T, NodeId>) {
      v = NodeId();
      if (!ids.empty() && random_.below(8) != 0) {
        v = ids[random_.below(ids.size())];
      } else if (random_.below(4) != 0) {
        v = node_id();
      }
    } else {
      T::fields(v, *this);
    }
  }

  template <class... T>
  void one_of(uint32_t, std::variant<T...>& v) {
    emplace(v, random_.below(sizeof...(T)), std::index_sequence_for<T...>());
    std::visit([&](auto& it) { it.fields(it, *this); }, v);
  }

  NodeId node_id() {
    NodeId id{integer<uint64_t>(), {}};
    if (id.origin == 0) id.origin = 1;
    id.hops.resize(random_.below(4) == 0 ? random_.below(NodeId::kHopsMax + 1) : 0);
    for (Hop& hop : id.hops) hop = {integer<uint64_t>(), integer<uint32_t>()};
    return id;
  }

 private:
  template <class... T, size_t... I>
  static void emplace(std::variant<T...>& v, size_t index, std::index_sequence<I...>) {
    ((I == index ? static_cast<void>(v.template emplace<I>()) : static_cast<void>(0)), ...);
  }

  template <class T>
  T integer() {
    if (numbers_below != 0 && random_.below(12) != 0) {
      return static_cast<T>(random_.below(numbers_below));
    }
    switch (random_.below(6)) {
      case 0:
        return 0;
      case 1:
        return std::numeric_limits<T>::max();
      case 2:
        return std::numeric_limits<T>::min();
      default:
        return static_cast<T>(random_.next() >> random_.below(64));
    }
  }

  void fill(std::string& v, size_t size) {
    v.resize(size);
    for (char& c : v) c = static_cast<char>(random_.next());
  }

  Random& random_;
};

// A struct as text, made without the encoder: equal texts are equal values.
class Printer {
 public:
  template <class T>
  void operator()(uint32_t number, const T& v) {
    out_ += str(number, "=");
    value(v);
    out_ += ' ';
  }

  template <class... T>
  void one_of(uint32_t first, const std::variant<T...>& v) {
    out_ += str(first + v.index(), "!");
    std::visit([&](const auto& it) { value(it); }, v);
  }

  std::string out_;

 private:
  template <class T>
  void value(const T& v) {
    if constexpr (internal::IsOptional<T>::value) {
      out_ += v ? "+" : "-";
      if (v) value(*v);
    } else if constexpr (internal::IsVector<T>::value) {
      out_ += '[';
      for (const auto& element : v) {
        value(element);
        out_ += ',';
      }
      out_ += ']';
    } else if constexpr (std::is_enum_v<T>) {
      out_ += std::to_string(std::to_underlying(v));
    } else if constexpr (internal::Number<T>) {
      out_ += std::to_string(v);
    } else if constexpr (std::same_as<T, std::string>) {
      out_ += str(v.size(), ":", v);
    } else if constexpr (internal::IsByteArray<T>::value) {
      for (uint8_t byte : v) out_ += str(int{byte}, "/");
    } else if constexpr (std::same_as<T, NodeId>) {
      out_ += v.text();
    } else {
      out_ += '{';
      T::fields(v, *this);
      out_ += '}';
    }
  }
};

template <class T>
std::string printed(const T& message) {
  Printer printer;
  T::fields(message, printer);
  return printer.out_;
}

// The numbers that fields() names, in its order.
struct FieldNumbers {
  std::vector<uint32_t> numbers;

  void operator()(uint32_t number, const auto&) { numbers.push_back(number); }
  template <class... T>
  void one_of(uint32_t first, const std::variant<T...>&) {
    for (uint32_t i = 0; i < sizeof...(T); ++i) numbers.push_back(first + i);
  }
};

// Turns into a value of any kind that a field may have, so that a struct's members can be counted
// by how many of these it can be made of. std::optional makes itself of what it holds.
struct AnyField {
  template <class T>
    requires(internal::Number<T> || internal::IsVector<T>::value || std::same_as<T, std::string> ||
             internal::IsByteArray<T>::value || internal::CustomBytes<T> ||
             requires(const T& it, FieldNumbers& f) { T::fields(it, f); })
  operator T() const;  // NOLINT(google-explicit-constructor)
};

template <class T, class... Fields>
constexpr size_t member_count() {
  if constexpr (requires { T{Fields()..., AnyField()}; }) {
    return member_count<T, Fields..., AnyField>();
  } else {
    return sizeof...(Fields);
  }
}

}  // namespace nokv::codec
