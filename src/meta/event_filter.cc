#include "meta/event_filter.h"

namespace nokv::meta {

bool at_or_below(std::string_view path, std::string_view top) {
  if (top == "/" || path == top) return true;
  return path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/';
}

std::string_view parent_path(std::string_view path) {
  if (path == "/") return {};
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return slash == 0 ? "/" : path.substr(0, slash);
}

bool EventFilter::matches(const codec::Event& event) const {
  if ((kinds & event_bit(event.kind)) == 0) return false;
  auto hears = [&](std::string_view of) {
    if (of.empty()) return false;
    if (event.covers_subtree && at_or_below(path, of)) return true;
    if (here_only) return of == path || parent_path(of) == path;
    return at_or_below(of, path);
  };
  return hears(event.path) || hears(event.old_path);
}

}  // namespace nokv::meta
