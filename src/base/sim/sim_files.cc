#include "base/sim/sim_files.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/sim/sim_disk.h"

namespace nokv {

using sim::Disk;
using sim::Node;
using sim::NodePtr;

namespace {

constexpr uint64_t kCapacityDefault = uint64_t{4} << 30;

std::string_view words_of(Code code) {
  return code == Code::resource_exhausted ? "No space left on device" : "Input/output error";
}

}  // namespace

struct SimFiles::State {
  struct Fault {
    uint64_t left = 0;  // 0: none
    Code code = Code::data_loss;
  };

  Disk disk;
  uint64_t life = 1;  // files and locks of an earlier one are dead
  uint64_t capacity = kCapacityDefault;
  uint64_t changes = 0;
  std::optional<uint64_t> changes_left;  // until the halt
  std::array<Fault, 4> faults;
  std::set<const Node*> locked;

  // Counts a call. Fails when the disk is halted; returns the code of a fault that is due.
  Result<std::optional<Code>> begin(DiskCall call, const std::string& what) {
    if (changes_left == 0) return fail(Code::unavailable, what, ": the disk is halted");
    if (call != DiskCall::read) {
      ++changes;
      if (changes_left) --*changes_left;
    }
    Fault& fault = faults[static_cast<size_t>(call)];
    if (fault.left == 0 || --fault.left > 0) return std::nullopt;
    return fault.code;
  }

  // As begin(), where a fault leaves nothing behind.
  Result<> begin_whole(DiskCall call, const std::string& what) {
    NOKV_ASSIGN(auto fault, begin(call, what));
    if (fault) return fail(*fault, what, ": ", words_of(*fault));
    return {};
  }

  // Whether a file may grow by `bytes`.
  bool has_room(uint64_t bytes) const {
    uint64_t used = disk.bytes_used();
    return used <= capacity && bytes <= capacity - used;
  }

  void end_life() {
    ++life;
    locked.clear();
    faults = {};
    changes_left.reset();
  }

  Result<NodePtr> find(const std::string& verb, const std::string& path) {
    NOKV_TRY(begin_whole(DiskCall::read, str(verb, " ", path)));
    auto found = disk.find(path);
    if (!found) return std::unexpected(std::move(found).error().within(str(verb, " ", path)));
    return found;
  }

  Result<Disk::Place> place(const std::string& verb, const std::string& path) const {
    auto found = disk.place(path);
    if (!found) return std::unexpected(std::move(found).error().within(str(verb, " ", path)));
    return found;
  }

  Result<NodePtr> open(const std::string& path, OpenMode mode);
};

class SimFiles::OpenFile final : public File {
 public:
  OpenFile(std::shared_ptr<State> state, NodePtr node, std::string path, bool may_write)
      : state_(std::move(state)),
        life_(state_->life),
        node_(std::move(node)),
        path_(std::move(path)),
        may_write_(may_write) {}

  Result<std::string> read_at(uint64_t offset, size_t size) const override {
    NOKV_TRY(alive("read"));
    NOKV_TRY(state_->begin_whole(DiskCall::read, str("read ", path_, " at ", offset)));
    if (offset >= node_->bytes.size()) return std::string();
    return node_->bytes.substr(offset, size);
  }

  Result<> write_at(uint64_t offset, std::string_view bytes) override {
    if (bytes.empty()) return {};
    NOKV_TRY(alive_to_write("write"));
    std::string what = str("write ", path_, " at ", offset);
    NOKV_ASSIGN(auto fault, state_->begin(DiskCall::write, what));
    if (fault) {
      state_->disk.write(*node_, offset, bytes.substr(0, bytes.size() / 2));
      return fail(*fault, what, ": ", words_of(*fault));
    }
    uint64_t before = node_->bytes.size();
    if (offset + bytes.size() > before && !state_->has_room(offset + bytes.size() - before)) {
      return fail(Code::resource_exhausted, what, ": No space left on device");
    }
    state_->disk.write(*node_, offset, bytes);
    return {};
  }

  Result<> sync() override {
    NOKV_TRY(alive("sync"));
    NOKV_ASSIGN(auto fault, state_->begin(DiskCall::sync, str("sync ", path_)));
    if (fault) {
      Disk::forget_unsynced(*node_);
      return fail(*fault, "sync ", path_, ": ", words_of(*fault));
    }
    Disk::sync(*node_);
    return {};
  }

  Result<uint64_t> size() const override {
    NOKV_TRY(alive("stat"));
    NOKV_TRY(state_->begin_whole(DiskCall::read, str("stat ", path_)));
    return node_->bytes.size();
  }

  Result<> truncate(uint64_t size) override {
    NOKV_TRY(alive_to_write("truncate"));
    std::string what = str("truncate ", path_, " to ", size);
    NOKV_TRY(state_->begin_whole(DiskCall::write, what));
    uint64_t before = node_->bytes.size();
    if (size > before && !state_->has_room(size - before)) {
      return fail(Code::resource_exhausted, what, ": No space left on device");
    }
    state_->disk.truncate(*node_, size);
    return {};
  }

 private:
  Result<> alive(std::string_view verb) const {
    if (life_ == state_->life) return {};
    return fail(Code::unavailable, verb, " ", path_, ": its process died");
  }

  Result<> alive_to_write(std::string_view verb) const {
    NOKV_TRY(alive(verb));
    if (may_write_) return {};
    return fail(Code::unavailable, verb, " ", path_, ": Bad file descriptor");
  }

  std::shared_ptr<State> state_;
  uint64_t life_;
  NodePtr node_;
  std::string path_;
  bool may_write_;
};

class SimFiles::HeldLock final : public FileLock {
 public:
  HeldLock(std::shared_ptr<State> state, NodePtr node)
      : state_(std::move(state)), life_(state_->life), node_(std::move(node)) {}
  ~HeldLock() override {
    if (life_ == state_->life) state_->locked.erase(node_.get());
  }

 private:
  std::shared_ptr<State> state_;
  uint64_t life_;
  NodePtr node_;
};

Result<NodePtr> SimFiles::State::open(const std::string& path, OpenMode mode) {
  auto found = find("open", path);
  if (found) {
    if (mode == OpenMode::create_new) {
      return fail(Code::already_exists, "open ", path, ": File exists");
    }
    if ((*found)->is_directory) return fail(Code::is_directory, "open ", path, ": Is a directory");
    return found;
  }
  bool makes = mode == OpenMode::create || mode == OpenMode::create_new;
  if (!makes || found.error().code() != Code::not_found) return found;
  NOKV_ASSIGN(Disk::Place at, place("open", path));
  NOKV_TRY(begin_whole(DiskCall::name, str("open ", path)));
  auto node = std::make_shared<Node>(false);
  disk.link(at, node);
  return node;
}

SimFiles::SimFiles() : state_(std::make_shared<State>()) {}
SimFiles::~SimFiles() { state_->end_life(); }

Result<std::unique_ptr<File>> SimFiles::open(const std::string& path, OpenMode mode) {
  NOKV_ASSIGN(NodePtr node, state_->open(path, mode));
  return std::make_unique<OpenFile>(state_, std::move(node), path, mode != OpenMode::read);
}

Result<> SimFiles::rename(const std::string& from, const std::string& to) {
  std::string what = str("rename ", from, " to ", to);
  NOKV_ASSIGN(NodePtr node, state_->find("rename", from));
  NOKV_ASSIGN(Disk::Place source, state_->place("rename", from));
  NOKV_ASSIGN(Disk::Place target, state_->place("rename", to));
  if (source.dir == target.dir && source.name == target.name) return {};
  if (auto replaced = state_->disk.find(to)) {
    bool directory = (*replaced)->is_directory;
    if (directory && !node->is_directory) return fail(Code::is_directory, what, ": Is a directory");
    if (!directory && node->is_directory) {
      return fail(Code::not_directory, what, ": Not a directory");
    }
    if (!(*replaced)->names.empty()) return fail(Code::not_empty, what, ": Directory not empty");
  }
  // Only what stands at a proper prefix of `to` can contain it.
  for (size_t slash = to.find('/', 1); slash != std::string::npos;
       slash = to.find('/', slash + 1)) {
    auto above = state_->disk.find(to.substr(0, slash));
    if (above && *above == node) {
      return fail(Code::invalid_argument, what, ": Invalid argument");
    }
  }
  NOKV_TRY(state_->begin_whole(DiskCall::name, what));
  state_->disk.rename(source, target);
  return {};
}

Result<> SimFiles::remove(const std::string& path) {
  NOKV_ASSIGN(NodePtr node, state_->find("remove", path));
  NOKV_ASSIGN(Disk::Place at, state_->place("remove", path));
  if (!node->names.empty()) {
    return fail(Code::not_empty, "remove ", path, ": Directory not empty");
  }
  NOKV_TRY(state_->begin_whole(DiskCall::name, str("remove ", path)));
  state_->disk.unlink(at);
  return {};
}

Result<> SimFiles::rename_new(const std::string& from, const std::string& to) {
  NOKV_ASSIGN(bool taken, exists(to));
  if (taken) return fail(Code::already_exists, "rename ", from, " to new ", to, ": File exists");
  return rename(from, to);
}

Result<FileInfo> SimFiles::stat(const std::string& path) {
  NOKV_ASSIGN(NodePtr node, state_->find("stat", path));
  return FileInfo{node->bytes.size(), 0, node->is_directory};
}

Result<bool> SimFiles::exists(const std::string& path) {
  auto found = state_->find("stat", path);
  if (found) return true;
  Code code = found.error().code();
  if (code == Code::not_found || code == Code::not_directory) return false;
  return std::unexpected(std::move(found).error());
}

Result<std::vector<std::string>> SimFiles::list(const std::string& dir) {
  NOKV_ASSIGN(NodePtr node, state_->find("list", dir));
  if (!node->is_directory) return fail(Code::not_directory, "list ", dir, ": Not a directory");
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Result<> SimFiles::make_dirs(const std::string& dir) {
  for (size_t end = 0; end < dir.size();) {
    end = std::min(dir.find('/', end + 1), dir.size());
    std::string path = dir.substr(0, end);
    auto found = state_->find("make directory", path);
    if (found && (*found)->is_directory) continue;
    if (found) return fail(Code::not_directory, "make directory ", path, ": Not a directory");
    if (found.error().code() != Code::not_found) return std::unexpected(std::move(found).error());
    NOKV_ASSIGN(Disk::Place at, state_->place("make directory", path));
    NOKV_TRY(state_->begin_whole(DiskCall::name, str("make directory ", path)));
    state_->disk.link(at, std::make_shared<Node>(true));
  }
  return {};
}

Result<> SimFiles::sync_dir(const std::string& dir) {
  NOKV_ASSIGN(NodePtr node, state_->find("sync directory", dir));
  if (!node->is_directory) {
    return fail(Code::not_directory, "sync directory ", dir, ": Not a directory");
  }
  NOKV_TRY(state_->begin_whole(DiskCall::sync, str("sync directory ", dir)));
  state_->disk.sync_dir(node);
  return {};
}

Result<std::unique_ptr<FileLock>> SimFiles::lock(const std::string& path) {
  NOKV_ASSIGN(NodePtr node, state_->open(path, OpenMode::create));
  if (!state_->locked.insert(node.get()).second) {
    return fail(Code::failed_precondition, "lock ", path, ": another process holds it");
  }
  return std::make_unique<HeldLock>(state_, std::move(node));
}

Result<uint64_t> SimFiles::free_bytes(const std::string& dir) {
  NOKV_TRY(state_->find("free space of", dir));
  uint64_t used = state_->disk.bytes_used();
  return used < state_->capacity ? state_->capacity - used : 0;
}

void SimFiles::power_cut(Random& random, bool tear) {
  state_->end_life();
  state_->disk.power_cut(random, tear);
}

void SimFiles::process_dies() { state_->end_life(); }

void SimFiles::sync_all() { state_->disk.sync_all(); }

void SimFiles::fail_nth(DiskCall call, uint64_t nth, Code code) {
  check(nth > 0, "the next call is the first");
  state_->faults[static_cast<size_t>(call)] = {nth, code};
}

void SimFiles::halt_after(uint64_t changes) { state_->changes_left = changes; }
bool SimFiles::halted() const { return state_->changes_left == 0; }
uint64_t SimFiles::changes() const { return state_->changes; }
void SimFiles::set_capacity(uint64_t bytes) { state_->capacity = bytes; }
uint64_t SimFiles::bytes_used() const { return state_->disk.bytes_used(); }

void SimFiles::flip_byte(const std::string& path, uint64_t offset, uint8_t mask) {
  auto found = state_->disk.find(path);
  check(found && offset < (*found)->bytes.size(), "the byte to flip is there");
  auto flip = [&](std::string& bytes) {
    if (offset < bytes.size()) bytes[offset] = static_cast<char>(bytes[offset] ^ mask);
  };
  flip((*found)->bytes);
  flip((*found)->durable_bytes);
}

}  // namespace nokv
