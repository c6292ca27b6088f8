#include "base/env/net.h"

#include <charconv>

namespace nokv {

std::string Address::to_string() const {
  if (is_unix()) return "unix:" + path;
  bool v6 = host.find(':') != std::string::npos;
  return str("nokv://", v6 ? "[" : "", host, v6 ? "]" : "", ":", port);
}

Result<Address> Address::parse(std::string_view text) {
  Address out;
  if (text.starts_with("unix:")) {
    out.path = text.substr(5);
    if (out.path.empty()) return fail(Code::invalid_argument, "no path in address '", text, "'");
    return out;
  }
  std::string_view rest = text;
  if (rest.starts_with("nokv://")) rest.remove_prefix(7);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return fail(Code::invalid_argument, "address '", text, "' is not HOST:PORT or unix:PATH");
  }
  std::string_view host = rest.substr(0, colon);
  std::string_view port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || port.empty()) {
    return fail(Code::invalid_argument, "port '", port, "' in address '", text,
                "' is not a number up to 65535");
  }
  out.host = host;
  return out;
}

}  // namespace nokv
