#include <algorithm>

#include "meta/plan/plan.h"

namespace nokv::meta::planning {

namespace {

Result<> check_xattrs_size(const std::vector<codec::Xattr>& xattrs) {
  size_t bytes = 0;
  for (const auto& each : xattrs) bytes += each.name.size() + each.value.size();
  if (bytes <= codec::kXattrsMax) return {};
  return fail(Code::resource_exhausted, "extended attributes of ", bytes, " bytes; the limit is ",
              codec::kXattrsMax);
}

void set(codec::Attributes& attributes, const codec::SetAttributes& op, int64_t now) {
  if (op.mode) attributes.mode = *op.mode;
  if (op.uid) attributes.uid = *op.uid;
  if (op.gid) attributes.gid = *op.gid;
  if (op.mtime_ns) attributes.mtime_ns = *op.mtime_ns;
  if (op.mtime_now) attributes.mtime_ns = now;
  if (op.btime_ns) attributes.btime_ns = *op.btime_ns;
  attributes.ctime_ns = op.ctime_ns.value_or(now);
}

// Errors: already_exists, not_found, resource_exhausted.
Result<> set(std::vector<codec::Xattr>& xattrs, const codec::SetXattr& op,
             const std::string& path) {
  auto found = std::ranges::find(xattrs, op.name, &codec::Xattr::name);
  bool there = found != xattrs.end();
  if (there && op.value && op.exists == codec::Exists::create) {
    return fail(Code::already_exists, path, ": has an attribute '", op.name, "'");
  }
  if (!there && (!op.value || op.exists == codec::Exists::replace)) {
    return fail(Code::not_found, path, ": has no attribute '", op.name, "'");
  }
  if (!op.value) {
    xattrs.erase(found);
  } else if (there) {
    found->value = *op.value;
  } else {
    xattrs.push_back({op.name, *op.value});
    std::ranges::sort(xattrs, {}, &codec::Xattr::name);
  }
  auto fits = check_xattrs_size(xattrs);
  return fits ? fits : std::unexpected(std::move(fits).error().within(path));
}

// Runs `change(attributes, xattrs)` on whatever node `target` means.
template <class Change>
Result<OperationResult> change_node(Transaction& txn, const codec::Target& target, bool follow,
                                    codec::EventKind kind, const Change& change) {
  NOKV_ASSIGN(auto spot, txn.existing(target, follow));
  codec::Event event{kind, false, spot.path(), "", spot.id(), spot.found.entry->kind};
  if (spot.found.is_directory()) {
    NOKV_ASSIGN(DirectoryState * state, txn.directory(spot.id()));
    state->record.attributes.ctime_ns = txn.now_ns();
    NOKV_TRY(change(state->record.attributes, state->record.xattrs, spot.path()));
    txn.changed(spot.id(), *state, 0);
    txn.event(std::move(event));
  } else {
    NOKV_ASSIGN(auto file, txn.file(*spot.found.entry));
    file.inode.attributes.ctime_ns = txn.now_ns();
    NOKV_TRY(change(file.inode.attributes, file.inode.xattrs, spot.path()));
    event.generation = file.inode.body.generation;
    event.size = file.inode.body.size;
    NOKV_TRY(txn.put_file(spot, file, file.inode.body.size));
    NOKV_TRY(txn.file_event(spot, file, std::move(event)));
  }
  return OperationResult{spot.path(), spot.id()};
}

}  // namespace

Result<> check_xattr_name(const std::string& name) {
  if (!name.empty() && name.size() <= codec::kNameMax && name.find('\0') == std::string::npos) {
    return {};
  }
  return fail(Code::invalid_argument, "an attribute's name has 1 to ", codec::kNameMax,
              " bytes and no NUL");
}

Result<> check_xattrs(const std::vector<codec::Xattr>& xattrs) {
  for (const auto& each : xattrs) NOKV_TRY(check_xattr_name(each.name));
  // By name, as a record has them.
  for (size_t i = 1; i < xattrs.size(); ++i) {
    if (xattrs[i - 1].name < xattrs[i].name) continue;
    return fail(Code::invalid_argument, "the attributes come sorted by name, each once");
  }
  return check_xattrs_size(xattrs);
}

Result<OperationResult> run(Transaction& txn, const codec::SetAttributes& op) {
  NOKV_TRY(check_mode(op.mode.value_or(0)));
  return change_node(txn, op.target, op.follow, codec::EventKind::attributes,
                     [&](codec::Attributes& attributes, auto&, const std::string&) -> Result<> {
                       set(attributes, op, txn.now_ns());
                       return {};
                     });
}

Result<OperationResult> run(Transaction& txn, const codec::SetXattr& op) {
  NOKV_TRY(check_xattr_name(op.name));
  return change_node(txn, op.target, op.follow, codec::EventKind::xattr,
                     [&](auto&, std::vector<codec::Xattr>& xattrs, const std::string& path) {
                       return set(xattrs, op, path);
                     });
}

}  // namespace nokv::meta::planning
