// Turns plain structs into bytes and back, in protobuf's wire format.
//
// A struct says once which number each of its fields has:
//
//   struct Stat {
//     std::string path;
//     uint64_t at = 0;
//     static void fields(auto& self, auto& f) { f(1, self.path); f(2, self.at); }
//   };
//   encode(stat, out);  NOKV_TRY(decode(bytes, stat));
//
// Supported: bool, unsigned and signed integers (zigzag), enums, std::string, structs with
// fields(), types with put_bytes()/take_bytes(), std::array<uint8_t, N>, std::optional (absent is
// not the default), std::vector of any of these (numbers are packed), std::variant of structs
// through f.one_of(first number, value). A field that holds its default takes no bytes. Numbers
// are never reused; unknown ones are skipped. A struct that says kChooses is refused without one of
// its alternatives: an operation that this program does not know is not another one.
// Format: https://protobuf.dev/programming-guides/encoding, so other tools can read it.
// docs/formats/message.md
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/result.h"

namespace nokv::codec {

// The repeated elements of a message take at most this much memory over all (not counting what
// they hold, which travels). An empty element is two bytes on the wire and can be a thousand here,
// so without it a small message would take any amount.
constexpr size_t kElementBytesMax = 64 << 20;

inline void put_varint(std::string& out, uint64_t value) {
  char buffer[10];
  size_t n = 0;
  while (value >= 0x80) {
    buffer[n++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  buffer[n++] = static_cast<char>(value);
  out.append(buffer, n);
}

// Takes a varint off the front of `in`; false when there is none (cut short, over 64 bits).
inline bool take_varint(std::string_view& in, uint64_t& value) {
  uint64_t result = 0;
  for (size_t n = 0; n < in.size() && n < 10; ++n) {
    auto byte = static_cast<uint8_t>(in[n]);
    if (n == 9 && byte > 1) return false;
    result |= uint64_t{byte & 0x7fU} << (7 * n);
    if (byte < 0x80) {
      value = result;
      in.remove_prefix(n + 1);
      return true;
    }
  }
  return false;
}

constexpr uint64_t zigzag(int64_t v) {
  return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
}
constexpr int64_t unzigzag(uint64_t v) { return static_cast<int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

namespace internal {

template <class T>
concept Number = std::integral<T> || std::is_enum_v<T>;
template <class T>
concept CustomBytes = requires(const T& c, T& m, std::string& out) {
  c.put_bytes(out);
  { m.take_bytes(std::string_view()) } -> std::same_as<bool>;
};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsByteArray : std::false_type {};
template <size_t N>
struct IsByteArray<std::array<uint8_t, N>> : std::true_type {};

template <Number T>
constexpr uint64_t to_varint(T v) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<uint64_t>(v);
  } else if constexpr (std::signed_integral<T>) {
    return zigzag(v);
  } else {
    return v;
  }
}

// False when the number does not fit.
template <Number T>
constexpr bool from_varint(uint64_t raw, T& v) {
  if constexpr (std::is_enum_v<T>) {
    v = static_cast<T>(raw);
    return static_cast<uint64_t>(v) == raw;
  } else if constexpr (std::signed_integral<T>) {
    int64_t wide = unzigzag(raw);
    v = static_cast<T>(wide);
    return static_cast<int64_t>(v) == wide;
  } else if constexpr (std::same_as<T, bool>) {
    v = raw != 0;
    return raw <= 1;
  } else {
    v = static_cast<T>(raw);
    return static_cast<uint64_t>(v) == raw;
  }
}

class Encoder {
 public:
  explicit Encoder(std::string& out) : out_(out) {}

  template <class T>
  void operator()(uint32_t number, const T& v) {
    if constexpr (IsOptional<T>::value) {
      if (v) element(number, *v);
    } else if constexpr (IsVector<T>::value) {
      repeated(number, v);
    } else if constexpr (Number<T>) {
      if (v != T()) element(number, v);
    } else if constexpr (std::same_as<T, std::string>) {
      if (!v.empty()) element(number, v);
    } else {
      size_t before = out_.size();
      element(number, v);
      // Two bytes: a tag below 16 and the length 0, so the struct holds its default.
      if (out_.back() == 0 && out_.size() - before == (number < 16 ? 2U : 3U)) {
        out_.resize(before);
      }
    }
  }

  template <class... T>
  void one_of(uint32_t first, const std::variant<T...>& v) {
    std::visit([&](const auto& it) { element(first + static_cast<uint32_t>(v.index()), it); }, v);
  }

 private:
  void tag(uint32_t number, uint32_t wire) { put_varint(out_, (uint64_t{number} << 3) | wire); }

  template <class T>
  void element(uint32_t number, const T& v) {
    if constexpr (Number<T>) {
      tag(number, 0);
      put_varint(out_, to_varint(v));
    } else {
      tag(number, 2);
      if constexpr (std::same_as<T, std::string>) {
        put_varint(out_, v.size());
        out_ += v;
      } else if constexpr (IsByteArray<T>::value) {
        put_varint(out_, v.size());
        out_.append(reinterpret_cast<const char*>(v.data()), v.size());
      } else {
        delimited([&] { body(v); });
      }
    }
  }

  template <class T>
  void body(const T& v) {
    if constexpr (CustomBytes<T>) {
      v.put_bytes(out_);
    } else {
      T::fields(v, *this);
    }
  }

  // What `write` appends, with its length in front.
  void delimited(auto&& write) {
    size_t at = out_.size();
    out_ += '\0';  // one byte is nearly always enough
    write();
    size_t length = out_.size() - at - 1;
    if (length < 0x80) {
      out_[at] = static_cast<char>(length);
      return;
    }
    std::string prefix;
    put_varint(prefix, length);
    out_.replace(at, 1, prefix);
  }

  template <class T>
  void repeated(uint32_t number, const std::vector<T>& v) {
    if (v.empty()) return;
    if constexpr (Number<T>) {
      tag(number, 2);
      delimited([&] {
        for (T it : v) put_varint(out_, to_varint(it));
      });
    } else {
      for (const T& it : v) element(number, it);
    }
  }

  std::string& out_;
};

class Decoder {
 public:
  Decoder(std::string_view in, size_t& element_bytes) : in_(in), element_bytes_(element_bytes) {}

  template <class T>
  bool run(T& message) {
    while (!in_.empty()) {
      uint64_t tag = 0;
      if (!take_varint(in_, tag) || (tag >> 3) == 0 || (tag >> 3) > 0x1fffffff) return false;
      number_ = static_cast<uint32_t>(tag >> 3);
      wire_ = static_cast<uint32_t>(tag & 7);
      if (wire_ == 0) {
        if (!take_varint(in_, varint_)) return false;
      } else if (wire_ == 2) {
        uint64_t length = 0;
        if (!take_varint(in_, length) || length > in_.size()) return false;
        bytes_ = in_.substr(0, length);
        in_.remove_prefix(length);
      } else {
        return false;  // fixed 32 and 64, groups: nobody writes them
      }
      good_ = true;
      T::fields(message, *this);
      if (!good_) return false;
    }
    if constexpr (requires { T::kChooses; }) return chosen_;
    return true;
  }

  template <class T>
  void operator()(uint32_t number, T& v) {
    if (number == number_) good_ = take(v);
  }

  template <class... T>
  void one_of(uint32_t first, std::variant<T...>& v) {
    uint32_t index = number_ - first;
    if (number_ < first || index >= sizeof...(T)) return;
    chosen_ = true;
    take_alternative(index, v, std::index_sequence_for<T...>());
  }

 private:
  template <class... T, size_t... I>
  void take_alternative(uint32_t index, std::variant<T...>& v, std::index_sequence<I...>) {
    (void)((index == I ? (good_ = take(v.template emplace<I>()), true) : false) || ...);
  }

  template <class Element>
  bool count() {
    return (element_bytes_ += sizeof(Element)) <= kElementBytesMax;
  }

  template <class T>
  bool take(T& v) {
    if constexpr (IsOptional<T>::value) {
      return take(v.emplace());
    } else if constexpr (IsVector<T>::value) {
      using Element = typename T::value_type;
      if constexpr (Number<Element>) {
        if (wire_ != 2) return false;
        std::string_view rest = bytes_;
        while (!rest.empty()) {
          uint64_t raw = 0;
          Element element{};
          if (!count<Element>() || !take_varint(rest, raw) || !from_varint(raw, element))
            return false;
          v.push_back(element);
        }
        return true;
      } else {
        return count<Element>() && take(v.emplace_back());
      }
    } else if constexpr (Number<T>) {
      return wire_ == 0 && from_varint(varint_, v);
    } else if (wire_ != 2) {
      return false;
    } else if constexpr (std::same_as<T, std::string>) {
      v.assign(bytes_);
      return true;
    } else if constexpr (IsByteArray<T>::value) {
      if (bytes_.size() != v.size()) return false;
      std::copy(bytes_.begin(), bytes_.end(), reinterpret_cast<char*>(v.data()));
      return true;
    } else if constexpr (CustomBytes<T>) {
      return v.take_bytes(bytes_);
    } else {
      return Decoder(bytes_, element_bytes_).run(v);
    }
  }

  std::string_view in_;
  size_t& element_bytes_;
  uint32_t number_ = 0;
  uint32_t wire_ = 0;
  uint64_t varint_ = 0;
  std::string_view bytes_;
  bool good_ = true;
  bool chosen_ = false;  // an alternative of a variant was found
};

}  // namespace internal

// Appends `message` to `out`.
template <class T>
void encode(const T& message, std::string& out) {
  internal::Encoder encoder(out);
  T::fields(message, encoder);
}

template <class T>
std::string encoded(const T& message) {
  std::string out;
  encode(message, out);
  return out;
}

// Reads `in` into `message`, which is as new. False when `in` is no such message.
template <class T>
[[nodiscard]] bool decode(std::string_view in, T& message) {
  size_t element_bytes = 0;
  return internal::Decoder(in, element_bytes).run(message);
}

}  // namespace nokv::codec
