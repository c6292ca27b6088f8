#include "client/testing/sim_model.h"

#include <algorithm>
#include <utility>

namespace nokv::client {

namespace {

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string file_text(uint64_t size, uint64_t generation, std::string_view links) {
  return str("file size=", size, " generation=", generation, " links=", links);
}

std::string directory_text(uint64_t entries, uint64_t files, uint64_t directories, uint64_t bytes) {
  return str("directory entries=", entries, " files=", files, " directories=", directories,
             " bytes=", bytes);
}

std::unexpected<Error> missing(const std::string& path) {
  return fail(Code::not_found, path, " is missing");
}

}  // namespace

bool same_words(std::string_view of_model, std::string_view of_answer) {
  constexpr std::string_view kUnsure = "links=?";
  for (;;) {
    size_t known = std::min(of_model.find(kUnsure), of_model.size());
    if (of_answer.substr(0, known) != of_model.substr(0, known)) return false;
    if (known == of_model.size()) return of_answer.size() == known;
    of_model.remove_prefix(known + kUnsure.size());
    of_answer.remove_prefix(std::min(known + kUnsure.size() - 1, of_answer.size()));
    of_answer.remove_prefix(std::min(of_answer.find_first_not_of("0123456789"), of_answer.size()));
  }
}

std::string stat_text(const codec::Entry& entry) {
  if (entry.kind == codec::Kind::file) {
    return file_text(entry.body.size, entry.body.generation, std::to_string(entry.links));
  }
  return directory_text(entry.entries, entry.totals.files, entry.totals.directories,
                        entry.totals.bytes);
}

std::string list_text(const std::vector<codec::Entry>& entries) {
  std::string out;
  for (const codec::Entry& entry : entries) {
    bool file = entry.kind == codec::Kind::file;
    out += str(entry.name, " ", file ? stat_text(entry) : std::string("directory"), "\n");
  }
  return out;
}

namespace {

struct Words {
  std::string operator()(const codec::Mkdir& op) { return str("mkdir ", op.target.path); }
  std::string operator()(const codec::Publish& op) {
    return str("publish ", op.target.path, " ", op.body.size);
  }
  std::string operator()(const codec::Append& op) {
    return str("append ", op.target.path, " ", op.body.size);
  }
  std::string operator()(const codec::Link& op) {
    return str("link ", op.from.path, " ", op.to.path);
  }
  std::string operator()(const codec::Rename& op) {
    return str("rename ", op.from.path, " ", op.to.path, " ", static_cast<int>(op.mode));
  }
  std::string operator()(const codec::Remove& op) { return str("remove ", op.target.path); }
  std::string operator()(const codec::Check& op) { return str("check ", op.target.path); }
  std::string operator()(const codec::SnapshotCreate& op) {
    return str("snapshot ", op.name, " ", op.target.path);
  }
  std::string operator()(const codec::SnapshotRemove& op) { return str("forget ", op.name); }
  std::string operator()(const codec::SetQuota& op) {
    return str("quota ", op.target.path, " ", op.max_bytes.value_or(0), " ",
               op.max_entries.value_or(0));
  }
  std::string operator()(const codec::OpenUpload&) { return "open upload"; }
  std::string operator()(const codec::CloseUpload& op) { return str("close upload ", op.upload); }
  std::string operator()(const auto&) { return "other"; }
};

}  // namespace

std::string words(const std::vector<codec::OperationBox>& operations) {
  std::string out;
  for (const codec::OperationBox& box : operations) {
    out += str(out.empty() ? "" : ", ", std::visit(Words(), box.op));
  }
  return out;
}

Result<> SimModel::apply(const std::vector<codec::OperationBox>& operations, uint64_t version,
                         const Bodies& bodies) {
  SimModel next = *this;
  Change change{version, bodies, {}};
  for (const codec::OperationBox& box : operations) NOKV_TRY(next.run(box.op, change));
  NOKV_TRY(next.check_quotas(*this));
  *this = std::move(next);
  return {};
}

Result<> SimModel::run(const codec::Operation& operation, Change& change) {
  return std::visit([&](const auto& op) { return run(op, change); }, operation);
}

// ---- reading

const SimModel::Node* SimModel::find(const std::string& path) const {
  auto found = nodes_.find(path);
  return found == nodes_.end() ? nullptr : &found->second;
}

bool SimModel::is_directory(const std::string& path) const {
  if (path.empty()) return true;
  const Node* node = find(path);
  return node != nullptr && node->file == 0;
}

std::vector<std::string> SimModel::below(const std::string& path) const {
  std::vector<std::string> out;
  std::string prefix = path + "/";
  for (auto at = nodes_.lower_bound(prefix); at != nodes_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    out.push_back(at->first);
  }
  return out;
}

std::string SimModel::stat(const std::string& path) const {
  if (!is_directory(path)) {
    const Node* node = find(path);
    if (node == nullptr) return "missing";
    const File& file = files_.at(node->file);
    std::string links = file.unsure_links ? "?" : std::to_string(file.links);
    return file_text(file.bytes->size(), file.generation, links);
  }
  uint64_t entries = 0;
  uint64_t files = 0;
  uint64_t directories = 0;
  uint64_t bytes = 0;
  for (const std::string& each : below(path)) {
    if (parent_of(each) == path) ++entries;
    const Node& node = nodes_.at(each);
    ++(node.file == 0 ? directories : files);
    if (node.file != 0) bytes += files_.at(node.file).bytes->size();
  }
  return directory_text(entries, files, directories, bytes);
}

std::string SimModel::list(const std::string& path) const {
  std::string out;
  for (const std::string& each : below(path)) {
    if (parent_of(each) != path) continue;
    out +=
        str(name_of(each), " ", is_directory(each) ? std::string("directory") : stat(each), "\n");
  }
  return out;
}

std::optional<std::string> SimModel::content(const std::string& path) const {
  const Node* node = find(path);
  if (node == nullptr || node->file == 0) return std::nullopt;
  return *files_.at(node->file).bytes;
}

std::vector<std::string> SimModel::paths() const {
  std::vector<std::string> out;
  for (const auto& [path, node] : nodes_) out.push_back(path);
  return out;
}

std::string SimModel::dump() const {
  std::string out;
  for (const auto& [path, node] : nodes_) out += str(path, " ", stat(path), "\n");
  return out;
}

// ---- changing

Result<> SimModel::has_place(const std::string& path) const {
  std::string parent = parent_of(path);
  if (!is_directory(parent)) return missing(parent);
  return {};
}

Result<> SimModel::publish(uint64_t file, std::shared_ptr<const std::string> bytes,
                           Change& change) {
  if (!change.published.insert(file).second) {
    return fail(Code::invalid_argument, "a record publishes a node once");
  }
  files_[file].bytes = std::move(bytes);
  files_[file].generation = change.version;
  return {};
}

Result<> SimModel::run(const codec::Mkdir& op, Change&) {
  NOKV_TRY(has_place(op.target.path));
  if (find(op.target.path) != nullptr) return fail(Code::already_exists, op.target.path);
  nodes_[op.target.path].directory = ++last_directory_;
  return {};
}

static std::shared_ptr<const std::string> body_of(const codec::NewBody& body,
                                                  const SimModel::Bodies& bodies) {
  if (body.upload != 0) return bodies.at(body.first_blob);
  return std::make_shared<const std::string>(body.bytes);
}

Result<> SimModel::run(const codec::Publish& op, Change& change) {
  const std::string& path = op.target.path;
  NOKV_TRY(has_place(path));
  const Node* node = find(path);
  if (node != nullptr && node->file == 0) return fail(Code::is_directory, path);
  if (node != nullptr && op.exists == codec::Exists::create) {
    return fail(Code::already_exists, path);
  }
  // Generation 0 is that of no file.
  bool replaces = op.exists == codec::Exists::replace || op.if_generation.value_or(0) != 0;
  if (node == nullptr && replaces) return missing(path);
  if (node != nullptr && op.if_generation &&
      files_.at(node->file).generation != *op.if_generation) {
    return fail(Code::aborted, path, " has another generation");
  }
  uint64_t file = node != nullptr ? node->file : ++last_file_;
  nodes_[path].file = file;
  return publish(file, body_of(op.body, change.bodies), change);
}

Result<> SimModel::run(const codec::Append& op, Change& change) {
  const std::string& path = op.target.path;
  const Node* node = find(path);
  if (node == nullptr) return missing(path);
  if (node->file == 0) return fail(Code::is_directory, path);
  const File& file = files_.at(node->file);
  if (op.at_size && *op.at_size != file.bytes->size()) {
    return fail(Code::aborted, path, " has another size");
  }
  if (op.if_generation && *op.if_generation != file.generation) {
    return fail(Code::aborted, path, " has another generation");
  }
  auto whole = std::make_shared<std::string>(*file.bytes + *body_of(op.body, change.bodies));
  return publish(node->file, std::move(whole), change);
}

Result<> SimModel::run(const codec::Link& op, Change&) {
  const Node* node = find(op.from.path);
  if (node == nullptr) return missing(op.from.path);
  if (node->file == 0) return fail(Code::is_directory, op.from.path);
  NOKV_TRY(has_place(op.to.path));
  if (find(op.to.path) != nullptr) return fail(Code::already_exists, op.to.path);
  nodes_[op.to.path] = *node;
  ++files_[node->file].links;
  return {};
}

void SimModel::unlink(const std::string& path) {
  Node node = nodes_.at(path);
  nodes_.erase(path);
  if (node.file != 0 && --files_[node.file].links == 0) files_.erase(node.file);
}

void SimModel::move(const std::string& from, const std::string& to) {
  for (const std::string& each : below(from)) {
    nodes_[to + each.substr(from.size())] = nodes_.at(each);
    nodes_.erase(each);
  }
  nodes_[to] = nodes_.at(from);
  nodes_.erase(from);
}

Result<> SimModel::run(const codec::Rename& op, Change&) {
  const std::string& from = op.from.path;
  const std::string& to = op.to.path;
  const Node* node = find(from);
  if (node == nullptr) return missing(from);
  NOKV_TRY(has_place(to));
  const Node* there = find(to);
  if (to.starts_with(from + "/") ||
      (there != nullptr && from.starts_with(to + "/") && op.mode == codec::RenameMode::exchange)) {
    return fail(Code::invalid_argument, from, " cannot be moved into itself");
  }
  if (op.mode == codec::RenameMode::exchange && there == nullptr) return missing(to);
  if (there != nullptr && op.mode == codec::RenameMode::no_replace) {
    return fail(Code::already_exists, to);
  }
  if (from == to || (there != nullptr && there->file != 0 && there->file == node->file)) return {};
  if (op.mode == codec::RenameMode::exchange) {
    const std::string aside = "/.aside";
    move(from, aside);
    move(to, from);
    move(aside, to);
    return {};
  }
  if (there != nullptr) {
    if ((there->file == 0) != (node->file == 0)) return fail(Code::is_directory, to, " and not");
    if (there->file == 0 && !below(to).empty()) return fail(Code::not_empty, to);
    unlink(to);
  }
  move(from, to);
  return {};
}

Result<> SimModel::run(const codec::Remove& op, Change&) {
  const std::string& path = op.target.path;
  const Node* node = find(path);
  if (node == nullptr) {
    if (op.missing_ok) return {};
    return missing(path);
  }
  bool directory = node->file == 0;
  if (op.kind == codec::RemoveKind::file && directory) return fail(Code::is_directory, path);
  if (op.kind == codec::RemoveKind::directory && !directory) {
    return fail(Code::not_directory, path);
  }
  auto inside = below(path);
  if (op.kind == codec::RemoveKind::directory && !inside.empty()) {
    return fail(Code::not_empty, path);
  }
  for (const std::string& each : inside) {
    if (uint64_t file = nodes_.at(each).file; file != 0) files_[file].unsure_links = true;
    unlink(each);
  }
  unlink(path);
  return {};
}

Result<> SimModel::run(const codec::Check& op, Change&) {
  bool exists = is_directory(op.target.path) || find(op.target.path) != nullptr;
  if (op.exists && *op.exists != exists) return fail(Code::aborted, op.target.path);
  return {};
}

Result<> SimModel::run(const codec::SetQuota& op, Change&) {
  const Node* node = find(op.target.path);
  if (node == nullptr) return missing(op.target.path);
  if (node->file != 0) return fail(Code::not_directory, op.target.path);
  quotas_[node->directory] = op;
  return {};
}

SimModel::Usage SimModel::usage(const std::string& path) const {
  Usage out;
  for (const std::string& each : below(path)) {
    ++out.entries;
    uint64_t file = nodes_.at(each).file;
    if (file != 0) out.bytes += files_.at(file).bytes->size();
  }
  return out;
}

Result<> SimModel::check_quotas(const SimModel& before) const {
  if (quotas_.empty()) return {};
  std::map<uint64_t, std::string> places;
  for (const auto& [path, node] : before.nodes_) places.emplace(node.directory, path);
  for (const auto& [path, node] : nodes_) {
    auto quota = quotas_.find(node.directory);
    if (node.file != 0 || quota == quotas_.end()) continue;
    auto place = places.find(node.directory);
    Usage was = place == places.end() ? Usage() : before.usage(place->second);
    Usage is = usage(path);
    auto exceeds = [](uint64_t now, uint64_t then, std::optional<uint64_t> max) {
      return max.value_or(0) != 0 && now > *max && now > then;
    };
    if (exceeds(is.bytes, was.bytes, quota->second.max_bytes) ||
        exceeds(is.entries, was.entries, quota->second.max_entries)) {
      return fail(Code::quota_exceeded, path);
    }
  }
  return {};
}

Result<> SimModel::run(const codec::SnapshotCreate& op, Change&) {
  if (snapshots_.contains(op.name)) return fail(Code::already_exists, op.name);
  if (!is_directory(op.target.path == "/" ? "" : op.target.path)) return missing(op.target.path);
  snapshots_.insert(op.name);
  return {};
}

Result<> SimModel::run(const codec::SnapshotRemove& op, Change&) {
  if (snapshots_.erase(op.name) == 0) return missing(op.name);
  return {};
}

}  // namespace nokv::client
