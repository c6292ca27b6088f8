#include "client/walk.h"

#include <utility>

namespace nokv::client {

namespace {

constexpr uint32_t kPage = 4000;

bool has_entries(const codec::Entry& entry) {
  return entry.kind == codec::Kind::directory && entry.entries != 0;
}

}  // namespace

Wait<codec::ListReply> Walker::ask(codec::Target target, std::string after, bool hold) {
  codec::ListRequest request{.target = std::move(target),
                             .at = hold ? options_.at : at(),
                             .after = std::move(after),
                             .limit = kPage,
                             .hold = hold};
  return client_.ask_page(std::move(request), options_.call);
}

Result<std::optional<WalkEntry>> Walker::begin() {
  begun_ = true;
  Directory root;
  auto first = ask(options_.target, {}, true);
  NOKV_ASSIGN(root.page, first.wait(options_.call.stop));
  view_ = root.page.view;
  version_ = root.page.version;
  time_ns_ = root.page.time_ns;
  root_ = root.id = root.page.directory.id;
  WalkEntry out{"", {}, std::exchange(root.page.directory, {})};
  stack_.push_back(std::move(root));
  NOKV_TRY(take_page(stack_.back()));
  return out;
}

// What is done once for each page that came.
Result<> Walker::take_page(Directory& directory) {
  directory.at = directory.asked_to = 0;
  const auto& entries = directory.page.entries;
  if (directory.page.more && entries.empty()) {
    return fail(Code::data_loss, "a page of a listing is empty, and there is more");
  }
  if (directory.page.more) {
    directory.more = ask({.path = {}, .id = directory.id}, entries.back().name, false);
  }
  return {};
}

void Walker::ask_ahead(Directory& directory) {
  const auto& entries = directory.page.entries;
  for (; directory.asked_to < entries.size() && ahead_ < kAhead; ++directory.asked_to) {
    const codec::Entry& entry = entries[directory.asked_to];
    if (!has_entries(entry)) continue;
    directory.asked.push_back(ask({.path = {}, .id = entry.id}, {}, false));
    ++ahead_;
  }
}

Result<> Walker::descend(std::string path, const codec::Entry& entry) {
  Directory& parent = stack_.back();
  Directory below;
  below.path = std::move(path);
  below.id = entry.id;
  ask_ahead(parent);
  if (parent.asked.empty()) {
    // As many as may be were asked for elsewhere.
    parent.asked_to = parent.at;
    NOKV_ASSIGN(below.page, ask({.path = {}, .id = entry.id}, {}, false).wait(options_.call.stop));
  } else {
    auto coming = std::move(parent.asked.front());
    parent.asked.pop_front();
    --ahead_;
    NOKV_ASSIGN(below.page, coming.wait(options_.call.stop));
  }
  stack_.push_back(std::move(below));
  return take_page(stack_.back());
}

Result<std::optional<WalkEntry>> Walker::next() {
  if (!begun_) return begin();
  while (!stack_.empty()) {
    Directory& here = stack_.back();
    if (here.at < here.page.entries.size()) {
      codec::Entry& entry = here.page.entries[here.at++];
      WalkEntry out{here.path + "/" + entry.name, here.id, {}};
      std::swap(out.entry, entry);
      if (has_entries(out.entry)) {
        // ask_ahead() looks at it again.
        entry.kind = out.entry.kind;
        entry.entries = out.entry.entries;
        entry.id = out.entry.id;
        auto descended = descend(out.path, out.entry);
        if (!descended) {
          stack_.clear();
          return std::unexpected(std::move(descended).error().within(out.path));
        }
      }
      return out;
    }
    if (!here.page.more) {
      stack_.pop_back();
      continue;
    }
    auto coming = *std::exchange(here.more, {});
    auto page = coming.wait(options_.call.stop);
    Result<> taken;
    if (page) {
      here.page = *std::move(page);
      taken = take_page(here);
    } else {
      taken = std::unexpected(std::move(page).error());
    }
    if (!taken) {
      stack_.clear();
      return std::unexpected(std::move(taken).error());
    }
  }
  return std::nullopt;
}

Result<> Walker::keep() {
  codec::ListRequest request{.target = {.path = {}, .id = root_}, .at = at(), .limit = 1};
  auto kept = client_.ask_page(std::move(request), options_.call).wait(options_.call.stop);
  return kept ? Result<>() : std::unexpected(std::move(kept).error());
}

}  // namespace nokv::client
