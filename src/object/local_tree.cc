#include "object/local_tree.h"

#include <algorithm>
#include <utility>

namespace nokv::object {
namespace {

constexpr std::string_view kTemporary = ".tmp";
constexpr std::string_view kLockSuffix = ".lock";
constexpr int kNameTries = 8;

std::string hex(uint64_t number) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out(16, '0');
  for (size_t i = 16; i-- > 0; number >>= 4) out[i] = kDigits[number & 15];
  return out;
}

bool in_the_way(const Error& error) {
  return error.code() == Code::not_directory || error.code() == Code::is_directory ||
         error.code() == Code::not_empty;
}

}  // namespace

struct LocalTree::Query {
  const std::string& prefix;
  const std::string& after;
  size_t limit;
};

LocalTree::LocalTree(Files& files, Random& random, std::string root)
    : files_(files), random_(random), root_(std::move(root)) {}

Result<> LocalTree::open() {
  NOKV_TRY(files_.make_dirs(str(root_, "/", kTemporary)));
  NOKV_TRY(sync_upwards());
  NOKV_TRY(remove_leftovers());
  return make_temporary_directory();
}

// The root may just have been made, by us or by one who died before he synced: its own name and
// those above it must be durable too. Directories above that are not ours to open were there.
Result<> LocalTree::sync_upwards() {
  NOKV_TRY(files_.sync_dir(root_));
  for (size_t slash = root_.rfind('/'); slash != std::string::npos;
       slash = slash == 0 ? std::string::npos : root_.rfind('/', slash - 1)) {
    auto synced = files_.sync_dir(slash == 0 ? "/" : root_.substr(0, slash));
    if (!synced && synced.error().code() != Code::permission_denied) return synced;
  }
  return {};
}

// A store holds the lock ID.lock as long as it lives and keeps its files in the directory ID.
Result<> LocalTree::remove_leftovers() {
  std::string parent = str(root_, "/", kTemporary);
  NOKV_ASSIGN(auto names, files_.list(parent));
  for (const std::string& name : names) {
    std::string id =
        name.ends_with(kLockSuffix) ? name.substr(0, name.size() - kLockSuffix.size()) : name;
    std::string path = str(parent, "/", id);
    auto lock = files_.lock(str(path, kLockSuffix));
    if (!lock) continue;  // alive, or not ours to remove
    NOKV_TRY(remove_tree(files_, path));
    if (auto removed = files_.remove(str(path, kLockSuffix));
        !removed && removed.error().code() != Code::not_found) {
      return removed;
    }
  }
  return {};
}

Result<> LocalTree::make_temporary_directory() {
  for (int i = 0; i < kNameTries; ++i) {
    std::string path = str(root_, "/", kTemporary, "/", hex(random_.next()));
    auto lock = files_.lock(str(path, kLockSuffix));
    if (!lock && lock.error().code() != Code::failed_precondition) {
      return std::unexpected(std::move(lock).error());
    }
    if (!lock) continue;
    // Whoever cleans up may have removed the file between its making and our locking it.
    NOKV_ASSIGN(bool ours, files_.exists(str(path, kLockSuffix)));
    if (!ours) continue;
    NOKV_TRY(files_.make_dirs(path));
    lock_ = *std::move(lock);
    temporary_ = std::move(path);
    return {};
  }
  return fail(Code::unavailable, root_, ": no directory for temporary files can be made");
}

Result<std::string> LocalTree::make_parent(const std::string& key) {
  size_t slash = key.rfind('/');
  if (slash == std::string::npos) return root_;
  std::string dir = path_of(key.substr(0, slash));
  if (known_.with([&](auto& known) { return known.contains(dir); })) return dir;
  if (auto made = files_.make_dirs(dir); !made) {
    if (in_the_way(made.error()) || made.error().code() == Code::already_exists) {
      return fail(Code::invalid_argument,
                  "a part of the key is an object itself: ", made.error().message());
    }
    return std::unexpected(std::move(made).error());
  }
  // Each new name is durable once the directory that holds it is synced; from the top down.
  std::vector<std::string> durable;
  for (size_t end = key.find('/'); end != std::string::npos; end = key.find('/', end + 1)) {
    std::string made = path_of(key.substr(0, end));
    if (known_.with([&](auto& known) { return known.contains(made); })) continue;
    NOKV_TRY(files_.sync_dir(made.substr(0, made.rfind('/'))));
    durable.push_back(std::move(made));
  }
  known_.with([&](auto& known) {
    static constexpr size_t kKnownMax = 100'000;
    if (known.size() > kKnownMax) known.clear();
    known.insert(durable.begin(), durable.end());
  });
  return dir;
}

void LocalTree::forget_directories() {
  known_.with([](auto& known) { known.clear(); });
}

Result<std::string> LocalTree::write_temporary(std::string_view body) {
  std::string path = str(temporary_, "/", next_temporary_.fetch_add(1));
  auto write = [&]() -> Result<> {
    NOKV_ASSIGN(auto file, files_.open(path, OpenMode::create_new));
    if (!body.empty()) NOKV_TRY(file->write_at(0, body));
    return file->sync();
  };
  if (auto written = write(); !written) {
    (void)files_.remove(path);
    return std::unexpected(std::move(written).error());
  }
  return path;
}

void LocalTree::sync_dir(const std::string& dir, Synced synced) {
  bool mine = syncing_.with([&](auto& syncing) {
    auto [entry, fresh] = syncing.try_emplace(dir);
    entry->second.push_back(std::move(synced));
    return fresh;
  });
  while (mine) {
    // Those who come while this sync runs need another one.
    auto batch = syncing_.with([&](auto& syncing) {
      std::vector<Synced> taken = std::exchange(syncing.at(dir), {});
      if (taken.empty()) syncing.erase(dir);
      return taken;
    });
    if (batch.empty()) return;
    auto result = files_.sync_dir(dir);
    for (Synced& waiting : batch) waiting(result);
  }
}

Result<> LocalTree::list(const std::string& prefix, const std::string& after, size_t limit,
                         ListPage& page) {
  // Everything with the prefix lies in the directory that its last slash names.
  size_t slash = prefix.rfind('/');
  std::string inside = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
  return walk(inside, Query{prefix, after, std::min(limit, kListMax)}, page);
}

// Goes through the directory of the keys that begin with `inside` ("" or "…/"), in the order of
// keys: a directory sorts as its name with a slash, so "a-b" comes before what is in "a".
Result<> LocalTree::walk(const std::string& inside, const Query& query, ListPage& page) {
  auto names = files_.list(path_of(inside));
  if (!names) {
    Code code = names.error().code();
    if (code == Code::not_found || code == Code::not_directory) return {};
    return std::unexpected(std::move(names).error());
  }
  std::vector<std::pair<std::string, FileInfo>> entries;
  for (const std::string& name : *names) {
    if (inside.empty() && name == kTemporary) continue;
    std::string key = inside + name;
    if (!key.starts_with(query.prefix) && !query.prefix.starts_with(key)) continue;
    if (key < query.after && !query.after.starts_with(key)) continue;
    auto info = files_.stat(path_of(key));
    if (!info && info.error().code() == Code::not_found) continue;  // removed in between
    if (!info) return std::unexpected(std::move(info).error());
    if (info->is_directory) key += '/';
    entries.emplace_back(std::move(key), *info);
  }
  std::ranges::sort(entries, {},
                    [](const auto& entry) -> const std::string& { return entry.first; });
  for (const auto& [key, info] : entries) {
    NOKV_TRY(visit(key, info, query, page));
    if (page.more) break;
  }
  return {};
}

Result<> LocalTree::visit(const std::string& key, const FileInfo& info, const Query& query,
                          ListPage& page) {
  if (info.is_directory) return walk(key, query, page);
  if (!key.starts_with(query.prefix) || key <= query.after) return {};
  if (page.objects.size() == query.limit) {
    page.more = true;
    return {};
  }
  page.objects.push_back(ObjectInfo{key, info.size, "", info.modified_ns});
  return {};
}

}  // namespace nokv::object
